"""A stand-in for Apple's push service: HTTP/2 over TLS, and as strict as the real one.

::

    async with ApnsServer(apps=["org.example.phone"]) as apns:
        ...  # a backend that is told apns.host, apns.port, apns.ca_path and apns.key
        push = await apns.next_push(timeout=5)

It checks what Apple checks (provider token or certificate, topic, type, priority, expiry, sizes)
and answers with Apple's own status codes and reasons. Source: Apple, "Sending notification requests
to APNs", "Handling notification responses from APNs".
"""

import asyncio
import json
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from offhook.serving.tls import local_tls
from offhook.testing.http2_server import Answer, Http2Server, Request
from offhook.testing.scripted import Script, Scripted

_PATH = re.compile(r"/3/device/([0-9A-Za-z]*)")
_TYPES = {
    "alert",
    "background",
    "complication",
    "fileprovider",
    "liveactivity",
    "location",
    "mdm",
    "pushtotalk",
    "voip",
    "widgets",
}
_TOPIC_SUFFIX = {"voip": ".voip"}
_LARGEST = {"voip": 5120}
_LARGEST_USUAL = 4096
_OLDEST_TOKEN = 3600


@dataclass(frozen=True, slots=True)
class ApnsKey:
    """A signing key as Apple's developer page gives it: ids, and the .p8 file."""

    team_id: str
    key_id: str
    file: Path


@dataclass(frozen=True, slots=True)
class ReceivedPush:
    """A push that was taken. `body` is the payload as it came; `connection` counts from 1."""

    token: str
    headers: dict[str, str]
    body: bytes
    connection: int
    at: float

    @property
    def payload(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


@dataclass(slots=True)
class _Rules:
    """Who may push to what."""

    topics: frozenset[str]
    key_id: str
    team_id: str
    public_key: ec.EllipticCurvePublicKey
    refresh_seconds: float
    clock: Callable[[], float]
    seen_token: dict[int, tuple[str, float]] = field(default_factory=dict)


class _Refused(Exception):  # noqa: N818 - an answer, not a fault
    def __init__(self, status: int, reason: str, since: int | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.since = since


class ApnsServer(Scripted):
    """See the module. `apps` are bundle ids, each with its topic ``<app>.voip`` and its own.

    A provider token that is replaced sooner than `refresh_seconds` after the one before is refused
    (TooManyProviderTokenUpdates), as Apple does within 20 minutes. `clock` gives Unix seconds.
    """

    def __init__(
        self,
        apps: Sequence[str] = ("org.example.phone",),
        *,
        refresh_seconds: float = 1200.0,
        streams: int = 1000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self._apps = tuple(apps)
        self._refresh_seconds = refresh_seconds
        self._streams = streams
        self._clock = clock
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._arrived: asyncio.Queue[ReceivedPush] = asyncio.Queue()
        self._tokens: dict[str, str] = {}
        self.pushes: list[ReceivedPush] = []
        self.requests = 0
        self.key: ApnsKey
        self.ca_path: Path
        self._rules: _Rules

    async def __aenter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="offhook-apns-")
        folder = Path(self._folder.name)
        files = await asyncio.to_thread(local_tls, folder / "tls", [])
        signing = ec.generate_private_key(ec.SECP256R1())
        self.key = ApnsKey("TEAMID1234", "KEYID12345", folder / "AuthKey_KEYID12345.p8")
        await asyncio.to_thread(
            self.key.file.write_bytes,
            signing.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )
        self.ca_path = files.ca
        topics = frozenset(name for app in self._apps for name in (app, f"{app}.voip"))
        self._rules = _Rules(
            topics,
            self.key.key_id,
            self.key.team_id,
            signing.public_key(),
            self._refresh_seconds,
            self._clock,
        )
        self.server = Http2Server(
            self._handle,
            chain=files.certificate,
            key=files.key,
            client_ca=files.ca,
            streams=self._streams,
        )
        await self.server.up()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.server.down()
        if self._folder is not None:
            await asyncio.to_thread(self._folder.cleanup)

    @property
    def host(self) -> str:
        """Where it answers."""
        return self.server.host

    @property
    def port(self) -> int:
        """Where it answers."""
        return self.server.port

    def register(self, token: str, topic: str) -> None:
        """Say that this device token belongs to `topic`; pushes for another one are refused."""
        self._tokens[token.lower()] = topic

    def spelled(self, token: str) -> str:
        """Hex digits: in any case."""
        return token.lower()

    async def next_push(self, timeout: float | None = 5.0) -> ReceivedPush:
        """The next push, in order. Raises TimeoutError after `timeout` seconds."""
        async with asyncio.timeout(timeout):
            return await self._arrived.get()

    def clear(self) -> None:
        """Forget what has come."""
        self.pushes.clear()
        while not self._arrived.empty():
            self._arrived.get_nowait()

    async def _handle(self, request: Request) -> Answer:
        self.requests += 1
        apns_id = request.headers.get("apns-id", "") or str(uuid4()).upper()
        found = _PATH.fullmatch(request.path)
        script = await self.next_script(found[1] if found else "")
        try:
            token = self._check(request, found[1] if found else None)
            if script is not None:
                return _scripted(script, apns_id)
        except _Refused as refused:
            return _answer(refused.status, apns_id, refused.reason, refused.since)
        push = ReceivedPush(token, request.headers, request.body, request.peer, self._clock())
        self.pushes.append(push)
        self._arrived.put_nowait(push)
        return Answer(200, {"apns-id": apns_id})

    def _check(self, request: Request, token: str | None) -> str:
        """The device token. Raises _Refused with Apple's reason."""
        headers = request.headers
        if request.method != "POST":
            raise _Refused(405, "MethodNotAllowed")
        if token is None:
            raise _Refused(404, "BadPath")
        if not token:
            raise _Refused(400, "MissingDeviceToken")
        if "apns-id" in headers and not _is_uuid(headers["apns-id"]):
            raise _Refused(400, "BadMessageId")
        if request.certificate is None:
            _check_provider_token(self._rules, request)
        kind = headers.get("apns-push-type", "")
        if kind not in _TYPES:
            raise _Refused(400, "InvalidPushType")
        topic = headers.get("apns-topic", "")
        if not topic:
            raise _Refused(400, "MissingTopic")
        if topic not in self._rules.topics or not topic.endswith(_TOPIC_SUFFIX.get(kind, "")):
            raise _Refused(400, "TopicDisallowed" if topic in self._rules.topics else "BadTopic")
        if headers.get("apns-priority", "10") not in ("1", "5", "10"):
            raise _Refused(400, "BadPriority")
        if not headers.get("apns-expiration", "0").isdigit():
            raise _Refused(400, "BadExpirationDate")
        if len(headers.get("apns-collapse-id", "").encode()) > 64:
            raise _Refused(400, "BadCollapseId")
        if not request.body:
            raise _Refused(400, "PayloadEmpty")
        if len(request.body) > _LARGEST.get(kind, _LARGEST_USUAL):
            raise _Refused(413, "PayloadTooLarge")
        if not _is_object(request.body):
            raise _Refused(400, "BadPayload")
        if not re.fullmatch(r"(?:[0-9a-fA-F]{2}){16,100}", token):
            raise _Refused(400, "BadDeviceToken")
        if self._tokens.get(token.lower(), topic) != topic:
            raise _Refused(400, "DeviceTokenNotForTopic")
        return token


def _check_provider_token(rules: _Rules, request: Request) -> None:
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text:
        raise _Refused(403, "MissingProviderToken")
    known = rules.seen_token.get(request.peer)
    now = rules.clock()
    if known is not None and known[0] == text and known[1] > now:
        return  # Verified on this connection already.
    try:
        header = jwt.get_unverified_header(text)
        claims = jwt.decode(
            text,
            rules.public_key,
            algorithms=["ES256"],
            options={"verify_iat": False, "verify_aud": False, "verify_exp": False},
        )
        issued = float(claims["iat"])
    except (jwt.InvalidTokenError, KeyError, TypeError, ValueError) as error:
        raise _Refused(403, "InvalidProviderToken") from error
    if header.get("kid") != rules.key_id or claims.get("iss") != rules.team_id:
        raise _Refused(403, "InvalidProviderToken")
    if not now - _OLDEST_TOKEN <= issued <= now + 60:
        raise _Refused(403, "ExpiredProviderToken")
    if known is not None and issued - (known[1] - _OLDEST_TOKEN) < rules.refresh_seconds:
        raise _Refused(429, "TooManyProviderTokenUpdates")
    rules.seen_token[request.peer] = (text, issued + _OLDEST_TOKEN)


def _scripted(script: Script, apns_id: str) -> Answer:
    if script.status is None:
        return Answer(None)
    answer = _answer(script.status, apns_id, script.reason, script.timestamp)
    if script.retry_after is not None:
        answer.headers["retry-after"] = str(script.retry_after)
    return answer


def _answer(status: int, apns_id: str, reason: str, since: int | None) -> Answer:
    body: dict[str, object] = {"reason": reason}
    if since is not None:
        body["timestamp"] = since
    headers = {"apns-id": apns_id, "content-type": "application/json"}
    return Answer(status, headers, json.dumps(body).encode() if status != 200 else b"")


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return len(text) == 36


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, UnicodeDecodeError, RecursionError):
        return False
