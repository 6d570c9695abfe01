"""What a push says about a call, to be shown before the call is connected."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from offhook.errors import InvalidApiError
from offhook.wire.received_push import EmptyPushError, NotACallPushError, read_push

PushMessage = str | bytes | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VoicePushInfo:
    """A call that a push announces. Texts are empty where the push says nothing.

    `push_id` is new in each push, `external_tracking_id` is the call's one id from the webhook to
    its record, `ring_until` the end of the ring window in Unix seconds, None if it is not told. The
    group is the hunt group that was called, empty if it was the person.
    """

    version: str = ""
    push_id: str = ""
    name: str = ""
    number: str = ""
    external_tracking_id: str = ""
    call_id: str = ""
    ring_until: float | None = None
    group_name: str = ""
    group_number: str = ""


def voice_push_info(message: PushMessage) -> VoicePushInfo:
    """Read a push message. Raises `EmptyPushError` or `NotACallPushError`."""
    push = read_push(message)
    return VoicePushInfo(
        version=push.version,
        push_id=push.push_id,
        name=push.name,
        number=push.number,
        external_tracking_id=push.tracking_id,
        call_id=push.call_id,
        ring_until=push.ring_until,
        group_name=push.group_name,
        group_number=push.group_number,
    )


def parse_voip_payload(message: PushMessage) -> VoicePushInfo:
    """The same for apps. Raises `InvalidApiError`."""
    try:
        return voice_push_info(message)
    except EmptyPushError as error:
        raise InvalidApiError("The push message is empty.") from error
    except NotACallPushError as error:
        raise InvalidApiError(
            "This push message does not announce a Webex Calling call; pass it on to whoever it is "
            "for."
        ) from error
