"""Corners of ringing that people meet: silent phones, overtaking requests, the same id twice."""

import pytest

from engine.exchange.stories import ALICE, BOB, CAROL, World
from offhook.engine.exchange import Exchange, ExchangeRefused
from offhook.engine.exchange import effects as out
from offhook.engine.exchange import inputs as put
from offhook.engine.exchange.model import EndReason, PersonTarget, ServiceNumber, ServiceTarget
from offhook.wire.mobius import CauseCode, MobiusErrorCode
from offhook.wire.roap import RoapMessage, RoapType


@pytest.fixture
def world() -> World:
    world = World()
    world.register("a1", ALICE)
    world.register("b1", BOB)
    return world


def test_a_caller_hears_of_progress_though_the_called_client_is_silent(world: World) -> None:
    caller = world.dial("a1", BOB)
    assert world.news(caller) == []
    world.wait(5)
    assert world.news(caller) == [out.Progress(BOB)], "official callers give up after 10 s"


def test_progress_is_not_said_twice_when_the_called_client_reports_in(world: World) -> None:
    caller = world.dial("a1", BOB)
    world.alert("b1")
    world.wait(20)
    assert world.news(caller) == [out.Progress(BOB)]


def test_an_end_that_overtakes_its_call_keeps_the_phone_from_ringing(world: World) -> None:
    world.put(put.End("a1", "DefaultLocalId_1", "mine", CauseCode.NORMAL))
    world.dial("a1", BOB, correlation_id="mine")
    assert not any(isinstance(news, out.Incoming) for _, _, news in world.told)
    assert [record.reason for record in world.records] == [EndReason.CANCELLED]
    assert world.exchange.deadline is None


def test_an_end_is_not_remembered_for_long(world: World) -> None:
    world.put(put.End("a1", "DefaultLocalId_1", "mine", CauseCode.NORMAL))
    world.wait(11)
    world.dial("a1", BOB, correlation_id="mine")
    assert world.incoming("b1")


def test_a_line_that_is_full_is_passed_over_and_the_persons_other_line_rings(world: World) -> None:
    world.register("b2", BOB)
    world.register("c1", CAROL)
    for _ in range(2):
        world.dial("b2", ServiceTarget(ServiceNumber.NO_ANSWER, CAROL))
    world.dial("c1", BOB)
    assert world.incoming("b1")
    assert not any(line == "b2" and isinstance(news, out.Incoming) for line, _, news in world.told)


def test_a_line_that_registers_twice_rings_once(world: World) -> None:
    world.dial("a1", BOB)
    world.register("b1", BOB)
    rings = [line for line, _, news in world.told if isinstance(news, out.Incoming)]
    assert rings == ["b1"]


def test_the_caller_gives_up_before_the_called_client_could_report_in(world: World) -> None:
    caller = world.dial("a1", BOB)
    callee = world.incoming("b1")
    world.end(caller)
    assert world.ended(callee) is None
    effects = world.put(put.Alert("b1", callee, "bobs"))
    assert [each.correlation_id for each in effects if isinstance(each, out.Tell)] == ["bobs"]
    assert world.ended(callee) is EndReason.CANCELLED
    with pytest.raises(ExchangeRefused) as refused:
        world.put(put.Alert("b1", callee, "bobs"))
    assert refused.value.code is MobiusErrorCode.CALL_NOT_FOUND


def test_answering_by_an_answer_alone_what_was_given_up_tells_so(world: World) -> None:
    caller = world.dial("a1", BOB)
    callee = world.incoming("b1")
    world.end(caller)
    answer = RoapMessage(1, RoapType.ANSWER, sdp="answer")
    world.put(put.Roap("b1", callee, answer, correlation_id="bobs"))
    assert world.ended(callee) is EndReason.CANCELLED


def test_a_client_that_comes_too_late_for_a_call_is_not_kept_in_mind(world: World) -> None:
    caller = world.dial("a1", BOB)
    callee = world.incoming("b1")
    world.end(caller)
    world.wait(61)
    with pytest.raises(ExchangeRefused):
        world.put(put.Alert("b1", callee, "bobs"))


def test_a_stranger_does_not_ring_answer_or_learn_of_a_call(world: World) -> None:
    world.register("c1", CAROL)
    world.dial("a1", BOB)
    callee = world.incoming("b1")
    for command in (put.Alert("c1", callee, "x"), put.Answer("c1", callee, "x")):
        with pytest.raises(ExchangeRefused) as refused:
            world.put(command)
        assert refused.value.code is MobiusErrorCode.CALL_NOT_FOUND


def test_the_caller_cannot_answer_its_own_call(world: World) -> None:
    caller = world.dial("a1", BOB)
    with pytest.raises(ExchangeRefused) as refused:
        world.put(put.Answer("a1", caller, "own"))
    assert refused.value.code is MobiusErrorCode.INVALID_STATUS_UPDATE


def test_an_answer_that_races_with_the_callers_end_finds_no_call(world: World) -> None:
    caller = world.dial("a1", BOB)
    callee = world.alert("b1")
    world.end(caller)
    with pytest.raises(ExchangeRefused) as refused:
        world.put(put.Answer("b1", callee, "own"))
    assert refused.value.code is MobiusErrorCode.CALL_NOT_FOUND


def test_media_news_about_a_call_that_is_over_do_nothing(world: World) -> None:
    caller, callee = world.talk()
    world.end(caller)
    for news in (
        put.LegAnswered(caller, "late"),
        put.LegOffered(callee, "late"),
        put.LegConnected(callee),
        put.LegFailed(caller, "late"),
        put.LegPlayed(caller),
        put.LegDtmf(caller, "1"),
    ):
        assert world.put(news) == []


def test_an_id_is_used_once(world: World) -> None:
    world.dial("a1", BOB)
    offer = RoapMessage(1, RoapType.OFFER, sdp="offer")
    again = put.Place("call1", "a1", "x", "session9", "t", "1002", PersonTarget(BOB), offer)
    with pytest.raises(ExchangeRefused) as refused:
        world.put(again)
    assert refused.value.code is MobiusErrorCode.CALL_PROCESSING_ERROR


@pytest.mark.parametrize(
    "offer",
    [
        RoapMessage(1, RoapType.OFFER),
        RoapMessage(1, RoapType.ANSWER, sdp="answer"),
        RoapMessage(2**40, RoapType.OFFER, sdp="offer"),
    ],
)
def test_a_call_without_a_proper_offer_is_refused(world: World, offer: RoapMessage) -> None:
    with pytest.raises(ExchangeRefused) as refused:
        world.put(put.Place("x", "a1", "x", "x", "t", "1002", PersonTarget(BOB), offer))
    assert refused.value.code is MobiusErrorCode.PARSING_ERROR


@pytest.mark.parametrize("seconds", [0.0, -1.0, 56.0])
def test_a_ring_window_is_no_longer_than_official_clients_ring(seconds: float) -> None:
    with pytest.raises(ValueError, match="ring_seconds"):
        Exchange(new_id=lambda: "x", ring_seconds=seconds)
