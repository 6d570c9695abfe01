"""A person's own rules: forwarding of each kind, chains and circles, do not disturb."""

import pytest

from engine.exchange.stories import ALICE, BOB, CAROL, DAVE, ERIN, World, service, town
from offhook.engine.exchange import effects as out
from offhook.engine.exchange import inputs as put
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
from offhook.wire.mobius import CauseCode


@pytest.fixture
def world() -> World:
    return town()


def to(party: Party) -> Forward:
    return Forward(party.number, PersonTarget(party))


def ringing(world: World) -> list[str]:
    return sorted(call.line_id for call in world.exchange.calls() if call.rings)


def test_always_sent_on_the_person_does_not_ring(world: World) -> None:
    caller = world.dial("a1", PersonTarget(BOB, Rules(always=to(CAROL))))
    assert ringing(world) == ["c1"]
    world.answer("c1")
    assert world.remote(caller) == CAROL
    (view,) = world.exchange.views("carol")
    assert view.redirections == (Redirection(RedirectionReason.UNCONDITIONAL, BOB),)


def test_a_person_with_two_calls_is_busy_and_the_call_goes_on(world: World) -> None:
    bob = PersonTarget(BOB, Rules(busy=to(CAROL)))
    world.talk("d1", "b1", BOB)
    world.dial("a1", bob)
    assert ringing(world) == ["b1"], "one call is not busy: a second one waits"
    world.answer("b1")
    world.dial("e1", bob)
    assert ringing(world) == ["c1"]
    (view,) = world.exchange.views("carol")
    assert view.redirections == (Redirection(RedirectionReason.BUSY, BOB),)


@pytest.mark.parametrize("cause", [CauseCode.BUSY, CauseCode.NOT_AVAILABLE])
def test_declining_is_as_being_busy(world: World, cause: CauseCode) -> None:
    caller = world.dial("a1", PersonTarget(BOB, Rules(busy=to(CAROL))))
    world.end(world.alert("b1"), cause)
    assert ringing(world) == ["c1"]
    assert world.remote(caller) == CAROL


def test_not_to_be_disturbed_is_busy(world: World) -> None:
    rules = Rules(do_not_disturb=True)
    assert world.ended(world.dial("a1", PersonTarget(BOB, rules))) is EndReason.BUSY
    assert world.windows == [], "nothing wakes a phone"
    rules = Rules(do_not_disturb=True, busy=to(CAROL))
    world.dial("a1", PersonTarget(BOB, rules))
    assert ringing(world) == ["c1"]


def test_nobody_answers_and_the_call_goes_on_after_the_persons_own_time(world: World) -> None:
    rules = Rules(no_answer=to(CAROL), no_answer_seconds=12.0)
    caller = world.dial("a1", PersonTarget(BOB, rules))
    bobs = world.alert("b1")
    world.wait(11)
    assert ringing(world) == ["b1"]
    world.wait(2)
    assert ringing(world) == ["c1"]
    assert world.ended(bobs) is EndReason.NO_ANSWER
    assert world.remote(caller) == CAROL
    world.wait(43)
    assert world.ended(caller) is None, "Carol's phone rings as long as any"
    world.wait(2)
    assert world.ended(caller) is EndReason.NO_ANSWER
    assert [each.callee for each in world.records] == [BOB, CAROL]


def test_a_person_who_sleeps_is_woken_before_the_call_goes_on(world: World) -> None:
    world.put(put.LineGone("b1"))
    rules = Rules(no_answer=to(CAROL), no_answer_seconds=12.0)
    caller = world.dial("a1", PersonTarget(BOB, rules))
    world.wait(5)
    world.register("b1", BOB)
    world.alert("b1")
    world.answer("b1")
    assert world.remote(caller) == BOB


def test_each_person_on_the_way_has_a_ring_window_of_its_own(world: World) -> None:
    rules = Rules(no_answer=to(CAROL), no_answer_seconds=12.0)
    caller = world.dial("a1", PersonTarget(BOB, rules))
    world.wait(13)
    world.end(caller)
    opened = [each for each in world.windows if isinstance(each, out.WindowOpened)]
    closed = [each for each in world.windows if isinstance(each, out.WindowClosed)]
    assert [each.callee for each in opened] == [BOB, CAROL]
    assert [(each.ring_id, each.reason) for each in closed] == [
        (opened[0].ring_id, EndReason.NO_ANSWER),
        (opened[1].ring_id, EndReason.CANCELLED),
    ]


def test_a_call_goes_on_from_one_to_the_next(world: World) -> None:
    dave = PersonTarget(DAVE, Rules(do_not_disturb=True, busy=to(ERIN)))
    carol = PersonTarget(CAROL, Rules(no_answer=Forward("1004", dave), no_answer_seconds=10.0))
    caller = world.dial("a1", PersonTarget(BOB, Rules(always=Forward("1003", carol))))
    assert ringing(world) == ["c1"]
    world.wait(11)
    assert ringing(world) == ["e1"]
    (view,) = world.exchange.views("erin")
    assert [each.reason for each in view.redirections] == [
        RedirectionReason.UNCONDITIONAL,
        RedirectionReason.NO_ANSWER,
        RedirectionReason.BUSY,
    ]
    world.answer("e1")
    assert world.remote(caller) == ERIN


@pytest.mark.parametrize("length", [MOST_REDIRECTIONS, MOST_REDIRECTIONS + 1])
def test_a_call_that_goes_in_circles_is_busy(world: World, length: int) -> None:
    target: Target = PersonTarget(CAROL)
    for _ in range(length):
        target = PersonTarget(BOB, Rules(always=Forward("again", target)))
    caller = world.dial("a1", target)
    stops = length > MOST_REDIRECTIONS
    assert world.ended(caller) is (EndReason.BUSY if stops else None)
    assert ringing(world) == ([] if stops else ["c1"])


def test_sent_on_to_the_caller_itself_it_is_busy(world: World) -> None:
    caller = world.dial("a1", PersonTarget(BOB, Rules(always=to(ALICE))))
    assert world.ended(caller) is EndReason.BUSY


def test_sent_on_to_the_callers_other_phone_it_rings(world: World) -> None:
    world.register("a2", ALICE)
    world.dial("a1", PersonTarget(BOB, Rules(always=to(ALICE))))
    assert ringing(world) == ["a2"]


def test_sent_on_to_nowhere_the_call_ends(world: World) -> None:
    caller = world.dial("a1", PersonTarget(BOB, Rules(always=Forward("9", UnknownTarget("9")))))
    assert world.ended(caller) is EndReason.NOT_FOUND


def test_sent_on_to_the_services_own_number(world: World) -> None:
    echo = Forward("8000", service(ServiceNumber.ECHO))
    caller = world.dial("a1", PersonTarget(BOB, Rules(always=echo)))
    assert world.hears(caller) == out.EchoLeg(caller)
    assert world.remote(caller) == Party("echo", "8000")


def kept(world: World) -> list[tuple[str, EndReason, str]]:
    return [(each.callee.name, each.reason, each.ended_by) for each in world.records]


def test_one_record_names_who_answered_and_one_who_did_not(world: World) -> None:
    rules = Rules(no_answer=to(CAROL), no_answer_seconds=12.0)
    caller = world.dial("a1", PersonTarget(BOB, rules))
    world.wait(13)
    assert kept(world) == [("Bob", EndReason.NO_ANSWER, "service")]
    world.answer("c1")
    world.end(caller)
    bobs, carols = world.records
    assert (carols.callee, carols.reason) == (CAROL, EndReason.HANGUP)
    assert (bobs.session_id, bobs.answered) == (carols.session_id, None)
    assert (bobs.sent_on, carols.sent_on) == (1, 0)


def test_who_declines_or_is_busy_has_missed_a_call_that_goes_on(world: World) -> None:
    carol = PersonTarget(CAROL, Rules(do_not_disturb=True, busy=to(DAVE)))
    caller = world.dial("a1", PersonTarget(BOB, Rules(busy=Forward("1003", carol))))
    world.end(world.alert("b1"), CauseCode.BUSY)
    world.end(caller)
    assert kept(world) == [
        ("Bob", EndReason.REJECTED, "callee"),
        ("Carol", EndReason.BUSY, "callee"),
        ("Dave", EndReason.CANCELLED, "caller"),
    ]
    assert len({(each.session_id, each.sent_on) for each in world.records}) == 3


def test_who_diverts_a_call_has_not_answered_it(world: World) -> None:
    caller = world.dial("a1", BOB)
    world.alert("b1")
    (view,) = world.exchange.views("bob")
    world.command(BOB, view.view_id, put.DivertView("1003", PersonTarget(CAROL)))
    world.answer("c1")
    world.end(caller)
    assert kept(world) == [
        ("Bob", EndReason.REJECTED, "callee"),
        ("Carol", EndReason.HANGUP, "caller"),
    ]


def test_who_is_never_called_has_missed_nothing(world: World) -> None:
    world.end(world.dial("a1", PersonTarget(BOB, Rules(always=to(CAROL)))))
    assert kept(world) == [("Carol", EndReason.CANCELLED, "caller")]
