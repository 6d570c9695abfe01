"""Hunt groups: who rings, for how long, and what becomes of the call when nobody takes it."""

from collections.abc import Iterable

import pytest

from engine.exchange.stories import ALICE, BOB, CAROL, DAVE, ERIN, World, town
from offhook.engine.exchange import effects as out
from offhook.engine.exchange import inputs as put
from offhook.engine.exchange.model import (
    EndReason,
    Forward,
    GroupTarget,
    HuntPolicy,
    Party,
    PersonTarget,
    Redirection,
    RedirectionReason,
    Rules,
)
from offhook.wire.mobius import CauseCode

SALES = Party("Sales", "2000")
ONE_AFTER_THE_OTHER = [HuntPolicy.REGULAR, HuntPolicy.CIRCULAR, HuntPolicy.LONGEST_IDLE]
EVERY_POLICY = list(HuntPolicy)


@pytest.fixture
def world() -> World:
    return town()


def group(
    policy: HuntPolicy,
    members: Iterable[Party | PersonTarget] = (BOB, CAROL, DAVE),
    rules: Rules | None = None,
    member_seconds: float = 15.0,
) -> GroupTarget:
    people = tuple(
        each if isinstance(each, PersonTarget) else PersonTarget(each) for each in members
    )
    return GroupTarget("sales", SALES, policy, people, rules or Rules(), member_seconds)


def ringing(world: World) -> list[str]:
    """The lines that ring now."""
    return sorted(call.line_id for call in world.exchange.calls() if call.rings)


# --- who rings ---


def test_all_ring_at_once_and_the_first_who_answers_has_the_call(world: World) -> None:
    caller = world.dial("a1", group(HuntPolicy.SIMULTANEOUS))
    others = [world.alert("b1"), world.alert("d1")]
    world.alert("c1")
    taken = world.answer("c1")
    assert world.voices(caller) == {taken}
    assert world.remote(caller) == CAROL
    assert [world.ended(each) for each in others] == [EndReason.ANSWERED_ELSEWHERE] * 2


def test_each_phone_learns_the_groups_name(world: World) -> None:
    world.dial("a1", group(HuntPolicy.SIMULTANEOUS))
    assert world.news(world.incoming("b1")) == [out.Incoming(ALICE, SALES)]
    opened = [each for each in world.windows if isinstance(each, out.WindowOpened)]
    assert [(each.callee, each.group) for each in opened] == [
        (BOB, SALES),
        (CAROL, SALES),
        (DAVE, SALES),
    ]


def test_a_member_sees_through_which_group_the_call_comes(world: World) -> None:
    sales = group(HuntPolicy.SIMULTANEOUS, (BOB, CAROL))
    world.dial("a1", PersonTarget(DAVE, Rules(always=Forward("2000", sales))))
    (view,) = world.exchange.views("bob")
    assert view.remote == ALICE
    assert view.redirections == (
        Redirection(RedirectionReason.UNCONDITIONAL, DAVE),
        Redirection(RedirectionReason.HUNT_GROUP, SALES),
    )


def test_the_caller_sees_the_group_until_somebody_answers(world: World) -> None:
    caller = world.dial("a1", group(HuntPolicy.REGULAR))
    world.alert("b1")
    assert world.remote(caller) == SALES
    world.answer("b1")
    assert world.remote(caller) == BOB


@pytest.mark.parametrize("policy", ONE_AFTER_THE_OTHER)
def test_one_after_the_other_rings_and_the_last_one_is_not_left_out(
    world: World, policy: HuntPolicy
) -> None:
    caller = world.dial("a1", group(policy))
    for line in ("b1", "c1", "d1"):
        assert ringing(world) == [line]
        world.alert(line)
        world.wait(15)
    assert world.ended(caller) is EndReason.NO_ANSWER


def test_the_first_of_the_list_rings_first_every_time(world: World) -> None:
    for _ in range(2):
        caller = world.dial("a1", group(HuntPolicy.REGULAR))
        assert ringing(world) == ["b1"]
        world.end(caller)


def test_in_a_circle_the_one_behind_who_rang_last_rings_first(world: World) -> None:
    for line in ("b1", "c1", "d1", "b1"):
        caller = world.dial("a1", group(HuntPolicy.CIRCULAR))
        assert ringing(world) == [line]
        world.end(caller)


def test_who_has_been_without_a_call_longest_rings_first(world: World) -> None:
    for line, party in (("c1", CAROL), ("b1", BOB), ("d1", DAVE)):
        world.wait(10)
        call, _ = world.talk("a1", line, party)
        world.end(call)
    caller = world.dial("a1", group(HuntPolicy.LONGEST_IDLE))
    for line in ("c1", "b1", "d1"):
        assert ringing(world) == [line]
        world.wait(15)
    assert world.ended(caller) is EndReason.NO_ANSWER


def test_a_call_that_only_rang_does_not_make_its_person_less_idle(world: World) -> None:
    world.wait(10)
    caller = world.dial("a1", group(HuntPolicy.LONGEST_IDLE))
    assert ringing(world) == ["b1"]
    world.end(caller)
    world.dial("a1", group(HuntPolicy.LONGEST_IDLE))
    assert ringing(world) == ["b1"]


def test_the_next_one_rings_when_a_member_declines(world: World) -> None:
    caller = world.dial("a1", group(HuntPolicy.REGULAR))
    world.end(world.alert("b1"), CauseCode.BUSY)
    assert ringing(world) == ["c1"]
    world.wait(30)
    assert ringing(world) == ["c1"], "who declined is not asked again"
    world.answer("c1")
    assert world.remote(caller) == CAROL


def test_with_all_at_once_the_others_ring_on_when_a_member_declines(world: World) -> None:
    caller = world.dial("a1", group(HuntPolicy.SIMULTANEOUS))
    world.end(world.alert("b1"), CauseCode.BUSY)
    assert ringing(world) == ["c1", "d1"]
    world.end(world.alert("c1"), CauseCode.BUSY)
    world.end(world.alert("d1"), CauseCode.BUSY)
    assert world.ended(caller) is EndReason.REJECTED


def test_when_all_had_their_turn_the_next_round_begins(world: World) -> None:
    world.dial("a1", group(HuntPolicy.REGULAR, (BOB, CAROL), Rules(no_answer_seconds=100.0)))
    turns = []
    for _ in range(5):
        turns += ringing(world)
        world.wait(15)
    assert turns == ["b1", "c1", "b1", "c1", "b1"]


def test_the_only_one_who_is_free_rings_on_for_as_long_as_a_phone_may(world: World) -> None:
    world.dial("a1", group(HuntPolicy.REGULAR, (BOB,), Rules(no_answer_seconds=100.0)))
    first = world.alert("b1")
    world.wait(54)
    assert world.ended(first) is None
    world.wait(2)
    assert world.ended(first) is EndReason.NO_ANSWER
    assert ringing(world) == ["b1"], "it rings anew"
    windows = [each for each in world.windows if isinstance(each, out.WindowOpened)]
    assert len(windows) == 2


def test_a_member_who_gets_free_has_a_turn(world: World) -> None:
    busy, _ = world.talk("c1", "e1", ERIN)
    world.dial("a1", group(HuntPolicy.REGULAR, (BOB, CAROL), Rules(no_answer_seconds=100.0)))
    world.wait(15)
    assert ringing(world) == ["b1"]
    world.end(busy)
    world.wait(15)
    assert ringing(world) == ["c1"]


# --- who does not ---


@pytest.mark.parametrize("policy", EVERY_POLICY)
def test_a_member_on_another_call_is_passed_over(world: World, policy: HuntPolicy) -> None:
    mine, _ = world.talk("b1", "e1", ERIN)
    world.hold(mine)
    world.dial("a1", group(policy, (BOB, CAROL)))
    assert ringing(world) == ["c1"]


@pytest.mark.parametrize("policy", EVERY_POLICY)
def test_a_member_who_is_not_to_be_disturbed_is_passed_over(
    world: World, policy: HuntPolicy
) -> None:
    quiet = PersonTarget(BOB, Rules(do_not_disturb=True))
    world.dial("a1", group(policy, (quiet, CAROL)))
    assert ringing(world) == ["c1"]


@pytest.mark.parametrize("policy", EVERY_POLICY)
def test_the_caller_does_not_ring_for_its_own_group(world: World, policy: HuntPolicy) -> None:
    world.register("a2", ALICE)
    world.dial("a1", group(policy, (ALICE, CAROL)))
    assert ringing(world) == ["c1"]


@pytest.mark.parametrize("policy", EVERY_POLICY)
def test_a_member_sends_its_own_calls_on_but_not_the_groups(
    world: World, policy: HuntPolicy
) -> None:
    away = PersonTarget(BOB, Rules(always=Forward("1005", PersonTarget(ERIN))))
    world.dial("a1", group(policy, (away,)))
    assert ringing(world) == ["b1"]


def test_one_who_rings_for_one_call_does_not_ring_for_the_next(world: World) -> None:
    world.put(put.LineGone("b1"))
    world.dial("a1", group(HuntPolicy.SIMULTANEOUS, (BOB,)))
    second = world.dial("e1", group(HuntPolicy.SIMULTANEOUS, (BOB,)))
    assert world.ended(second) is EndReason.BUSY, "asleep or not"


# --- phones ---


def test_a_member_who_sleeps_is_woken_and_may_answer_in_its_turn(world: World) -> None:
    world.put(put.LineGone("b1"))
    caller = world.dial("a1", group(HuntPolicy.REGULAR))
    opened = [each for each in world.windows if isinstance(each, out.WindowOpened)]
    assert [each.callee for each in opened] == [BOB]
    world.wait(10)
    world.register("b1", BOB)
    world.alert("b1")
    world.answer("b1")
    assert world.remote(caller) == BOB


def test_a_phone_that_registers_late_rings_in_its_turn_only(world: World) -> None:
    world.put(put.LineGone("d1"))
    world.dial("a1", group(HuntPolicy.REGULAR))
    world.register("d1", DAVE)
    assert ringing(world) == ["b1"]
    world.wait(30)
    assert ringing(world) == ["d1"]


def test_all_lines_of_a_member_ring_and_one_of_them_answers(world: World) -> None:
    world.register("b2", BOB)
    world.dial("a1", group(HuntPolicy.SIMULTANEOUS))
    other = world.alert("b2")
    world.alert("b1")
    world.answer("b1")
    assert world.ended(other) is EndReason.ANSWERED_ELSEWHERE


def test_answered_elsewhere_reaches_a_phone_that_is_waking(world: World) -> None:
    """The window is over as answered, and the phone that reports in is told so."""
    caller = world.dial("a1", group(HuntPolicy.SIMULTANEOUS, (BOB, CAROL)))
    waking = world.incoming("b1")
    world.alert("c1")
    world.answer("c1")
    closed = [each for each in world.windows if isinstance(each, out.WindowClosed)]
    assert [each.reason for each in closed] == [None, None]
    world.alert("b1")
    assert world.ended(waking) is EndReason.ANSWERED_ELSEWHERE
    assert world.remote(caller) == CAROL


def test_a_member_whose_phone_vanishes_keeps_its_turn(world: World) -> None:
    world.dial("a1", group(HuntPolicy.REGULAR))
    world.alert("b1")
    world.put(put.LineGone("b1"))
    assert ringing(world) == []
    world.register("b1", BOB)
    assert ringing(world) == ["b1"]
    world.put(put.LineGone("b1"))
    world.wait(15)
    assert ringing(world) == ["c1"]


def test_a_member_whose_phone_will_not_have_it_is_passed_over(world: World) -> None:
    world.dial("a1", group(HuntPolicy.REGULAR))
    world.end(world.alert("b1"), CauseCode.NOT_AVAILABLE)
    assert ringing(world) == ["c1"]


def test_the_caller_gives_up_and_all_stop(world: World) -> None:
    caller = world.dial("a1", group(HuntPolicy.SIMULTANEOUS))
    calls = [world.alert(line) for line in ("b1", "c1", "d1")]
    world.end(caller)
    assert [world.ended(each) for each in calls] == [EndReason.CANCELLED] * 3


# --- nobody takes it ---


@pytest.mark.parametrize("policy", EVERY_POLICY)
def test_when_all_are_busy_the_groups_busy_rule_applies(world: World, policy: HuntPolicy) -> None:
    world.talk("b1", "c1", CAROL)
    busy = world.dial("a1", group(policy, (BOB, CAROL)))
    assert world.ended(busy) is EndReason.BUSY
    rules = Rules(busy=Forward("1005", PersonTarget(ERIN)))
    caller = world.dial("a1", group(policy, (BOB, CAROL), rules))
    assert ringing(world) == ["e1"]
    world.answer("e1")
    assert world.remote(caller) == ERIN


@pytest.mark.parametrize("policy", EVERY_POLICY)
def test_when_nobody_answers_the_groups_rule_applies(world: World, policy: HuntPolicy) -> None:
    rules = Rules(no_answer=Forward("1005", PersonTarget(ERIN)), no_answer_seconds=20.0)
    caller = world.dial("a1", group(policy, (BOB, CAROL), rules))
    world.alert("b1")
    world.wait(19)
    assert "e1" not in ringing(world)
    world.wait(2)
    assert ringing(world) == ["e1"]
    assert world.remote(caller) == ERIN, "the caller sees where the call went"


@pytest.mark.parametrize("policy", HuntPolicy)
def test_members_who_rang_for_a_group_have_missed_nothing(world: World, policy: HuntPolicy) -> None:
    rules = Rules(no_answer=Forward("1005", PersonTarget(ERIN)), no_answer_seconds=20.0)
    world.dial("a1", group(policy, (BOB, CAROL), rules))
    world.wait(21)
    world.answer("e1")
    world.end(world.dial("d1", group(policy, (BOB, CAROL))))
    world.put(put.Shutdown())
    assert [each.callee for each in world.records] == [SALES, ERIN]


def test_a_group_may_send_its_calls_on_always_and_to_another_group(world: World) -> None:
    second = GroupTarget(
        "support", Party("Support", "3000"), HuntPolicy.REGULAR, (PersonTarget(DAVE),)
    )
    world.dial("a1", group(HuntPolicy.REGULAR, rules=Rules(always=Forward("3000", second))))
    assert ringing(world) == ["d1"]
    assert out.Incoming(ALICE, Party("Support", "3000")) in world.news(world.incoming("d1"))


def test_a_group_without_members_is_busy(world: World) -> None:
    for policy in EVERY_POLICY:
        assert world.ended(world.dial("a1", group(policy, ()))) is EndReason.BUSY


def test_a_call_is_transferred_to_a_group(world: World) -> None:
    mine, theirs = world.talk("a1", "b1", BOB)
    world.send_on(mine, group(HuntPolicy.REGULAR, (BOB, CAROL, DAVE)))
    assert ringing(world) == ["c1"], "who waits does not ring"
    taken = world.answer("c1")
    assert world.voices(theirs) == {taken}


def test_a_consultation_with_a_group_is_transferred_while_it_hunts(world: World) -> None:
    first, theirs = world.talk("a1", "b1", BOB)
    world.join(first, world.dial("a1", group(HuntPolicy.REGULAR)))
    assert ringing(world) == ["c1"]
    world.wait(15)
    assert ringing(world) == ["d1"]
    taken = world.answer("d1")
    assert world.remote(taken) == BOB
    assert world.voices(theirs) == {taken}
