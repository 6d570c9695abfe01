"""A bucket that refills steadily."""

import pytest

from offhook.serving.errors import ApiError
from offhook.serving.rate import RateLimit


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_as_many_as_allowed_at_once_and_then_as_they_refill() -> None:
    clock = Clock()
    limit = RateLimit(3, 30, clock)
    assert [limit.wait_for("a") for _ in range(4)] == [0, 0, 0, 10]
    clock.now += 9
    assert limit.wait_for("a") == 1
    clock.now += 1
    assert [limit.wait_for("a"), limit.wait_for("a")] == [0, 10]


def test_keys_do_not_disturb_each_other() -> None:
    limit = RateLimit(1, 60, Clock())
    assert limit.wait_for("a") == 0
    assert limit.wait_for("b") == 0
    assert limit.wait_for("a") == 60


def test_what_is_given_back_can_be_taken_again_but_never_more_than_there_were() -> None:
    limit = RateLimit(2, 60, Clock())
    for _ in range(5):
        limit.give_back("a")
    assert [limit.wait_for("a") for _ in range(3)] == [0, 0, 30]
    limit.give_back("a")
    assert limit.wait_for("a") == 0


def test_the_refusal_says_when_to_come_back() -> None:
    limit = RateLimit(1, 60, Clock())
    limit.check("a")
    with pytest.raises(ApiError) as refused:
        limit.check("a")
    assert (refused.value.status, refused.value.headers) == (429, {"retry-after": "60"})


def test_many_keys_do_not_fill_the_memory_and_the_busy_ones_are_remembered() -> None:
    limit = RateLimit(1, 1e9, Clock())
    assert limit.wait_for("busy") == 0
    for number in range(30_000):
        limit.wait_for(f"key {number}")
        if number % 1000 == 0:
            assert limit.wait_for("busy") > 0
    assert limit.wait_for("key 0") == 0
