"""What REST and webhooks see of calls: which changes, in which order, to which view."""

import pytest

from engine.exchange.stories import ALICE, BOB, CAROL, World, town
from offhook.engine.exchange import inputs as put
from offhook.engine.exchange.model import (
    EndReason,
    GroupTarget,
    HuntPolicy,
    Party,
    PersonTarget,
    UnknownTarget,
)
from offhook.engine.exchange.parties import CONFERENCE
from offhook.engine.exchange.views import CallView, Personality, ViewState
from offhook.wire.mobius import CauseCode

CONNECTING, ALERTING, CONNECTED, HELD, REMOTE_HELD, DISCONNECTED = ViewState


@pytest.fixture
def world() -> World:
    return town()


def changes(world: World, person: Party) -> list[CallView]:
    """The views of a person as they were told, in order."""
    return [each.view for each in world.views if each.view.party == person]


def states(world: World, person: Party) -> list[ViewState]:
    return [each.state for each in changes(world, person)]


def test_a_call_from_beginning_to_end(world: World) -> None:
    mine, _ = world.talk()
    world.wait(30)
    world.end(mine)
    assert states(world, ALICE) == [CONNECTING, ALERTING, CONNECTED, DISCONNECTED]
    assert states(world, BOB) == [ALERTING, CONNECTED, DISCONNECTED]
    last = changes(world, BOB)[-1]
    assert last.personality is Personality.TERMINATOR
    assert (last.created, last.answered, last.disconnected) == (1000.0, 1000.0, 1030.0)
    assert last.reason is EndReason.HANGUP
    assert changes(world, ALICE)[-1].personality is Personality.ORIGINATOR


def test_each_change_says_what_was_before(world: World) -> None:
    mine, _ = world.talk()
    world.hold(mine)
    world.end(mine)
    seen: dict[str, CallView] = {}
    for change in world.views:
        assert change.before == seen.get(change.view.view_id)
        seen[change.view.view_id] = change.view


def test_the_view_of_a_person_is_one_whichever_phone_takes_the_call(world: World) -> None:
    world.register("b2", BOB)
    world.dial("a1", BOB)
    for line in ("b1", "b2"):
        world.alert(line)
    answered = world.answer("b2")
    ringing, talking = changes(world, BOB)
    assert ringing.view_id == talking.view_id
    assert (ringing.call_id, talking.call_id) == ("", answered)
    assert world.exchange.view(answered) == world.exchange.view(ringing.view_id) == talking


def test_hold_is_seen_on_both_sides(world: World) -> None:
    mine, _ = world.talk()
    world.hold(mine)
    world.resume(mine)
    assert states(world, ALICE)[-3:] == [CONNECTED, HELD, CONNECTED]
    assert states(world, BOB)[-3:] == [CONNECTED, REMOTE_HELD, CONNECTED]


def test_a_number_that_leads_nowhere_begins_and_ends(world: World) -> None:
    world.dial("a1", UnknownTarget("999"))
    assert states(world, ALICE) == [CONNECTING, DISCONNECTED]
    assert changes(world, ALICE)[-1].reason is EndReason.NOT_FOUND
    assert changes(world, ALICE)[-1].remote == Party("", "999")


def test_a_call_that_is_declined(world: World) -> None:
    world.dial("a1", BOB)
    world.end(world.alert("b1"), CauseCode.BUSY)
    assert states(world, BOB) == [ALERTING, DISCONNECTED]
    assert states(world, ALICE) == [CONNECTING, ALERTING, DISCONNECTED]
    assert changes(world, ALICE)[-1].reason is EndReason.REJECTED


def test_a_call_that_another_member_of_the_group_took(world: World) -> None:
    members = (PersonTarget(BOB), PersonTarget(CAROL))
    world.dial("a1", GroupTarget("g", Party("G", "2"), HuntPolicy.SIMULTANEOUS, members))
    world.alert("b1")
    world.answer("b1")
    last = changes(world, CAROL)[-1]
    assert last.completed_elsewhere
    assert last.reason is EndReason.ANSWERED_ELSEWHERE
    assert changes(world, ALICE)[-1].remote == BOB


def test_a_blind_transfer(world: World) -> None:
    mine, theirs = world.talk()
    world.send_on(mine, CAROL)
    assert states(world, ALICE)[-1] is DISCONNECTED
    assert changes(world, ALICE)[-1].reason is EndReason.TRANSFERRED
    world.alert("c1")
    world.answer("c1")
    (view,) = world.exchange.views("bob")
    assert view.call_id == theirs
    assert view.remote == CAROL
    assert {each.view_id for each in changes(world, BOB)} == {view.view_id}, "it is one call to Bob"
    assert states(world, BOB).count(DISCONNECTED) == 0


def test_a_consult_transfer_while_it_rings(world: World) -> None:
    first, _ = world.talk()
    second = world.dial("a1", CAROL)
    world.alert("c1")
    world.join(first, second)
    assert [each.state for each in changes(world, ALICE)][-2:] == [DISCONNECTED, DISCONNECTED]
    assert [each.remote for each in changes(world, CAROL)] == [ALICE, BOB]
    world.answer("c1")
    assert states(world, CAROL) == [ALERTING, ALERTING, CONNECTED]


def test_a_conference_keeps_the_views_and_gives_them_its_id(world: World) -> None:
    first, _ = world.talk()
    second, carols = world.talk("a1", "c1", CAROL)
    mine = {each.view_id for each in world.exchange.views("alice")}
    before = len(world.views)
    world.merge(ALICE, second, first)
    views = world.exchange.views("alice")
    assert {each.view_id for each in views} == mine
    assert {each.call_id for each in views} == {second}
    assert [each.remote for each in views] == [BOB, CAROL]
    told = [each.view for each in world.views[before:]]
    assert len(told) == len({each.view_id for each in told}) == 4, "each is told once"
    assert len({each.conference_id for each in told} - {""}) == 1
    assert world.view_of(CAROL, carols).remote == CONFERENCE


def test_with_two_left_each_has_one_view_of_an_ordinary_call(world: World) -> None:
    first, bobs = world.talk()
    second, _ = world.talk("a1", "c1", CAROL)
    world.merge(ALICE, second, first)
    world.end(bobs)
    (view,) = world.exchange.views("alice")
    assert (view.remote, view.conference_id) == (CAROL, "")
    ended = [each for each in changes(world, ALICE) if each.state is DISCONNECTED]
    assert [each.remote for each in ended] == [BOB]


def test_a_view_is_found_by_its_own_id_or_by_its_leg_until_it_is_over(world: World) -> None:
    mine, theirs = world.talk()
    (view,) = world.exchange.views("bob")
    assert world.exchange.view(theirs) == world.exchange.view(view.view_id) == view
    world.end(mine)
    assert world.exchange.view(theirs) is world.exchange.view(view.view_id) is None
    assert world.exchange.views("bob") == ()


def test_mute_is_seen_by_who_is_muted(world: World) -> None:
    mine, _ = world.talk()
    world.command(ALICE, mine, put.MuteView(muted=True))
    assert changes(world, ALICE)[-1].muted
    assert not changes(world, BOB)[-1].muted
