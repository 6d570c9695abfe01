"""Conferences: who hears whom, who is told what, and what is left when somebody leaves."""

import pytest

from engine.exchange.stories import ALICE, BOB, CAROL, DAVE, World, service, town
from offhook.engine.exchange import effects as out
from offhook.engine.exchange import inputs as put
from offhook.engine.exchange.effects import Sound
from offhook.engine.exchange.model import EndReason, Party, ServiceNumber
from offhook.engine.exchange.parties import CONFERENCE
from offhook.engine.rtp.mixing import MOST_PARTICIPANTS
from offhook.wire.mobius import CauseCode


@pytest.fixture
def world() -> World:
    return town()


def two_calls(world: World) -> tuple[str, str, str, str]:
    """Alice talks with Bob, on hold, and with Carol: Alice's two calls, Bob's and Carol's."""
    first, bobs = world.talk("a1", "b1", BOB)
    second, carols = world.talk("a1", "c1", CAROL)
    return first, second, bobs, carols


def three(world: World) -> tuple[str, str, str]:
    """Alice, the host, Bob and Carol in a conference: their calls."""
    first, second, bobs, carols = two_calls(world)
    world.merge(ALICE, second, first)
    return second, bobs, carols


def four(world: World) -> tuple[str, str, str, str]:
    """Dave as well, whom Alice brought in."""
    alices, bobs, carols = three(world)
    call, daves = world.talk("a1", "d1", DAVE)
    world.merge(ALICE, alices, call)
    return alices, bobs, carols, daves


# --- merging ---


def test_merged_all_three_hear_each_other(world: World) -> None:
    alices, bobs, carols = three(world)
    assert world.voices(alices) == {bobs, carols}
    assert world.voices(bobs) == {alices, carols}
    assert world.voices(carols) == {alices, bobs}


@pytest.mark.parametrize("on_the_held_one", [False, True])
def test_it_goes_on_on_the_leg_that_merges_and_the_other_ends(
    world: World, on_the_held_one: bool
) -> None:
    first, second, bobs, carols = two_calls(world)
    mine, merged = (first, second) if on_the_held_one else (second, first)
    world.merge(ALICE, mine, merged)
    assert world.ended(merged) is EndReason.MERGED
    assert world.ended(mine) is None
    assert not world.call(mine).held, "who merges takes part"
    assert world.voices(mine) == {bobs, carols}


def test_everybody_is_told_who_is_in_it_and_who_is_the_host(world: World) -> None:
    alices, bobs, carols = three(world)
    for call in (alices, bobs, carols):
        told = [each for each in world.news(call) if isinstance(each, out.Participants)][-1]
        assert told.conference
        assert {each.party for each in told.participants} == {ALICE, BOB, CAROL}
        assert [each.party for each in told.participants if each.is_host] == [ALICE]
        assert world.remote(call) == CONFERENCE


def test_who_is_in_it_is_told_before_that_it_is_one(world: World) -> None:
    for call in three(world):
        news = world.news(call)
        told = next(n for n, each in enumerate(news) if getattr(each, "conference", False))
        assert told < news.index(out.InfoChanged(CONFERENCE))


def test_a_party_that_holds_stays_on_hold(world: World) -> None:
    first, second, bobs, carols = two_calls(world)
    world.hold(bobs)
    world.merge(ALICE, second, first)
    assert world.voices(bobs) == Sound.SILENCE
    assert world.voices(second) == {carols}
    world.resume(bobs)
    assert world.voices(second) == {bobs, carols}


def test_a_fourth_is_added_and_the_conference_stays_the_same(world: World) -> None:
    alices, bobs, carols = three(world)
    conference = world.view_of(BOB, bobs).conference_id
    records = len(world.records)
    call, daves = world.talk("a1", "d1", DAVE)
    assert world.voices(bobs) == {carols}, "Alice holds while she asks Dave"
    world.merge(ALICE, call, alices)
    assert world.voices(bobs) == {call, carols, daves}
    assert world.voices(daves) == {call, bobs, carols}
    assert world.names(bobs) == {"Alice", "Bob", "Carol", "Dave"}
    assert world.view_of(BOB, bobs).conference_id == conference
    assert len(world.records) == records + 1, "only the call with Dave is over"
    mixes = {each.call_id for each in world.media if isinstance(each, out.MixLegs)}
    assert mixes == {conference}, "it is still the same mix"


def test_two_conferences_become_one(world: World) -> None:
    _, bobs, carols = three(world)
    second, daves = world.talk("c1", "d1", DAVE)
    third, erins = world.talk("c1", "e1", Party("Erin", "1005", "erin"))
    world.merge(CAROL, third, second)
    assert world.voices(erins) == {third, daves}
    world.merge(CAROL, third, carols)
    assert world.voices(bobs) >= {third, daves, erins}
    assert len(world.exchange.sessions()) == 1


def test_a_third_call_that_is_held_is_not_touched(world: World) -> None:
    first, second, bobs, carols = two_calls(world)
    third, daves = world.talk("a1", "d1", DAVE)
    world.merge(ALICE, third, second)
    assert world.call(first).held
    assert world.voices(bobs) == Sound.MUSIC_ON_HOLD
    assert world.voices(third) == {carols, daves}
    world.resume(first)
    assert world.voices(first) == {bobs}
    assert world.voices(carols) == {daves}


def test_both_merge_at_once_and_all_are_in_one(world: World) -> None:
    first, second, bobs, carols = two_calls(world)
    to_dave, daves = world.talk("b1", "d1", DAVE)
    world.merge(ALICE, second, first)
    world.merge(BOB, to_dave, bobs)
    everybody = {second, to_dave, carols, daves}
    for call in everybody:
        assert world.voices(call) == everybody - {call}
    assert world.call(second).call_id in _host_of(world), "whoever was first is the host"


def test_a_call_that_ended_just_before_leaves_the_other_as_it_was(world: World) -> None:
    first, second, bobs, carols = two_calls(world)
    world.end(bobs)
    refused = world.refusal(put.Control("alice", second, put.ConferenceViews((first,))))
    assert "no such call" in refused.message
    assert world.voices(second) == {carols}


def test_calls_that_cannot_be_merged_stay_as_they_were(world: World) -> None:
    first, bobs = world.talk("a1", "b1", BOB)
    ringing = world.dial("a1", CAROL)
    merge = put.ConferenceViews((ringing,))
    assert "answer" in world.refusal(put.Control("alice", first, merge)).message
    world.end(ringing)
    echo = world.dial("a1", service(ServiceNumber.ECHO))
    merge = put.ConferenceViews((echo,))
    assert "service" in world.refusal(put.Control("alice", first, merge)).message
    world.end(echo)
    second, _ = world.talk("a1", "b1", BOB)
    merge = put.ConferenceViews((second,))
    assert "same" in world.refusal(put.Control("alice", first, merge)).message
    assert world.refusal(put.Control("alice", first, put.ConferenceViews(())))
    assert world.refusal(put.Control("alice", first, put.ConferenceViews((bobs,))))


def test_a_call_named_twice_or_merged_already_is_no_error(world: World) -> None:
    first, second, bobs, carols = two_calls(world)
    world.merge(ALICE, second, first, first, second)
    assert world.voices(second) == {bobs, carols}
    world.merge(ALICE, second, second)
    assert world.voices(second) == {bobs, carols}


def test_calls_on_two_phones_of_a_person_are_merged_onto_one(world: World) -> None:
    world.register("a2", ALICE)
    first, bobs = world.talk("a1", "b1", BOB)
    second, carols = world.talk("a2", "c1", CAROL)
    world.merge(ALICE, first, second)
    assert world.ended(second) is EndReason.MERGED
    assert world.voices(first) == {bobs, carols}


def test_two_phones_of_a_person_may_be_in_one_conference(world: World) -> None:
    world.register("b2", BOB)
    first, bobs = world.talk("a1", "b1", BOB)
    second = world.dial("a1", BOB)
    world.put(put.LegConnected(second))
    world.alert("b2")
    also_bobs = world.answer("b2")
    world.merge(ALICE, second, first)
    assert world.voices(bobs) == {second, also_bobs}
    world.command(BOB, bobs, put.HangUpView())
    assert world.voices(second) == {also_bobs}


def test_a_conference_takes_so_many_and_no_more(world: World) -> None:
    parties = [Party(f"P{n}", str(n), f"p{n}") for n in range(MOST_PARTICIPANTS)]
    host, _ = world.talk("a1", "b1", BOB)
    for party in parties[: MOST_PARTICIPANTS - 2]:
        world.register(party.person_id, party)
        call, _ = world.talk("a1", party.person_id, party)
        world.merge(ALICE, host, call)
    world.register("last", parties[-1])
    call, last = world.talk("a1", "last", parties[-1])
    refused = world.refusal(put.Control("alice", host, put.ConferenceViews((call,))))
    assert str(MOST_PARTICIPANTS) in refused.message
    assert world.voices(last) == {call}


def test_a_hold_that_is_not_confirmed_yet_is_undone_by_the_merge(world: World) -> None:
    world.acknowledges = False
    first, second, bobs, carols = two_calls(world)
    world.acknowledges = True
    world.merge(ALICE, first, second)
    assert world.voices(first) == {bobs, carols}
    world.wait(20)
    assert world.voices(first) == {bobs, carols}
    confirmed = [each for each in world.news(first) if isinstance(each, out.Held | out.Resumed)]
    assert isinstance(confirmed[-1], out.Resumed)


# --- in it ---


def test_who_holds_hears_nothing_and_the_others_go_on(world: World) -> None:
    alices, bobs, carols = three(world)
    world.hold(bobs)
    assert world.voices(bobs) == Sound.SILENCE
    assert world.voices(alices) == {carols}
    told = [each for each in world.news(carols) if isinstance(each, out.Participants)][-1]
    assert [each.party for each in told.participants if each.held] == [BOB]
    world.resume(bobs)
    assert world.voices(carols) == {alices, bobs}


def test_who_is_left_alone_by_holds_hears_music(world: World) -> None:
    alices, bobs, carols = three(world)
    world.hold(bobs)
    world.hold(carols)
    assert world.voices(alices) == Sound.MUSIC_ON_HOLD


def test_the_loudest_is_told_to_all_once(world: World) -> None:
    calls = three(world)
    for _ in range(2):
        world.put(put.LegSpeaks(calls[1]))
    for call in calls:
        assert world.news(call).count(out.ActiveSpeaker(calls[1])) == 1


def test_in_a_call_of_two_nobody_is_told_who_speaks(world: World) -> None:
    mine, _ = world.talk()
    assert world.put(put.LegSpeaks(mine)) == []


# --- leaving ---


@pytest.mark.parametrize("who", [0, 1, 2, 3])
def test_somebody_leaves_and_the_others_go_on(world: World, who: int) -> None:
    calls = four(world)
    world.end(calls[who])
    left = {*calls} - {calls[who]}
    for call in left:
        assert world.voices(call) == left - {call}
        assert len(world.names(call)) == 3


def test_when_the_host_has_left_nobody_is_until_somebody_merges(world: World) -> None:
    alices, bobs, _, _ = four(world)
    world.end(alices)
    assert _host_of(world) == {""}
    assert world.refusal(put.Control("bob", bobs, put.EndConferenceView()))
    call, _ = world.talk("b1", "e1", Party("Erin", "1005", "erin"))
    world.merge(BOB, bobs, call)
    assert _host_of(world) == {bobs}


def test_with_two_left_it_is_an_ordinary_call(world: World) -> None:
    alices, bobs, carols = three(world)
    world.end(alices)
    assert isinstance(world.hears(bobs), out.JoinLegs), "nothing is mixed any more"
    assert world.voices(bobs) == {carols}
    assert world.remote(bobs) == CAROL
    assert world.remote(carols) == BOB
    told = [each for each in world.news(bobs) if isinstance(each, out.Participants)][-1]
    assert not told.conference
    assert world.view_of(BOB, bobs).conference_id == ""
    world.send_on(bobs, DAVE)
    assert world.remote(carols) == DAVE, "it can be transferred as any other"


def test_a_client_that_vanishes_leaves(world: World) -> None:
    _, bobs, carols = three(world)
    world.put(put.LineGone("a1"))
    assert world.voices(bobs) == {carols}


def test_audio_that_is_lost_takes_only_that_party_out(world: World) -> None:
    alices, bobs, carols = three(world)
    world.put(put.LegFailed(bobs, "silent"))
    assert world.ended(bobs) is EndReason.MEDIA_LOST
    assert world.voices(alices) == {carols}


def test_a_client_that_falls_silent_leaves(world: World) -> None:
    alices, bobs, carols = three(world)
    world.wait(1200)
    for line, call in (("a1", alices), ("c1", carols)):
        world.put(put.KeepAlive(line, call))
    world.wait(100)
    assert world.ended(bobs) is EndReason.LINE_LOST
    assert world.voices(alices) == {carols}


def test_a_party_whose_audio_never_came_up_is_out_and_the_others_go_on(world: World) -> None:
    first, bobs = world.talk("a1", "b1", BOB)
    second = world.dial("a1", CAROL)
    world.put(put.LegConnected(second))
    carols = world.alert("c1")
    world.put(put.Answer("c1", carols, f"own-{carols}"))
    world.merge(ALICE, second, first)
    assert world.voices(bobs) == {second, carols}
    world.wait(11)
    assert world.ended(carols) is EndReason.ERROR
    assert world.voices(bobs) == {second}


def test_a_client_that_vanishes_is_out_of_all_of_its_calls(world: World) -> None:
    """A conference, a call on hold beside it, and one that rings."""
    alices, bobs, carols = three(world)
    beside, daves = world.talk("a1", "d1", DAVE)
    world.end(bobs)
    third = world.dial("e1", BOB)
    bobs = world.alert("b1")
    world.put(put.LineGone("a1"))
    assert world.ended(carols) is world.ended(daves) is EndReason.LINE_LOST
    assert {call.call_id for call in world.exchange.calls()} == {third, bobs}
    assert not {alices, beside} & {call.call_id for call in world.exchange.calls()}


def test_all_leave_one_after_the_other_and_one_record_is_left(world: World) -> None:
    calls = four(world)
    records = len(world.records)
    for call in calls:
        world.end(call, CauseCode.NORMAL)
    assert world.exchange.calls() == ()
    assert len(world.records) == records + 1


def test_who_is_muted_by_the_host_is_heard_again_when_the_host_has_left(world: World) -> None:
    alices, bobs, carols, daves = four(world)
    view = next(each for each in world.exchange.views("alice") if each.remote == BOB)
    world.command(ALICE, view.view_id, put.MuteParticipantView(muted=True))
    assert world.call(bobs).muted
    world.end(carols)
    assert world.call(bobs).muted
    world.end(alices)
    assert world.news(bobs).count(out.Muted(False)) == 1
    assert out.MuteLeg(bobs, False) in world.media
    assert world.voices(daves) == {bobs}


def test_who_muted_itself_stays_so(world: World) -> None:
    alices, bobs, carols = three(world)
    world.command(BOB, bobs, put.MuteView(muted=True))
    told = [each for each in world.news(carols) if isinstance(each, out.Participants)][-1]
    assert [each.party for each in told.participants if each.muted] == [BOB]
    world.end(alices)
    assert world.call(bobs).muted


def _host_of(world: World) -> set[str]:
    return {session.host_id for session in world.exchange.sessions()}
