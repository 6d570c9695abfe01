"""Transfers: who talks with whom afterwards, and what each of them is told."""

import pytest

from engine.exchange.stories import ALICE, BOB, CAROL, DAVE, World, service, town
from offhook.engine.exchange import ExchangeRefused
from offhook.engine.exchange import effects as out
from offhook.engine.exchange import inputs as put
from offhook.engine.exchange.effects import Sound
from offhook.engine.exchange.model import (
    EndReason,
    Forward,
    Party,
    PersonTarget,
    Redirection,
    RedirectionReason,
    Rules,
    ServiceNumber,
    Target,
    UnknownTarget,
)
from offhook.engine.exchange.routing import MOST_REDIRECTIONS
from offhook.wire.mobius import CauseCode, MobiusErrorCode


@pytest.fixture
def world() -> World:
    return town()


# --- blind ---


def test_sent_on_the_other_party_hears_it_ring_and_the_transferor_is_out(world: World) -> None:
    mine, theirs = world.talk("a1", "b1", BOB)
    world.send_on(mine, CAROL)
    assert world.ended(mine) is EndReason.TRANSFERRED
    assert world.voices(theirs) == Sound.RINGBACK
    assert world.remote(theirs) == CAROL
    assert world.remote(world.alert("c1")) == BOB, "it is the transferee who calls now"


def test_sent_on_and_answered_the_two_talk(world: World) -> None:
    mine, theirs = world.talk("a1", "b1", BOB)
    world.send_on(mine, CAROL)
    world.alert("c1")
    third = world.answer("c1")
    assert world.voices(theirs) == {third}
    assert world.voices(third) == {theirs}
    assert world.call(third).told == BOB


def test_either_side_of_a_call_can_send_the_other_on(world: World) -> None:
    theirs, mine = world.talk("a1", "b1", BOB)
    world.send_on(mine, CAROL)
    third = world.answer("c1")
    assert world.voices(theirs) == {third}


def test_sent_on_while_the_transferor_holds(world: World) -> None:
    mine, theirs = world.talk("a1", "b1", BOB)
    world.hold(mine)
    assert world.names(theirs) == {"Alice", "Bob"}
    world.send_on(mine, CAROL)
    assert world.voices(theirs) == Sound.RINGBACK
    assert world.names(theirs) == {"Bob"}, "Alice is not in it any more, on hold or not"
    third = world.answer("c1")
    assert world.voices(theirs) == {third}
    assert world.names(theirs) == {"Bob", "Carol"}


def test_sent_on_while_the_other_party_holds(world: World) -> None:
    mine, theirs = world.talk("a1", "b1", BOB)
    world.hold(theirs)
    world.send_on(mine, CAROL)
    third = world.answer("c1")
    assert world.voices(third) == Sound.MUSIC_ON_HOLD
    world.resume(theirs)
    assert world.voices(third) == {theirs}


@pytest.mark.parametrize("end", [CauseCode.BUSY, CauseCode.NORMAL])
def test_the_target_declines_and_the_other_party_learns_it(world: World, end: CauseCode) -> None:
    mine, theirs = world.talk("a1", "b1", BOB)
    world.send_on(mine, CAROL)
    world.end(world.alert("c1"), end)
    declined = end is CauseCode.BUSY
    assert world.ended(theirs) is (EndReason.REJECTED if declined else EndReason.UNAVAILABLE)
    assert world.exchange.calls() == ()


def test_the_target_does_not_answer_and_the_other_party_learns_it(world: World) -> None:
    mine, theirs = world.talk("a1", "b1", BOB)
    world.send_on(mine, CAROL)
    world.alert("c1")
    world.wait(44)
    assert world.ended(theirs) is None
    world.wait(2)
    assert world.ended(theirs) is EndReason.NO_ANSWER


def test_a_target_that_sleeps_rings_and_may_wake(world: World) -> None:
    mine, theirs = world.talk("a1", "b1", BOB)
    world.put(put.LineGone("c1"))
    world.send_on(mine, CAROL)
    assert world.remote(theirs) == CAROL
    world.wait(20)
    world.register("c1", CAROL)
    world.alert("c1")
    answered = world.answer("c1")
    assert world.voices(theirs) == {answered}


def refused_targets() -> list[tuple[Target, MobiusErrorCode]]:
    busy = PersonTarget(CAROL, Rules(do_not_disturb=True))
    to_nowhere = PersonTarget(CAROL, Rules(always=Forward("999", UnknownTarget("999"))))
    circle: Target = PersonTarget(CAROL)
    for _ in range(MOST_REDIRECTIONS):
        circle = PersonTarget(DAVE, Rules(always=Forward("again", circle)))
    back = PersonTarget(CAROL, Rules(always=Forward("1002", PersonTarget(BOB))))
    return [
        (UnknownTarget("999"), MobiusErrorCode.NUMBER_NOT_FOUND),
        (PersonTarget(BOB), MobiusErrorCode.NOT_ACCEPTABLE),
        (service(ServiceNumber.BUSY), MobiusErrorCode.USER_BUSY),
        (busy, MobiusErrorCode.USER_BUSY),
        (to_nowhere, MobiusErrorCode.NUMBER_NOT_FOUND),
        (circle, MobiusErrorCode.USER_BUSY),
        (back, MobiusErrorCode.USER_BUSY),
    ]


@pytest.mark.parametrize(("target", "code"), refused_targets())
def test_a_number_that_nobody_can_be_sent_to_leaves_the_call_as_it_was(
    world: World, target: Target, code: MobiusErrorCode
) -> None:
    mine, theirs = world.talk("a1", "b1", BOB)
    assert world.refusal(put.BlindTransfer("a1", mine, target)).code is code
    assert world.voices(theirs) == {mine}


def test_a_chain_of_forwards_that_just_ends_is_followed(world: World) -> None:
    mine, theirs = world.talk("a1", "b1", BOB)
    chain: Target = PersonTarget(CAROL)
    for _ in range(MOST_REDIRECTIONS - 1):
        chain = PersonTarget(DAVE, Rules(always=Forward("again", chain)))
    world.send_on(mine, chain)
    answered = world.answer("c1")
    assert world.voices(theirs) == {answered}


def test_sent_on_to_the_transferor_itself(world: World) -> None:
    mine, theirs = world.talk("a1", "b1", BOB)
    world.send_on(mine, ALICE)
    again = world.answer("a1")
    assert world.remote(again) == BOB
    assert world.voices(theirs) == {again}


def test_sent_on_to_the_services_own_number(world: World) -> None:
    mine, theirs = world.talk("a1", "b1", BOB)
    world.send_on(mine, service(ServiceNumber.ECHO))
    assert world.hears(theirs) == out.EchoLeg(theirs)


def test_only_an_answered_call_of_two_people_can_be_sent_on(world: World) -> None:
    waiting = world.dial("a1", BOB)
    assert world.refusal(put.BlindTransfer("a1", waiting, PersonTarget(CAROL)))
    ringing = world.alert("b1")
    assert world.refusal(put.BlindTransfer("b1", ringing, PersonTarget(CAROL)))
    with_service = world.dial("c1", service(ServiceNumber.ECHO))
    assert world.refusal(put.BlindTransfer("c1", with_service, PersonTarget(DAVE)))


def test_both_send_the_other_on_at_once_and_the_first_wins(world: World) -> None:
    mine, theirs = world.talk("a1", "b1", BOB)
    world.send_on(mine, CAROL)
    with pytest.raises(ExchangeRefused):
        world.send_on(theirs, DAVE)
    answered = world.answer("c1")
    assert world.voices(theirs) == {answered}


def test_the_other_party_hangs_up_before_the_transfer_comes(world: World) -> None:
    mine, theirs = world.talk("a1", "b1", BOB)
    world.end(theirs)
    refused = world.refusal(put.BlindTransfer("a1", mine, PersonTarget(CAROL)))
    assert refused.code is MobiusErrorCode.CALL_NOT_FOUND


def test_the_other_party_hangs_up_while_it_rings_for_it(world: World) -> None:
    mine, theirs = world.talk("a1", "b1", BOB)
    world.send_on(mine, CAROL)
    ringing = world.alert("c1")
    world.end(theirs)
    assert world.ended(ringing) is EndReason.CANCELLED
    opened, closed = world.windows[-4], world.windows[-1]
    assert isinstance(opened, out.WindowOpened)
    assert closed == out.WindowClosed(opened.ring_id, EndReason.CANCELLED)


def test_the_transferors_own_hang_up_that_comes_late_harms_nobody(world: World) -> None:
    mine, theirs = world.talk("a1", "b1", BOB)
    world.send_on(mine, CAROL)
    world.end(mine)
    answered = world.answer("c1")
    assert world.voices(theirs) == {answered}


def test_who_is_sent_on_is_told_as_a_redirection_to_the_target(world: World) -> None:
    mine, _ = world.talk("a1", "b1", BOB)
    world.send_on(mine, CAROL)
    (view,) = world.exchange.views("carol")
    assert view.redirections == (Redirection(RedirectionReason.TRANSFER, ALICE),)


def test_a_transfer_leaves_a_record_of_each_call(world: World) -> None:
    mine, theirs = world.talk("a1", "b1", BOB)
    world.send_on(mine, CAROL)
    world.answer("c1")
    world.wait(60)
    world.end(theirs)
    before, after = world.records
    assert (before.caller, before.callee, before.reason) == (ALICE, BOB, EndReason.TRANSFERRED)
    assert before.ended_by == "caller"
    assert (after.caller, after.callee, after.reason) == (BOB, CAROL, EndReason.HANGUP)
    assert after.answered == before.ended
    assert after.ended_by == "caller"


# --- consult ---


def consulting(world: World, *, answered: bool = True) -> tuple[str, str, str, str]:
    """Alice talks with Bob and calls Carol: Alice's two calls, Bob's and Carol's."""
    first, bobs = world.talk("a1", "b1", BOB)
    second = world.dial("a1", CAROL)
    world.put(put.LegConnected(second))
    carols = world.alert("c1")
    if answered:
        world.answer("c1")
    return first, second, bobs, carols


@pytest.mark.parametrize("turned", [False, True])
def test_consulted_and_joined_the_two_others_talk(world: World, turned: bool) -> None:
    first, second, bobs, carols = consulting(world)
    world.join(*((second, first) if turned else (first, second)))
    assert world.ended(first) is world.ended(second) is EndReason.TRANSFERRED
    assert world.voices(bobs) == {carols}
    assert world.voices(carols) == {bobs}
    assert world.remote(bobs) == CAROL
    assert world.remote(carols) == BOB
    assert world.names(bobs) == {"Bob", "Carol"}
    assert len(world.exchange.calls()) == 2


@pytest.mark.parametrize("turned", [False, True])
def test_joined_while_it_rings_the_other_waits_in_the_transferors_place(
    world: World, turned: bool
) -> None:
    first, second, bobs, carols = consulting(world, answered=False)
    world.join(*((second, first) if turned else (first, second)))
    assert world.ended(first) is world.ended(second) is EndReason.TRANSFERRED
    assert world.voices(bobs) == Sound.RINGBACK
    assert world.remote(bobs) == CAROL
    assert world.remote(carols) == BOB, "the phone that rings shows who calls now"
    assert world.answer("c1") == carols
    assert world.voices(bobs) == {carols}


def test_a_phone_that_reports_in_after_the_transfer_shows_who_calls_now(world: World) -> None:
    first, _ = world.talk("a1", "b1", BOB)
    second = world.dial("a1", CAROL)
    assert world.remote(world.incoming("c1")) == ALICE
    world.join(first, second)
    assert world.remote(world.alert("c1")) == BOB


def test_a_phone_that_wakes_after_the_transfer_rings_for_who_calls_now(world: World) -> None:
    world.put(put.LineGone("c1"))
    first, bobs = world.talk("a1", "b1", BOB)
    world.join(first, world.dial("a1", CAROL))
    world.register("c1", CAROL)
    carols = world.alert("c1")
    assert world.remote(carols) == BOB
    world.answer("c1")
    assert world.voices(bobs) == {carols}


def test_joined_while_it_rings_pushes_name_who_calls_now(world: World) -> None:
    consulted = consulting(world, answered=False)
    (opened,) = [each for each in world.windows[2:] if isinstance(each, out.WindowOpened)]
    assert opened.caller == ALICE
    world.join(*consulted[:2])
    assert out.CallerChanged(opened.ring_id, BOB) in world.windows


def test_joined_while_it_rings_the_view_says_who_transferred(world: World) -> None:
    first, second, _, _ = consulting(world, answered=False)
    world.join(first, second)
    (view,) = world.exchange.views("carol")
    assert view.remote == BOB
    assert view.redirections == (Redirection(RedirectionReason.TRANSFER, ALICE),)


def test_joined_while_it_rings_and_nobody_answers(world: World) -> None:
    first, second, bobs, carols = consulting(world, answered=False)
    world.wait(10)
    world.join(first, second)
    world.wait(34)
    assert world.ended(bobs) is None
    world.wait(2)
    assert world.ended(bobs) is world.ended(carols) is EndReason.NO_ANSWER, "45 s in all"


def test_joined_while_it_rings_and_the_one_who_waits_hangs_up(world: World) -> None:
    first, second, bobs, carols = consulting(world, answered=False)
    world.join(first, second)
    world.end(bobs)
    assert world.ended(carols) is EndReason.CANCELLED
    assert world.exchange.sessions() == ()
    assert len(world.records) == 3


def test_a_call_to_the_other_party_of_the_first_cannot_be_joined_with_it(world: World) -> None:
    first, _ = world.talk("a1", "b1", BOB)
    second = world.dial("a1", BOB)
    world.alert("b1")
    assert world.refusal(put.ConsultTransfer("a1", first, second))
    world.answer("b1")
    assert world.refusal(put.ConsultTransfer("a1", first, second))


def test_joined_although_the_other_party_holds(world: World) -> None:
    first, second, bobs, carols = consulting(world)
    world.hold(bobs)
    world.join(first, second)
    assert world.voices(carols) == Sound.MUSIC_ON_HOLD
    world.resume(bobs)
    assert world.voices(carols) == {bobs}


def test_a_transfer_into_a_conference_adds_the_party(world: World) -> None:
    first, second, bobs, carols = consulting(world)
    world.merge(ALICE, second, first)
    dave = world.dial("a1", DAVE)
    daves = world.answer("d1")
    conference = world.view_of(BOB, bobs).conference_id
    world.join(second, dave)
    assert world.voices(bobs) == {carols, daves}
    assert world.names(daves) == {"Bob", "Carol", "Dave"}
    assert world.view_of(DAVE, daves).conference_id == conference, "it goes on"


def test_the_service_and_another_are_joined(world: World) -> None:
    first, bobs = world.talk("a1", "b1", BOB)
    echo = world.dial("a1", service(ServiceNumber.ECHO))
    world.join(echo, first)
    assert world.hears(bobs) == out.EchoLeg(bobs)
    assert world.remote(bobs) == Party("echo", "8000")


def test_an_announcement_is_spoken_to_who_is_transferred_to_it(world: World) -> None:
    first, bobs = world.talk("a1", "b1", BOB)
    world.join(first, world.dial("a1", service(ServiceNumber.ANNOUNCEMENT)))
    assert world.voices(bobs) == Sound.ANNOUNCEMENT
    world.put(put.LegPlayed(bobs))
    assert world.ended(bobs) is EndReason.HANGUP


def test_two_of_the_services_numbers_are_nobody_to_join(world: World) -> None:
    first = world.dial("a1", service(ServiceNumber.ECHO))
    second = world.dial("a1", service(ServiceNumber.DTMF))
    assert world.refusal(put.ConsultTransfer("a1", first, second))
    third = world.dial("b1", service(ServiceNumber.ECHO))
    assert world.refusal(put.ConsultTransfer("b1", third, world.dial("b1", CAROL)))


def test_nobody_waits_for_a_number_that_never_answers(world: World) -> None:
    first, _ = world.talk("a1", "b1", BOB)
    second = world.dial("a1", service(ServiceNumber.NO_ANSWER))
    assert world.refusal(put.ConsultTransfer("a1", first, second))


def test_one_call_or_one_that_rings_cannot_be_joined(world: World) -> None:
    first, bobs = world.talk("a1", "b1", BOB)
    assert world.refusal(put.ConsultTransfer("a1", first, first))
    world.dial("c1", BOB)
    ringing = world.alert("b1")
    assert world.refusal(put.ConsultTransfer("b1", bobs, ringing))
    assert world.refusal(put.ConsultTransfer("a1", first, ringing)).code is (
        MobiusErrorCode.CALL_NOT_FOUND
    )


def test_both_sides_of_a_call_join_at_once_and_the_first_wins(world: World) -> None:
    """Alice talks with Bob and Carol, Bob with Alice and Dave."""
    first, second, bobs, carols = consulting(world)
    daves_call = world.dial("b1", DAVE)
    daves = world.answer("d1")
    world.join(first, second)
    world.join(bobs, daves_call)
    assert world.voices(carols) == {daves}
    assert len(world.exchange.calls()) == 2


def test_three_who_join_in_a_circle_end_up_in_one_call(world: World) -> None:
    """Each of three talks with both others, and each transfers."""
    alice_bob, bob_alice = world.talk("a1", "b1", BOB)
    alice_carol, carol_alice = world.talk("a1", "c1", CAROL)
    bob_carol, carol_bob = world.talk("b1", "c1", CAROL)
    world.join(alice_bob, alice_carol)
    assert world.refusal(put.ConsultTransfer("b1", bob_alice, bob_carol))
    assert world.refusal(put.ConsultTransfer("c1", carol_alice, carol_bob))
    world.end(bob_carol)
    assert world.ended(carol_bob) is EndReason.HANGUP
    world.resume(carol_alice)
    assert world.voices(bob_alice) == Sound.SILENCE, "Bob had put this one on hold"
    world.resume(bob_alice)
    assert world.voices(bob_alice) == {carol_alice}


@pytest.mark.parametrize("who", ["first", "second", "bobs", "carols"])
def test_a_hang_up_that_comes_before_the_transfer_leaves_the_other_call(
    world: World, who: str
) -> None:
    calls = dict(zip(("first", "second", "bobs", "carols"), consulting(world), strict=True))
    world.end(calls[who])
    refused = world.refusal(put.ConsultTransfer("a1", calls["first"], calls["second"]))
    assert refused.code is MobiusErrorCode.CALL_NOT_FOUND
    left = calls["second"] if who in ("first", "bobs") else calls["first"]
    world.resume(left)
    assert len(world.exchange.calls()) == 2


@pytest.mark.parametrize("who", ["first", "second"])
def test_a_hang_up_of_the_transferor_that_comes_late_harms_nobody(world: World, who: str) -> None:
    calls = dict(zip(("first", "second", "bobs", "carols"), consulting(world), strict=True))
    world.join(calls["first"], calls["second"])
    world.end(calls[who])
    assert world.voices(calls["bobs"]) == {calls["carols"]}


@pytest.mark.parametrize("who", ["bobs", "carols"])
def test_a_hang_up_after_the_transfer_ends_the_call(world: World, who: str) -> None:
    first, second, bobs, carols = consulting(world)
    world.join(first, second)
    ends, other = (bobs, carols) if who == "bobs" else (carols, bobs)
    world.end(ends)
    assert world.ended(other) is EndReason.HANGUP
    assert world.exchange.calls() == ()


def test_a_transferor_that_vanishes_right_afterwards_harms_nobody(world: World) -> None:
    first, second, bobs, carols = consulting(world)
    world.join(first, second)
    world.put(put.LineGone("a1"))
    assert world.voices(bobs) == {carols}


def test_a_transferor_that_vanishes_while_it_consults_ends_both_calls(world: World) -> None:
    _, _, bobs, carols = consulting(world, answered=False)
    world.put(put.LineGone("a1"))
    assert world.ended(bobs) is EndReason.LINE_LOST
    assert world.ended(carols) is EndReason.LINE_LOST


@pytest.mark.parametrize("answered", [False, True])
def test_the_consultation_fails_and_the_first_call_is_resumed(world: World, answered: bool) -> None:
    first, second, bobs, carols = consulting(world, answered=answered)
    world.end(carols, CauseCode.NORMAL if answered else CauseCode.BUSY)
    assert world.ended(second) is (EndReason.HANGUP if answered else EndReason.REJECTED)
    assert world.call(first).held, "it stays on hold until it is resumed"
    world.resume(first)
    assert world.voices(first) == {bobs}
