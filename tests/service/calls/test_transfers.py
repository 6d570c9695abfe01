"""Transfers as official clients ask for them: over HTTP, with what each side is told of it."""

from collections.abc import Awaitable, Callable
from typing import Any

from service.calls.test_calls import answered
from service.signalling import Wire

Make = Callable[[str], Awaitable[Wire]]

COMMIT = "services/calltransfer/commit"


def blind(client: Wire, call_id: str, destination: str) -> dict[str, Any]:
    """The body of a blind transfer."""
    return {
        "device": client.own(),
        "callId": call_id,
        "blindTransferContext": {"transferorCallId": call_id, "destination": destination},
        "transferType": "BLIND",
    }


def consult(client: Wire, call_id: str, to_call_id: str) -> dict[str, Any]:
    """The body of a transfer to another call."""
    return {
        "device": client.own(),
        "callId": call_id,
        "consultTransferContext": {"transferorCallId": call_id, "transferToCallId": to_call_id},
        "transferType": "CONSULT",
    }


async def test_a_blind_transfer_rings_its_target_and_lets_the_transferor_go(
    wire: Make, offer: str
) -> None:
    alice, bob, carol = await wire("alice"), await wire("bob"), await wire("carol")
    call_id, theirs = await answered(alice, bob, "1002", offer)
    assert (await alice.send("POST", COMMIT, blind(alice, call_id, "1003")))[0] == 200
    await alice.told("calldisconnected", call_id, causecode=201)
    ringing = await carol.told("call")
    assert "Bob" in ringing["callerId"]["from"], "carol sees who she will talk with"
    await carol.update(ringing["callId"], "sig_alerting")
    await carol.update(ringing["callId"], "sig_connected")
    told = await bob.frame(lambda frame: "midCallService" in frame.get("data", {}))
    info = told["data"]["midCallService"][0]
    assert info["eventType"] == "callInfo"
    assert "Carol" in info["eventData"]["callerId"]["p-asserted-identity"]
    await bob.hang_up(theirs)
    await carol.told("calldisconnected", ringing["callId"], causecode=0)


async def test_a_consult_transfer_connects_the_two_others(wire: Make, offer: str) -> None:
    alice, bob, carol = await wire("alice"), await wire("bob"), await wire("carol")
    first, bobs = await answered(alice, bob, "1002", offer)
    second = await alice.dial("1003", offer, correlation_id="second")
    carols = (await carol.told("call"))["callId"]
    await carol.update(carols, "sig_alerting")
    await carol.update(carols, "sig_connected")
    await alice.told("callconnected", second)
    assert (await alice.send("POST", COMMIT, consult(alice, first, second)))[0] == 200
    for call_id in (first, second):
        await alice.told("calldisconnected", call_id, causecode=201)
    await carol.hang_up(carols)
    await bob.told("calldisconnected", bobs, causecode=0)
    # Alice had held bob for a moment; who is there now does not.
    assert bob.story(bobs)[-3:] == ["participants", "callInfo", "calldisconnected"]


async def test_a_transfer_to_nowhere_is_refused_and_the_call_goes_on(
    wire: Make, offer: str
) -> None:
    alice, bob = await wire("alice"), await wire("bob")
    call_id, theirs = await answered(alice, bob, "1002", offer)
    for destination, code in (("1999", 213), ("1002", 118)):
        body = blind(alice, call_id, destination)
        status, answer = await alice.send("POST", COMMIT, body)
        assert (status, answer["errorCode"]) == (403, code)
    body = blind(alice, call_id, "1003") | {"transferType": "CONSULT"}
    status, answer = await alice.send("POST", COMMIT, body)
    assert (status, answer["errorCode"]) == (403, 116)
    assert (await alice.send("POST", COMMIT, consult(alice, call_id, "other")))[0] == 404
    await alice.hang_up(call_id)
    await bob.told("calldisconnected", theirs, causecode=0)
