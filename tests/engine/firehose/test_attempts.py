"""An event is tried at 0, 1, 2, 4 and 8 s, and never after it ceases to matter."""

from hypothesis import given
from hypothesis import strategies as st

from offhook.engine.firehose.attempts import OFFSETS, TIMEOUT, Delivered, GivenUp, Trying, Waiting


def tried(until: float, each_takes: float) -> list[float]:
    """When a receiver that always fails is tried."""
    times = []
    state = Waiting.accepted_at(100.0, 100.0 + until)
    while isinstance(state, Waiting):
        trying = state.begin(state.at)
        if isinstance(trying, GivenUp):
            break
        times.append(state.at - 100.0)
        state = trying.failed(state.at + min(each_takes, trying.seconds))
    return times


def test_a_receiver_that_fails_at_once_is_tried_five_times() -> None:
    assert tried(45.0, 0.0) == [0.0, 1.0, 2.0, 4.0, 8.0]


def test_a_receiver_that_does_not_answer_is_tried_again_after_each_time_out() -> None:
    assert tried(45.0, 60.0) == [0.0, 5.0, 10.0, 15.0, 20.0]


def test_nothing_is_tried_after_the_ring_window() -> None:
    assert tried(3.0, 0.0) == [0.0, 1.0, 2.0]
    assert tried(0.0, 0.0) == []
    late = Waiting(100.0, 110.0, 108.0, 4).begin(110.0)
    assert late == GivenUp(4)


def test_an_attempt_ends_with_the_ring_window_at_the_latest() -> None:
    waiting = Waiting.accepted_at(100.0, 102.5)
    assert isinstance(waiting, Waiting)
    trying = waiting.begin(101.0)
    assert isinstance(trying, Trying)
    assert trying.seconds == 1.5


def test_what_is_taken_is_done() -> None:
    assert Trying(0.0, 10.0, 2, TIMEOUT).delivered() == Delivered(2)


@given(st.floats(0.1, 100), st.floats(0, 10))
def test_attempts_are_few_in_order_and_in_time(until: float, takes: float) -> None:
    times = tried(until, takes)
    assert len(times) <= len(OFFSETS)
    assert times == sorted(times)
    assert all(at < until for at in times)
