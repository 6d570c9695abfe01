"""The service's own numbers, once it has answered: echo, announcement, digits read back."""

from typing import assert_never

from offhook.engine.exchange.call import Call, Talking
from offhook.engine.exchange.effects import EchoLeg, PlayDigits, PlaySound, Sound
from offhook.engine.exchange.floor import Floor
from offhook.engine.exchange.model import ServiceNumber, ServiceTarget


def service_of(floor: Floor, call: Call) -> ServiceNumber | None:
    """What answers the call, None if a person does."""
    target = floor.session_of(call).target
    return target.service if isinstance(target, ServiceTarget) else None


def plug_service(floor: Floor, call: Call, service: ServiceNumber) -> None:
    """Let the caller hear the service, or nothing while it holds."""
    if call.held:
        floor.do(PlaySound(call.call_id, Sound.SILENCE))
        return
    match service:
        case ServiceNumber.ECHO:
            floor.do(EchoLeg(call.call_id))
        case ServiceNumber.ANNOUNCEMENT:
            if call.media_up:  # It is spoken once: not before somebody can hear it.
                floor.do(PlaySound(call.call_id, Sound.ANNOUNCEMENT))
        case ServiceNumber.DTMF | ServiceNumber.BUSY | ServiceNumber.NO_ANSWER:
            floor.do(PlaySound(call.call_id, Sound.SILENCE))
        case _:
            assert_never(service)


def media_came_up(floor: Floor, call: Call) -> None:
    """The caller's audio is up: what has waited for it begins."""
    if isinstance(call.state, Talking) and service_of(floor, call) is ServiceNumber.ANNOUNCEMENT:
        plug_service(floor, call, ServiceNumber.ANNOUNCEMENT)


def read_back(floor: Floor, call: Call, digit: str) -> None:
    """The caller pressed a digit."""
    if call.active and service_of(floor, call) is ServiceNumber.DTMF:
        floor.do(PlayDigits(call.call_id, digit))
