"""What people notice of the exchange, as stories on a clock that the test moves."""

import pytest

from engine.exchange.stories import ALICE, BOB, CAROL, World, service
from offhook.engine.exchange import ExchangeRefused
from offhook.engine.exchange import effects as out
from offhook.engine.exchange import inputs as put
from offhook.engine.exchange.effects import Sound
from offhook.engine.exchange.model import (
    EndReason,
    Party,
    ServiceNumber,
    ServiceTarget,
    UnknownTarget,
)
from offhook.wire.mobius import CauseCode, MobiusErrorCode
from offhook.wire.roap import RoapErrorType, RoapMessage, RoapType


@pytest.fixture
def world() -> World:
    world = World()
    world.register("a1", ALICE)
    world.register("b1", BOB)
    return world


# --- ringing and answering ---


def test_a_call_rings_is_answered_and_both_hear_each_other(world: World) -> None:
    caller = world.dial("a1", BOB)
    callee = world.alert("b1")
    assert world.news(callee) == [out.Incoming(ALICE)]
    assert world.news(caller) == [out.Progress(BOB)]
    world.answer("b1")
    assert world.news(caller)[-1] == out.Connected(BOB)
    assert world.hears(caller) == world.hears(callee) == out.JoinLegs(caller, callee)


def test_the_offer_comes_before_the_ring_so_that_an_instant_answer_works(world: World) -> None:
    world.dial("a1", BOB)
    kinds = [type(news) for line, _, news in world.told if line == "b1"]
    assert kinds == [out.Negotiate, out.Incoming]


def test_the_callers_audio_is_negotiated_before_anybody_answers(world: World) -> None:
    caller = world.dial("a1", BOB)
    answers = [
        news.message.messageType
        for _, call_id, news in world.told
        if call_id == caller and isinstance(news, out.Negotiate)
    ]
    assert answers == [RoapType.ANSWER]


def test_answered_on_one_line_stops_every_other(world: World) -> None:
    world.register("b2", BOB)
    world.register("b3", BOB)
    world.dial("a1", BOB)
    others = [world.alert("b2"), world.alert("b3")]
    world.alert("b1")
    world.answer("b1")
    assert [world.ended(each) for each in others] == [EndReason.ANSWERED_ELSEWHERE] * 2


def test_a_line_that_had_not_said_that_it_rings_is_told_when_it_does(world: World) -> None:
    world.register("b2", BOB)
    world.dial("a1", BOB)
    late = world.incoming("b2")
    world.alert("b1")
    world.answer("b1")
    assert world.ended(late) is None
    world.alert("b2")
    assert world.ended(late) is EndReason.ANSWERED_ELSEWHERE


def test_two_lines_answer_at_once_and_the_first_wins(world: World) -> None:
    world.register("b2", BOB)
    caller = world.dial("a1", BOB)
    second = world.alert("b2")
    world.alert("b1")
    first = world.answer("b1")
    with pytest.raises(ExchangeRefused) as refused:
        world.put(put.Answer("b2", second, "own"))
    assert refused.value.code is MobiusErrorCode.CALL_NOT_FOUND
    assert world.hears(caller) == out.JoinLegs(caller, first)


def test_an_answer_counts_even_if_its_connect_is_lost(world: World) -> None:
    caller = world.dial("a1", BOB)
    callee = world.alert("b1")
    world.put(put.Roap("b1", callee, RoapMessage(1, RoapType.ANSWER, sdp="answer")))
    assert out.Connected(BOB) in world.news(caller)


def test_a_phone_that_registers_late_still_rings(world: World) -> None:
    caller = world.dial("a1", CAROL)
    assert world.news(caller) == [out.Progress(CAROL)]
    world.wait(30)
    world.register("c1", CAROL)
    callee = world.alert("c1")
    world.answer("c1")
    assert world.hears(caller) == out.JoinLegs(caller, callee)


def test_nobody_answers_and_the_ring_window_ends(world: World) -> None:
    caller = world.dial("a1", BOB)
    callee = world.alert("b1")
    world.wait(44)
    assert world.ended(caller) is None
    world.wait(2)
    assert world.ended(caller) is world.ended(callee) is EndReason.NO_ANSWER


def test_progress_is_repeated_so_that_official_clients_do_not_give_up(world: World) -> None:
    caller = world.dial("a1", service(ServiceNumber.NO_ANSWER))
    world.wait(600)
    assert world.news(caller).count(out.Progress(Party("no_answer", "8000"))) == 25
    assert world.ended(caller) is None


# --- ends ---


def test_the_caller_gives_up_while_it_rings(world: World) -> None:
    caller = world.dial("a1", BOB)
    callee = world.alert("b1")
    world.end(caller)
    assert world.ended(callee) is EndReason.CANCELLED
    assert world.ended(caller) is None, "who ends a call is not told that it ended"
    assert world.records[0].reason is EndReason.CANCELLED


def test_the_caller_gives_up_before_it_knows_the_calls_id(world: World) -> None:
    world.dial("a1", BOB, correlation_id="mine")
    callee = world.alert("b1")
    world.put(put.End("a1", "DefaultLocalId_1", "mine", CauseCode.NORMAL))
    assert world.ended(callee) is EndReason.CANCELLED


def test_declined_on_one_device_stops_all_of_the_persons_devices(world: World) -> None:
    world.register("b2", BOB)
    caller = world.dial("a1", BOB)
    other, declining = world.alert("b2"), world.alert("b1")
    world.end(declining, CauseCode.BUSY)
    assert world.ended(caller) is EndReason.REJECTED
    assert world.ended(other) is EndReason.DECLINED_ELSEWHERE


def test_a_device_that_takes_itself_out_leaves_the_others_ringing(world: World) -> None:
    world.register("b2", BOB)
    caller = world.dial("a1", BOB)
    world.alert("b2")
    world.end(world.alert("b1"), CauseCode.NOT_AVAILABLE)
    assert world.ended(caller) is None
    world.answer("b2")
    assert out.Connected(BOB) in world.news(caller)


def test_the_last_device_takes_itself_out(world: World) -> None:
    caller = world.dial("a1", BOB)
    world.end(world.alert("b1"), CauseCode.NOT_AVAILABLE)
    assert world.ended(caller) is EndReason.UNAVAILABLE


@pytest.mark.parametrize("who", [0, 1])
def test_either_side_hangs_up(world: World, who: int) -> None:
    calls = world.talk()
    world.wait(30)
    world.end(calls[who])
    assert world.ended(calls[1 - who]) is EndReason.HANGUP
    record = world.records[0]
    assert (record.reason, record.ended_by) == (EndReason.HANGUP, ("caller", "callee")[who])
    assert record.answered is not None
    assert record.ended - record.answered == 30


def test_both_hang_up_at_once_and_there_is_one_record(world: World) -> None:
    caller, callee = world.talk()
    world.end(caller)
    world.end(callee)
    assert len(world.records) == 1
    assert world.exchange.calls() == ()


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (UnknownTarget("999"), EndReason.NOT_FOUND),
        (service(ServiceNumber.BUSY), EndReason.BUSY),
    ],
)
def test_a_number_that_leads_nowhere_or_is_busy(
    world: World, target: UnknownTarget | ServiceTarget, reason: EndReason
) -> None:
    caller = world.dial("a1", target)
    assert world.ended(caller) is reason
    assert world.exchange.calls() == ()


def test_a_client_that_vanishes_ends_its_calls(world: World) -> None:
    caller, callee = world.talk()
    world.put(put.LineGone("b1"))
    assert world.ended(caller) is EndReason.LINE_LOST
    assert world.ended(callee) is None


def test_a_ringing_client_that_vanishes_may_come_back_in_time(world: World) -> None:
    caller = world.dial("a1", BOB)
    world.alert("b1")
    world.put(put.LineGone("b1"))
    assert world.ended(caller) is None
    world.register("b1", BOB)
    world.alert("b1")
    world.answer("b1")
    assert out.Connected(BOB) in world.news(caller)


def test_audio_that_does_not_come_up_ends_the_call(world: World) -> None:
    caller = world.dial("a1", BOB)
    world.put(put.LegConnected(caller))
    callee = world.alert("b1")
    world.put(put.Roap("b1", callee, RoapMessage(1, RoapType.ANSWER, sdp="answer")))
    world.wait(9)
    assert world.ended(caller) is None
    world.wait(2)
    assert world.ended(caller) is world.ended(callee) is EndReason.MEDIA_LOST


def test_a_client_that_connects_but_never_answers_the_offer_ends_the_call(world: World) -> None:
    caller = world.dial("a1", BOB)
    world.put(put.LegConnected(caller))
    callee = world.alert("b1")
    world.put(put.Answer("b1", callee, "own"))
    world.wait(11)
    assert world.ended(caller) is world.ended(callee) is EndReason.ERROR


def test_audio_that_is_lost_ends_the_call(world: World) -> None:
    caller, callee = world.talk()
    world.put(put.LegFailed(caller, "silent"))
    assert world.ended(caller) is world.ended(callee) is EndReason.MEDIA_LOST


def test_a_client_that_stops_saying_that_the_call_is_there_loses_it(world: World) -> None:
    caller, callee = world.talk()
    world.wait(1200)
    world.put(put.KeepAlive("a1", caller))
    world.wait(100)
    assert world.ended(callee) is EndReason.LINE_LOST


def test_a_service_that_stops_ends_every_call(world: World) -> None:
    calls = world.talk()
    world.put(put.Shutdown())
    assert [world.ended(each) for each in calls] == [EndReason.SHUTDOWN] * 2
    assert len(world.records) == 1


# --- hold ---


def test_hold_plays_music_to_the_other_and_resume_brings_the_voices_back(world: World) -> None:
    caller, callee = world.talk()
    world.hold(caller)
    assert world.news(caller)[-1] == out.Held()
    assert world.hears(callee) == out.PlaySound(callee, Sound.MUSIC_ON_HOLD)
    assert world.hears(caller) == out.PlaySound(caller, Sound.SILENCE)
    world.resume(caller)
    assert world.news(caller)[-1] == out.Resumed()
    assert world.hears(callee) == out.JoinLegs(caller, callee)


def test_the_holder_renegotiates_and_the_other_does_not(world: World) -> None:
    caller, callee = world.talk()
    before = len(world.told)
    world.hold(caller)
    negotiated = {call for _, call, news in world.told[before:] if isinstance(news, out.Negotiate)}
    assert negotiated == {caller}
    assert out.RenegotiateLeg(caller, "offer", held=True) in world.media
    assert not any(isinstance(e, out.RenegotiateLeg) and e.call_id == callee for e in world.media)


def test_each_renegotiation_has_the_next_number(world: World) -> None:
    caller, _ = world.talk()
    for _ in range(3):
        world.hold(caller)
        world.resume(caller)
    requests = [
        news.message.seq
        for _, call, news in world.told
        if call == caller
        and isinstance(news, out.Negotiate)
        and news.message.messageType is RoapType.OFFER_REQUEST
    ]
    assert requests == [2, 3, 4, 5, 6, 7]


def test_both_hold_and_only_the_second_resume_brings_the_voices_back(world: World) -> None:
    caller, callee = world.talk()
    world.hold(caller)
    world.hold(callee)
    world.resume(caller)
    assert world.hears(caller) == out.PlaySound(caller, Sound.MUSIC_ON_HOLD)
    world.resume(callee)
    assert world.hears(caller) == out.JoinLegs(caller, callee)


def test_a_client_that_never_renegotiates_is_held_all_the_same(world: World) -> None:
    caller, callee = world.talk()
    call = next(each for each in world.exchange.calls() if each.call_id == caller)
    world.exchange.handle(put.Hold("a1", caller), world.now)  # nobody replies to its effects
    world.wait(11)
    assert call.held
    effects = world.put(put.Resume("a1", caller))
    assert out.JoinLegs(caller, callee) in effects


def test_answering_a_second_call_holds_the_first(world: World) -> None:
    world.register("c1", CAROL)
    _, first = world.talk()
    second = world.dial("c1", BOB)
    world.put(put.LegConnected(second))
    world.alert("b1")
    world.answer("b1")
    held = {call.call_id: call.held for call in world.exchange.calls() if call.line_id == "b1"}
    assert sorted(held.values()) == [False, True]
    assert held[first]


def test_resuming_one_call_holds_the_other(world: World) -> None:
    world.register("c1", CAROL)
    first, _ = world.talk()
    second, _ = world.talk("a1", "c1", CAROL)
    world.resume(first)
    held = {call.call_id: call.held for call in world.exchange.calls() if call.line_id == "a1"}
    assert held == {first: False, second: True}


def test_dialling_a_second_number_holds_the_first_call(world: World) -> None:
    first, _ = world.talk()
    world.dial("a1", CAROL)
    assert out.Held() in world.news(first)


def test_a_number_that_leads_nowhere_does_not_hold_the_call_that_is_up(world: World) -> None:
    first, _ = world.talk()
    world.dial("a1", UnknownTarget("999"))
    assert out.Held() not in world.news(first)


def test_only_an_answered_call_can_be_held(world: World) -> None:
    caller = world.dial("a1", BOB)
    with pytest.raises(ExchangeRefused):
        world.hold(caller)


# --- limits and test numbers ---


def test_a_third_call_is_not_offered_to_a_line_that_has_two(world: World) -> None:
    for party, line in ((CAROL, "c1"), (Party("Dave", "1004", "dave"), "d1")):
        world.register(line, party)
    world.talk()
    world.talk("c1", "b1")
    third = world.dial("d1", BOB)
    assert world.ended(third) is EndReason.BUSY


def test_a_line_places_two_calls_and_no_third(world: World) -> None:
    world.dial("a1", service(ServiceNumber.NO_ANSWER))
    world.dial("a1", service(ServiceNumber.NO_ANSWER))
    with pytest.raises(ExchangeRefused) as refused:
        world.dial("a1", BOB)
    assert refused.value.code is MobiusErrorCode.NOT_ACCEPTABLE


def test_a_person_calls_themself_and_their_other_phone_rings(world: World) -> None:
    world.register("a2", ALICE)
    caller = world.dial("a1", ALICE)
    world.alert("a2")
    world.answer("a2")
    assert out.Connected(ALICE) in world.news(caller)


def test_a_person_with_one_phone_who_calls_themself_is_busy(world: World) -> None:
    assert world.ended(world.dial("a1", ALICE)) is EndReason.BUSY


def test_the_echo_lets_the_caller_hear_itself(world: World) -> None:
    caller = world.dial("a1", service(ServiceNumber.ECHO))
    assert world.hears(caller) == out.EchoLeg(caller)


def test_the_announcement_hangs_up_when_it_is_over(world: World) -> None:
    caller = world.dial("a1", service(ServiceNumber.ANNOUNCEMENT))
    assert world.hears(caller) is None, "it is not spoken before somebody can hear it"
    world.put(put.LegConnected(caller))
    assert world.hears(caller) == out.PlaySound(caller, Sound.ANNOUNCEMENT)
    assert world.put(put.LegConnected(caller)) == [], "news that come twice do not begin it again"
    world.put(put.LegPlayed(caller))
    assert world.ended(caller) is EndReason.HANGUP


def test_digits_are_read_back(world: World) -> None:
    caller = world.dial("a1", service(ServiceNumber.DTMF))
    assert out.PlayDigits(caller, "7") in world.put(put.LegDtmf(caller, "7"))


# --- clients that err ---


def test_a_call_of_another_line_is_not_found(world: World) -> None:
    world.register("c1", CAROL)
    caller, _ = world.talk()
    for command in (
        put.Hold("c1", caller),
        put.KeepAlive("c1", caller),
        put.Roap("c1", caller, RoapMessage(1, RoapType.OK)),
    ):
        with pytest.raises(ExchangeRefused) as refused:
            world.put(command)
        assert refused.value.code is MobiusErrorCode.CALL_NOT_FOUND
    world.put(put.End("c1", caller, "", CauseCode.NORMAL))
    assert len(world.exchange.calls()) == 2


def test_an_answer_that_nobody_asked_for_is_told_so_and_harms_nothing(world: World) -> None:
    caller, callee = world.talk()
    world.put(put.Roap("b1", callee, RoapMessage(9, RoapType.ANSWER, sdp="late")))
    error = next(
        news.message
        for _, call, news in reversed(world.told)
        if call == callee and isinstance(news, out.Negotiate)
    )
    assert error.errorType is RoapErrorType.OUT_OF_ORDER
    assert world.hears(caller) == out.JoinLegs(caller, callee)


def test_a_client_may_renegotiate_by_itself(world: World) -> None:
    caller, _ = world.talk()
    effects = world.put(put.Roap("a1", caller, RoapMessage(2, RoapType.OFFER, sdp="new")))
    assert effects == [out.RenegotiateLeg(caller, "new", held=False)]


def test_an_unregistered_line_cannot_call(world: World) -> None:
    with pytest.raises(ExchangeRefused) as refused:
        world.dial("nobody", BOB)
    assert refused.value.code is MobiusErrorCode.DEVICE_NOT_REGISTERED
    assert world.exchange.sessions() == ()


def test_a_service_that_stops_takes_no_new_call(world: World) -> None:
    world.put(put.Shutdown())
    with pytest.raises(ExchangeRefused) as refused:
        world.dial("a1", BOB)
    assert refused.value.code is MobiusErrorCode.NOT_AVAILABLE


def test_a_correlation_id_names_one_call_of_a_line(world: World) -> None:
    world.dial("a1", BOB, correlation_id="mine")
    with pytest.raises(ExchangeRefused) as refused:
        world.dial("a1", CAROL, correlation_id="mine")
    assert refused.value.code is MobiusErrorCode.CALL_PROCESSING_ERROR
