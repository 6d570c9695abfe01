"""What became of the last pushes, for an administrator to look at. Kept in memory only."""

import re
from collections import deque
from dataclasses import dataclass

from offhook.engine.dispatch.model import Outcome, OutcomeKind, Provider

_MOST = 200
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_ .:-]{0,63}")


@dataclass(frozen=True, slots=True)
class PastPush:
    """One push and its outcome: no token, no payload. `at` in Unix seconds."""

    at: float
    person_id: str
    installation_id: str
    provider: Provider
    app: str
    kind: OutcomeKind
    attempts: int
    seconds: float
    status: int
    reason: str
    tracking_id: str


class History:
    """The last pushes, newest first, and what an operator has to put right."""

    def __init__(self) -> None:
        self._pushes: deque[PastPush] = deque(maxlen=_MOST)
        self._alarms: dict[tuple[Provider, str], PastPush] = {}

    def add(self, outcome: Outcome, at: float) -> PastPush:
        """Note an outcome. A push that was taken ends its app's alarm."""
        device = outcome.push.device
        past = PastPush(
            at=at,
            person_id=device.person_id,
            installation_id=device.device_id,
            provider=device.provider,
            app=device.app,
            kind=outcome.kind,
            attempts=outcome.attempts,
            seconds=outcome.seconds,
            status=outcome.status,
            reason=outcome.reason if _WORD.fullmatch(outcome.reason) else "",
            tracking_id=outcome.push.tracking_id,
        )
        self._pushes.appendleft(past)
        app = (past.provider, past.app)
        if past.kind is OutcomeKind.MISCONFIGURED:
            self._alarms[app] = past
        elif past.kind is OutcomeKind.SENT:
            self._alarms.pop(app, None)
        return past

    @property
    def pushes(self) -> list[PastPush]:
        """The last pushes, newest first."""
        return list(self._pushes)

    @property
    def alarms(self) -> list[PastPush]:
        """The last push of each app that cannot be served as things are configured."""
        return list(self._alarms.values())
