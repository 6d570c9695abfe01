"""What a phone does while it sleeps: its token is with the backend, and it waits for pushes."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import aiohttp
import msgspec

from offhook import NetworkError, NotAuthorizedError, ServiceError
from offhook.cli.known_clouds import KnownCloud

#: The app that a desk phone is, as `offhook up` has set up its push backend.
DESK_APP = "org.offhook.desk"
_BACKEND_SECONDS = 10.0
_RETRY_SECONDS = 2.0


class _Arrived(msgspec.Struct):
    payload: str
    expires: float = 0.0


def session() -> aiohttp.ClientSession:
    """What the functions here make their requests with."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_BACKEND_SECONDS))


@contextlib.asynccontextmanager
async def courier(
    session: aiohttp.ClientSession, cloud: KnownCloud, token: str
) -> AsyncIterator[AsyncIterator[str]]:
    """The payloads of pushes for `token`; connected before this returns, and again when lost."""
    url = f"{cloud.courier}/courier/{token}"
    socket = await _connected(session, url)

    async def payloads() -> AsyncIterator[str]:
        nonlocal socket
        while True:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    arrived = msgspec.json.decode(message.data, type=_Arrived)
                    if arrived.expires > time.time():
                        yield arrived.payload
            await asyncio.sleep(_RETRY_SECONDS)
            socket = await _connected(session, url)

    try:
        yield payloads()
    finally:
        await socket.close()


async def _connected(session: aiohttp.ClientSession, url: str) -> aiohttp.ClientWebSocketResponse:
    try:
        return await session.ws_connect(url, heartbeat=_BACKEND_SECONDS)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise NetworkError("The cloud's push service cannot be reached; is it still up?") from error


async def register(
    session: aiohttp.ClientSession, cloud: KnownCloud, who: str, installation: str, token: str
) -> None:
    """Tell the backend the push token of `who`'s phone. `who` is an access token."""
    body = {"provider": "apns", "token": token, "app": DESK_APP, "environment": "sandbox"}
    await _tell_backend(session, "PUT", cloud, who, installation, body)


async def unregister(
    session: aiohttp.ClientSession, cloud: KnownCloud, who: str, installation: str
) -> None:
    """Have the backend forget it."""
    await _tell_backend(session, "DELETE", cloud, who, installation, None)


async def _tell_backend(
    session: aiohttp.ClientSession,
    method: str,
    cloud: KnownCloud,
    who: str,
    installation: str,
    body: dict[str, str] | None,
) -> None:
    url = f"{cloud.push}/v1/devices/{installation}"
    headers = {"authorization": f"Bearer {who}"}
    try:
        async with session.request(method, url, json=body, headers=headers) as answer:
            if answer.status == 401:
                raise NotAuthorizedError("The push backend does not know this person.")
            if answer.status >= 300:
                raise ServiceError(
                    f"The push backend answered {answer.status}; look into its log.", answer.status
                )
    except (aiohttp.ClientError, TimeoutError) as error:
        raise NetworkError("The push backend cannot be reached; is the cloud still up?") from error
