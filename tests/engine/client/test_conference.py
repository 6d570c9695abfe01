"""Two calls become a conference, and who is in it."""

import pytest

from engine.client.phone_stories import NO, PhoneStory, caller, participant
from offhook.engine.client import call_io as io
from offhook.engine.client import phone_io as phone
from offhook.engine.client.model import Direction, EndReason
from offhook.errors import CallAssociationError, CallEndedError, CallStateError, CallTimeoutError
from offhook.wire.mobius import CauseCode, MobiusEventType


@pytest.fixture
def s() -> PhoneStory:
    """Talking with Carol, who was called to be added to the call with Bob, who is on hold."""
    story = PhoneStory()
    story.talking("bob")
    story.consult("carol", "bob")
    story.picks_up("carol")
    return story


def names(s: PhoneStory, key: str) -> list[str]:
    return [member.name for member in s.calls[key].members]


def test_the_new_call_becomes_the_conference_and_the_old_one_ends(s):
    command = s.merge("carol", "bob")
    assert s.done(command)
    [asked] = s.all(phone.PostConference)
    assert asked.call_ids == ("id-carol", "id-bob")
    assert s.reason("bob") is EndReason.MERGED
    assert s.heard == "carol"
    assert s.calls["carol"].info.roster.conference
    assert names(s, "carol") == ["me", "carol", "bob"]
    joined = s.all(io.MemberChanged, "carol")
    assert [(news.change, news.member.name) for news in joined] == [(io.Change.JOINED, "bob")]
    assert s.all(io.AssociatedEnded) == []


def test_one_more_is_added_to_a_conference(s):
    s.merge("carol", "bob")
    s.consult("dave", "carol")
    s.picks_up("dave")
    assert s.done(s.merge("dave", "carol"))
    assert s.heard == "dave"
    assert names(s, "dave") == ["me", "dave", "carol", "bob"]


@pytest.mark.parametrize("talked_on", ["bob", "carol"])
def test_whichever_was_talked_on_the_conference_is_talked_on(s, talked_on):
    s.resume(talked_on)
    assert s.done(s.merge("carol", "bob"))
    assert s.heard == "carol"


def test_two_calls_on_hold_are_a_conference_that_is_talked_in(s):
    s.hold("carol")
    assert s.done(s.merge("carol", "bob"))
    assert s.heard == "carol"


def test_a_conference_that_cannot_be_resumed_is_one_all_the_same(s):
    s.hold("carol")
    s.instead[io.PostHold] = NO
    assert s.done(s.merge("carol", "bob"))
    assert s.heard is None


@pytest.mark.parametrize("agreed", [True, False])
def test_who_merges_two_calls_talks_on_no_third_one(agreed):
    s = PhoneStory()
    s.talking("bob", "dave")
    s.consult("carol", "bob")
    s.picks_up("carol")
    s.resume("dave")
    if not agreed:
        s.instead[phone.PostConference] = NO
    assert s.done(s.merge("carol", "bob")) is agreed
    assert s.heard == ("carol" if agreed else "dave")


def test_calls_that_are_not_merged_stay_as_they_were(s):
    s.instead[phone.PostConference] = NO
    failed = s.error(s.merge("carol", "bob"))
    assert isinstance(failed, CallAssociationError)
    assert failed.error is NO
    assert s.heard == "carol"
    assert s.calls["bob"].held
    s.instead.clear()
    assert s.done(s.merge("carol", "bob"))


def test_a_service_that_agrees_and_does_nothing_fails_in_time(s):
    s.idle.add(phone.PostConference)
    command = s.merge("carol", "bob")
    s.wait(11)
    assert isinstance(s.error(command), CallAssociationError)
    assert isinstance(s.error(command).error, CallTimeoutError)
    assert s.heard == "carol"


def test_a_cloud_that_tells_nothing_of_conferences_is_believed_in_the_end(s):
    s.idle.add(phone.PostConference)
    command = s.merge("carol", "bob")
    s.ends("bob", CauseCode.NORMAL)
    assert s.outcome(command) is None
    s.wait(3)
    assert s.done(command)
    assert s.reason("bob") is EndReason.MERGED


@pytest.mark.parametrize("who", ["bob", "carol"])
def test_who_hangs_up_in_the_same_moment_is_not_in_a_conference(s, who):
    s.idle.add(phone.PostConference)
    command = s.merge("carol", "bob")
    s.ends(who, CauseCode.BUSY)
    s.wait(3)
    assert isinstance(s.error(command), CallEndedError)


def test_only_two_calls_that_are_up_can_be_merged(s):
    with pytest.raises(CallStateError):
        s.merge("carol", "carol")
    s.hang_up("bob")
    assert isinstance(s.error(s.merge("carol", "bob")), CallEndedError)
    s.rings("dave")
    assert isinstance(s.error(s.merge("carol", "dave")), CallStateError)
    assert s.all(phone.PostConference) == []


# --- who is in a call ---------------------------------------------------------------------------


def test_until_somebody_tells_there_are_the_two_who_must_be():
    s = PhoneStory()
    s.talking("bob")
    own, other = s.calls["bob"].members
    assert (own.is_self, other.is_self, other.name) == (True, False, "bob")
    s.hold("bob")
    assert s.calls["bob"].members[0].held


def test_who_joins_leaves_holds_and_is_muted_is_told_once():
    s = PhoneStory()
    s.talking("bob")
    me, bob = participant("me", isSelf=True), participant("bob")

    def now(*participants, conference=False) -> list[tuple[io.Change, str]]:
        before = len(s.all(io.MemberChanged))
        s.told("bob", "participants", participants=list(participants), conference=conference)
        return [(news.change, news.member.name) for news in s.all(io.MemberChanged)[before:]]

    assert now(me, bob) == []
    assert now(me, participant("bob", held=True)) == [(io.Change.HELD, "bob")]
    assert now(me, bob, participant("carol"), conference=True) == [
        (io.Change.HELD, "bob"),
        (io.Change.JOINED, "carol"),
    ]
    assert now(me, bob, participant("carol", muted=True), conference=True) == [
        (io.Change.MUTED, "carol")
    ]
    assert now(me, participant("carol", muted=True)) == [(io.Change.LEFT, "bob")]
    assert not s.calls["bob"].info.roster.conference
    assert names(s, "bob") == ["me", "carol"]


def test_a_host_that_merges_goes_on_on_another_leg_and_nobody_left():
    s = PhoneStory()
    s.talking("bob")
    me, bob = participant("me", isSelf=True), participant("bob", personId="bob", held=True)
    carol, other_leg = participant("carol", personId="carol"), participant("bob", personId="bob")
    other_leg.participantId = "p-another"
    s.told("bob", "participants", participants=[me, bob], conference=False)
    before = len(s.all(io.MemberChanged))
    s.told("bob", "participants", participants=[me, other_leg, carol], conference=True)
    assert [(news.change, news.member.name) for news in s.all(io.MemberChanged)[before:]] == [
        (io.Change.HELD, "bob"),
        (io.Change.JOINED, "carol"),
    ]


def test_one_of_two_phones_of_a_person_leaves_and_the_other_stays():
    s = PhoneStory()
    s.talking("bob")
    two = [participant(name, personId="carol") for name in ("carol", "carols")]
    s.told("bob", "participants", participants=[*two, participant("bob")], conference=True)
    s.told("bob", "activeSpeaker", participantId="p-carol")
    before = len(s.all(io.MemberChanged))
    s.told("bob", "participants", participants=[two[1], participant("bob")], conference=False)
    assert [(news.change, news.member.name) for news in s.all(io.MemberChanged)[before:]] == [
        (io.Change.LEFT, "carol")
    ]
    assert s.calls["bob"].info.roster.speaker is None


def test_who_speaks_goes_on_speaking_on_another_leg():
    s = PhoneStory()
    s.talking("bob")
    three = [participant(name, personId=name) for name in ("bob", "carol", "dave")]
    s.told("bob", "participants", participants=three, conference=True)
    s.told("bob", "activeSpeaker", participantId="p-carol")
    three[1].participantId = "p-another"
    s.told("bob", "participants", participants=three, conference=True)
    speaker = s.calls["bob"].info.roster.speaker
    assert speaker is not None
    assert (speaker.name, speaker.participant_id) == ("carol", "p-another")


def test_the_loudest_is_told_when_it_is_another_one():
    s = PhoneStory()
    s.talking("bob")
    three = [participant(name) for name in ("bob", "carol", "dave")]
    s.told("bob", "participants", participants=three, conference=True)
    for name in ("carol", "carol", "nobody", "bob"):
        s.told("bob", "activeSpeaker", participantId=f"p-{name}")
    changes = [(e.before and e.before.name, e.now.name) for e in s.all(io.SpeakerChanged)]
    assert changes == [(None, "carol"), ("carol", "bob")]
    s.told("bob", "participants", participants=three[1:], conference=True)
    assert s.calls["bob"].info.roster.speaker is None


def test_the_service_mutes_and_unmutes_this_side():
    s = PhoneStory()
    s.talking("bob")
    for muted in (True, True, False):
        s.told("bob", "muted", muted=muted)
    assert s.all(io.MutedByService) == [io.MutedByService(True), io.MutedByService(False)]
    assert not s.calls["bob"].members[0].muted


def test_what_nobody_knows_is_passed_over():
    s = PhoneStory()
    s.talking("bob")
    before = len(s.effects)
    for kind in ("whatever", "participants", "activeSpeaker", "muted"):
        s.told("bob", kind)
    assert len(s.effects) == before


# --- a call that comes --------------------------------------------------------------------------


def test_a_call_to_a_group_says_which():
    s = PhoneStory()
    s.new(Direction.INCOMING, "bob")
    s.event("bob", MobiusEventType.CALL, callerId=caller("bob"), group=caller("Sales"))
    s.pump()
    group = s.calls["bob"].info.group
    assert group.name == "Sales"
    assert group.number


@pytest.mark.parametrize("at_once", [True, False])
def test_a_person_asks_from_elsewhere_that_the_call_be_answered_here(at_once):
    s = PhoneStory()
    s.new(Direction.INCOMING, "bob")
    s.event("bob", MobiusEventType.CALL, callerId=caller("bob"), answerNow=at_once or None)
    s.pump()
    if not at_once:
        s.told("bob", "answerRequested")
    assert s.all(io.AnswerRequested) == [io.AnswerRequested()]
