"""Mercury: the WebSocket over which a client gets its events.

The client's first frame is an authorization; the server's first frame must be
`mercury.buffer_state`. After that the client pings (application-level JSON) and
acknowledges every frame it gets, pongs included.
"""

from enum import IntEnum, StrEnum

import msgspec


class FrameType(StrEnum):
    """`type` of the frames that have one; events have none."""

    AUTHORIZATION = "authorization"
    PING = "ping"
    PONG = "pong"
    ACK = "ack"
    SHUTDOWN = "shutdown"


class AuthorizationData(msgspec.Struct):
    """`token` is ``Bearer <access token>``."""

    token: str


class ClientFrame(msgspec.Struct, omit_defaults=True):
    """Anything a client sends.

    That is: authorization (with `data`), ping (with `id`), ack (with `messageId`). `type` is one
    of `FrameType`; another is nothing to worry about.
    """

    type: str
    id: str | None = None
    data: AuthorizationData | None = None
    trackingId: str | None = None
    messageId: str | None = None


class Pong(msgspec.Struct):
    """The answer to a ping, with the ping's own `id`."""

    id: str
    type: FrameType = FrameType.PONG
    wsWriteTimestamp: int = 0


class Envelope(msgspec.Struct, omit_defaults=False):
    """An event from the server. `data` is left undecoded; its `eventType` says what it is.

    `sequenceNumber` rises by one on each socket. Timestamps are Unix milliseconds.
    """

    id: str
    data: msgspec.Raw
    timestamp: int
    trackingId: str
    sequenceNumber: int
    wsWriteTimestamp: int
    alertType: str = "full"
    headers: dict[str, str] = {}
    filterMessage: bool = False


class ServerFrame(msgspec.Struct):
    """Anything a server sends, read leniently.

    `type` is set for a pong or shutdown; `data` is empty (false) but for an event.
    """

    id: str | None = None
    type: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    trackingId: str | None = None
    sequenceNumber: int | None = None


class EventType(msgspec.Struct):
    """The part of an event's `data` that says what it is."""

    eventType: str = ""


BUFFER_STATE = "mercury.buffer_state"


class CloseCode(IntEnum):
    """Close codes and what an official client does about them."""

    DONE = 1000  # with reason "idle" or "done (forced)" it comes back, else it stays away
    GOING_AWAY = 1001  # it comes back: what a server that shuts down should send
    UNACCEPTABLE = 1003  # it stays away: it does not speak this protocol
    INTERNAL_ERROR = 1011  # it comes back
    REPLACED = 4000
    SHUTDOWN_SWITCHED = 4001
    BAD_REQUEST = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403


#: Seconds between an authorised client's pings, and how long it waits for the pong.
PING_INTERVAL = 15.0
PONG_TIMEOUT = 14.0
