"""The service's own numbers once they have answered: what they do when audio or a digit comes."""

from offhook.engine.exchange.call import Call, Talking
from offhook.engine.exchange.effects import PlayDigits
from offhook.engine.exchange.floor import Floor
from offhook.engine.exchange.model import ServiceNumber
from offhook.engine.exchange.plugging import plug


def media_came_up(floor: Floor, call: Call) -> None:
    """The caller's audio is up: what has waited for it begins."""
    session = floor.session_of(call)
    if isinstance(call.state, Talking) and session.service is ServiceNumber.ANNOUNCEMENT:
        plug(floor, session)


def read_back(floor: Floor, call: Call, digit: str) -> None:
    """The caller pressed a digit."""
    if call.active and floor.session_of(call).service is ServiceNumber.DTMF:
        floor.do(PlayDigits(call.call_id, digit))
