"""Whose access token it is: asked of the cloud, and remembered for a minute."""

import asyncio
import hashlib
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable

import aiohttp

from offhook.serving.errors import ApiError
from offhook.wire.body import MalformedBodyError, read_body
from offhook.wire.ids import InvalidIdError, bare_uuid
from offhook.wire.rest import Person

_ASK_SECONDS = 5.0
_LARGEST_ANSWER = 1_048_576
_LONGEST_TOKEN = 4096
_MOST_REMEMBERED = 10_000
_REFUSED_SECONDS = 10.0


class PeopleOfCloud:
    """Asks ``{cloud}/v1/people/me`` who somebody is. Use it in ``async with``.

    An answer holds for `seconds`, a refusal for ten. A token is kept as its digest only.
    """

    def __init__(
        self,
        cloud: str,
        seconds: float,
        *,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = f"{cloud}/v1/people/me"
        self._seconds = seconds
        self._tls = tls
        self._clock = clock
        #: Person and expiry by digest of the token; no person: the cloud refused it.
        self._known: OrderedDict[bytes, tuple[str | None, float]] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[str | None]] = {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "PeopleOfCloud":
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._tls if self._tls is not None else True),
            timeout=aiohttp.ClientTimeout(total=_ASK_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._asking.values():
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def remembered(self, token: str) -> str | None:
        """The person of this token, if the cloud said so a short while ago."""
        person_id, until = self._known.get(_key(token), (None, 0.0))
        return person_id if until > self._clock() else None

    async def person_of(self, token: str) -> str | None:
        """The uuid of the person with this access token, None if the cloud does not accept it.

        Raises ApiError 503 if the cloud cannot say.
        """
        if (
            not token
            or len(token) > _LONGEST_TOKEN
            or not token.isascii()
            or not token.isprintable()
        ):
            return None
        key = _key(token)
        known = self._known.get(key)
        if known is not None and known[1] > self._clock():
            return known[0]
        task = self._asking.get(key)
        if task is None:
            # A task of its own: who asks first may go away while others wait for the same.
            task = asyncio.create_task(self._ask(key, token), name="offhook-push-identity")
            self._asking[key] = task
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(task)

    async def _ask(self, key: bytes, token: str) -> str | None:
        assert self._session is not None
        headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        try:
            async with self._session.get(
                self._url, headers=headers, allow_redirects=False
            ) as response:
                body = await response.content.read(_LARGEST_ANSWER)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ApiError(
                503, "The cloud cannot be asked who this is; try again.", retry_after=5
            ) from error
        person: str | None = None
        match response.status:
            case 200:
                person = _person(body)
            case 401 | 403:
                pass
            case _:
                raise ApiError(503, "The cloud does not say who this is; try again.", retry_after=5)
        lasts = self._seconds if person else min(self._seconds, _REFUSED_SECONDS)
        self._known[key] = (person, self._clock() + lasts)
        self._known.move_to_end(key)
        if len(self._known) > _MOST_REMEMBERED:
            self._known.popitem(last=False)
        return person


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="replace")).digest()


def _person(body: bytes) -> str:
    try:
        return bare_uuid(read_body(body, Person).id).lower()
    except (MalformedBodyError, InvalidIdError) as error:
        raise ApiError(
            503, "The cloud's answer is not about a person; check its address."
        ) from error
