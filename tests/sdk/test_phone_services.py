"""Signing in to phone services, and staying signed in when the cloud misbehaves."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from offhook import (
    CallErrorEvent,
    CallingType,
    EndReason,
    InitializationError,
    NetworkError,
    NotAuthorizedError,
    PhoneConnectionResult,
    PhoneServicesError,
    ServiceError,
    TokenAuthenticator,
    TooManyRequestsError,
    UCLoginFailureReason,
    Webex,
    WebexAuthDelegate,
    WebexUCLoginDelegate,
)
from offhook import PhoneServiceRegistrationFailureReason as Reason
from offhook import UCLoginServerConnectionStatus as Status
from sdk.clouds import PATIENCE, Phones, RunningCloud, heard, tone
from sdk.conftest import next_call
from sdk.network import Network
from sdk.small_cloud import SmallCloud

TOKEN = "a_b_org"


class Told(WebexUCLoginDelegate, WebexAuthDelegate):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.entries: list[object] = []
        self.statuses: list[tuple[Status, Reason]] = []
        self._changed = asyncio.Event()

    def on_uc_logged_in(self) -> None:
        self._note("logged in")

    def on_uc_login_failed(self, failure_reason: UCLoginFailureReason) -> None:
        self._note(failure_reason)

    def on_re_login_required(self) -> None:
        self._note("re-login")

    def on_login_failed(self) -> None:
        self._note("login failed")

    def on_uc_server_connection_state_changed(self, status: Status, failure_reason: Reason) -> None:
        self.statuses.append((status, failure_reason))
        self._note((status, failure_reason))
        self._note(status)

    def _note(self, entry: object) -> None:
        self.entries.append(entry)
        self._changed.set()

    async def until(self, entry: object, count: int = 1) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.entries.count(entry) < count:
                self._changed.clear()
                await self._changed.wait()


def made(url: str, token: str = TOKEN) -> tuple[Webex, Told]:
    webex = Webex(TokenAuthenticator(token), cloud=url)
    told = Told()
    webex.delegate = webex.auth_delegate = told
    return webex, told


# --- signing in ---------------------------------------------------------------------------------


async def test_the_sign_in_is_silent_and_tells_its_stages(cloud: RunningCloud):
    webex, told = made(cloud.url, await cloud.token("alice"))
    assert webex.uc_server_connection_status is Status.IDLE
    async with webex:
        await webex.phone.ready(PATIENCE)
        assert webex.uc_server_connection_status is Status.CONNECTED
        assert webex.is_uc_logged_in
        assert webex.phone.calling_type is CallingType.WEBEX_CALLING
        stages = [entry for entry in told.entries if not isinstance(entry, tuple)]
        assert stages == [Status.CONNECTING, "logged in", Status.CONNECTED]
    assert told.statuses[-1] == (Status.DISCONNECTED, Reason.NONE)


async def test_people_know_their_encoded_id(cloud: RunningCloud, alice: Webex):
    me = await alice.people.get_me()
    assert me.display_name == "Alice Adams"
    assert me.encoded_id.startswith("Y2lzY29zcGFyazovL3VzL1BFT1BMRS")
    assert len(me.id) == 36
    assert me.emails == ("alice@demo.offhook.example",)


async def test_phone_services_are_left_and_entered_again(cloud: RunningCloud, phones: Phones):
    alice, bob = await phones.of("alice"), await phones.of("bob")
    assert await bob.phone.disconnect_phone_services() is PhoneConnectionResult.NO_ERROR
    assert bob.uc_server_connection_status is Status.DISCONNECTED
    assert (await bob.people.get_me()).display_name == "Bob Brown"
    with pytest.raises(PhoneServicesError):
        await bob.phone.dial_phone_number("1001")
    with pytest.raises(PhoneServicesError, match="connect_phone_services"):
        await bob.phone.ready()

    assert await bob.phone.connect_phone_services() is PhoneConnectionResult.NO_ERROR
    await bob.phone.ready(PATIENCE)
    async with await alice.phone.dial_phone_number("1002", tone(440)):
        call = await next_call(bob)
        await call.answer()
        assert await heard(call) == 440


async def test_disconnecting_ends_the_calls(cloud: RunningCloud, alice: Webex, bob: Webex):
    a = await alice.phone.dial_phone_number(cloud.number("bob"))
    b = await next_call(bob)
    await b.answer()
    await alice.phone.disconnect_phone_services()
    assert a.end_reason is EndReason.LOCAL_HANGUP
    async with asyncio.timeout(PATIENCE):
        assert await b.ended() is EndReason.REMOTE_HANGUP


async def test_nothing_works_before_it_is_initialised_or_after_it_is_closed(cloud: RunningCloud):
    webex, _ = made(cloud.url, await cloud.token("alice"))
    with pytest.raises(InitializationError):
        await webex.phone.dial_phone_number("1002")
    with pytest.raises(InitializationError):
        await webex.phone.ready()
    await webex.initialize()
    await webex.initialize()
    await webex.close()
    await webex.close()
    with pytest.raises(InitializationError):
        await webex.phone.dial_phone_number("1002")
    with pytest.raises(InitializationError):
        await webex.initialize()


async def test_https_needs_the_authority_that_vouches_for_it(demo_data):
    async with RunningCloud(demo_data, https=True) as cloud:
        token, url = await cloud.token("alice"), cloud.service.https_url
        async with Webex(TokenAuthenticator(token), cloud=url, ca=cloud.service.ca_path) as webex:
            await webex.phone.ready(PATIENCE)
        async with Webex(TokenAuthenticator(token), cloud=url) as webex:
            with pytest.raises(NetworkError, match="ca="):
                await webex.phone.ready(PATIENCE)


# --- when it does not work ----------------------------------------------------------------------


async def test_a_token_that_is_refused_fails_the_sign_in_for_good():
    async with SmallCloud() as small:
        webex, told = made(small.url, "x_y_stranger")
        async with webex:
            with pytest.raises(NotAuthorizedError):
                await webex.phone.ready(PATIENCE)
            await told.until("re-login")
            assert told.statuses[-1] == (Status.FAILED, Reason.INVALID_CREDENTIALS)
            assert UCLoginFailureReason.TOKEN_FAILURE in told.entries
            assert not webex.authenticator.is_authorized
            with pytest.raises(NotAuthorizedError):
                await webex.phone.connect_phone_services()


async def test_a_cloud_that_is_not_there_is_told_soon_and_found_when_it_comes(demo_data):
    cloud = RunningCloud(demo_data)
    async with cloud:
        token = await cloud.token("alice")
        url = cloud.url
    webex, told = made(url, token)
    async with webex:
        started = time.monotonic()
        with pytest.raises(NetworkError):
            await webex.phone.ready(PATIENCE)
        assert time.monotonic() - started < 6
        assert told.statuses[-1] == (Status.FAILED, Reason.COULD_NOT_CONNECT)
        await cloud.start_again()
        try:
            await told.until(Status.CONNECTED)
        finally:
            await webex.close()
            await cloud.stop()


async def test_a_sign_in_that_takes_too_long_is_given_up_by_who_waits():
    async with SmallCloud() as small:
        small.fail("GET", "/limited/catalog", 503, times=1, retry_after="60")
        webex, _ = made(small.url)
        async with webex:
            with pytest.raises(PhoneServicesError, match=r"0\.2 s") as error:
                await webex.phone.ready(0.2)
            assert error.value.retryable


async def test_closing_in_the_middle_of_the_sign_in_leaves_nothing(cloud: RunningCloud):
    for pause in (0.0, 0.01, 0.05):
        webex, _ = made(cloud.url, await cloud.token("alice"))
        await webex.initialize()
        await asyncio.sleep(pause)
        started = time.monotonic()
        await webex.close()
        assert time.monotonic() - started < 5


# --- trouble, answered by the rules -------------------------------------------------------------


async def test_requests_look_like_those_of_official_clients_and_come_in_their_order():
    async with SmallCloud() as small:
        webex, _ = made(small.url)
        async with webex:
            await webex.phone.ready(PATIENCE)
            await small.until(lambda: any(f["type"] == "ping" for f in small.frames))
    requests = [each for each in small.seen if not each.path.startswith("/mercury")]
    # Three that need no answer of each other begin together.
    assert sorted(each.path for each in requests[:3]) == [
        "/u2c/api/v1/catalog",
        "/u2c/api/v1/limited/catalog",
        "/v1/region",
    ]
    assert [
        (each.method, each.path.rpartition("/devices/")[0] or each.path) for each in requests[3:]
    ] == [
        ("POST", "/wdm/api/v1/devices"),
        ("GET", "/api/v1/calling/web/"),
        ("POST", "/api/v1/calling/web/device"),
        ("DELETE", "/api/v1/calling/web"),
        ("DELETE", "/wdm/api/v1"),
    ]
    limited = small.requests("GET", "/u2c/api/v1/limited/catalog")[0]
    full = small.requests("GET", "/u2c/api/v1/catalog")[0]
    wdm, discovery, register, *_ = requests[3:]
    assert limited.query == {"orgId": "org", "format": "hostmap"}
    assert "authorization" not in limited.headers
    assert {"authorization", "trackingid", "spark-user-agent", "cisco-no-http-redirect"} <= set(
        full.headers
    )
    assert "cisco-device-url" not in wdm.headers
    assert wdm.body.keys() == {
        "name",
        "deviceType",
        "model",
        "localizedModel",
        "systemName",
        "systemVersion",
        "ttl",
    }
    assert discovery.query == {"regionCode": "US-EAST", "countryCode": "US"}
    assert discovery.headers["cisco-device-url"].startswith(f"{small.url}/wdm/")
    assert register.headers["content-type"] == "application/json"
    assert register.body.keys() == {"userId", "clientDeviceUri", "serviceData"}
    assert [frame["type"] for frame in small.frames][:3] == ["authorization", "ack", "ping"]
    ids = [each.headers["trackingid"] for each in small.seen if "trackingid" in each.headers]
    assert len(set(ids)) == len(ids)


async def test_every_event_is_acknowledged():
    async with SmallCloud() as small:
        webex, _ = made(small.url)
        async with webex:
            await webex.phone.ready(PATIENCE)
            await small.send({"eventType": "featureToggle_update"})
            await small.send({"eventType": "mobius.nonsense", "callId": 7})
            await small.until(
                lambda: {"event-2", "event-3"} <= {f.get("messageId") for f in small.frames}
            )
            assert webex.uc_server_connection_status is Status.CONNECTED


async def test_too_many_requests_are_waited_out():
    async with SmallCloud() as small:
        small.fail("GET", "/u2c/api/v1/catalog", 429, retry_after="1")
        small.fail("POST", "/calling/web/device$", 429, retry_after="1")
        webex, _ = made(small.url)
        async with webex:
            await webex.phone.ready(PATIENCE)
        assert len(small.requests("GET", "/u2c/api/v1/catalog")) == 2
        assert len(small.requests("POST", ".*/calling/web/device")) == 2


async def test_a_request_that_comes_too_early_is_repeated_when_the_cloud_says():
    async with SmallCloud() as small:
        webex, _ = made(small.url)
        async with webex:
            await webex.phone.ready(PATIENCE)
            small.fail("GET", "/people/me", 429, retry_after="1")
            assert (await webex.people.get_me()).display_name == "Alice"
            assert len(small.requests("GET", "/v1/people/me")) == 2


async def test_too_many_requests_for_too_long_are_told():
    async with SmallCloud() as small:
        webex, _ = made(small.url)
        async with webex:
            await webex.phone.ready(PATIENCE)
            small.fail("GET", "/people/me", 429, retry_after="3600")
            with pytest.raises(TooManyRequestsError) as error:
                await webex.people.get_me()
            assert error.value.retry_after == 3600
            assert error.value.retryable


async def test_an_error_of_the_service_carries_what_to_quote():
    async with SmallCloud() as small:
        webex, _ = made(small.url)
        async with webex:
            await webex.phone.ready(PATIENCE)
            small.fail("GET", "/people/me", 500, body={"message": "Oh."}, trackingid="quote-me")
            with pytest.raises(ServiceError, match="Oh") as error:
                await webex.people.get_me()
            assert (error.value.status, error.value.tracking_id) == (500, "quote-me")


async def test_a_line_that_the_service_has_forgotten_is_registered_again():
    async with SmallCloud(keepalive=1) as small:
        webex, told = made(small.url)
        async with webex:
            await webex.phone.ready(PATIENCE)
            small.forget()
            await told.until(Status.CONNECTED, 2)
            assert len(small.lines) == 1


@pytest.mark.parametrize("code", [1001, 1011, 1012])
async def test_an_event_connection_that_is_closed_comes_back(code):
    async with SmallCloud() as small:
        webex, told = made(small.url)
        async with webex:
            await webex.phone.ready(PATIENCE)
            await small.close_sockets(code)
            await told.until(Status.CONNECTED, 2)
            assert (Status.CONNECTING, Reason.NO_NETWORK) in told.statuses
            # It asked at once whether its line is still known, and did not need a new one.
            assert len(small.requests("POST", ".*/status")) == 1
            assert len(small.requests("POST", ".*/calling/web/device")) == 1


async def test_an_event_connection_that_is_replaced_stays_away_and_says_so():
    async with SmallCloud() as small:
        webex, told = made(small.url)
        async with webex:
            await webex.phone.ready(PATIENCE)
            await small.close_sockets(4000)
            await told.until(Status.FAILED)
            assert told.statuses[-1] == (Status.FAILED, Reason.REGISTERED_ELSEWHERE)
            await webex.phone.connect_phone_services()
            await webex.phone.ready(PATIENCE)


async def test_connecting_anew_waits_until_what_was_there_is_taken_down():
    async with SmallCloud() as small:
        webex, told = made(small.url)
        async with webex:
            await webex.phone.ready(PATIENCE)
            small.fail("DELETE", "/calling/web/devices/", 200, delay=0.5)
            await small.close_sockets(4000)
            await told.until(Status.FAILED)
            await webex.phone.connect_phone_services()
            await webex.phone.ready(PATIENCE)
            await asyncio.sleep(0.7)  # until the late answer has come in any case
            devices = [
                each.method
                for each in small.seen
                if each.path.startswith("/wdm/") and each.method in ("POST", "DELETE")
            ]
            assert devices == ["POST", "DELETE", "POST"]


async def test_a_line_without_events_is_not_called_ready():
    async with SmallCloud(keepalive=1) as small:
        webex, told = made(small.url)
        async with webex:
            await webex.phone.ready(PATIENCE)
            small.fail("GET", "/mercury/", 503, times=2)
            small.forget()
            await small.close_sockets(1001)
            await small.until(lambda: len(small.lines) == 1)
            assert webex.uc_server_connection_status is Status.CONNECTING
            assert not small.sockets
            await told.until(Status.CONNECTED, 2)
            assert len(small.sockets) == 1


async def test_a_token_that_ends_is_renewed_once_and_the_request_repeated():
    async with SmallCloud() as small:
        small.tokens = {"fresh_b_org"}
        renewed: list[str] = []

        class Renewing(TokenAuthenticator):
            async def renew(self, rejected: str) -> str:
                renewed.append(rejected)
                await self.authorize("fresh_b_org")
                return await self.token()

        async with Webex(Renewing("stale_b_org"), cloud=small.url) as other:
            await other.phone.ready(PATIENCE)
        assert renewed == ["stale_b_org"]
        assert [each.token for each in small.requests("GET", "/u2c/api/v1/catalog")] == [
            "stale_b_org",
            "fresh_b_org",
        ]


async def test_a_sign_in_that_ends_in_the_middle_is_told_and_stops_the_phone():
    async with SmallCloud() as small:
        webex, told = made(small.url)
        expired: list[bool] = []
        webex.authenticator.set_on_token_expired_listener(lambda: expired.append(True))
        async with webex:
            await webex.phone.ready(PATIENCE)
            small.tokens.clear()
            with pytest.raises(NotAuthorizedError):
                await webex.people.get_me()
            await told.until("re-login")
            await told.until((Status.FAILED, Reason.INVALID_CREDENTIALS))
            assert expired == [True]
            await small.until(lambda: not small.sockets)
            with pytest.raises(NotAuthorizedError):
                await webex.phone.ready(PATIENCE)


async def test_a_token_that_the_event_connection_does_not_take_is_the_end_of_the_sign_in():
    async with SmallCloud() as small:
        webex, told = made(small.url)
        async with webex:
            await webex.phone.ready(PATIENCE)
            small.tokens.clear()
            await small.close_sockets(1001)
            await told.until("re-login")
            await told.until((Status.FAILED, Reason.INVALID_CREDENTIALS))


async def test_a_person_with_too_many_devices_loses_the_oldest_third():
    async with SmallCloud() as small:
        small.devices = {f"old-{n}" for n in range(1, 7)}
        message = "User has excessive device registrations"
        small.fail("POST", "/wdm/", 403, body={"message": message})
        webex, _ = made(small.url)
        async with webex:
            await webex.phone.ready(PATIENCE)
            assert {"old-1", "old-2"} & small.devices == set()
            assert {"old-3", "old-6"} <= small.devices


async def test_a_person_with_too_many_lines_loses_one():
    async with SmallCloud() as small:
        small.lines["rival"] = "x"
        rival = {"deviceId": "rival", "uri": f"{small.url}/api/v1/calling/web/devices/rival"}
        body = {"message": "Too many.", "errorCode": 101, "userId": "u", "devices": [rival]}
        small.fail("POST", "/calling/web/device$", 403, body=body)
        webex, _ = made(small.url)
        async with webex:
            await webex.phone.ready(PATIENCE)
            assert len(small.lines) == 1
            assert "rival" not in small.lines


async def test_a_person_who_may_not_call_is_told_so():
    async with SmallCloud() as small:
        small.fail("POST", "/calling/web/device$", 403, body={"message": "No.", "errorCode": 102})
        webex, told = made(small.url)
        async with webex:
            with pytest.raises(PhoneServicesError) as error:
                await webex.phone.ready(PATIENCE)
            assert error.value.reason is Reason.DEVICE_NOT_AUTHORISED
            assert "login failed" in told.entries


async def test_a_region_that_cannot_be_found_out_is_done_without():
    async with SmallCloud() as small:
        small.fail("GET", "/v1/region", 500)
        webex, _ = made(small.url)
        async with webex:
            await webex.phone.ready(PATIENCE)
            assert not small.requests("GET", "/api/v1/calling/web/")


async def test_servers_that_cannot_be_found_are_looked_for_again():
    async with SmallCloud() as small:
        small.fail("GET", "/api/v1/calling/web/", 500)
        webex, _ = made(small.url)
        async with webex:
            await webex.phone.ready(PATIENCE)
            assert len(small.requests("GET", "/api/v1/calling/web/")) == 2


@pytest.mark.parametrize("forgotten", [False, True])
async def test_an_address_for_events_that_is_not_good_any_more_is_renewed(forgotten):
    async with SmallCloud() as small:
        webex, told = made(small.url)
        async with webex:
            await webex.phone.ready(PATIENCE)
            small.fail("GET", "/mercury/", 404)
            if forgotten:
                small.forget()
            await small.close_sockets(1001)
            await told.until(Status.CONNECTED, 2)
            assert len(small.requests("PUT", "/wdm/.*")) == 1
            assert len(small.requests("POST", "/wdm/.*")) == 1 + forgotten
            # The line is that of the device to which events go.
            await small.until(
                lambda: (
                    [url.rpartition("/")[2] for url in small.lines.values()]
                    == [next(iter(small.devices))]
                )
            )


async def test_the_device_is_refreshed_and_once_forgotten_replaced_when_no_call_is_on(monkeypatch):
    monkeypatch.setattr("offhook.sdk.phone_services.REFRESH_INTERVAL", 0.1)
    async with SmallCloud() as small:
        webex, told = made(small.url)
        async with webex:
            await webex.phone.ready(PATIENCE)
            await small.until(lambda: len(small.requests("PUT", "/wdm/.*")) == 2)
            assert small.requests("PUT", "/wdm/.*")[1].headers["if-none-match"] == '"1"'
            await invite(small, "c1")
            call = await next_call(webex)
            small.devices.clear()
            await small.until(lambda: len(small.requests("PUT", "/wdm/.*")) == 5)
            assert len(small.requests("POST", "/wdm/.*")) == 1
            await call.reject()
            await told.until(Status.CONNECTED, 2)
            assert len(small.requests("POST", "/wdm/.*")) == 2


async def test_signing_out_unregisters_first(cloud: RunningCloud, alice: Webex, bob: Webex):
    await bob.authenticator.deauthorize()
    assert not bob.authenticator.is_authorized
    assert bob.uc_server_connection_status is Status.DISCONNECTED
    assert len(cloud.service.lines) == 1
    with pytest.raises(NotAuthorizedError):
        await bob.people.get_me()


async def test_the_token_goes_to_hosts_of_the_cloud_only():
    async with SmallCloud() as small, SmallCloud() as stranger:
        small.mobius_uri = stranger.url.replace("127.0.0.1", "localhost") + "/api/v1"
        webex, _ = made(small.url)
        async with webex:
            await stranger.until(lambda: bool(stranger.seen))
    assert stranger.seen[0].path == "/api/v1/calling/web/device"
    assert stranger.seen[0].token == ""


# --- the service restarts -----------------------------------------------------------------------


async def test_a_restarted_service_is_found_again_and_calls_are_ended_honestly(
    cloud: RunningCloud, alice: Webex, bob: Webex
):
    a = await alice.phone.dial_phone_number(cloud.number("bob"), tone(440))
    b = await next_call(bob)
    await b.answer(tone(880))
    assert await heard(a) == 880
    told = Told()
    alice.delegate = told
    await cloud.stop()
    async with asyncio.timeout(PATIENCE):
        assert await a.ended() is EndReason.UNAVAILABLE
        await b.ended()
    await cloud.start_again()
    await told.until(Status.CONNECTED)
    await bob.phone.ready(PATIENCE)
    async with await alice.phone.dial_phone_number(cloud.number("bob"), tone(440)):
        again = await next_call(bob)
        await again.answer(tone(880))
        assert await heard(again) == 440


async def test_a_call_that_a_restarted_service_does_not_know_is_ended():
    """The service vanishes without a word, as a killed process does."""
    async with SmallCloud() as small:
        webex, told = made(small.url)
        async with webex:
            await webex.phone.ready(PATIENCE)
            small.fail("PATCH", "/calls/c1$", 200, body={"callId": "c1"})
            await small.send(
                {
                    "eventType": "mobius.call",
                    "callId": "c1",
                    "deviceId": next(iter(small.lines)),
                    "correlationId": "",
                    "callerId": {"from": '"Bob" <sip:1002@x>'},
                }
            )
            call = await next_call(webex)
            await small.until(lambda: bool(small.requests("PATCH", ".*")))
            await small.stop()
            small.forget()
            await small.start()
            async with asyncio.timeout(PATIENCE):
                assert await call.ended() is EndReason.SERVICE_LOST
            last = [event async for event in call.events()][-1]
            assert isinstance(last, CallErrorEvent)
            await told.until(Status.CONNECTED, 2)


async def invite(small: SmallCloud, call_id: str) -> None:
    line = next(iter(small.lines))
    small.fail("PATCH", f"/calls/{call_id}$", 200, times=9)
    small.fail("DELETE", f"/calls/{call_id}$", 200, times=9)
    await small.send({"eventType": "mobius.call", "callId": call_id, "deviceId": line})


async def test_a_third_call_is_left_to_other_devices_without_a_word():
    async with SmallCloud() as small:
        webex, _ = made(small.url)
        async with webex:
            await webex.phone.ready(PATIENCE)
            for call_id in ("c1", "c2", "c3"):
                await invite(small, call_id)
            await small.until(lambda: {"event-4"} <= {f.get("messageId") for f in small.frames})
            await small.until(lambda: len(small.requests("PATCH", ".*")) == 2)
            assert [call.call_id for call in webex.phone.calls] == ["c1", "c2"]
            # Its offer, which comes when there is room again, does not make it ring either.
            await webex.phone.calls[0].reject()
            line, offer = next(iter(small.lines)), {"seq": 1, "messageType": "OFFER", "sdp": "x"}
            media = {"eventType": "mobius.media", "deviceId": line, "message": offer}
            for call_id in ("c3", "c1"):
                await small.send({**media, "callId": call_id})
            await small.until(lambda: {"event-6"} <= {f.get("messageId") for f in small.frames})
            assert [call.call_id for call in webex.phone.calls] == ["c2"]


async def test_the_end_of_a_call_is_told_ahead_of_everything_that_waits():
    async with SmallCloud() as small:
        webex, told = made(small.url)
        async with webex:
            await webex.phone.ready(PATIENCE)
            small.fail("PATCH", "/calls/c1$", 200, body={"callId": "c1"}, delay=0.7)
            small.fail("DELETE", "/calls/c1$", 200)
            line = next(iter(small.lines))
            await small.send({"eventType": "mobius.call", "callId": "c1", "deviceId": line})
            call = await next_call(webex)
            await small.close_sockets(1001)  # upon which the call is asked about
            await told.until(Status.CONNECTED, 2)
            await call.reject()
            await asyncio.sleep(0.8)  # until the first request has its answer
            assert [e.method for e in small.seen if "/calls/c1" in e.path] == ["PATCH", "DELETE"]


@asynccontextmanager
async def behind(network: Network, token: str) -> AsyncIterator[tuple[Webex, Told]]:
    """A phone whose signalling passes through `network`; its audio does not."""
    webex, told = made(network.url, token)
    async with webex:
        await webex.phone.ready(PATIENCE)
        yield webex, told


async def test_a_call_goes_on_while_the_network_of_its_signalling_is_away(
    cloud: RunningCloud, bob: Webex
):
    async with (
        Network(cloud.url) as network,
        behind(network, await cloud.token("alice")) as (alice, told),
    ):
        a = await alice.phone.dial_phone_number(cloud.number("bob"), tone(440))
        b = await next_call(bob)
        await b.answer(tone(880))
        assert await heard(a) == 880
        await network.down()
        await told.until((Status.CONNECTING, Reason.NO_NETWORK))
        with pytest.raises(NetworkError):
            await a.hold()
        assert await asyncio.gather(heard(a), heard(b)) == [880, 440]
        await network.up()
        await told.until(Status.CONNECTED, 2)
        await a.hold()
        await a.resume()
        assert await asyncio.gather(heard(a), heard(b)) == [880, 440]
        await b.hangup()
        async with asyncio.timeout(PATIENCE):
            assert await a.ended() is EndReason.REMOTE_HANGUP


async def test_what_happened_while_the_network_was_away_is_told_afterwards(
    cloud: RunningCloud, bob: Webex
):
    async with (
        Network(cloud.url) as network,
        behind(network, await cloud.token("alice")) as (alice, told),
    ):
        a = await alice.phone.dial_phone_number(cloud.number("bob"))
        b = await next_call(bob)
        await b.answer()
        await a.connected()
        await network.down()
        await told.until((Status.CONNECTING, Reason.NO_NETWORK))
        await b.hangup()
        second = await bob.phone.dial_phone_number(cloud.number("alice"))
        await network.up()
        async with asyncio.timeout(PATIENCE):
            assert await a.ended() is EndReason.REMOTE_HANGUP
        incoming = await next_call(alice)
        await incoming.answer(tone(440))
        assert await heard(second) == 440
