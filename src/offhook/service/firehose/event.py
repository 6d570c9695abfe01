"""What happened to somebody, for the webhooks that want to know."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FirehoseEvent:
    """`data` is JSON, sent exactly as it is, and never after `until` (Unix seconds).

    `actor_id` is the uuid of the person it is about, `subject` the call, for events that cease to
    matter when it does.
    """

    resource: str
    event: str
    actor_id: str
    data: bytes
    until: float
    subject: str = ""
