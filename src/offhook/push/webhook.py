"""What a webhook that came in is: a call, something else, or nothing that may be believed."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from offhook.wire.body import MalformedBodyError, read_body
from offhook.wire.ids import InvalidIdError, bare_uuid
from offhook.wire.voip_push import PayloadHints
from offhook.wire.webhook_signature import SignatureError, SignatureProblem, verify
from offhook.wire.webhooks import TELEPHONY_PUSH, TelephonyPushData, WebhookEnvelope

#: Seconds for which a call rings whose payload does not say how long.
RING_SECONDS = 30.0
#: No ring window is longer, whatever a payload says.
LONGEST_RING = 120.0
_LONGEST_ID = 64
_LONGEST_TRACKING_ID = 128


class Rejection(StrEnum):
    """Why a webhook is not believed, or not understood."""

    UNSIGNED = "unsigned"
    FORGED = "forged"
    REPLAYED = "replayed"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    METHOD = "method"


_STATUS = {
    Rejection.UNSIGNED: 401,
    Rejection.FORGED: 401,
    Rejection.REPLAYED: 401,
    Rejection.MALFORMED: 400,
    Rejection.TOO_LARGE: 413,
    Rejection.TOO_SLOW: 408,
    Rejection.METHOD: 405,
}
_OF_SIGNATURE = {
    SignatureProblem.MISSING: Rejection.UNSIGNED,
    SignatureProblem.WRONG: Rejection.FORGED,
    SignatureProblem.STALE: Rejection.REPLAYED,
}


class WebhookRejected(Exception):  # noqa: N818 - it says what happened
    """Nothing may be done with this webhook. `status` is what its sender is to be answered."""

    def __init__(self, reason: Rejection, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.status = _STATUS[reason]


@dataclass(frozen=True, slots=True)
class CallEvent:
    """Somebody is being called: each payload is to reach that person's devices of its kind.

    The payloads are as they were sent, byte for byte, and empty where there is none. `actor_id` is
    the person's id as Webex writes it, `person_id` the uuid in it. Times in Unix seconds; after
    `until` nobody is to be rung any more. `keys` tell deliveries of the same event from others.
    """

    person_id: str
    actor_id: str
    apns_payload: bytes
    fcm_payload: bytes
    data: bytes
    received: float
    until: float
    tracking_id: str
    keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class OtherEvent:
    """A webhook that is right but is not about a call: to be acknowledged, and that is all."""

    resource: str


def examine(
    headers: Mapping[str, str],
    body: bytes,
    secrets: Sequence[str] | None,
    now: float,
    *,
    needs_creator: bool = False,
) -> CallEvent | OtherEvent:
    """What `body` is. Raises WebhookRejected.

    `headers` have lower-case names. Any one of `secrets` may have signed it; None accepts what is
    not signed, from anybody. `needs_creator` refuses what does not say who made the webhook.
    """
    delivery = ""
    if secrets is not None:
        try:
            delivery = verify(headers, body, secrets, now).event_id
        except SignatureError as error:
            raise WebhookRejected(_OF_SIGNATURE[error.code], str(error)) from error
    try:
        envelope = read_body(body, WebhookEnvelope)
    except MalformedBodyError as error:
        raise WebhookRejected(Rejection.MALFORMED, str(error)) from error
    if needs_creator and not envelope.createdBy:
        raise WebhookRejected(Rejection.MALFORMED, "The event does not say who made its webhook.")
    if envelope.resource != TELEPHONY_PUSH:
        return OtherEvent(envelope.resource)
    try:
        person_id = bare_uuid(envelope.actorId).lower()
    except InvalidIdError as error:
        raise WebhookRejected(
            Rejection.MALFORMED, "The event's actorId is not a person's id."
        ) from error
    if not 0 < len(person_id) <= _LONGEST_ID:
        raise WebhookRejected(Rejection.MALFORMED, "The event's actorId is not a person's id.")
    data = bytes(envelope.data)
    tracking_id = headers.get("trackingid", "")
    return call_event(person_id, envelope.actorId, data, now, tracking_id, delivery)


def call_event(
    person_id: str,
    actor_id: str,
    data: bytes,
    received: float,
    tracking_id: str = "",
    delivery: str = "",
) -> CallEvent:
    """The call that `data` is about. Raises WebhookRejected."""
    try:
        payloads = read_body(data, TelephonyPushData)
    except MalformedBodyError as error:
        raise WebhookRejected(Rejection.MALFORMED, f"The event's data: {error}") from error
    apns, fcm = bytes(payloads.apnsPayload), bytes(payloads.fcmPayload)
    if not (apns or fcm) or any(each and not each.startswith(b"{") for each in (apns, fcm)):
        raise WebhookRejected(
            Rejection.MALFORMED, "The event's data has no payload that is a JSON object."
        )
    hints = _hints(apns or fcm)
    return CallEvent(
        person_id=person_id,
        actor_id=actor_id,
        apns_payload=apns,
        fcm_payload=fcm,
        data=data,
        received=received,
        until=_until(hints.ringUntil, received),
        tracking_id=_printable(hints.externalTrackingId) or _printable(tracking_id),
        keys=_keys(person_id, data, delivery),
    )


def _hints(payload: bytes) -> PayloadHints:
    try:
        return read_body(payload, PayloadHints)
    except MalformedBodyError:
        return PayloadHints()  # Somebody else's payload, in which these names mean other things.


def _until(ring_until: float | None, received: float) -> float:
    if ring_until is None:
        return received + RING_SECONDS
    return min(ring_until / 1000, received + LONGEST_RING)


def _printable(tracking_id: str) -> str:
    fits = len(tracking_id) <= _LONGEST_TRACKING_ID
    return tracking_id if fits and tracking_id.isascii() and tracking_id.isprintable() else ""


def _keys(person_id: str, data: bytes, delivery: str) -> tuple[bytes, ...]:
    """What was sent to whom, and the id of the delivery: senders differ in which they keep."""
    content = hashlib.sha256(person_id.encode() + b"\0" + data).digest()
    if not delivery:
        return (content,)
    return (content, hashlib.sha256(b"id\0" + delivery.encode()).digest())
