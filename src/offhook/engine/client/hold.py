"""Hold and resume of one call: the commands that wait, and the one that is under way.

A call that is `displaced` by another one is silent at once; the service is asked to hold it.
"""

from collections import deque
from dataclasses import dataclass, replace

from offhook.engine.client import call_io as io
from offhook.engine.client.negotiation import Negotiation
from offhook.errors import CallTimeoutError, WebexError

#: Seconds that the service has to confirm.
COMMAND_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A hold or resume that waits. `command` is None if no command asked for it."""

    command: int | None
    held: bool


@dataclass(frozen=True, slots=True)
class Switching:
    """A hold or resume under way. It is through when confirmed and renegotiated."""

    command: int | None
    held: bool
    until: float
    completed_before: int
    confirmed: bool = False


class HoldCommands:
    """Done one after the other, in the order in which they were asked for."""

    def __init__(self, negotiation: Negotiation) -> None:
        self._negotiation = negotiation
        self._waiting: deque[Wanted] = deque()
        self._switching: Switching | None = None
        self._held_by_service = False
        self.held = False

    @property
    def deadline(self) -> float | None:
        """When the one under way has taken too long."""
        return self._switching.until if self._switching is not None else None

    def add(self, command: io.SetHold) -> None:
        """Queue a command; `settle` begins it."""
        self._waiting.append(Wanted(command.command, command.held))

    def displaced(self) -> list[io.Effect]:
        """Another call is up: this one is not heard any more, whatever the service says."""
        if self.held:
            return []
        self.held = True
        if self._switching is None or not self._switching.held:
            self._waiting.appendleft(Wanted(None, held=True))
        return [io.HoldChanged(held=True, by_local=False)]

    def state_came(self, *, held: bool) -> list[io.Effect]:
        """The service says that the call is held, or resumed."""
        self._held_by_service = held
        switching = self._switching
        by_local = False
        if switching is not None and switching.held is held:
            by_local = switching.command is not None
            self._switching = replace(switching, confirmed=True)
        if held is self.held:
            return []
        self.held = held
        return [io.HoldChanged(held, by_local)]

    def settle(self, now: float) -> list[io.Effect]:
        """Finish what is through, and begin what waits."""
        effects: list[io.Effect] = []
        switching, negotiation = self._switching, self._negotiation
        renegotiated = switching is not None and (
            negotiation.stable and negotiation.completed > switching.completed_before
        )
        if switching is not None and switching.confirmed and renegotiated:
            effects += self._done(switching)
        while self._switching is None and self._waiting:
            wanted = self._waiting.popleft()
            so_already = self.held if wanted.command is not None else self._held_by_service
            if wanted.held is so_already:
                effects += _answer(wanted.command)
                continue
            self._switching = Switching(
                wanted.command, wanted.held, now + COMMAND_TIMEOUT, negotiation.completed
            )
            effects.append(io.PostHold(wanted.held))
        return effects

    def refused(self, error: WebexError) -> list[io.Effect]:
        """The service refused the one under way."""
        switching, self._switching = self._switching, None
        if switching is None or switching.command is None:
            return []
        return [io.CommandFailed(switching.command, error)]

    def tick(self, now: float) -> list[io.Effect]:
        """Time has passed."""
        switching = self._switching
        if switching is None or switching.until > now:
            return []
        if switching.confirmed:
            # In force; the service just did not renegotiate the audio.
            return self._done(switching)
        word = "hold" if switching.held else "resume"
        return self.refused(
            CallTimeoutError(f"The service did not confirm the {word} in time; try again.")
        )

    def drop(self) -> list[int]:
        """Forget everything; returns the commands that were not done."""
        commands = [each.command for each in self._waiting]
        if self._switching is not None:
            commands.insert(0, self._switching.command)
        self._waiting.clear()
        self._switching = None
        return [each for each in commands if each is not None]

    def _done(self, switching: Switching) -> list[io.Effect]:
        self._switching = None
        return _answer(switching.command)


def _answer(command: int | None) -> list[io.Effect]:
    return [io.CommandDone(command)] if command is not None else []
