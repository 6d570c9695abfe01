"""Two calls of one phone: who is heard, who is on hold, and what is left when something fails."""

import pytest

from engine.client.phone_stories import NO, PhoneStory
from offhook.engine.client import call_io as io
from offhook.engine.client.model import CallStatus, Direction, EndReason
from offhook.engine.client.negotiation import PostOffer
from offhook.errors import CallEndedError, CallStateError, CallTimeoutError, NetworkError
from offhook.wire.mobius import CauseCode, MidCallState


@pytest.fixture
def s() -> PhoneStory:
    """Talking with Bob."""
    story = PhoneStory()
    story.talking("bob")
    return story


@pytest.fixture
def both(s: PhoneStory) -> PhoneStory:
    """Talking with Carol, Bob on hold."""
    s.rings("carol")
    s.answer("carol")
    assert s.heard == "carol"
    return s


# --- a second call comes ------------------------------------------------------------------------


def test_answering_a_second_call_puts_the_first_on_hold_before(s):
    s.rings("carol")
    assert s.heard == "bob"
    command = s.answer("carol")
    assert s.done(command)
    assert s.heard == "carol"
    assert s.all(io.HoldChanged, "bob") == [io.HoldChanged(held=True, by_local=True)]
    order = [effect for _, effect in s.effects]
    assert order.index(io.HoldChanged(held=True, by_local=True)) < order.index(io.PatchConnected())


def test_rejecting_a_second_call_leaves_the_first_untouched(s):
    s.rings("carol")
    s.call("carol", io.Reject())
    assert s.heard == "bob"
    assert s.requests == []


def test_answering_conflicts_with_a_call_that_is_heard_and_not_with_one_on_hold(s):
    s.rings("carol")
    assert s.phone.conflicts(s.calls["carol"])
    s.hold("bob")
    assert not s.phone.conflicts(s.calls["carol"])


def test_a_first_call_that_cannot_be_held_leaves_the_second_one_ringing(s):
    s.rings("carol")
    s.instead[io.PostHold] = NO
    command = s.answer("carol")
    assert s.error(command) is NO
    assert s.heard == "bob"
    assert s.calls["carol"].status is CallStatus.RINGING
    s.instead.clear()
    assert s.done(s.answer("carol"))


def test_a_caller_who_gives_up_while_the_first_call_is_put_on_hold_gives_that_one_back(s):
    s.rings("carol")
    s.instead[io.PostHold] = None
    command = s.answer("carol")
    s.ends("carol")
    s.instead.clear()
    s.state("bob", MidCallState.HELD)
    s.wait(11)
    assert isinstance(s.error(command), CallEndedError)
    assert s.heard == "bob"


def test_an_answer_that_comes_to_nothing_gives_the_first_call_back(s):
    s.rings("carol")
    s.instead[io.PatchConnected] = NO
    command = s.answer("carol")
    assert s.error(command) is NO
    assert s.reason("carol") is EndReason.ERROR
    assert s.heard == "bob"


def test_a_first_call_that_ends_while_it_is_put_on_hold_is_not_in_the_way(s):
    s.rings("carol")
    s.instead[io.PostHold] = None
    command = s.answer("carol")
    assert s.outcome(command) is None
    s.ends("bob")
    assert s.done(command)
    assert s.heard == "carol"


def test_two_calls_are_as_many_as_there_may_be(both):
    assert both.phone.is_full
    with pytest.raises(CallStateError):
        both.new(Direction.INCOMING, "dave")
    both.hang_up("bob")
    assert not both.phone.is_full


def test_when_the_one_that_is_heard_ends_the_other_stays_on_hold(both):
    both.ends("carol")
    assert both.heard is None
    assert both.calls["bob"].held
    assert both.done(both.resume("bob"))
    assert both.heard == "bob"


# --- switching ----------------------------------------------------------------------------------


def test_resuming_one_holds_the_other_first_back_and_forth(both):
    for name in ("bob", "carol", "bob"):
        before = len(both.requests)
        assert both.done(both.resume(name))
        assert both.heard == name
        assert both.requests[before:] == [io.PostHold(held=True), io.PostHold(held=False)]


def test_a_hold_that_fails_stops_the_switching(both):
    both.instead[io.PostHold] = NO
    assert both.error(both.resume("bob")) is NO
    assert both.heard == "carol"


def test_a_resume_that_is_refused_gives_the_other_one_back(both):
    both.instead["bob", io.PostHold] = NO
    assert both.error(both.resume("bob")) is NO
    assert both.heard == "carol"
    assert both.calls["bob"].held


def test_a_resume_of_which_nobody_knows_leaves_both_to_be_resumed(both):
    both.idle.add(io.PostHold)
    both.state("carol", MidCallState.HELD)
    command = both.resume("bob")
    both.wait(11)
    assert isinstance(both.error(command), CallTimeoutError)
    assert both.heard is None
    both.idle.clear()
    assert both.done(both.resume("carol"))
    assert both.heard == "carol"


def test_asked_to_resume_both_at_once_the_later_one_is_heard(both):
    both.hold("carol")
    both.immediate = False
    before = len(both.requests)
    first, second = both.resume("bob"), both.resume("carol")
    both.pump()
    assert both.done(first)
    assert both.done(second)
    assert both.heard == "carol"
    in_turn = [io.PostHold(held=False), io.PostHold(held=True), io.PostHold(held=False)]
    assert both.requests[before:] == in_turn


def test_a_call_that_is_not_up_is_not_resumed_and_nothing_is_held_for_it(s):
    s.rings("carol")
    assert isinstance(s.error(s.resume("carol")), CallStateError)
    assert s.heard == "bob"
    assert s.requests == []


def test_a_call_resumed_from_elsewhere_silences_the_other_at_once(both):
    """The service holds that one as well, and says so a moment later."""
    both.state("bob", MidCallState.CONNECTED)
    assert both.heard == "bob"
    assert both.all(io.PostHold, "carol") == [io.PostHold(held=True)]
    assert both.all(io.HoldChanged, "carol")[-1] == io.HoldChanged(held=True, by_local=False)
    both.state("carol", MidCallState.HELD)
    assert both.done(both.resume("carol"))
    assert both.heard == "carol"


def test_both_resumed_from_elsewhere_in_disorder_the_later_one_is_heard(both):
    both.state("bob", MidCallState.CONNECTED)
    both.state("carol", MidCallState.CONNECTED)
    assert both.heard == "carol"
    assert both.calls["bob"].held
    both.wait(11)
    assert both.heard == "carol"


# --- a second call is placed --------------------------------------------------------------------


def test_placing_a_second_call_puts_the_first_on_hold_before(s):
    command = s.dial("carol")
    assert s.done(command)
    assert s.heard is None
    assert s.calls["bob"].held
    s.picks_up("carol")
    assert s.heard == "carol"


def test_a_second_call_that_the_service_refuses_gives_the_first_one_back(s):
    s.instead[PostOffer] = NO
    command = s.dial("carol")
    assert s.error(command) is NO
    assert s.reason("carol") is EndReason.ERROR
    assert s.heard == "bob"


def test_a_second_call_is_not_placed_while_the_first_cannot_be_held(s):
    away = NetworkError("Away.")
    s.instead[io.PostHold] = away
    command = s.dial("carol")
    assert s.error(command) is away
    assert s.heard == "bob"
    assert s.reason("carol") is EndReason.LOCAL_CANCEL
    assert s.all(io.Disconnect, "carol") == []


def test_the_first_call_may_be_resumed_while_the_second_rings_and_is_silent_once_it_is_answered(s):
    s.dial("carol")
    s.progress("carol")
    s.resume("bob")
    assert s.heard == "bob"
    s.picks_up("carol")
    assert s.heard == "carol"
    assert s.calls["bob"].held


# --- a consultation -----------------------------------------------------------------------------


def test_a_consultation_holds_the_call_that_it_is_begun_from(s):
    command = s.consult("carol", "bob")
    assert s.done(command)
    assert s.calls["bob"].held
    assert s.phone.origin_of(s.calls["carol"]) is s.calls["bob"]


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (lambda s: s.ends("carol", CauseCode.BUSY), EndReason.BUSY),
        (lambda s: s.ends("carol", CauseCode.REJECTED), EndReason.REJECTED),
        (lambda s: s.hang_up("carol"), EndReason.LOCAL_CANCEL),
        (lambda s: (s.picks_up("carol"), s.hang_up("carol")), EndReason.LOCAL_HANGUP),
        (lambda s: (s.picks_up("carol"), s.ends("carol")), EndReason.REMOTE_HANGUP),
        (lambda s: s.wait(70), EndReason.ERROR),
    ],
)
def test_a_consultation_that_comes_to_nothing_is_told_to_the_first_call(s, end, reason):
    s.consult("carol", "bob")
    end(s)
    assert s.all(io.AssociatedEnded) == [io.AssociatedEnded("carol", reason)]
    assert s.phone.origin_of(s.calls["carol"]) is None
    assert s.done(s.resume("bob"))
    assert s.heard == "bob"


def test_a_first_call_that_ends_leaves_the_consultation_an_ordinary_call(s):
    s.consult("carol", "bob")
    s.picks_up("carol")
    s.ends("bob")
    assert s.phone.origin_of(s.calls["carol"]) is None
    s.ends("carol")
    assert s.all(io.AssociatedEnded) == []


def test_a_third_call_may_be_placed_to_consult_and_only_to_consult(both):
    with pytest.raises(CallStateError):
        both.dial("dave")
    assert both.done(both.consult("dave", "bob"))
    assert both.heard is None
    both.picks_up("dave")
    assert both.heard == "dave"
    with pytest.raises(CallStateError):
        both.consult("erin", "bob")


def test_a_consultation_that_cannot_be_placed_gives_the_floor_back_to_whoever_had_it(both):
    both.instead[PostOffer] = NO
    assert both.error(both.consult("dave", "bob")) is NO
    assert both.heard == "carol"
    assert both.all(io.AssociatedEnded) == []


def test_nobody_is_consulted_from_a_call_that_is_not_up(s):
    s.rings("carol")
    assert isinstance(s.error(s.consult("dave", "carol")), CallStateError)
    assert s.reason("dave") is EndReason.LOCAL_CANCEL
    assert s.heard == "bob"
