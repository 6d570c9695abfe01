"""Commands over REST about a person's calls, from anywhere, while phones carry the audio."""

from dataclasses import replace

import pytest

from engine.exchange.stories import ALICE, BOB, CAROL, DAVE, EVERYBODY, World, service, town
from offhook.engine.exchange import effects as out
from offhook.engine.exchange import inputs as put
from offhook.engine.exchange.effects import Sound
from offhook.engine.exchange.model import (
    EndReason,
    GroupTarget,
    HuntPolicy,
    Party,
    PersonTarget,
    Redirection,
    RedirectionReason,
    Rules,
    ServiceNumber,
    Target,
    UnknownTarget,
)
from offhook.engine.exchange.views import Personality, ViewState
from offhook.wire.mobius import CauseCode, MobiusErrorCode


@pytest.fixture
def world() -> World:
    return town()


def click(world: World, person: Party, target: Target | Party) -> list[out.Effect]:
    goal = PersonTarget(target) if isinstance(target, Party) else target
    return world.put(
        put.ClickToDial(person.person_id, "clicked", "session-c", "tracking-c", "1002", goal)
    )


def only_view(world: World, person: Party) -> str:
    (view,) = world.exchange.views(person.person_id)
    return view.view_id


# --- dial ---


def test_dialled_from_elsewhere_the_own_phone_rings_then_the_others(world: World) -> None:
    click(world, ALICE, BOB)
    (incoming,) = world.news(world.incoming("a1"))
    assert incoming == out.Incoming(BOB, answer_now=True)
    mine = world.alert("a1")
    world.answer("a1")
    assert world.voices(mine) == Sound.RINGBACK
    theirs = world.alert("b1")
    assert world.remote(theirs) == ALICE
    world.answer("b1")
    assert world.voices(mine) == {theirs}
    view = world.exchange.view("clicked")
    assert view is not None
    assert (view.personality, view.remote, view.call_id) == (Personality.CLICK_TO_DIAL, BOB, mine)
    states = [each.view.state for each in world.views if each.view.view_id == "clicked"]
    assert states == [ViewState.ALERTING, ViewState.ALERTING, ViewState.CONNECTED]


def test_dialled_from_elsewhere_the_call_that_is_up_is_held(world: World) -> None:
    first, _ = world.talk("a1", "c1", CAROL)
    click(world, ALICE, BOB)
    assert not world.call(first).held
    world.answer("a1")
    assert world.call(first).held


def test_dialled_from_elsewhere_to_a_number_that_is_busy(world: World) -> None:
    click(world, ALICE, UnknownTarget("999"))
    mine = world.alert("a1")
    world.put(put.Answer("a1", mine, f"own-{mine}"))
    assert world.ended(mine) is EndReason.NOT_FOUND


@pytest.mark.parametrize("how", ["declines", "does not answer", "hangs up over REST"])
def test_dialled_from_elsewhere_and_given_up_nobody_is_called(world: World, how: str) -> None:
    click(world, ALICE, BOB)
    mine = world.alert("a1")
    match how:
        case "declines":
            world.end(mine, CauseCode.BUSY)
        case "does not answer":
            world.wait(46)
        case _:
            world.command(ALICE, "clicked", put.HangUpView())
            assert world.ended(mine) is EndReason.CANCELLED
    assert world.exchange.sessions() == ()
    (record,) = world.records
    assert record.ended_by == ("service" if how == "does not answer" else "caller")
    assert not any(line == "b1" for line, _, _ in world.told)


def test_dialled_from_elsewhere_without_a_phone_or_with_full_ones_is_refused(world: World) -> None:
    command = put.ClickToDial("alice", "v", "s", "t", "1002", PersonTarget(BOB))
    world.dial("a1", service(ServiceNumber.NO_ANSWER))
    world.dial("a1", service(ServiceNumber.NO_ANSWER))
    assert world.refusal(command).code is MobiusErrorCode.USER_BUSY
    world.put(put.LineGone("a1"))
    assert world.refusal(command).code is MobiusErrorCode.NOT_AVAILABLE


def test_who_does_not_take_up_the_own_phone_has_called_nobody(world: World) -> None:
    click(world, ALICE, BOB)
    world.wait(46)
    (record,) = world.records
    assert record.caller == ALICE
    assert record.callee == replace(BOB, person_id="")


def test_dialled_twice_with_the_same_ids_is_refused(world: World) -> None:
    click(world, ALICE, BOB)
    again = put.ClickToDial("alice", "clicked", "another", "t", "1002", PersonTarget(BOB))
    assert world.refusal(again).code is MobiusErrorCode.CALL_PROCESSING_ERROR


# --- a call that rings ---


def test_the_phones_that_ring_are_asked_to_answer(world: World) -> None:
    world.register("b2", BOB)
    caller = world.dial("a1", BOB)
    view = only_view(world, BOB)
    phones = [world.alert("b1")]
    world.command(BOB, view, put.AnswerView())
    phones.append(world.alert("b2"))  # This one begins to ring only now.
    for phone in phones:
        assert world.news(phone).count(out.AnswerRequested()) == 1
    world.answer("b1")
    assert world.refusal(put.Control("bob", view, put.AnswerView()))
    assert world.voices(caller) == {phones[0]}


@pytest.mark.parametrize(("busy", "reason"), [(True, EndReason.REJECTED),
                                              (False, EndReason.NO_ANSWER)])  # fmt: skip
def test_rejected_over_rest_all_phones_stop(world: World, busy: bool, reason: EndReason) -> None:
    caller = world.dial("a1", BOB)
    bobs = world.alert("b1")
    world.command(BOB, only_view(world, BOB), put.RejectView(busy=busy))
    assert world.ended(caller) is reason
    assert world.ended(bobs) is not None


def test_hanging_up_a_call_that_rings_is_declining_it(world: World) -> None:
    caller = world.dial("a1", BOB)
    world.command(BOB, world.alert("b1"), put.HangUpView())
    assert world.ended(caller) is EndReason.REJECTED


def test_a_call_that_rings_is_diverted(world: World) -> None:
    caller = world.dial("a1", BOB)
    bobs = world.alert("b1")
    world.command(BOB, bobs, put.DivertView("1003", PersonTarget(CAROL)))
    assert world.ended(bobs) is EndReason.DECLINED_ELSEWHERE
    assert world.remote(caller) == CAROL
    (view,) = world.exchange.views("carol")
    assert view.redirections == (Redirection(RedirectionReason.DIVERT, BOB),)
    carols = world.answer("c1")
    assert world.voices(caller) == {carols}


def test_a_member_diverts_a_call_of_its_group_for_all(world: World) -> None:
    members = (PersonTarget(BOB), PersonTarget(CAROL))
    world.dial("a1", GroupTarget("g", Party("G", "2"), HuntPolicy.SIMULTANEOUS, members))
    world.command(BOB, world.alert("b1"), put.DivertView("1004", PersonTarget(DAVE)))
    assert [call.line_id for call in world.exchange.calls() if call.rings] == ["d1"]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (UnknownTarget("9"), "not found"),
        (PersonTarget(ALICE), "busy"),
        (PersonTarget(CAROL, Rules(do_not_disturb=True)), "busy"),
    ],
)
def test_a_call_that_cannot_be_diverted_there_rings_on(
    world: World, target: Target, words: str
) -> None:
    world.dial("a1", BOB)
    bobs = world.alert("b1")
    refused = world.refusal(put.Control("bob", bobs, put.DivertView("number", target)))
    assert words in refused.message


def test_the_own_phones_that_ring_cannot_be_diverted(world: World) -> None:
    click(world, ALICE, BOB)
    divert = put.DivertView("1003", PersonTarget(CAROL))
    assert "yourself" in world.refusal(put.Control("alice", "clicked", divert)).message


# --- a call that is up ---


def test_held_and_resumed_over_rest_the_phone_is_told(world: World) -> None:
    mine, theirs = world.talk()
    world.command(ALICE, mine, put.HoldView(held=True))
    assert out.Held() in world.news(mine)
    assert world.voices(theirs) == Sound.MUSIC_ON_HOLD
    world.command(ALICE, mine, put.HoldView(held=False))
    assert world.voices(theirs) == {mine}


def test_resumed_over_rest_the_lines_other_call_is_held_first(world: World) -> None:
    first, _ = world.talk()
    second, _ = world.talk("a1", "c1", CAROL)
    world.command(ALICE, first, put.HoldView(held=False))
    assert (world.call(first).held, world.call(second).held) == (False, True)


def test_muted_over_rest_whoever_is_joined_meanwhile(world: World) -> None:
    mine, theirs = world.talk()
    world.command(ALICE, mine, put.MuteView(muted=True))
    assert out.MuteLeg(mine, True) in world.media
    assert world.news(mine)[-1] == out.Muted(True)
    assert world.view_of(ALICE, mine).muted
    assert world.command(ALICE, mine, put.MuteView(muted=True)) == [], "it is muted already"
    world.command(ALICE, mine, put.MuteView(muted=False))
    assert world.news(mine)[-1] == out.Muted(False)
    told = [each for each in world.news(theirs) if isinstance(each, out.Participants)]
    muted = [[each.party for each in news.participants if each.muted] for news in told]
    assert muted == [[ALICE], []]


def test_digits_are_sent_to_the_others(world: World) -> None:
    mine, theirs = world.talk()
    effects = world.command(ALICE, mine, put.SendDigitsView("1,2#"))
    assert effects == [out.SendDigits(theirs, "1,2#")]


def test_digits_reach_the_services_own_number(world: World) -> None:
    mine = world.dial("a1", service(ServiceNumber.DTMF))
    effects = world.command(ALICE, mine, put.SendDigitsView("1,2"))
    assert effects == [out.PlayDigits(mine, "1"), out.PlayDigits(mine, "2")]


def test_hung_up_over_rest_by_a_party_not_by_the_service(world: World) -> None:
    mine, theirs = world.talk()
    world.command(ALICE, mine, put.HangUpView())
    assert world.ended(mine) is world.ended(theirs) is EndReason.HANGUP
    assert world.records[0].ended_by == "caller"


def test_a_call_that_was_dialled_is_cancelled_over_rest(world: World) -> None:
    mine = world.dial("a1", BOB)
    bobs = world.alert("b1")
    world.command(ALICE, mine, put.HangUpView())
    assert world.ended(bobs) is EndReason.CANCELLED


def test_transferred_over_rest(world: World) -> None:
    first, bobs = world.talk()
    second, carols = world.talk("a1", "c1", CAROL)
    world.command(ALICE, first, put.TransferView(world.view_of(ALICE, second).view_id))
    assert world.voices(bobs) == {carols}


def test_calls_on_two_phones_of_a_person_are_transferred(world: World) -> None:
    world.register("a2", ALICE)
    first, bobs = world.talk("a1", "b1", BOB)
    second, carols = world.talk("a2", "c1", CAROL)
    world.command(ALICE, first, put.TransferView(second))
    assert world.voices(bobs) == {carols}


@pytest.mark.parametrize(
    "action",
    [put.BlindTransferView(PersonTarget(CAROL)), put.DivertView("1003", PersonTarget(CAROL))],
    ids=lambda action: type(action).__name__,
)
def test_sent_on_over_rest(world: World, action: put.Action) -> None:
    mine, theirs = world.talk()
    world.command(ALICE, mine, action)
    carols = world.answer("c1")
    assert world.voices(theirs) == {carols}


# --- conferences ---


def conference(world: World) -> tuple[str, str, str]:
    """Alice, the host, with Bob and Carol: their calls."""
    first, bobs = world.talk("a1", "b1", BOB)
    second, carols = world.talk("a1", "c1", CAROL)
    world.merge(ALICE, second, first)
    return second, bobs, carols


def view_for(world: World, party: Party) -> str:
    """Alice's view of the call that brought this party in."""
    return next(each.view_id for each in world.exchange.views("alice") if each.remote == party)


def test_the_host_keeps_a_view_of_each_call_and_all_say_that_it_is_a_conference(
    world: World,
) -> None:
    alices, bobs, _ = conference(world)
    views = world.exchange.views("alice")
    assert {each.remote for each in views} == {BOB, CAROL}
    assert {each.call_id for each in views} == {alices}
    assert len({each.conference_id for each in (*views, world.view_of(BOB, bobs))}) == 1


def test_the_host_hangs_up_one_party(world: World) -> None:
    alices, bobs, carols = conference(world)
    world.command(ALICE, view_for(world, BOB), put.HangUpView())
    assert world.ended(bobs) is EndReason.HANGUP
    assert world.voices(carols) == {alices}
    (view,) = world.exchange.views("alice")
    assert view.remote == CAROL
    world.command(ALICE, view.view_id, put.HangUpView())
    assert world.exchange.calls() == ()


def test_with_one_view_left_hanging_up_is_leaving(world: World) -> None:
    """Carol brings Dave in, Bob leaves: Alice's only view is of a conference of others."""
    alices, bobs, carols = conference(world)
    call, daves = world.talk("c1", "d1", DAVE)
    world.merge(CAROL, call, carols)
    world.end(bobs)
    world.command(ALICE, only_view(world, ALICE), put.HangUpView())
    assert world.ended(alices) is EndReason.HANGUP
    assert world.voices(daves) == {call}


def test_the_host_mutes_one_party(world: World) -> None:
    _, bobs, carols = conference(world)
    world.command(ALICE, view_for(world, BOB), put.MuteParticipantView(muted=True))
    assert world.call(bobs).muted
    assert not world.call(carols).muted
    assert world.news(bobs)[-1] == out.Muted(True)
    world.command(BOB, bobs, put.MuteView(muted=False))
    assert not world.call(bobs).muted, "it may unmute itself"
    refused = world.refusal(put.Control("bob", bobs, put.MuteParticipantView(muted=True)))
    assert "brought nobody" in refused.message


def test_only_the_host_ends_it_for_all(world: World) -> None:
    alices, bobs, carols = conference(world)
    assert world.refusal(put.Control("bob", bobs, put.EndConferenceView()))
    world.command(ALICE, view_for(world, BOB), put.EndConferenceView())
    assert [world.ended(each) for each in (alices, bobs, carols)] == [EndReason.HANGUP] * 3
    assert world.exchange.sessions() == ()


# --- what cannot be ---

ACTIONS = [
    put.AnswerView(),
    put.RejectView(),
    put.HangUpView(),
    put.HoldView(held=True),
    put.MuteView(muted=True),
    put.SendDigitsView("1"),
    put.TransferView("clicked"),
    put.BlindTransferView(PersonTarget(CAROL)),
    put.DivertView("1003", PersonTarget(CAROL)),
    put.ConferenceViews(("clicked",)),
    put.EndConferenceView(),
    put.MuteParticipantView(muted=True),
]


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: type(action).__name__)
def test_a_call_of_somebody_else_is_not_found(world: World, action: put.Action) -> None:
    mine, _ = world.talk()
    for person in EVERYBODY[2:]:
        refused = world.refusal(put.Control(person.person_id, mine, action))
        assert refused.code is MobiusErrorCode.CALL_NOT_FOUND
    assert world.refusal(put.Control("alice", "nonsense", action))


@pytest.mark.parametrize(
    "action",
    [
        each
        for each in ACTIONS
        if not isinstance(each, put.HangUpView | put.RejectView | put.AnswerView)
    ],
    ids=lambda action: type(action).__name__,
)
def test_a_call_that_only_rings_cannot_do_what_needs_an_answer(
    world: World, action: put.Action
) -> None:
    click(world, ALICE, BOB)
    assert world.refusal(put.Control("alice", "clicked", action))


@pytest.mark.parametrize("action", [put.AnswerView(), put.RejectView()])
def test_a_call_that_is_up_does_not_ring(world: World, action: put.Action) -> None:
    mine, _ = world.talk()
    refused = world.refusal(put.Control("alice", mine, action))
    assert refused.code is MobiusErrorCode.INVALID_STATUS_UPDATE
