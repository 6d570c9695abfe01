"""Offers and answers as clients notice them: in order, out of order, crossing, missing."""

import pytest

from engine.exchange.stories import ALICE, BOB, CAROL, World
from offhook.engine.exchange import effects as out
from offhook.engine.exchange import inputs as put
from offhook.engine.exchange.effects import Sound
from offhook.engine.exchange.model import EndReason, PersonTarget
from offhook.wire.mobius import CauseCode
from offhook.wire.roap import RoapErrorType, RoapMessage, RoapType


@pytest.fixture
def world() -> World:
    world = World()
    world.register("a1", ALICE)
    world.register("b1", BOB)
    world.register("c1", CAROL)
    return world


def roap(world: World, call_id: str) -> list[tuple[RoapType, int]]:
    """The ROAP messages that the call's client was sent."""
    return [
        (news.message.messageType, news.message.seq)
        for _, known, news in world.told
        if known == call_id and isinstance(news, out.Negotiate)
    ]


def errors(world: World, call_id: str) -> list[RoapErrorType | None]:
    return [
        news.message.errorType
        for _, known, news in world.told
        if known == call_id
        and isinstance(news, out.Negotiate)
        and news.message.messageType is RoapType.ERROR
    ]


def test_the_called_client_has_its_ok_as_soon_as_its_answer_is_there(world: World) -> None:
    _, callee = world.talk()
    assert roap(world, callee) == [(RoapType.OFFER, 1), (RoapType.OK, 1)]


def test_an_answer_that_is_posted_again_is_acknowledged_again(world: World) -> None:
    caller, callee = world.talk()
    world.put(put.Roap("b1", callee, RoapMessage(1, RoapType.ANSWER, sdp="answer")))
    assert roap(world, callee)[-1] == (RoapType.OK, 1)
    assert world.hears(caller) == out.JoinLegs(caller, callee)


def test_held_comes_together_with_the_request_for_an_offer(world: World) -> None:
    caller, _ = world.talk()
    effects = world.exchange.handle(put.Hold("a1", caller), world.now)
    told = [effect.news for effect in effects if isinstance(effect, out.Tell)]
    assert told[:2] == [out.Held(), out.Negotiate(RoapMessage(2, RoapType.OFFER_REQUEST))]


def test_an_offer_is_not_asked_for_before_the_ok_of_the_answer_before(world: World) -> None:
    world.acknowledges = False
    caller, callee = world.talk()
    world.hold(caller)
    assert roap(world, caller) == [(RoapType.ANSWER, 1)]
    assert out.Held() not in world.news(caller)
    assert world.hears(callee) == out.PlaySound(callee, Sound.MUSIC_ON_HOLD)
    world.put(put.Roap("a1", caller, RoapMessage(1, RoapType.OK)))
    assert world.news(caller)[-1] == out.Held()
    assert roap(world, caller)[1] == (RoapType.OFFER_REQUEST, 2)


def test_a_hold_is_undone_if_the_ok_never_comes(world: World) -> None:
    world.acknowledges = False
    caller, callee = world.talk()
    world.hold(caller)
    world.wait(9)
    assert world.hears(callee) == out.PlaySound(callee, Sound.MUSIC_ON_HOLD)
    world.wait(2)
    assert world.news(caller)[-1] == out.Resumed()
    assert world.hears(caller) == world.hears(callee) == out.JoinLegs(caller, callee)
    assert world.ended(caller) is None


def test_a_hold_stays_if_its_line_talks_to_somebody_else_meanwhile(world: World) -> None:
    world.acknowledges = False
    first, _ = world.talk()
    second, _ = world.talk("a1", "c1", CAROL)
    world.wait(11)
    held = {call.call_id: call.held for call in world.exchange.calls() if call.line_id == "a1"}
    assert held == {first: True, second: False}
    assert world.news(first)[-1] == out.Held()


def test_hold_and_resume_before_the_ok_are_both_confirmed(world: World) -> None:
    world.acknowledges = False
    caller, callee = world.talk()
    world.hold(caller)
    world.resume(caller)
    world.put(put.Roap("a1", caller, RoapMessage(1, RoapType.OK)))
    assert world.news(caller)[-2:] == [out.Held(), out.Resumed()]
    assert world.hears(callee) == out.JoinLegs(caller, callee)


def test_a_request_that_nobody_answers_is_asked_with_the_same_number_again(world: World) -> None:
    caller, _ = world.talk()
    world.exchange.handle(put.Hold("a1", caller), world.now)  # the client does not reply
    world.wait(11)
    world.resume(caller)
    assert roap(world, caller)[1] == (RoapType.OFFER_REQUEST, 2), "official clients keep a 3"


def test_an_offer_that_comes_late_is_answered_all_the_same(world: World) -> None:
    caller, _ = world.talk()
    world.exchange.handle(put.Hold("a1", caller), world.now)  # the client does not reply
    world.wait(11)
    world.put(put.Roap("a1", caller, RoapMessage(2, RoapType.OFFER_RESPONSE, sdp="late")))
    assert out.RenegotiateLeg(caller, "late", held=True) in world.media
    assert roap(world, caller)[-1] == (RoapType.ANSWER, 2)


def test_a_clients_own_offer_that_crosses_our_request_serves_as_the_one_asked_for(
    world: World,
) -> None:
    caller, _ = world.talk()
    world.exchange.handle(put.Hold("a1", caller), world.now)  # the client does not reply
    effects = world.put(put.Roap("a1", caller, RoapMessage(2, RoapType.OFFER, sdp="own")))
    assert effects == [out.RenegotiateLeg(caller, "own", held=True)]
    assert errors(world, caller) == []


def test_a_clients_offer_that_crosses_our_offer_is_a_conflict_and_ours_stands(
    world: World,
) -> None:
    caller = world.dial("a1", BOB)
    callee = world.alert("b1")
    world.put(put.Roap("b1", callee, RoapMessage(1, RoapType.OFFER, sdp="own")))
    assert errors(world, callee) == [RoapErrorType.CONFLICT]
    world.answer("b1")
    assert world.hears(caller) == out.JoinLegs(caller, callee)


def test_a_clients_own_offer_confirms_the_hold_that_waits_for_its_ok(world: World) -> None:
    world.acknowledges = False
    caller, _ = world.talk()
    world.hold(caller)
    world.put(put.Roap("a1", caller, RoapMessage(2, RoapType.OFFER, sdp="own")))
    assert world.news(caller)[-1] == out.Held()
    assert out.RenegotiateLeg(caller, "own", held=True) in world.media
    world.wait(60)
    assert world.news(caller)[-1] == out.Held()


@pytest.mark.parametrize("seq", [-1, 0, 1, 2**40])
def test_an_offer_out_of_order_is_refused_and_harms_nothing(world: World, seq: int) -> None:
    caller, callee = world.talk()
    effects = world.put(put.Roap("a1", caller, RoapMessage(seq, RoapType.OFFER, sdp="new")))
    assert not any(isinstance(effect, out.RenegotiateLeg) for effect in effects)
    assert errors(world, caller) == [RoapErrorType.OUT_OF_ORDER]
    assert world.hears(caller) == out.JoinLegs(caller, callee)
    world.hold(caller)
    assert world.news(caller)[-1] == out.Held()


def test_the_late_ok_of_an_earlier_transaction_does_not_count(world: World) -> None:
    world.acknowledges = False
    caller, _ = world.talk()
    world.put(put.Roap("a1", caller, RoapMessage(2, RoapType.OFFER, sdp="new")))
    world.hold(caller)
    world.put(put.Roap("a1", caller, RoapMessage(1, RoapType.OK)))
    assert out.Held() not in world.news(caller)
    world.put(put.Roap("a1", caller, RoapMessage(2, RoapType.OK)))
    assert world.news(caller)[-1] == out.Held()


def test_a_caller_that_cannot_use_our_answer_ends_the_call(world: World) -> None:
    caller = world.dial("a1", BOB)
    callee = world.alert("b1")
    world.put(put.Roap("a1", caller, RoapMessage(1, RoapType.ERROR)))
    assert world.ended(callee) is EndReason.ERROR


def test_a_called_client_that_cannot_use_our_offer_leaves_the_others_ringing(world: World) -> None:
    world.register("b2", BOB)
    caller = world.dial("a1", BOB)
    world.alert("b2")
    bad = world.alert("b1")
    world.put(put.Roap("b1", bad, RoapMessage(1, RoapType.ERROR)))
    assert world.ended(bad) is EndReason.ERROR
    assert world.ended(caller) is None
    world.answer("b2")
    assert out.Connected(BOB) in world.news(caller)


def test_an_error_once_the_call_is_up_does_not_end_it(world: World) -> None:
    caller, callee = world.talk()
    world.exchange.handle(put.Hold("a1", caller), world.now)  # the client does not reply
    world.put(put.Roap("a1", caller, RoapMessage(2, RoapType.ERROR)))
    assert world.ended(caller) is None
    world.resume(caller)
    assert world.hears(callee) == out.JoinLegs(caller, callee)
    assert (RoapType.OK, 2) not in roap(world, caller)


def test_a_caller_that_never_says_ok_is_not_cut_off(world: World) -> None:
    world.acknowledges = False
    caller, _ = world.talk()
    world.wait(600)
    assert world.ended(caller) is None


def test_an_answer_tells_by_which_id_the_client_knows_the_call(world: World) -> None:
    caller = world.dial("a1", BOB)
    callee = world.incoming("b1")
    answer = RoapMessage(1, RoapType.ANSWER, sdp="answer")
    world.put(put.Roap("b1", callee, answer, correlation_id="bobs"))
    world.put(put.LegConnected(callee))
    effects = world.put(put.End("a1", caller, "", CauseCode.NORMAL))
    told = [effect for effect in effects if isinstance(effect, out.Tell)]
    assert [(each.correlation_id, each.news) for each in told] == [
        ("bobs", out.Disconnected(EndReason.HANGUP))
    ]


def test_asking_twice_does_not_put_off_when_a_hold_is_undone(world: World) -> None:
    world.acknowledges = False
    caller, callee = world.talk()
    world.hold(caller)
    world.wait(8)
    world.hold(caller)
    world.wait(3)
    assert world.hears(callee) == out.JoinLegs(caller, callee)


def test_a_client_that_guessed_its_call_and_answered_is_not_rung_any_more(world: World) -> None:
    effects = world.exchange.handle(place_to_bob(), world.now)
    callee = next(e.call_id for e in effects if isinstance(e, out.OpenLeg) and e.offer is None)
    world.put(put.Answer("b1", callee, "bobs"))
    world.put(put.LegOffered(callee, "offer"))
    assert roap(world, callee) == [(RoapType.OFFER, 1)]
    assert out.Incoming(ALICE) not in world.news(callee)


def test_audio_without_an_answer_does_not_keep_a_call(world: World) -> None:
    caller = world.dial("a1", BOB)
    world.put(put.LegConnected(caller))
    callee = world.alert("b1")
    world.put(put.Answer("b1", callee, "bobs"))
    world.put(put.LegConnected(callee))
    world.wait(11)
    assert world.ended(caller) is EndReason.ERROR


def place_to_bob() -> put.Place:
    offer = RoapMessage(1, RoapType.OFFER, sdp="offer")
    return put.Place("call", "a1", "own", "session", "tracking", "1002", PersonTarget(BOB), offer)
