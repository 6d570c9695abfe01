"""A delivery is new once, for as long as it is remembered."""

from hypothesis import given
from hypothesis import strategies as st

from offhook.engine.duplicates import Duplicates


def test_any_key_that_was_seen_makes_a_duplicate() -> None:
    seen = Duplicates()
    assert seen.is_new([b"data", b"delivery"], 0)
    assert not seen.is_new([b"delivery"], 1)
    assert not seen.is_new([b"data", b"another delivery"], 2)
    assert seen.is_new([b"another delivery"], 3)  # A duplicate leaves no trace.


def test_what_was_not_dealt_with_may_come_again() -> None:
    seen = Duplicates()
    assert seen.is_new([b"a"], 0)
    seen.forget([b"a", b"b"])
    assert seen.is_new([b"a"], 0)


def test_of_too_many_the_oldest_is_forgotten() -> None:
    seen = Duplicates(most=2)
    for key in (b"a", b"b", b"c"):
        assert seen.is_new([key], 0)
    assert not seen.is_new([b"c"], 0)
    assert len(seen) <= 3
    assert seen.is_new([b"a"], 0)


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 30)), max_size=60))
def test_it_is_new_exactly_if_it_was_not_new_within_the_time(
    steps: list[tuple[int, float]],
) -> None:
    seen, last, now = Duplicates(seconds=60), dict[int, float](), 0.0
    for key, later in steps:
        now += later
        expected = key not in last or last[key] <= now - 60
        assert seen.is_new([bytes([key])], now) == expected
        if expected:
            last[key] = now
