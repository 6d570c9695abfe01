"""Calls over the wire, told by raw clients: who is told what, in which order, what is refused."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from offhook.engine.exchange.model import EndReason
from service.running import PEOPLE, Cloud
from service.signalling import Wire, call_body, leg

Make = Callable[[str], Awaitable[Wire]]


async def answered(caller: Wire, callee: Wire, number: str, offer: str) -> tuple[str, str]:
    """A call whose signalling is up; its two ids. The callee's media stays silent."""
    call_id = await caller.dial(number, offer)
    incoming = (await callee.told("call"))["callId"]
    await callee.update(incoming, "sig_alerting")
    await caller.told("callprogress", call_id)
    await callee.update(incoming, "sig_connected")
    await caller.told("callconnected", call_id)
    return call_id, incoming


async def test_two_people_talk_over_real_media(wire: Make) -> None:
    alice, bob = await wire("alice"), await wire("bob")
    async with leg() as ours, leg() as theirs:
        heard: asyncio.Queue[bytes] = asyncio.Queue()
        theirs.on_rtp = heard.put_nowait
        call_id = await alice.dial("1002", await ours.create_offer())
        offer = await bob.told("media", messageType="OFFER")
        incoming = offer["callId"]
        await bob.update(incoming, "sig_alerting")
        await bob.update(incoming, "sig_connected")
        sdp = await theirs.accept_offer(offer["message"]["sdp"])
        await bob.roap(incoming, 1, "ANSWER", sdp)
        await bob.told("media", incoming, messageType="OK")
        answer = await alice.told("media", call_id, messageType="ANSWER")
        await ours.accept_answer(answer["message"]["sdp"])
        await alice.roap(call_id, 1, "OK")
        async with asyncio.timeout(5):
            while heard.empty():
                assert ours.format is not None
                head = bytes([0x80, ours.format.opus]) + bytes(2) + bytes(4) + b"\0\0\0\1"
                ours.send_rtp(head + b"a voice")
                await asyncio.sleep(0.02)
        assert (await heard.get()).endswith(b"a voice")
        await alice.hang_up(call_id)
        await bob.told("calldisconnected", incoming, causecode=0)


async def test_what_each_side_is_told_and_in_which_order(wire: Make, offer: str) -> None:
    alice, bob = await wire("alice"), await wire("bob")
    call_id, incoming = await answered(alice, bob, "1002", offer)
    await bob.hang_up(incoming)
    await alice.told("calldisconnected", call_id)
    assert bob.story(incoming) == ["OFFER", "call"], "an offer first, so that bob can answer"
    told = alice.story(call_id)
    assert sorted(told[:2]) == ["ANSWER", "callprogress"]
    assert told[2:] == ["callconnected", "calldisconnected"]


async def test_the_phone_shows_who_calls_and_who_is_called(wire: Make, offer: str) -> None:
    alice, bob = await wire("alice"), await wire("bob")
    call_id = await alice.dial("+1 (202) 555-0102", offer)
    event = await bob.told("call")
    assert event["callerId"]["p-asserted-identity"].startswith('"Alice Adams" <sip:+12025550101@')
    assert event["deviceId"] == bob.line
    await bob.update(event["callId"], "sig_alerting")
    progress = await alice.told("callprogress", call_id)
    assert progress["callProgressData"] == {"alerting": True, "inbandMedia": False}
    assert progress["callerId"]["from"].startswith('"Bob Brown" <sip:+12025550102@')


async def test_one_tracking_id_follows_the_call_everywhere(
    wire: Make, offer: str, cloud: Cloud
) -> None:
    alice, bob = await wire("alice"), await wire("bob")
    call_id, incoming = await answered(alice, bob, "1002", offer)
    seen = {
        event["trackingId"]
        for event in (*alice.events, *bob.events)
        if event.get("callId") in (call_id, incoming)
    }
    assert len(seen) == 1
    await alice.hang_up(call_id)
    await bob.told("calldisconnected", incoming)
    async with asyncio.timeout(5):
        while not (kept := await cloud.service.records.of_person(PEOPLE["bob"].entry().person_id)):
            await asyncio.sleep(0.01)
    assert {record.tracking_id for record in kept} == seen
    assert kept[0].reason is EndReason.HANGUP


@pytest.mark.parametrize(
    ("number", "cause"), [("999999", 113), ("8003", 115)], ids=["unknown", "busy"]
)
async def test_a_number_that_cannot_be_reached_is_taken_and_then_disconnected(
    wire: Make, offer: str, number: str, cause: int
) -> None:
    alice = await wire("alice")
    call_id = await alice.dial(number, offer)
    assert (await alice.told("calldisconnected", call_id))["causecode"] == cause


async def test_declined_with_busy_is_rejected_for_the_caller(wire: Make, offer: str) -> None:
    alice, bob = await wire("alice"), await wire("bob")
    call_id = await alice.dial("1002", offer)
    incoming = (await bob.told("call"))["callId"]
    await bob.update(incoming, "sig_alerting")
    await bob.hang_up(incoming, 115)
    assert (await alice.told("calldisconnected", call_id))["causecode"] == 119


async def test_cancelled_before_the_called_client_reported_in(wire: Make, offer: str) -> None:
    alice, bob = await wire("alice"), await wire("bob")
    call_id = await alice.dial("1002", offer)
    incoming = (await bob.told("call"))["callId"]
    await alice.hang_up(call_id)
    await bob.update(incoming, "sig_alerting")
    event = await bob.told("calldisconnected", incoming)
    assert event["correlationId"] == bob.own(incoming)["correlationId"]


async def test_cancelled_by_a_client_that_does_not_know_the_calls_id(
    wire: Make, offer: str
) -> None:
    alice, bob = await wire("alice"), await wire("bob")
    await alice.dial("1002", offer, correlation_id="known-to-alice")
    incoming = (await bob.told("call"))["callId"]
    await bob.update(incoming, "sig_alerting")
    await alice.hang_up("DefaultLocalId_1", correlation_id="known-to-alice")
    await bob.told("calldisconnected", incoming)


async def test_answered_on_one_of_two_devices(wire: Make, offer: str) -> None:
    alice, desk, mobile = await wire("alice"), await wire("bob"), await wire("bob")
    await alice.dial("1002", offer)
    rings = {client: (await client.told("call"))["callId"] for client in (desk, mobile)}
    for client, incoming in rings.items():
        await client.update(incoming, "sig_alerting")
    await mobile.update(rings[mobile], "sig_connected")
    assert (await desk.told("calldisconnected", rings[desk]))["causecode"] == 200
    assert "calldisconnected" not in mobile.story(rings[mobile])


async def test_hold_is_confirmed_and_renegotiated_and_resume_too(wire: Make) -> None:
    alice = await wire("alice")
    async with leg() as ours:
        call_id = await alice.dial("8001", await ours.create_offer())
        answer = await alice.told("media", call_id, messageType="ANSWER")
        await ours.accept_answer(answer["message"]["sdp"])
        await alice.roap(call_id, 1, "OK")
        for seq, what, state in ((2, "hold", "HELD"), (3, "resume", "CONNECTED")):
            assert (await alice.service(what, call_id))[0] == 200
            await alice.told("media", call_id, messageType="OFFER_REQUEST", seq=seq)
            await alice.roap(call_id, seq, "OFFER_RESPONSE", await ours.create_offer())
            answer = await alice.told("media", call_id, messageType="ANSWER", seq=seq)
            sdp = answer["message"]["sdp"]
            assert ("a=inactive" in sdp) is (what == "hold")
            await ours.accept_answer(sdp)
            await alice.roap(call_id, seq, "OK")
            assert state in alice.story(call_id)


async def test_a_client_that_loses_its_socket_while_it_rings_misses_nothing(
    wire: Make, offer: str
) -> None:
    alice, bob = await wire("alice"), await wire("bob")
    await bob.drop()
    await alice.dial("1002", offer)
    await bob.connect()
    incoming = (await bob.told("call"))["callId"]
    assert bob.story(incoming) == ["OFFER", "call"]


async def test_what_a_client_had_not_confirmed_comes_again_on_its_next_socket(
    wire: Make, offer: str
) -> None:
    alice, bob = await wire("alice"), await wire("bob")
    bob.acknowledges = False
    await alice.dial("1002", offer)
    incoming = (await bob.told("call"))["callId"]
    first = [frame["id"] for frame in bob.frames if "data" in frame][1:]
    await bob.drop()
    bob.events.clear()
    bob.frames.clear()
    await bob.connect()
    await bob.told("call", incoming)
    assert [frame["id"] for frame in bob.frames if "data" in frame][1:] == first


async def test_a_client_that_keeps_the_call_alive_is_told_when_there_is_none(
    wire: Make, offer: str
) -> None:
    alice, bob = await wire("alice"), await wire("bob")
    call_id, _ = await answered(alice, bob, "1002", offer)
    path = f"devices/{alice.line}/calls/{call_id}/status"
    body = {"device": alice.own(), "callId": call_id}
    assert (await alice.send("POST", path, body))[0] == 200
    await alice.hang_up(call_id)
    status, answer = await alice.send("POST", path, body)
    assert (status, answer["errorCode"]) == (404, 113)


async def test_nobody_touches_the_calls_of_others(wire: Make, offer: str) -> None:
    alice, bob, carol = await wire("alice"), await wire("bob"), await wire("carol")
    call_id, incoming = await answered(alice, bob, "1002", offer)
    body = {"device": alice.own(), "callId": call_id}
    for method, path in (
        ("POST", f"devices/{alice.line}/calls/{call_id}/status"),
        ("POST", f"devices/{carol.line}/calls/{call_id}/status"),
        ("POST", "services/callhold/hold"),
    ):
        assert (await carol.send(method, path, body))[0] == 404
    await carol.send("DELETE", f"devices/{alice.line}/calls/{call_id}", body)
    await carol.send("DELETE", f"devices/{carol.line}/calls/{incoming}", body)
    assert (await alice.service("hold", call_id))[0] == 200


@pytest.mark.parametrize(
    ("change", "status"),
    [({"callee": None}, 403), ({"localMedia": {}}, 400), ({"device": "me"}, 400)],
)
async def test_a_call_that_makes_no_sense_is_refused_and_changes_nothing(
    wire: Make, offer: str, cloud: Cloud, change: dict[str, object], status: int
) -> None:
    alice = await wire("alice")
    body = call_body(alice.own(), "1002", offer) | change
    refused, answer = await alice.send("POST", f"devices/{alice.line}/call", body)
    assert refused == status
    assert answer["message"]
    assert cloud.service.shell.exchange.calls() == ()


async def test_rubbish_in_the_place_of_sdp_ends_the_call_with_a_reason(wire: Make) -> None:
    alice = await wire("alice")
    call_id = await alice.dial("1002", "v=0\r\nrubbish")
    assert (await alice.told("calldisconnected", call_id))["causecode"] == 131


async def test_too_many_calls_are_refused_without_a_time_to_come_back(
    wire: Make, offer: str
) -> None:
    alice = await wire("alice")
    body = call_body(alice.own(), "8003", offer)
    statuses = [
        (await alice.send("POST", f"devices/{alice.line}/call", body))[0] for _ in range(40)
    ]
    assert statuses[0] == 200
    assert statuses[-1] == 503


async def test_given_up_before_the_request_for_the_call_has_come(
    wire: Make, offer: str, cloud: Cloud
) -> None:
    alice, bob = await wire("alice"), await wire("bob")
    await alice.hang_up("DefaultLocalId_1", correlation_id="given-up")
    call_id = await alice.dial("1002", offer, correlation_id="given-up")
    assert cloud.service.shell.exchange.calls() == ()
    await alice.told("calldisconnected", call_id)
    second = await alice.dial("1002", offer, correlation_id="meant")
    event = await bob.told("call")
    await bob.update(event["callId"], "sig_alerting")
    await alice.told("callprogress", second)
    assert bob.story(event["callId"]) == ["OFFER", "call"]


async def test_given_up_while_the_request_for_the_call_is_under_way(
    wire: Make, offer: str, cloud: Cloud
) -> None:
    alice = await wire("alice")
    for number in range(5):
        mine = f"given-up-{number}"
        await asyncio.gather(
            alice.dial("1002", offer, correlation_id=mine),
            alice.hang_up("DefaultLocalId_1", correlation_id=mine),
        )
    assert cloud.service.shell.exchange.calls() == ()


@pytest.mark.parametrize(
    "device", [{"correlationId": ""}, {"correlationId": "x" * 129}, {"deviceId": "another"}]
)
async def test_a_client_names_itself_and_its_call_in_every_request(
    wire: Make, offer: str, device: dict[str, str]
) -> None:
    alice, bob = await wire("alice"), await wire("bob")
    body = call_body(alice.own() | device, "1002", offer)
    status, answer = await alice.send("POST", f"devices/{alice.line}/call", body)
    assert (status, answer["errorCode"]) == (403, 116)
    assert answer["trackingId"]
    await alice.dial("1002", offer)
    incoming = (await bob.told("call"))["callId"]
    path = f"devices/{bob.line}/calls/{incoming}"
    body = {"device": bob.own() | device, "callId": incoming, "callState": "sig_alerting"}
    status, answer = await bob.send("PATCH", path, body)
    assert (status, answer["errorCode"]) == (403, 116)


async def test_an_early_answer_may_be_confirmed_without_knowing_the_calls_id(wire: Make) -> None:
    alice = await wire("alice")
    async with leg() as ours:
        call_id = await alice.dial("8001", await ours.create_offer())
        await alice.told("media", call_id, messageType="ANSWER")
        body = {
            "device": alice.own(),
            "callId": "DefaultLocalId_1",
            "localMedia": {"roap": {"seq": 1, "messageType": "OK"}, "mediaId": "m"},
        }
        path = f"devices/{alice.line}/calls/DefaultLocalId_1/media"
        assert (await alice.send("POST", path, body))[0] == 200


async def test_ending_what_is_not_there_is_no_error(wire: Make) -> None:
    alice = await wire("alice")
    for call_id in ("gone", "DefaultLocalId_1"):
        await alice.hang_up(call_id)
        assert (await alice.send("DELETE", f"devices/{alice.line}/calls/{call_id}"))[0] == 200
    assert (await alice.send("DELETE", f"devices/gone/calls/{call_id}"))[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "change", "status", "code"),
    [
        ("PATCH", "calls/gone", {"callState": "sig_alerting"}, 404, 113),
        ("PATCH", "calls/gone", {"callState": "a new idea"}, 400, None),
        ("POST", "calls/gone/status", {}, 404, 113),
        ("POST", "calls/gone/media", {"localMedia": {"roap": {"seq": "x"}}}, 400, None),
    ],
)
async def test_what_is_about_no_call_is_refused_by_its_code(
    wire: Make, method: str, path: str, change: dict[str, object], status: int, code: int | None
) -> None:
    alice = await wire("alice")
    body = {"device": alice.own(), "callId": "gone"} | change
    answer = await alice.send(method, f"devices/{alice.line}/{path}", body)
    assert (answer[0], answer[1].get("errorCode")) == (status, code)


async def test_only_an_answered_call_is_held(wire: Make, offer: str) -> None:
    alice = await wire("alice")
    call_id = await alice.dial("8004", offer)
    status, answer = await alice.service("hold", call_id)
    assert (status, answer["errorCode"]) == (403, 111)


async def test_no_answer_about_a_call_says_when_to_come_back(
    wire: Make, offer: str, cloud: Cloud
) -> None:
    alice = await wire("alice")
    path = f"/api/v1/calling/web/devices/{alice.line}/call"
    body = call_body(alice.own(), "8003", offer)
    for _ in range(40):
        answer = await cloud.post(path, token=alice.token, json=body)
        assert "Retry-After" not in answer.headers
        if answer.status == 503:
            assert answer.json["errorCode"] == 114
            return
    pytest.fail("40 calls at once were all taken")


async def test_nothing_private_is_logged(
    wire: Make, caplog: pytest.LogCaptureFixture, cloud: Cloud
) -> None:
    caplog.set_level(logging.DEBUG)
    alice, bob = await wire("alice"), await wire("bob")
    async with leg() as made:
        offer = await made.create_offer()
        call_id, incoming = await answered(alice, bob, "+12025550102", offer)
        await alice.send("POST", f"devices/{alice.line}/call", {"sdp": offer})
        await alice.hang_up(call_id)
        await bob.told("calldisconnected", incoming)
    lines = [f"{record.name} {record.getMessage()}" for record in caplog.records]
    ours = [line for line in lines if line.startswith("offhook")]
    tracking_id = bob.events[0]["trackingId"]
    assert any("dialling" in line and tracking_id in line for line in ours)
    private = ["2025550102", "2025550101", "a=fingerprint", "ice-ufrag", alice.token, "Adams"]
    fingerprint = next(line for line in offer.splitlines() if line.startswith("a=fingerprint"))
    for secret in (*private, fingerprint.partition(" ")[2]):
        assert not [line for line in lines if secret in line]
