"""What becomes of a call that a push announced, with the time passed in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.engine.client import pushed_call as io
from offhook.engine.client.model import EndReason
from offhook.engine.client.pushed_call import PushedCall
from offhook.errors import NetworkError, NotAuthorizedError
from offhook.wire.ringing_call import RingingState

AWAY = NetworkError("Away.")


class Story:
    """A push at time 0 for a call that rings for `left` seconds."""

    def __init__(self, left: float | None = 30.0, *, asks: bool = True) -> None:
        self.machine = PushedCall(now=0.0, left=left, asks=asks)
        self.now = 0.0
        self.asked: list[float] = []
        self.at(0.0, io.Tick())

    def at(self, now: float, event: io.Input) -> io.Outcome | None:
        """First the ticks that are due until then, then the event."""
        while (due := self.machine.deadline) is not None and due < now:
            self._feed(io.Tick(), due)
        self._feed(event, now)
        return self.machine.outcome

    def until_the_end(self) -> tuple[io.Outcome, float]:
        while (due := self.machine.deadline) is not None:
            self._feed(io.Tick(), due)
        assert self.machine.outcome is not None
        return self.machine.outcome, self.now

    def _feed(self, event: io.Input, now: float) -> None:
        self.now = max(self.now, now)
        for effect in self.machine.handle(event, self.now):
            assert effect == io.Ask()
            self.asked.append(self.now)


def test_the_call_comes() -> None:
    story = Story()
    assert story.asked == [0.0], "the question goes out at once"
    assert story.at(0.1, io.Rang()) == io.Rings()
    assert story.machine.deadline is None
    assert story.at(0.2, io.EndedHere(EndReason.LOCAL_REJECT)) == io.Rings(), "decided once"


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (RingingState.ANSWERED, EndReason.ANSWERED_ELSEWHERE),
        (RingingState.DECLINED, EndReason.REJECTED),
        (RingingState.CANCELLED, EndReason.REMOTE_CANCEL),
        (RingingState.NO_ANSWER, EndReason.NO_ANSWER),
        (RingingState.FAILED, EndReason.ERROR),
    ],
)
def test_a_call_that_is_over_is_told_with_its_reason(state: RingingState, reason: EndReason):
    assert Story().at(0.1, io.Stands(state)) == io.CallOver(reason)


def test_every_state_of_the_cloud_means_something() -> None:
    for state in RingingState:
        outcome = Story().at(0.1, io.Stands(state))
        assert (outcome is None) == (state is RingingState.RINGING)


def test_a_call_that_is_not_known_any_more_is_over() -> None:
    assert Story().at(0.1, io.Unknown()) == io.CallOver(EndReason.SERVICE_LOST)


def test_a_call_that_ended_here_before_anybody_was_told_is_over() -> None:
    outcome = Story().at(0.1, io.EndedHere(EndReason.REMOTE_CANCEL))
    assert outcome == io.CallOver(EndReason.REMOTE_CANCEL)


def test_a_third_call() -> None:
    assert Story().at(0.1, io.Third()) == io.TooMany()


def test_what_happens_while_the_line_comes_about_is_asked_for_when_it_stands() -> None:
    story = Story()
    story.at(0.1, io.Stands(RingingState.RINGING, 20.0))
    story.at(8.0, io.LineStands())
    story.at(8.0 + 2 * io.ASK_AGAIN, io.Tick())
    assert story.asked[0] == 0.0
    assert 8.0 + io.ASK_AGAIN in story.asked
    outcome = story.at(9.9, io.Stands(RingingState.ANSWERED))
    assert outcome == io.CallOver(EndReason.ANSWERED_ELSEWHERE)


def test_a_line_that_stands_already_does_not_put_the_question_off() -> None:
    machine = PushedCall(now=0.0, left=30.0, asks=True)
    machine.handle(io.LineStands(), 0.0)
    assert machine.handle(io.Tick(), 0.0) == [io.Ask()]


def test_only_one_question_is_on_its_way_at_a_time() -> None:
    story = Story(10.0)
    story.at(0.1, io.LineStands())
    story.until_the_end()
    assert story.asked == [0.0]


def test_the_clouds_clock_counts_and_not_the_phones() -> None:
    story = Story(-3600.0)
    story.at(0.1, io.Stands(RingingState.RINGING, 25.0))
    assert story.at(20.0, io.Rang()) == io.Rings()


def test_a_window_that_closes_without_the_call_is_asked_about_once_more() -> None:
    story = Story(10.0)
    story.at(0.1, io.Stands(RingingState.RINGING))
    story.at(10.1, io.Tick())
    assert story.asked[-1] == pytest.approx(10.0, abs=io.ASK_AGAIN)
    outcome = story.at(10.2, io.Stands(RingingState.NO_ANSWER))
    assert outcome == io.CallOver(EndReason.NO_ANSWER)


def test_a_call_that_is_said_to_ring_and_never_comes_is_not_waited_for_without_end() -> None:
    story = Story(10.0)
    story.at(0.1, io.Stands(RingingState.RINGING))
    outcome, when = story.until_the_end()
    assert outcome == io.CallOver(EndReason.NO_ANSWER)
    assert when <= 10.0 + io.SHORTEST


@pytest.mark.parametrize(("left", "least"), [(None, io.WITHOUT_WINDOW), (7.0, 7.0)])
def test_a_cloud_that_cannot_be_asked_is_waited_for(left: float | None, least: float) -> None:
    story = Story(left, asks=False)
    assert not story.asked
    outcome, when = story.until_the_end()
    assert (outcome, when) == (io.NothingCame(), least)


def test_no_line_for_now_is_the_reason_once_the_time_is_up() -> None:
    story = Story(5.0)
    assert story.at(0.5, io.LineFailed(AWAY, final=False)) is None
    assert story.until_the_end() == (io.Failed(AWAY), 5.0)


def test_no_line_for_now_and_then_the_call() -> None:
    story = Story(5.0)
    story.at(0.5, io.LineFailed(AWAY, final=False))
    story.at(1.0, io.LineStands())
    assert story.at(1.1, io.Rang()) == io.Rings()


def test_no_line_for_good_ends_the_wait() -> None:
    refused = NotAuthorizedError("No.")
    assert Story().at(0.5, io.LineFailed(refused, final=True)) == io.Failed(refused)


EVENTS = st.one_of(
    st.builds(io.Stands, st.just(RingingState.RINGING), st.none() | st.floats(-1e9, 1e9)),
    st.just(io.CannotSay()),
    st.just(io.LineStands()),
    st.just(io.LineFailed(AWAY, final=False)),
    st.just(io.Tick()),
)


@given(
    st.none() | st.floats(-1e9, 1e9),
    st.booleans(),
    st.lists(st.tuples(st.floats(0, 5), EVENTS), max_size=20),
)
def test_the_wait_always_ends(
    left: float | None, asks: bool, events: list[tuple[float, io.Input]]
) -> None:
    story = Story(left, asks=asks)
    for pause, event in events:
        story.at(story.now + pause, event)
    last = story.now
    _, when = story.until_the_end()
    assert when - last <= io.LONGEST + io.SHORTEST + 1e-6  # sums of floats
    assert len(story.asked) < 200
