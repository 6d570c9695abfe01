"""A receiver that fails and fails is disabled, as Webex does it."""

from offhook.engine.firehose.health import Active, Disabled, Health, Probation


def failing(state: Health, times: int, every: float, start: float = 0.0) -> Health:
    for number in range(times):
        assert not isinstance(state, Disabled)
        state = state.failed(start + number * every)
    return state


def test_a_hundred_failures_in_five_minutes_disable_it() -> None:
    assert isinstance(failing(Active(), 99, 1.0), Active)
    assert failing(Active(), 100, 1.0) == Disabled(99.0)


def test_failures_that_are_long_ago_do_not_count() -> None:
    assert isinstance(failing(Active(), 500, 3.1), Active)


def test_set_active_again_soon_one_failure_is_enough() -> None:
    again = Disabled(1000.0).activated(1299.0)
    assert isinstance(again, Probation)
    assert again.failed(1300.0) == Disabled(1300.0)


def test_set_active_again_later_it_starts_afresh() -> None:
    again = Disabled(1000.0).activated(1300.0)
    assert isinstance(failing(again, 99, 1.0, 1300.0), Active)


def test_probation_ends() -> None:
    again = Disabled(1000.0).activated(1100.0)
    assert isinstance(failing(again, 99, 1.0, 1400.0), Active)
