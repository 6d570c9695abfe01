"""Our SDK and the official client tell the service the same story, but for a list of differences.

The same person, at the same service, once with each: signs in, keeps the line alive, calls, holds,
resumes and hangs up, is called and answers, signs out. That is our evidence that the SDK can sign
in to Webex itself. Each difference has its reason here and in ``docs/traffic.md``.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import pytest

from interop.browser import PATIENCE, BrowserPhone, Chromium, missing
from interop.cloud import Cloud
from interop.traffic import RecordedService, Recorder, Recording
from offhook import TokenAuthenticator, Webex

# The browser's driver runs in the tests' loop, and takes its time over a large message.
pytestmark = [pytest.mark.interop, pytest.mark.timeout(90), pytest.mark.loop_limit(ms=300)]

DOCS = Path(__file__).parents[2] / "docs" / "traffic.md"
MOBIUS = "/api/v1/calling/web"
LINE = f"{MOBIUS}/devices/{{id}}"


@dataclass(frozen=True, slots=True)
class Difference:
    """`what` only one of the two does, and why. `said` is in the page on traffic."""

    official: bool
    what: str
    said: str


DIFFERENCES = [
    Difference(False, "GET /v1/region", "a private cloud is private"),
    Difference(
        False,
        "POST /wdm/api/v1/devices sends ttl",
        "a program that was killed leaves no device behind",
    ),
    Difference(
        False,
        "SOCKET /mercury/{id} asks multipleConnections",
        "a person may run several programs at once",
    ),
    Difference(True, "POST /metrics/api/v1/clientmetrics", "it carries SDP and addresses"),
    Difference(True, "POST /telemetry/v1/metric/v2", "it carries SDP and addresses"),
]

#: The calls of the story, as both must place them on the wire.
CALLS = [
    f"POST {LINE}/call OFFER",
    f"POST {LINE}/calls/{{id}}/media OK",
    f"POST {MOBIUS}/services/callhold/hold",
    f"POST {LINE}/calls/{{id}}/media OFFER_RESPONSE",
    f"POST {LINE}/calls/{{id}}/media OK",
    f"POST {MOBIUS}/services/callhold/resume",
    f"POST {LINE}/calls/{{id}}/media OFFER_RESPONSE",
    f"POST {LINE}/calls/{{id}}/media OK",
    f"DELETE {LINE}/calls/{{id}}",
    f"PATCH {LINE}/calls/{{id}} sig_alerting",
    f"PATCH {LINE}/calls/{{id}} sig_connected",
    f"POST {LINE}/calls/{{id}}/media ANSWER",
    f"DELETE {LINE}/calls/{{id}}",
]
#: The official client sends these two at once, on two connections.
AT_ONCE = {f"PATCH {LINE}/calls/{{id}} sig_connected", f"POST {LINE}/calls/{{id}}/media ANSWER"}


@dataclass(slots=True)
class Story:
    """The two recordings of the same story."""

    official: Recording
    ours: Recording


class Stage:
    """A recorded service, and bob, who is called and calls."""

    def __init__(self, cloud: Cloud, recorder: Recorder, bob: Webex) -> None:
        self.cloud = cloud
        self.alice = cloud.people["alice"]
        self.recorder = recorder
        self.bob = bob

    async def kept_alive(self, recording: Recording) -> None:
        """Wait until the line was kept alive."""
        async with asyncio.timeout(PATIENCE):
            while not recording.of(f"POST {LINE}/status"):
                await asyncio.sleep(0.05)

    async def signed_out(self, recording: Recording) -> None:
        """Wait until the device is gone."""
        async with asyncio.timeout(PATIENCE):
            while not recording.of("DELETE /wdm/api/v1/devices/{id}"):
                await asyncio.sleep(0.05)

    async def official(self, chromium: Chromium) -> Recording:
        """Alice with the official client."""
        recording = self.recorder.begin(self.alice.token)
        phone = BrowserPhone(chromium, self.cloud.https_url, self.alice.token, 1040.0)
        async with phone:
            await phone.register()
            await self.kept_alive(recording)
            key = await phone.dial(self.cloud.test_numbers["echo"])
            await phone.event("established", call=key)
            await phone.hold(key)
            await phone.resume(key)
            await phone.end(key)
            call = await self.bob.phone.dial_phone_number(self.alice.extension)
            ringing = await phone.incoming_call()
            assert ringing.call is not None
            await phone.answer(ringing.call)
            await phone.event("established", call=ringing.call)
            await call.connected()
            await call.hangup()
            await phone.event("disconnect", call=ringing.call)
            await phone.deregister()
            await self.signed_out(recording)
        return recording

    async def ours(self) -> Recording:
        """Alice with our SDK."""
        recording = self.recorder.begin(self.alice.token)
        async with self.webex(self.alice.token) as webex:
            await webex.phone.ready(timeout=PATIENCE)
            await self.kept_alive(recording)
            call = await webex.phone.dial_phone_number(self.cloud.test_numbers["echo"])
            await call.connected()
            await call.hold()
            await call.resume()
            await call.hangup()
            async with aclosing(webex.phone.incoming_calls()) as calls:
                theirs = await self.bob.phone.dial_phone_number(self.alice.extension)
                incoming = await anext(calls)
            await incoming.answer()
            await theirs.connected()
            await theirs.hangup()
            await incoming.ended()
        return recording

    def webex(self, token: str) -> Webex:
        return Webex(
            TokenAuthenticator(token), cloud=self.cloud.https_url, ca=self.cloud.service.ca_path
        )


@pytest.fixture
async def story(tmp_path: Path) -> Story:
    if reason := missing():
        pytest.skip(reason)
    recorder = Recorder()
    cloud = Cloud(tmp_path / "cloud", service=lambda config: RecordedService(config, recorder))
    async with cloud, Chromium() as chromium:
        stage = Stage(
            cloud,
            recorder,
            bob := Webex(
                TokenAuthenticator(cloud.people["bob"].token),
                cloud=cloud.https_url,
                ca=cloud.service.ca_path,
            ),
        )
        async with bob:
            await bob.phone.ready(timeout=PATIENCE)
            official = await stage.official(chromium)
            return Story(official, await stage.ours())


def differences(story: Story) -> list[tuple[bool, str]]:
    """What only one of the two does: a request, a header, a member, a parameter, a frame."""
    found: set[tuple[bool, str]] = set()
    for official, one, other in (
        (True, story.official, story.ours),
        (False, story.ours, story.official),
    ):
        known = set(other.steps())
        for step in set(one.steps()):
            if step not in known:
                found.add((official, step))
                continue
            mine, theirs = one.of(step), other.of(step)
            for part, verb in (("query", "asks"), ("headers", "has"), ("body", "sends")):
                extra = frozenset[str]().union(*(getattr(each, part) for each in mine))
                extra -= frozenset[str]().union(*(getattr(each, part) for each in theirs))
                found |= {(official, f"{step} {verb} {name}") for name in extra}
            statuses = {each.status for each in mine} - {each.status for each in theirs}
            found |= {(official, f"{step} is answered {status}") for status in statuses}
        frames = {(frame.kind, frame.members) for frame in one.frames if frame.by_client}
        frames -= {(frame.kind, frame.members) for frame in other.frames if frame.by_client}
        found |= {(official, f"frame {kind}: {sorted(names)}") for kind, names in frames}
    return sorted(found)


async def test_the_sdk_and_the_official_client_tell_the_service_the_same_story(
    story: Story,
) -> None:
    known, found = {(each.official, each.what) for each in DIFFERENCES}, set(differences(story))
    assert found - known == set(), "differences without a reason"
    assert known - found == set(), "differences that are history"
    for recording in (story.official, story.ours):
        steps = [step for step in recording.steps() if step in CALLS]
        assert Counter(steps) == Counter(CALLS)
        # In the same order, whichever of the two that belong together comes first.
        in_order = [step for step in steps if step not in AT_ONCE]
        assert in_order == [step for step in CALLS if step not in AT_ONCE]
        acknowledged = {frame.id for frame in recording.frames if frame.kind == "ack"}
        told = [frame.id for frame in recording.frames if not frame.by_client and frame.id]
        assert told
        assert set(told) <= acknowledged
        first = [frame.kind for frame in recording.frames][:5]
        assert first == ["authorization", "mercury.buffer_state", "ack", "ping", "pong"]


async def test_the_page_on_traffic_gives_the_reason_of_each_difference() -> None:
    page = await asyncio.to_thread(DOCS.read_text)
    for each in DIFFERENCES:
        assert each.said in page, each.what
