"""Webhooks: the REST resource ``/v1/webhooks`` and the events that it delivers (wire, 7.2).

The same types serve who sends and who receives: the phone service, the push backend, and people who
have a backend of their own.
"""

from enum import StrEnum
from typing import Annotated

import msgspec

from offhook.wire.members import always_sent

#: HMAC-SHA1 of the raw body with the webhook's secret, in lower-case hex.
SPARK_SIGNATURE = "X-Spark-Signature"
#: The resource of the guide's firehose webhook, and its one event.
TELEPHONY_PUSH = "telephony_push"
TELEPHONY_CALLS = "telephony_calls"


class WebhookEventType(StrEnum):
    """What happened to the resource."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    ALL = "all"


class WebhookStatus(StrEnum):
    """`inactive`: the cloud has disabled it, and delivers nothing until it is set active again."""

    ACTIVE = "active"
    INACTIVE = "inactive"


class WebhookOwner(StrEnum):
    """`org`: events of everybody in the organisation; `creator`: those of who made it."""

    CREATOR = "creator"
    ORG = "org"


class CreateWebhook(msgspec.Struct, omit_defaults=True):
    """POST ``/webhooks``. What must be there is checked by the service, for a sentence a field."""

    name: str = ""
    targetUrl: str = ""
    resource: str = ""
    event: str = ""
    filter: str | None = None
    secret: str | None = None
    ownedBy: str | None = None


class UpdateWebhook(msgspec.Struct, omit_defaults=True):
    """PUT ``/webhooks/{id}``. `status` may only be ``active``."""

    name: str = ""
    targetUrl: str = ""
    secret: str | None = None
    status: str | None = None
    ownedBy: str | None = None


class Webhook(msgspec.Struct, omit_defaults=True):
    """A webhook as REST shows it. Ids are encoded, `created` is ISO 8601."""

    id: str
    name: str
    targetUrl: str
    resource: str
    event: str
    filter: str | None = None
    secret: str | None = None
    status: WebhookStatus = always_sent(WebhookStatus.ACTIVE)
    created: str = always_sent("")
    orgId: str = always_sent("")
    createdBy: str = always_sent("")
    appId: str = always_sent("")
    ownedBy: WebhookOwner = always_sent(WebhookOwner.CREATOR)


class WebhookQuery(msgspec.Struct):
    """The parameters of GET ``/webhooks``; `cursor` is for paging."""

    max: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    ownedBy: str | None = None
    cursor: Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)] = 0


class WebhookList(msgspec.Struct):
    """A page of webhooks; the next page is in the ``Link`` header."""

    items: list[Webhook]


class WebhookEnvelope(msgspec.Struct, omit_defaults=True):
    """What is posted to the target. `data` stays as it is written, byte for byte.

    `id` is the webhook's, there is none of the event. `createdBy` made the webhook; `actorId` is
    whom it is about: for `telephony_push` the person who is called.
    """

    id: str
    name: str
    resource: str
    event: str
    data: msgspec.Raw
    actorId: str = ""
    targetUrl: str = ""
    filter: str | None = None
    orgId: str = ""
    createdBy: str = ""
    appId: str = ""
    ownedBy: str = ""
    status: str = ""
    created: str = ""


class TelephonyPushData(msgspec.Struct):
    """`data` of a `telephony_push`: what goes to each kind of phone, unaltered.

    Who reads it takes one that is left out (empty) as nothing for that kind.
    """

    apnsPayload: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    fcmPayload: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
