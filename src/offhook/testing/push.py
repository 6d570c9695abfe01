"""All that is between a cloud and a phone that sleeps, on one machine.

A push backend, a stand-in for Apple's push service behind it, and the last mile to the phones: so
that a call wakes a phone without Apple, offline, in a test or in `offhook up`.
"""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from offhook.push.app import PushBackend
from offhook.push.config import PushConfig
from offhook.push.providers.settings import ApnsApp, ProviderSettings
from offhook.serving.address import address_of
from offhook.testing.apns import ApnsServer, ReceivedPush
from offhook.testing.cloud import LocalCloud
from offhook.testing.courier import Courier
from offhook.wire.webhooks import TELEPHONY_PUSH, WebhookEventType

#: The app that phones on this machine register for.
DESK_APP = "org.offhook.desk"
_TARGET_SECONDS = 10.0
_WEBHOOK = "The push backend of this local cloud"


@dataclass(frozen=True, slots=True)
class LocalPush:
    """A push backend that runs. `url` takes devices and webhooks; `courier` is where phones wait.

    `observe` calls back with each push that reaches the stand-in for Apple.
    """

    url: str
    courier: str
    backend: PushBackend
    apns: ApnsServer
    observers: list[Callable[[ReceivedPush], None]]


@asynccontextmanager
async def local_push(
    cloud: LocalCloud, data: Path | None = None, *, http: str = "127.0.0.1:0"
) -> AsyncIterator[LocalPush]:
    """Wake phones for `cloud`; it stops when the block ends.

    Without `data` nothing is kept. Raises ConfigError, ListenError or StoreError.
    """
    if data is None:
        with tempfile.TemporaryDirectory(prefix="offhook-push-") as folder:
            async with local_push(cloud, Path(folder), http=http) as push:
                yield push
        return
    address_of("push", http)
    async with contextlib.AsyncExitStack() as stack:
        apns = await stack.enter_async_context(ApnsServer(apps=[DESK_APP]))
        courier = Courier()
        await courier.start()
        stack.push_async_callback(courier.stop)
        backend = PushBackend(
            PushConfig(
                data=str(data),
                http=http,
                cloud=cloud.http,
                providers=ProviderSettings(
                    apns=[
                        ApnsApp(
                            app=DESK_APP,
                            team_id=apns.key.team_id,
                            key_id=apns.key.key_id,
                            key_file=str(apns.key.file),
                            host=apns.host,
                            port=apns.port,
                            ca=str(apns.ca_path),
                        )
                    ]
                ),
            )
        )
        await backend.start()
        stack.push_async_callback(backend.stop)
        await _lead_calls_to(cloud, backend)
        observers: list[Callable[[ReceivedPush], None]] = []
        carrying = asyncio.create_task(_carry(apns, courier, observers), name="courier")
        stack.push_async_callback(_cancelled, carrying)
        yield LocalPush(backend.url, courier.url, backend, apns, observers)


async def _carry(
    apns: ApnsServer, courier: Courier, observers: list[Callable[[ReceivedPush], None]]
) -> None:
    while True:
        push = await apns.next_push(None)
        for observer in observers:
            observer(push)
        courier.deliver(push.token, push.body, float(push.headers["apns-expiration"]))


async def _lead_calls_to(cloud: LocalCloud, backend: PushBackend) -> None:
    """Make a firehose webhook of our own, or set it right if it is there.

    An organisation has one for each event, and the place of the guide's own webhook (`updated`) is
    left to whoever uses this cloud.
    """
    target = f"{backend.url}/webhook"
    admin = {"authorization": f"Bearer {cloud.person('ada').token}"}
    url = f"{cloud.http}/v1/webhooks"
    limit = aiohttp.ClientTimeout(total=_TARGET_SECONDS)
    async with aiohttp.ClientSession(headers=admin, timeout=limit, raise_for_status=True) as http:
        async with http.get(url, params={"ownedBy": "org"}) as answer:
            known = (await answer.json())["items"]
        wanted = {"name": _WEBHOOK, "targetUrl": target, "secret": backend.secrets[0]}
        for webhook in known:
            if webhook["name"] == _WEBHOOK:
                change = {**wanted, "status": "active"}
                async with http.put(f"{url}/{webhook['id']}", json=change):
                    return
        what = {"resource": TELEPHONY_PUSH, "event": WebhookEventType.ALL, "ownedBy": "org"}
        async with http.post(url, json={**wanted, **what}):
            return


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
