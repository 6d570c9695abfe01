"""What a phone that was woken may ask: our own addition to Mobius."""

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from offhook.service.identity.principal import SignedIn
from offhook.service.lines.refusal import refusal
from offhook.service.wakeup.shell import WakeupShell
from offhook.wire.mobius import MobiusErrorCode
from offhook.wire.ringing_call import RingingCall


def routes(wakeup: WakeupShell) -> list[HTTPRouteHandler]:
    """``{mobius}/calling/web/ringing/{callId}``."""

    @get("/api/v1/calling/web/ringing/{call_id:str}")
    async def ringing(principal: SignedIn, call_id: FromPath[str]) -> RingingCall:
        found = wakeup.ask(call_id, principal.person_id)
        if found is None:
            raise refusal(
                MobiusErrorCode.CALL_NOT_FOUND,
                "Nothing is known of this call; it is over, or it is not yours.",
            )
        return found

    return [ringing]
