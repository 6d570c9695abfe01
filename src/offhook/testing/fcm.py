"""A stand-in for Google's push service: FCM HTTP v1 over HTTP/2 and TLS, as strict as the real one.

::

    async with FcmServer(project="my-phone") as fcm:
        ...  # a backend that is told fcm.host, fcm.port, fcm.ca_path, fcm.project, fcm.credentials
        message = await fcm.next_push(timeout=5)

`credentials` is the JSON file of a service account; access tokens come from `sign_in`, as they come
from Google. Messages are checked as Google checks them, and refused with Google's error bodies.
Source: Google, "FCM HTTP v1 API", "FCM error codes".
"""

import asyncio
import json
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from offhook.serving.listener import Certificate
from offhook.serving.tls import local_tls
from offhook.testing.fcm_message import InvalidMessageError, check_message
from offhook.testing.google_sign_in import GoogleSignIn
from offhook.testing.http2_server import Answer, Http2Server, Request
from offhook.testing.scripted import Script, Scripted

_PATH = re.compile(r"/v1/projects/([^/:]+)/messages:send")
_FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
_MESSAGES = {
    "INVALID_ARGUMENT": "Request contains an invalid argument.",
    "QUOTA_EXCEEDED": "Quota exceeded for this message.",
    "SENDER_ID_MISMATCH": "SenderId mismatch",
    "THIRD_PARTY_AUTH_ERROR": "Request is missing required authentication credential.",
    "UNAVAILABLE": "The service is currently unavailable.",
    "UNREGISTERED": "Requested entity was not found.",
}


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A message that was taken: `data` and `android` as they came; `connection` counts from 1."""

    token: str
    data: dict[str, str]
    android: dict[str, Any]
    headers: dict[str, str]
    connection: int
    at: float


class FcmServer(Scripted):
    """See the module. `token_seconds` is how long an access token is good.

    For scripted answers the reason is Google's ``errorCode``: ``fcm.answer(404, "UNREGISTERED")``.
    `clock` gives Unix seconds.
    """

    def __init__(
        self,
        project: str = "offhook-phone",
        *,
        token_seconds: float = 3600.0,
        streams: int = 100,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self.project = project
        self._token_seconds = token_seconds
        self._streams = streams
        self._clock = clock
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._arrived: asyncio.Queue[ReceivedMessage] = asyncio.Queue()
        self.pushes: list[ReceivedMessage] = []
        self.requests = 0
        self.sign_in: GoogleSignIn
        self.credentials: Path
        self.ca_path: Path

    async def __aenter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="offhook-fcm-")
        folder = Path(self._folder.name)
        files = await asyncio.to_thread(local_tls, folder / "tls", [])
        key = await asyncio.to_thread(rsa.generate_private_key, 65_537, 2048)
        email = f"push@{self.project}.iam.gserviceaccount.com"
        self.ca_path = files.ca
        self.sign_in = GoogleSignIn(
            email,
            key.public_key(),
            Certificate(files.certificate, files.key),
            lifetime=self._token_seconds,
            clock=self._clock,
        )
        await self.sign_in.start()
        self.credentials = folder / "service-account.json"
        account = _service_account(self.project, email, key, self.sign_in.token_uri)
        await asyncio.to_thread(self.credentials.write_text, account)
        self.server = Http2Server(
            self._handle, chain=files.certificate, key=files.key, streams=self._streams
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
        await self.sign_in.stop()
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

    @property
    def token_uri(self) -> str:
        """Where access tokens are asked for, as `credentials` says."""
        return self.sign_in.token_uri

    async def next_push(self, timeout: float | None = 5.0) -> ReceivedMessage:
        """The next message, in order. Raises TimeoutError after `timeout` seconds."""
        async with asyncio.timeout(timeout):
            return await self._arrived.get()

    def clear(self) -> None:
        """Forget what has come."""
        self.pushes.clear()
        while not self._arrived.empty():
            self._arrived.get_nowait()

    async def _handle(self, request: Request) -> Answer:
        self.requests += 1
        script = await self.next_script(_token_of(request.body))
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        try:
            message = check_message(request.body)
        except InvalidMessageError as invalid:
            return _invalid(invalid)
        if script is not None:
            return _scripted(script)
        if not message.validate_only:
            taken = ReceivedMessage(
                message.token,
                message.data,
                message.android,
                request.headers,
                request.peer,
                self._clock(),
            )
            self.pushes.append(taken)
            self._arrived.put_nowait(taken)
        return _json(200, {"name": f"projects/{self.project}/messages/{uuid4()}"})

    def _refusal(self, request: Request) -> Answer | None:
        """What is wrong with the request, before anybody looks into the message."""
        found = _PATH.fullmatch(request.path)
        if found is None or request.method != "POST":
            return _error(404, "Not found: the way is POST /v1/projects/{project}/messages:send.")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return _error(
                401,
                "Request is missing required authentication credential. Expected OAuth 2 access "
                "token, login cookie or other valid authentication credential.",
            )
        if not self.sign_in.accepts(token):
            return _error(
                401,
                "Request had invalid authentication credentials. Expected OAuth 2 access token, "
                "login cookie or other valid authentication credential.",
            )
        if found[1] != self.project:
            resource = f"//cloudresourcemanager.googleapis.com/projects/{found[1]}"
            return _error(
                403,
                f"Permission 'cloudmessaging.messages.create' denied on resource '{resource}' "
                "(or it may not exist).",
            )
        return None


def _service_account(project: str, email: str, key: rsa.RSAPrivateKey, token_uri: str) -> str:
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return json.dumps(
        {
            "type": "service_account",
            "project_id": project,
            "private_key_id": uuid4().hex,
            "private_key": pem.decode(),
            "client_email": email,
            "client_id": "100000000000000000000",
            "token_uri": token_uri,
        },
        indent=2,
    )


def _token_of(body: bytes) -> str:
    """The device token of a message that may be anything."""
    try:
        token = json.loads(body)["message"]["token"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    return token if isinstance(token, str) else ""


def _scripted(script: Script) -> Answer:
    if script.status is None:
        return Answer(None)
    message = _MESSAGES.get(script.reason, "Internal error encountered.")
    details = [{"@type": _FCM_ERROR, "errorCode": script.reason}] if script.reason else []
    answer = _error(script.status, message, details)
    if script.retry_after is not None:
        answer.headers["retry-after"] = str(script.retry_after)
    return answer


def _invalid(invalid: InvalidMessageError) -> Answer:
    details: list[dict[str, object]] = [{"@type": _FCM_ERROR, "errorCode": "INVALID_ARGUMENT"}]
    if invalid.field:
        violation = {"field": invalid.field, "description": str(invalid)}
        details.append({"@type": _BAD_REQUEST, "fieldViolations": [violation]})
    return _error(400, str(invalid), details)


def _error(status: int, message: str, details: object = None) -> Answer:
    error: dict[str, object] = {
        "code": status,
        "message": message,
        "status": _STATUS.get(status, "UNKNOWN"),
    }
    if details:
        error["details"] = details
    return _json(status, {"error": error})


def _json(status: int, body: object) -> Answer:
    headers = {"content-type": "application/json; charset=UTF-8"}
    return Answer(status, headers, json.dumps(body, indent=2).encode())
