"""Pushes to Apple, over real HTTP/2 and TLS, on good days and bad ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from offhook.engine.dispatch.model import Environment, OutcomeKind
from offhook.push.dispatcher import Dispatcher
from offhook.push.providers.channel import ProviderError
from offhook.push.providers.settings import ApnsApp, ProviderSettings
from offhook.testing.apns import ApnsServer
from push.providers.sending import APP, PAYLOAD, Sending, apns_settings, sending

TOKEN = "ab" * 32


@pytest.fixture
async def apns() -> AsyncIterator[ApnsServer]:
    async with ApnsServer(apps=[APP]) as server:
        yield server


@pytest.fixture
async def sender(apns: ApnsServer) -> AsyncIterator[Sending]:
    async with sending(apns_settings(apns)) as it:
        yield it


async def until_waiting(apns: ApnsServer, number: int) -> None:
    async with asyncio.timeout(5):
        while apns.waiting < number:
            await asyncio.sleep(0.005)


def client_certificate(authority: Path, folder: Path) -> tuple[Path, Path]:
    """A certificate for whoever pushes, and its key, from the server's authority."""
    ca = x509.load_pem_x509_certificate((authority / "ca.pem").read_bytes())
    ca_key = serialization.load_pem_private_key((authority / "ca.key").read_bytes(), None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, APP)]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ca.not_valid_before_utc)
        .not_valid_after(ca.not_valid_after_utc)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem, key_pem = folder / "push.pem", folder / "push.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pem, key_pem


async def test_the_payload_arrives_byte_for_byte_with_what_apple_asks_for(
    apns: ApnsServer, sender: Sending
) -> None:
    push = sender.send()
    outcome = await sender.outcome(push)
    got = await apns.next_push()
    assert got.body == PAYLOAD
    assert got.token == TOKEN
    wanted = {
        "apns-topic": f"{APP}.voip",
        "apns-push-type": "voip",
        "apns-priority": "10",
        "apns-expiration": str(int(push.until)),
        "apns-id": push.push_id,
    }
    assert {name: got.headers[name] for name in wanted} == wanted
    assert (outcome.kind, outcome.attempts, outcome.status) == (OutcomeKind.SENT, 1, 200)


async def test_many_pushes_share_one_connection(apns: ApnsServer, sender: Sending) -> None:
    pushes = [sender.send() for _ in range(500)]
    kinds = {(await sender.outcome(push)).kind for push in pushes}
    assert kinds == {OutcomeKind.SENT}
    assert len({got.connection for got in apns.pushes}) == 1
    assert {got.headers["apns-id"] for got in apns.pushes} == {push.push_id for push in pushes}


async def test_no_more_are_asked_at_once_than_apple_allows() -> None:
    async with ApnsServer(apps=[APP], streams=3) as apns, sending(apns_settings(apns)) as sender:
        apns.hold()
        pushes = [sender.send() for _ in range(20)]
        await until_waiting(apns, 3)
        assert apns.waiting == 3
        apns.let_go()
        assert {(await sender.outcome(push)).kind for push in pushes} == {OutcomeKind.SENT}
        assert len({got.connection for got in apns.pushes}) == 1


async def test_a_token_that_is_gone_is_reported_with_since_when(
    apns: ApnsServer, sender: Sending
) -> None:
    apns.answer(410, "Unregistered", timestamp=1_700_000_000_500)
    outcome = await sender.sent()
    assert outcome.kind is OutcomeKind.TOKEN_DEAD
    assert outcome.since == 1_700_000_000.5
    assert (outcome.status, outcome.reason) == (410, "Unregistered")


async def test_too_many_pushes_to_one_phone_are_not_repeated(
    apns: ApnsServer, sender: Sending
) -> None:
    apns.answer(429, "TooManyRequests")
    outcome = await sender.sent()
    assert (outcome.kind, outcome.attempts) == (OutcomeKind.REFUSED, 1)


async def test_apples_own_trouble_is_outlived_on_another_connection_under_the_same_id(
    apns: ApnsServer, sender: Sending
) -> None:
    await sender.sent()
    apns.answer(500, "InternalServerError")
    push = sender.send()
    outcome = await sender.outcome(push)
    assert (outcome.kind, outcome.attempts) == (OutcomeKind.SENT, 2)
    first, second = apns.pushes
    assert second.headers["apns-id"] == push.push_id
    assert first.connection != second.connection


async def test_apple_says_when_to_come_again(apns: ApnsServer, sender: Sending) -> None:
    apns.answer(503, "ServiceUnavailable", retry_after=1)
    began = time.monotonic()
    outcome = await sender.sent()
    assert (outcome.kind, outcome.attempts) == (OutcomeKind.SENT, 2)
    assert 1.0 <= time.monotonic() - began < 2.0


async def test_what_can_be_tried_again_only_after_the_window_is_given_up_at_once(
    apns: ApnsServer, sender: Sending
) -> None:
    apns.answer(503, "ServiceUnavailable", retry_after=60)
    began = time.monotonic()
    outcome = await sender.sent()
    assert (outcome.kind, outcome.status) == (OutcomeKind.EXPIRED, 503)
    assert time.monotonic() - began < 1.0
    assert apns.pushes == []


async def test_one_answer_of_trouble_does_not_send_what_is_under_way_twice(
    apns: ApnsServer, sender: Sending
) -> None:
    apns.delay(0.3)
    slow = [sender.send() for _ in range(5)]
    await until_waiting(apns, 5)
    apns.delay(0)
    apns.answer(503, "ServiceUnavailable")
    bad = await sender.sent()
    assert (bad.kind, bad.attempts) == (OutcomeKind.SENT, 2)
    assert {(await sender.outcome(push)).attempts for push in slow} == {1}
    assert len({got.connection for got in apns.pushes}) == 2


async def test_a_connection_that_goes_away_in_mid_stream_loses_nothing(
    apns: ApnsServer, sender: Sending
) -> None:
    apns.hold()
    pushes = [sender.send() for _ in range(50)]
    await until_waiting(apns, 50)
    apns.go_away()
    apns.let_go()
    outcomes = [await sender.outcome(push) for push in pushes]
    assert {(each.kind, each.attempts) for each in outcomes} == {(OutcomeKind.SENT, 2)}
    # At once, not after a rest.
    assert max(each.seconds for each in outcomes) < 1.0


async def test_a_request_that_is_cut_off_is_tried_again(apns: ApnsServer, sender: Sending) -> None:
    apns.answer(None)
    outcome = await sender.sent()
    assert (outcome.kind, outcome.attempts) == (OutcomeKind.SENT, 2)


async def test_apple_is_down_for_half_of_the_window(apns: ApnsServer, sender: Sending) -> None:
    await sender.sent()
    await apns.down()
    push = sender.send(sender.push(lasts=3.0))
    await asyncio.sleep(1.0)
    assert push.push_id not in sender.told
    await apns.up()
    outcome = await sender.outcome(push)
    assert outcome.kind is OutcomeKind.SENT
    assert outcome.seconds < 2.0


async def test_apple_is_down_for_all_of_the_window(apns: ApnsServer, sender: Sending) -> None:
    await apns.down()
    outcome = await sender.sent(sender.push(lasts=0.3))
    assert outcome.kind is OutcomeKind.EXPIRED
    await apns.up()
    assert (await sender.sent()).kind is OutcomeKind.SENT
    assert len(apns.pushes) == 1


async def test_an_answer_beyond_the_window_is_not_waited_for_and_blocks_nobody() -> None:
    async with ApnsServer(apps=[APP], streams=1) as apns, sending(apns_settings(apns)) as sender:
        apns.delay(60)
        outcome = await sender.sent(sender.push(lasts=0.2))
        assert outcome.kind is OutcomeKind.EXPIRED
        apns.delay(0)
        assert (await sender.sent()).kind is OutcomeKind.SENT
        # Its place was let go; the connection is the same.
        assert sender.dispatcher.connects == 2


async def test_a_provider_token_that_apple_refuses_is_replaced_if_it_is_old_enough() -> None:
    late = 0.0

    def clock() -> float:
        return time.time() + late

    async with (
        ApnsServer(apps=[APP], clock=clock) as apns,
        sending(apns_settings(apns), clock) as sender,
    ):
        await sender.sent()
        late = 1300.0
        apns.answer(403, "ExpiredProviderToken")
        outcome = await sender.sent()
        assert (outcome.kind, outcome.attempts) == (OutcomeKind.SENT, 2)
        first, second = (each.headers["authorization"] for each in apns.pushes)
        assert first != second


async def test_a_young_provider_token_is_not_replaced_whatever_apple_says(
    apns: ApnsServer, sender: Sending
) -> None:
    await sender.sent()
    apns.answer(403, "ExpiredProviderToken")
    assert (await sender.sent()).kind is OutcomeKind.SENT
    assert len({each.headers["authorization"] for each in apns.pushes}) == 1


async def test_the_provider_token_is_replaced_before_it_is_an_hour_old() -> None:
    late = 0.0

    def clock() -> float:
        return time.time() + late

    async with (
        ApnsServer(apps=[APP], clock=clock) as apns,
        sending(apns_settings(apns), clock) as sender,
    ):
        issued = []
        for age in (0.0, 2900.0, 3100.0, 5900.0, 6200.0):
            late = age
            assert (await sender.sent()).kind is OutcomeKind.SENT
            text = apns.pushes[-1].headers["authorization"].removeprefix("bearer ")
            issued.append(jwt.decode(text, options={"verify_signature": False})["iat"])
        assert len(set(issued)) == 3


async def test_a_certificate_takes_the_place_of_the_key(apns: ApnsServer, tmp_path: Path) -> None:
    files = client_certificate(apns.ca_path.parent, tmp_path)
    settings = apns_settings(
        apns,
        team_id="",
        key_id="",
        key_file="",
        certificate=str(files[0]),
        key=str(files[1]),
    )
    async with sending(settings) as sender:
        assert (await sender.sent()).kind is OutcomeKind.SENT
        assert "authorization" not in apns.pushes[0].headers


async def test_a_wrong_topic_stops_the_app_until_an_operator_acted(apns: ApnsServer) -> None:
    async with sending(apns_settings(apns, topic="com.somebody.else.voip")) as sender:
        outcome = await sender.sent()
        assert (outcome.kind, outcome.reason) == (OutcomeKind.MISCONFIGURED, "BadTopic")
        requests = apns.requests
        outcome = await sender.sent()
        assert (outcome.kind, outcome.attempts) == (OutcomeKind.MISCONFIGURED, 0)
        assert apns.requests == requests


async def test_a_payload_that_is_too_large_is_refused_and_the_next_one_is_not(
    apns: ApnsServer, sender: Sending
) -> None:
    large = b'{"a":"%s"}' % (b"x" * 6000)
    outcome = await sender.sent(sender.push(payload=large))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.REFUSED, "PayloadTooLarge")
    assert (await sender.sent()).kind is OutcomeKind.SENT


async def test_an_app_that_nobody_configured_is_said_so(sender: Sending) -> None:
    outcome = await sender.sent(sender.push(app="org.example.other"))
    assert outcome.kind is OutcomeKind.MISCONFIGURED
    assert "not configured" in outcome.reason


async def test_each_environment_has_a_connection_of_its_own(
    apns: ApnsServer, sender: Sending
) -> None:
    await sender.sent(sender.push(environment=Environment.SANDBOX))
    await sender.sent(sender.push(environment=Environment.PRODUCTION))
    first, second = apns.pushes
    assert first.connection != second.connection


async def test_stopping_does_not_wait_for_apple(apns: ApnsServer, sender: Sending) -> None:
    apns.hold()
    pushes = [sender.send() for _ in range(3)]
    await until_waiting(apns, 3)
    async with asyncio.timeout(2):
        await sender.dispatcher.stop()
    assert {(await sender.outcome(push)).kind for push in pushes} == {OutcomeKind.SHED}
    assert (await sender.sent()).kind is OutcomeKind.SHED


async def test_a_server_that_nobody_vouches_for_gets_nothing(apns: ApnsServer) -> None:
    app = ApnsApp(
        app=APP,
        team_id=apns.key.team_id,
        key_id=apns.key.key_id,
        key_file=str(apns.key.file),
        host=apns.host,
        port=apns.port,
    )
    async with sending(ProviderSettings(apns=[app])) as sender:
        outcome = await sender.sent(sender.push(lasts=0.3))
        assert (outcome.kind, outcome.attempts) == (OutcomeKind.EXPIRED, 0)
    assert apns.requests == 0


async def test_a_key_that_is_none_is_refused_at_the_start_with_what_to_do(tmp_path: Path) -> None:
    key = tmp_path / "AuthKey.p8"
    key.write_text("not a key")
    app = ApnsApp(app=APP, team_id="T", key_id="K", key_file=str(key))
    dispatcher = Dispatcher(ProviderSettings(apns=[app]), lambda outcome: None)
    with pytest.raises(ProviderError, match=r"not a \.p8 key"):
        await dispatcher.start()
    dispatcher = Dispatcher(ProviderSettings(apns=[ApnsApp(app=APP)]), lambda outcome: None)
    with pytest.raises(ProviderError, match="give key_file, key_id and team_id"):
        await dispatcher.start()
