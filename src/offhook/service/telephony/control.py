"""A person's hand on their calls: finds them, and has the exchange do what is asked."""

from uuid import uuid4

from offhook.engine.exchange import ExchangeRefused
from offhook.engine.exchange.inputs import Action, ClickToDial, Control
from offhook.engine.exchange.model import Target
from offhook.engine.exchange.views import CallView
from offhook.service.calls.shell import ExchangeShell
from offhook.service.directory import Directory
from offhook.service.directory.directory import can_be_dialled
from offhook.service.identity.principal import Principal
from offhook.service.telephony.shown import info
from offhook.serving.errors import ApiError
from offhook.serving.rate import RateLimit
from offhook.wire.ids import InvalidIdError, ResourceKind, bare_uuid, decode_id
from offhook.wire.mobius import MobiusErrorCode
from offhook.wire.telephony import CallInfo


class CallControl:
    """See the module. All of it raises ApiError.

    `creation` limits how often a person may call somebody, by whatever way, `commands` how often
    they may command anything.
    """

    def __init__(
        self,
        shell: ExchangeShell,
        directory: Directory,
        creation: RateLimit,
        commands: RateLimit,
    ) -> None:
        self._shell = shell
        self._directory = directory
        self._creation = creation
        self._commands = commands

    def calls(self, principal: Principal) -> tuple[CallView, ...]:
        """The person's calls, oldest first."""
        return self._shell.exchange.views(principal.person_id)

    def call(self, principal: Principal, call_id: str) -> CallView:
        """The person's call of this REST id, which may also be that of the call's leg."""
        view = self._shell.exchange.view(_bare(call_id))
        if view is None or view.party.person_id != principal.person_id:
            raise ApiError(404, "You have no such call; it may have ended.")
        return view

    def command(self, principal: Principal, view: CallView, action: Action) -> None:
        """Have it done to the person's call."""
        self._commands.check(principal.person_id)
        self._submit(Control(principal.person_id, view.view_id, action))

    def dial(self, principal: Principal, dialled: str, target: Target) -> CallInfo:
        """Have the person's phones ring, and then whoever was dialled."""
        view_id, session_id, tracking_id = str(uuid4()), str(uuid4()), f"OFFHOOK_{uuid4()}"
        self._submit(
            ClickToDial(principal.person_id, view_id, session_id, tracking_id, dialled, target)
        )
        return info(view_id, session_id)

    async def destination(self, principal: Principal, address: str) -> tuple[str, Target]:
        """What is to be called, as dialled, and where that leads."""
        dialled = address.strip().removeprefix("tel:")
        if not dialled or not can_be_dialled(dialled):
            raise ApiError(400, "destination must be a number, an extension or an address.")
        self._creation.check(principal.person_id)
        return dialled, await self._directory.resolve(principal.org_id, dialled)

    def _submit(self, command: Control | ClickToDial) -> None:
        try:
            self._shell.submit(command)
        except ExchangeRefused as refused:
            status = 404 if refused.code is MobiusErrorCode.CALL_NOT_FOUND else 409
            raise ApiError(status, refused.message) from refused


def must_be_oneself(principal: Principal, line_owner_id: str | None) -> None:
    """Raises ApiError if a line of somebody else is meant: lines are not shared here."""
    if line_owner_id:
        try:
            own = bare_uuid(line_owner_id) == principal.person_id
        except InvalidIdError:
            own = False
        if not own:
            raise ApiError(403, "lineOwnerId: you have no line of somebody else.")


def _bare(call_id: str) -> str:
    try:
        found = decode_id(call_id)
    except InvalidIdError:
        return call_id
    return found.uuid if found.kind is ResourceKind.CALL else ""
