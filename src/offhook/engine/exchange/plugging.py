"""Who hears what: connects what the calls of a session hear with what is true of it now."""

from typing import assert_never

from offhook.engine.exchange.call import Call, Talking
from offhook.engine.exchange.effects import (
    EchoLeg,
    JoinLegs,
    MediaEffect,
    MixLegs,
    PlaySound,
    Sound,
)
from offhook.engine.exchange.floor import Floor
from offhook.engine.exchange.model import ServiceNumber
from offhook.engine.exchange.session import Session


def plug(floor: Floor, session: Session) -> None:
    """See the module. What a call hears already is left as it is."""
    members = [each for each in floor.members_of(session) if isinstance(each.state, Talking)]
    active = [each for each in members if not each.held]
    for call in members:
        if call.held:
            _play(floor, call, Sound.SILENCE)
    if session.service is not None:
        for call in active:
            _plug_service(floor, call, session.service)
    elif session.attempt is not None or len(members) == 1:
        for call in active:
            _play(floor, call, Sound.RINGBACK)
    elif len(active) == 2:
        _hear(floor, active, JoinLegs(active[0].call_id, active[1].call_id))
    elif len(active) > 2:
        mix = tuple(each.call_id for each in active)
        _hear(floor, active, MixLegs(session.session_id, mix))
    elif active:
        # All the others are on hold, or hold.
        _play(floor, active[0], Sound.MUSIC_ON_HOLD)


def _plug_service(floor: Floor, call: Call, service: ServiceNumber) -> None:
    match service:
        case ServiceNumber.ECHO:
            _hear(floor, [call], EchoLeg(call.call_id))
        case ServiceNumber.ANNOUNCEMENT:
            if call.media_up:  # It is spoken once: not before somebody can hear it.
                _play(floor, call, Sound.ANNOUNCEMENT)
        case ServiceNumber.DTMF | ServiceNumber.BUSY | ServiceNumber.NO_ANSWER:
            _play(floor, call, Sound.SILENCE)
        case _:
            assert_never(service)


def _play(floor: Floor, call: Call, sound: Sound) -> None:
    _hear(floor, [call], PlaySound(call.call_id, sound))


def _hear(floor: Floor, calls: list[Call], effect: MediaEffect) -> None:
    if any(call.hears != effect for call in calls):
        for call in calls:
            call.hears = effect
        floor.do(effect)
