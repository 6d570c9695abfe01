"""The other party goes on with somebody else, or stays; in every order in which that can go."""

import pytest

from engine.client.phone_stories import NO, PhoneStory
from offhook.engine.client import call_io as io
from offhook.engine.client import phone_io as phone
from offhook.engine.client.model import EndReason
from offhook.engine.client.negotiation import PostOffer
from offhook.errors import (
    CallAssociationError,
    CallEndedError,
    CallStateError,
    CallTimeoutError,
    NetworkError,
    ServiceError,
    TransferFailedError,
)
from offhook.wire.mobius import CauseCode, MobiusErrorCode

GONE = ServiceError("Gone.", 404)


@pytest.fixture
def s() -> PhoneStory:
    """Talking with Bob."""
    story = PhoneStory()
    story.talking("bob")
    return story


@pytest.fixture
def consulted(s: PhoneStory) -> PhoneStory:
    """Talking with Carol, whom Bob on hold is to be transferred to."""
    s.consult("carol", "bob")
    s.picks_up("carol")
    return s


def both_are_as_they_were(s: PhoneStory) -> bool:
    return s.calls["bob"].is_up and s.calls["bob"].held and s.heard == "carol"


# --- assisted -----------------------------------------------------------------------------------


@pytest.mark.parametrize("cause", [CauseCode.TRANSFERRED, CauseCode.NORMAL, None, 999])
def test_both_calls_end_as_transferred_whatever_cause_the_service_gives(consulted, cause):
    consulted.cause = cause
    command = consulted.transfer("bob", "carol")
    assert consulted.done(command)
    assert consulted.all(phone.PostTransfer) == [
        phone.PostTransfer(consulted.all(phone.PostTransfer)[0].request, to_call_id="id-carol")
    ]
    assert consulted.reason("bob") is consulted.reason("carol") is EndReason.TRANSFERRED
    assert consulted.all(io.AssociatedEnded) == []


def test_the_ends_may_come_before_the_answer(consulted):
    consulted.immediate = False
    command = consulted.transfer("bob", "carol")
    while consulted.events:
        consulted.events.popleft()()
    assert consulted.reason("bob") is EndReason.TRANSFERRED
    assert consulted.outcome(command) is None
    consulted.pump()
    assert consulted.done(command)


def test_a_transfer_to_somebody_whose_phone_still_rings(s):
    s.consult("carol", "bob")
    s.progress("carol")
    assert s.done(s.transfer("bob", "carol"))
    assert s.reason("carol") is EndReason.TRANSFERRED


@pytest.mark.parametrize("error", [NO, NetworkError("Away.")])
def test_a_transfer_that_is_refused_leaves_both(consulted, error):
    consulted.instead[phone.PostTransfer] = error
    failed = consulted.error(consulted.transfer("bob", "carol"))
    assert isinstance(failed, CallAssociationError)
    assert failed.error is error
    assert failed.retryable is error.retryable
    assert both_are_as_they_were(consulted)


def test_a_transfer_that_is_agreed_to_and_not_done_leaves_both(consulted):
    consulted.idle.add(phone.PostTransfer)
    command = consulted.transfer("bob", "carol")
    consulted.wait(11)
    assert isinstance(consulted.error(command), CallTimeoutError)
    assert both_are_as_they_were(consulted)
    consulted.ends("bob")
    assert consulted.reason("bob") is EndReason.REMOTE_HANGUP


def test_a_request_that_is_never_answered_fails_too(consulted):
    consulted.instead[phone.PostTransfer] = None
    command = consulted.transfer("bob", "carol")
    consulted.wait(31)
    assert isinstance(consulted.error(command), CallAssociationError)
    assert both_are_as_they_were(consulted)


@pytest.mark.parametrize("who", ["bob", "carol"])
def test_a_party_that_hangs_up_in_the_same_moment_ends_the_transfer(consulted, who):
    consulted.instead[phone.PostTransfer] = GONE
    consulted.immediate = False
    command = consulted.transfer("bob", "carol")
    consulted.ends(who)
    while consulted.events:
        consulted.events.popleft()()
    consulted.pump()
    assert isinstance(consulted.error(command), CallEndedError)
    assert consulted.reason(who) is EndReason.REMOTE_HANGUP
    [other] = {"bob", "carol"} - {who}
    assert consulted.calls[other].is_up


def test_a_leg_that_the_service_forgets_to_end_is_ended(consulted):
    consulted.idle.add(phone.PostTransfer)
    command = consulted.transfer("bob", "carol")
    consulted.ends("bob")
    assert consulted.outcome(command) is None
    consulted.wait(11)
    assert consulted.done(command)
    assert consulted.reason("carol") is not None


def test_with_another_call_on_hold_that_one_stays(consulted):
    s = PhoneStory()
    s.talking("dave", "bob")
    s.consult("carol", "bob")
    s.picks_up("carol")
    assert s.done(s.transfer("bob", "carol"))
    assert s.calls["dave"].held
    assert s.done(s.resume("dave"))
    assert s.heard == "dave"


def test_only_calls_that_are_up_are_transferred_and_only_to_another_one(s):
    with pytest.raises(CallStateError):
        s.transfer("bob", "bob")
    s.rings("carol")
    for key, to in (("carol", "bob"), ("bob", "carol")):
        assert isinstance(s.error(s.transfer(key, to)), CallStateError)
    s.ends("carol")
    assert isinstance(s.error(s.transfer("bob", "carol")), CallEndedError)
    with pytest.raises(CallEndedError):
        s.transfer("bob", "nobody")
    assert s.heard == "bob"
    assert s.requests == []


# --- direct -------------------------------------------------------------------------------------


def test_a_direct_transfer_ends_the_call_as_transferred(s):
    command = s.direct_transfer("bob", "1003")
    assert s.done(command)
    [asked] = s.all(phone.PostTransfer)
    assert asked.destination == "1003"
    assert s.reason("bob") is EndReason.TRANSFERRED


def test_a_direct_transfer_that_is_refused_leaves_the_call(s):
    s.instead[phone.PostTransfer] = NO
    failed = s.error(s.direct_transfer("bob"))
    assert isinstance(failed, TransferFailedError)
    assert (failed.reason, failed.error) == (EndReason.ERROR, NO)
    assert s.heard == "bob"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (MobiusErrorCode.USER_BUSY, EndReason.BUSY),
        (MobiusErrorCode.NUMBER_NOT_FOUND, EndReason.NOT_FOUND),
        (MobiusErrorCode.NOT_ACCEPTABLE, EndReason.ERROR),
    ],
)
def test_a_direct_transfer_to_somebody_who_cannot_be_called_says_why(s, code, reason):
    s.instead[phone.PostTransfer] = ServiceError("No.", 403, error_code=code)
    assert s.error(s.direct_transfer("bob")).reason is reason
    assert s.heard == "bob"


def test_the_other_party_hangs_up_while_it_is_transferred(s):
    s.instead[phone.PostTransfer] = GONE
    s.immediate = False
    command = s.direct_transfer("bob")
    s.ends("bob")
    s.events.popleft()()
    s.pump()
    error = s.error(command)
    assert isinstance(error, CallEndedError)
    assert error.reason is EndReason.REMOTE_HANGUP


# --- direct, and waiting ------------------------------------------------------------------------


def test_it_waits_until_the_target_has_answered(s):
    command = s.transfer_when_answered("bob", "carol")
    assert s.calls["bob"].held
    s.progress("carol")
    assert s.outcome(command) is None
    assert s.all(phone.PostTransfer) == []
    s.picks_up("carol")
    assert s.done(command)
    assert s.reason("bob") is s.reason("carol") is EndReason.TRANSFERRED


@pytest.mark.parametrize(
    ("fails", "reason"),
    [
        (lambda s: s.ends("carol", CauseCode.BUSY), EndReason.BUSY),
        (lambda s: s.ends("carol", CauseCode.REJECTED), EndReason.REJECTED),
        (lambda s: s.ends("carol", CauseCode.NOT_FOUND), EndReason.NOT_FOUND),
        (lambda s: s.ends("carol", CauseCode.NO_ANSWER), EndReason.NO_ANSWER),
        (lambda s: (s.progress("carol"), s.wait(31)), EndReason.NO_ANSWER),
    ],
)
@pytest.mark.parametrize("was_held", [True, False])
def test_a_target_that_does_not_take_it_gives_the_call_back(s, fails, reason, was_held):
    if was_held:
        s.hold("bob")
    command = s.transfer_when_answered("bob", "carol")
    fails(s)
    failed = s.error(command)
    assert isinstance(failed, TransferFailedError)
    assert failed.reason is reason
    assert s.calls["carol"].end is not None
    assert s.calls["bob"].held is was_held
    assert s.heard == (None if was_held else "bob")


def test_a_target_that_answers_in_the_moment_in_which_time_is_up_comes_too_late(s):
    command = s.transfer_when_answered("bob", "carol", 20.0)
    s.progress("carol")
    s.immediate = False
    s.picks_up("carol")
    s.wait(21)
    s.pump()
    error = s.error(command)
    assert isinstance(error, TransferFailedError)
    assert error.reason is EndReason.NO_ANSWER
    assert s.all(io.Disconnect, "carol")
    assert s.heard == "bob"


def test_the_other_party_hangs_up_while_the_target_is_called(s):
    command = s.transfer_when_answered("bob", "carol")
    s.progress("carol")
    s.ends("bob")
    error = s.error(command)
    assert isinstance(error, CallEndedError)
    assert error.reason is EndReason.REMOTE_HANGUP
    assert s.reason("carol") is EndReason.LOCAL_CANCEL


def test_who_gives_up_waiting_has_the_call_back_and_the_target_is_left_in_peace(s):
    command = s.transfer_when_answered("bob", "carol")
    s.progress("carol")
    s.feed(phone.GiveUp(command))
    assert s.error(command) is not None
    assert s.reason("carol") is EndReason.LOCAL_CANCEL
    assert s.heard == "bob"


def test_who_gives_up_while_the_call_is_put_on_hold_has_it_back(s):
    s.immediate = False
    command = s.transfer_when_answered("bob", "carol")
    s.feed(phone.GiveUp(command))
    s.pump()
    assert s.error(command) is not None
    assert s.all(PostOffer, "carol") == []
    assert s.heard == "bob"


def test_who_gives_up_when_the_target_has_answered_gives_up_too_late(s):
    command = s.transfer_when_answered("bob", "carol")
    s.idle.add(phone.PostTransfer)
    s.picks_up("carol")
    s.feed(phone.GiveUp(command))
    s.ends("bob", CauseCode.TRANSFERRED)
    s.ends("carol", CauseCode.TRANSFERRED)
    assert s.done(command)


def test_a_transfer_that_is_refused_when_the_target_has_answered_gives_the_call_back(s):
    s.instead[phone.PostTransfer] = NO
    command = s.transfer_when_answered("bob", "carol")
    s.picks_up("carol")
    assert isinstance(s.error(command), TransferFailedError)
    assert s.reason("carol") is EndReason.LOCAL_HANGUP
    assert s.heard == "bob"


def test_a_target_that_cannot_be_called_gives_the_call_back(s):
    s.instead["carol", PostOffer] = NO
    failed = s.error(s.transfer_when_answered("bob", "carol"))
    assert isinstance(failed, TransferFailedError)
    assert failed.error is NO
    assert s.heard == "bob"
    assert s.done(s.hold("bob"))
    assert s.done(s.resume("bob"))


def test_a_call_that_cannot_be_held_is_not_transferred(s):
    s.instead[io.PostHold] = NO
    assert isinstance(s.error(s.transfer_when_answered("bob", "carol")), TransferFailedError)
    assert s.heard == "bob"
    assert s.all(PostOffer, "carol") == []


@pytest.mark.parametrize("answered", [True, False])
def test_somebody_else_who_was_talked_to_is_talked_to_again(answered):
    s = PhoneStory()
    s.talking("bob", "dave")
    command = s.transfer_when_answered("bob", "carol")
    assert s.heard is None
    if answered:
        s.picks_up("carol")
    else:
        s.ends("carol", CauseCode.BUSY)
    assert s.done(command) is answered
    assert s.heard == "dave"


def test_the_other_call_may_be_talked_on_while_the_target_is_called(s):
    s.rings("dave")
    s.answer("dave")
    command = s.transfer_when_answered("bob", "carol")
    s.progress("carol")
    assert s.done(s.resume("dave"))
    s.ends("carol", CauseCode.BUSY)
    assert isinstance(s.error(command), TransferFailedError)
    assert s.heard == "dave"
