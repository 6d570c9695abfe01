"""For the tests of apps that call, and of backends that wake them: all offline, in this process.

::

    async with local_cloud() as cloud:
        alice = Webex(TokenAuthenticator(cloud.person("alice").token), cloud=cloud.http)

A whole cloud (`local_cloud`, needs the extra ``service``); a push backend and the last mile to the
phones (`local_push`, needs ``push`` as well). For backends of one's own, with ``push``: stand-ins
for Apple and Google (`ApnsServer`, `FcmServer`) and for a cloud that sends webhooks
(`WebhookSender`).
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.testing.apns import ApnsServer, ReceivedPush
    from offhook.testing.cloud import LocalCloud, LocalPerson, local_cloud
    from offhook.testing.fcm import FcmServer, ReceivedMessage
    from offhook.testing.push import LocalPush, local_push
    from offhook.testing.webhooks import WebhookSender

#: Loaded when a name is used: whoever tests a backend does not need the phone service.
_HOMES = {
    "ApnsServer": "offhook.testing.apns",
    "FcmServer": "offhook.testing.fcm",
    "LocalCloud": "offhook.testing.cloud",
    "LocalPerson": "offhook.testing.cloud",
    "LocalPush": "offhook.testing.push",
    "ReceivedMessage": "offhook.testing.fcm",
    "ReceivedPush": "offhook.testing.apns",
    "WebhookSender": "offhook.testing.webhooks",
    "local_cloud": "offhook.testing.cloud",
    "local_push": "offhook.testing.push",
}

__all__ = [
    "ApnsServer",
    "FcmServer",
    "LocalCloud",
    "LocalPerson",
    "LocalPush",
    "ReceivedMessage",
    "ReceivedPush",
    "WebhookSender",
    "local_cloud",
    "local_push",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        found: object = getattr(import_module(_HOMES[name]), name)
        return found
    raise AttributeError(f"module 'offhook.testing' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
