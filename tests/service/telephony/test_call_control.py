"""Calls that are controlled with wxc-sdk alone, while phones on desks do as they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from wxc_sdk.rest import RestError
from wxc_sdk.telephony.calls import (
    CallInfo,
    CallState,
    HistoryType,
    Personality,
    RejectAction,
)

from offhook.wire.ids import ResourceKind, encode_id
from service.running import PEOPLE, Cloud, is_webex_error
from service.signalling import PATIENCE
from service.telephony.desk import Desk

At = Callable[[str], Awaitable[Desk]]

ALERTING, CONNECTING = CallState.alerting, CallState.connecting
CONNECTED, HELD, REMOTE_HELD = CallState.connected, CallState.held, CallState.remote_held


async def talking(caller: Desk, callee: Desk) -> tuple[str, str]:
    """Dialled and answered over REST: the call of each."""
    dialled = await caller.rest(lambda api: api.telephony.calls.dial(callee.extension))
    theirs = await callee.answer(caller.name)
    ours = await caller.call(CONNECTED, callee.name)
    assert ours == dialled.call_id
    return ours, theirs


async def test_dial_answer_hold_resume_and_hang_up(desk: At) -> None:
    alice, bob = await desk("alice"), await desk("bob")
    dialled = await alice.rest(lambda api: api.telephony.calls.dial("tel:1002"))
    theirs = await bob.call(ALERTING, "alice", personality=Personality.terminator.value)
    ours = await alice.call(CONNECTING, "bob", personality=Personality.originator.value)
    assert ours == dialled.call_id
    assert await bob.answer() == theirs
    assert await alice.call(CONNECTED, "bob") == ours
    assert await bob.call(CONNECTED, "alice") == theirs
    (shown,) = await alice.calls()
    assert shown.call_session_id == dialled.call_session_id
    assert (shown.remote_party.name, shown.remote_party.number) == (
        "Bob Brown",
        PEOPLE["bob"].number,
    )
    assert shown.created is not None
    assert shown.answered is not None
    assert shown.created <= shown.answered
    assert shown.mute_capable is True
    assert (await alice.rest(lambda api: api.telephony.calls.call_details(ours))) == shown

    await alice.rest(lambda api: api.telephony.calls.hold(ours))
    assert await alice.call(HELD) == ours
    assert await bob.call(REMOTE_HELD) == theirs
    await alice.rest(lambda api: api.telephony.calls.resume(ours))
    assert await bob.call(CONNECTED) == theirs

    await bob.rest(lambda api: api.telephony.calls.hangup(theirs))
    await alice.no_calls()
    await bob.no_calls()


async def test_who_dials_is_rung_first_and_may_give_up(desk: At, cloud: Cloud) -> None:
    alice = await desk("alice")
    dialled = await alice.rest(lambda api: api.telephony.calls.dial("8004"))
    ringing = await alice.wire.told("call")
    assert ringing["answerNow"] is True
    assert "Never answers" in ringing["callerId"]["from"]
    ours = await alice.call(CONNECTING)
    await alice.rest(lambda api: api.telephony.calls.hangup(ours))
    await alice.no_calls()
    assert ours == dialled.call_id
    nobody = await cloud.token("carol")
    refused = await cloud.post(
        "/v1/telephony/calls/dial", token=nobody, json={"destination": "1001"}
    )
    assert is_webex_error(refused, 409)
    assert "No phone of yours" in refused.json["message"]


async def test_a_call_can_be_rejected_in_two_ways(desk: At) -> None:
    alice, bob = await desk("alice"), await desk("bob")
    for action, cause in ((None, 119), (RejectAction.temporarily_unavailable, 117)):
        ours = await alice.dial("1002")
        theirs = await bob.call(ALERTING, "alice")
        await bob.rest(lambda api, it=theirs, how=action: api.telephony.calls.reject(it, how))
        told = await alice.wire.told("calldisconnected", ours)
        assert told["causecode"] == cause
        await bob.no_calls()
    with pytest.raises(RestError, match="no such call"):
        await bob.rest(lambda api: api.telephony.calls.reject(theirs))


async def test_somebody_is_muted_by_the_service_and_told(desk: At) -> None:
    alice, bob = await desk("alice"), await desk("bob")
    ours, theirs = await talking(alice, bob)
    await alice.rest(lambda api: api.telephony.calls.mute(ours))
    assert await alice.call(CONNECTED, muted=True) == ours
    assert await bob.call(CONNECTED, muted=False) == theirs
    await alice.wire.told("call", midCallService=[muted(True)])
    await alice.rest(lambda api: api.telephony.calls.unmute(ours))
    assert await alice.call(CONNECTED, muted=False) == ours
    await alice.wire.told("call", midCallService=[muted(False)])


def muted(on: bool) -> dict[str, object]:
    return {"eventType": "muted", "eventData": {"muted": on}}


async def test_two_calls_are_transferred_together(desk: At) -> None:
    alice, bob, carol = await desk("alice"), await desk("bob"), await desk("carol")
    first, bobs = await talking(alice, bob)
    second, carols = await talking(alice, carol)
    assert await alice.call(HELD, "bob") == first
    moved = await alice.rest(lambda api: api.telephony.calls.transfer(first, second))
    assert isinstance(moved, CallInfo)
    assert moved.call_id == first
    await alice.no_calls()
    assert await bob.call(CONNECTED, "carol") == bobs
    assert await carol.call(CONNECTED, "bob") == carols


async def test_the_only_two_calls_need_not_be_named(desk: At) -> None:
    alice, bob, carol = await desk("alice"), await desk("bob"), await desk("carol")
    _, bobs = await talking(alice, bob)
    with pytest.raises(RestError, match="callId1 and callId2"):
        await alice.rest(lambda api: api.telephony.calls.transfer())
    await talking(alice, carol)
    await alice.rest(lambda api: api.telephony.calls.transfer())
    await alice.no_calls()
    assert await bob.call(CONNECTED, "carol") == bobs


async def test_a_call_is_sent_on_to_a_number(desk: At) -> None:
    alice, bob, carol = await desk("alice"), await desk("bob"), await desk("carol")
    ours, bobs = await talking(alice, bob)
    await alice.rest(lambda api: api.telephony.calls.transfer(ours, destination="1003"))
    await alice.no_calls()
    carols = await carol.call(ALERTING, "bob")
    (shown,) = await carol.calls()
    (redirection,) = shown.redirections
    assert redirection.reason == "divert"
    assert redirection.redirecting_party is not None
    assert redirection.redirecting_party.name == "Alice Adams"
    assert await carol.answer() == carols
    assert await bob.call(CONNECTED, "carol") == bobs


async def test_a_call_that_rings_is_diverted(desk: At) -> None:
    alice, bob, carol = await desk("alice"), await desk("bob"), await desk("carol")
    await alice.dial("1002")
    theirs = await bob.call(ALERTING, "alice")
    await bob.rest(lambda api: api.telephony.calls.divert(theirs, "carol@demo.offhook.example"))
    await bob.no_calls()
    await carol.answer("alice")
    await alice.call(CONNECTED, "carol")


async def test_a_call_is_known_by_the_id_that_its_phone_has_for_it(desk: At) -> None:
    alice, bob = await desk("alice"), await desk("bob")
    leg_id = encode_id(ResourceKind.CALL, await alice.dial("1002"))
    theirs = await bob.answer("alice")
    await alice.call(CONNECTED)
    bobs_leg = (await bob.wire.told("call"))["callId"]
    found = await bob.rest(
        lambda api: api.telephony.calls.call_details(encode_id(ResourceKind.CALL, bobs_leg))
    )
    assert found.call_id == theirs
    await alice.rest(lambda api: api.telephony.calls.hangup(leg_id))
    await bob.no_calls()


async def test_the_calls_of_others_are_as_if_they_were_not_there(desk: At, cloud: Cloud) -> None:
    alice, bob, eve = await desk("alice"), await desk("bob"), await desk("dave")
    ours, theirs = await talking(alice, bob)
    assert await eve.calls() == []
    for call in (ours, theirs):
        for action in (
            lambda api, it=call: api.telephony.calls.call_details(it),
            lambda api, it=call: api.telephony.calls.hangup(it),
            lambda api, it=call: api.telephony.calls.hold(it),
            lambda api, it=call: api.telephony.calls.transfer(it, destination="1003"),
            lambda api, it=call: api.telephony.conference.start_conference([it, it]),
        ):
            with pytest.raises(RestError, match="no such call"):
                await eve.rest(action)
    oneself = encode_id(ResourceKind.PEOPLE, PEOPLE["alice"].entry().person_id)
    calls = await alice.rest(lambda api: api.telephony.calls.list_calls(line_owner_id=oneself))
    assert [each.call_id for each in calls] == [ours]
    with pytest.raises(RestError, match="lineOwnerId"):
        await eve.rest(lambda api: api.telephony.calls.list_calls(line_owner_id=oneself))
    assert (await cloud.get("/v1/telephony/calls")).status == 401


async def test_what_cannot_be_done_now_is_a_conflict_and_changes_nothing(desk: At) -> None:
    alice, bob = await desk("alice"), await desk("bob")
    ours, theirs = await talking(alice, bob)
    for action in (
        lambda api: api.telephony.calls.answer(ours),
        lambda api: api.telephony.calls.transfer(ours, ours),
        lambda api: api.telephony.calls.transfer(ours, destination="1099"),
        lambda api: api.telephony.conference.start_conference([ours, encode_id("CALL", theirs)]),
    ):
        with pytest.raises(RestError) as refused:
            await alice.rest(action)
        assert refused.value.response.status_code in (404, 409)
        assert refused.value.description.endswith(".")
    assert await alice.call(CONNECTED) == ours
    assert await bob.call(CONNECTED) == theirs


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("calls/dial", {}, "destination"),
        ("calls/dial", {"destination": "the boss"}, "destination"),
        ("calls/dial", {"destination": "1002", "endpointId": "x"}, "All of your phones"),
        ("calls/answer", {"callId": "x", "endpointId": "x"}, "All phones"),
        ("calls/reject", {"callId": "x", "action": "ignore"}, "rejected"),
        ("calls/reject", {"callId": "x", "action": "politely"}, "politely"),
        ("calls/divert", {"callId": "x", "toVoicemail": True}, "voicemail"),
        ("calls/transmitDtmf", {"callId": "x", "dtmf": "1E"}, "dtmf"),
        ("calls/transfer", {"callId2": "x", "destination": "1003"}, "callId1"),
        ("calls/transfer", {"callId1": "x"}, "callId1 and callId2"),
        ("calls/park", {"callId": "x"}, "does not offer park"),
        ("calls/startRecording", {}, "does not offer startRecording"),
        ("conference", {"callIds": []}, "at least two"),
        ("conference/deafen", {"callId": "x"}, "deafened"),
        ("calls/hold", [], "cannot be read"),
    ],
)
async def test_what_is_wrong_with_a_request_is_said(
    cloud: Cloud, path: str, body: object, said: str
) -> None:
    token = await cloud.token("alice")
    refused = await cloud.post(f"/v1/telephony/{path}", token=token, json=body)
    assert is_webex_error(refused, 400)
    assert said in refused.json["message"]


async def has_history(who: Desk, wanted: list[tuple[str, str]]) -> None:
    """Wait until the person's history is this; a record is written while people go on."""
    found: list[tuple[str, str | None]] = []
    async with asyncio.timeout(PATIENCE):
        while found != wanted:
            history = await who.rest(lambda api: api.telephony.calls.call_history())
            found = [(each.call_type, each.name) for each in history]


async def test_the_history_says_who_called_whom_and_what_was_missed(desk: At) -> None:
    alice, bob = await desk("alice"), await desk("bob")
    ours, _ = await talking(alice, bob)
    await alice.rest(lambda api: api.telephony.calls.hangup(ours))
    await bob.no_calls()
    call = await bob.dial("1001")
    await alice.call(ALERTING)
    await bob.wire.hang_up(call)
    await alice.no_calls()

    await has_history(alice, [("missed", "Bob Brown"), ("placed", "Bob Brown")])
    history = await alice.rest(lambda api: api.telephony.calls.call_history())
    assert history[0].number == PEOPLE["bob"].number
    assert history[0].time is not None
    theirs = await bob.rest(lambda api: api.telephony.calls.call_history(HistoryType.received))
    assert [(each.call_type, each.name) for each in theirs] == [("received", "Alice Adams")]
    placed = await bob.rest(lambda api: api.telephony.calls.call_history(HistoryType.placed))
    assert [each.name for each in placed] == ["Alice Adams"]


async def test_who_sends_a_call_on_has_missed_it(desk: At) -> None:
    alice, bob, carol = await desk("alice"), await desk("bob"), await desk("carol")
    call = await alice.dial("1002")
    theirs = await bob.call(ALERTING)
    await bob.rest(lambda api: api.telephony.calls.divert(theirs, "1003"))
    await carol.answer("alice")
    await alice.call(CONNECTED, "carol")
    await alice.wire.hang_up(call)

    await has_history(alice, [("placed", "Carol Clark")])
    await has_history(bob, [("missed", "Alice Adams")])
    await has_history(carol, [("received", "Alice Adams")])


async def test_who_answers_a_call_that_was_transferred_while_it_rang_has_missed_none(
    desk: At,
) -> None:
    alice, bob, carol = await desk("alice"), await desk("bob"), await desk("carol")
    first, bobs = await talking(alice, bob)
    await alice.dial("1003")
    await carol.call(ALERTING, "alice")
    second = await alice.call(CONNECTING, "carol")
    await alice.rest(lambda api: api.telephony.calls.transfer(first, second))
    await carol.answer("bob")
    await bob.call(CONNECTED, "carol")
    await bob.rest(lambda api: api.telephony.calls.hangup(bobs))

    await has_history(alice, [("placed", "Carol Clark"), ("placed", "Bob Brown")])
    await has_history(carol, [("received", "Bob Brown")])


@pytest.mark.parametrize("blind", [True, False])
async def test_who_goes_on_after_a_transfer_has_not_placed_a_call(desk: At, blind: bool) -> None:
    alice, bob, carol = await desk("alice"), await desk("bob"), await desk("carol")
    first, bobs = await talking(alice, bob)
    if blind:
        await alice.rest(lambda api: api.telephony.calls.transfer(first, destination="1003"))
        await carol.answer("bob")
    else:
        second, _ = await talking(alice, carol)
        await alice.rest(lambda api: api.telephony.calls.transfer(first, second))
    await bob.call(CONNECTED, "carol")
    await bob.rest(lambda api: api.telephony.calls.hangup(bobs))
    await carol.no_calls()

    consulted = [] if blind else [("placed", "Carol Clark")]
    await has_history(alice, [*consulted, ("placed", "Bob Brown")])
    await has_history(bob, [("received", "Alice Adams")])
    heard = [] if blind else [("received", "Alice Adams")]
    await has_history(carol, [("received", "Bob Brown"), *heard])
