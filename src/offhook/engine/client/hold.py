"""Hold and resume of one call: the commands that wait, and the one that is under way."""

from collections import deque
from dataclasses import dataclass, replace

from offhook.engine.client import call_io as io
from offhook.engine.client.negotiation import Negotiation
from offhook.errors import CallTimeoutError, WebexError

#: Seconds that the service has to confirm.
COMMAND_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Switching:
    """A hold or resume under way. It is through when confirmed and renegotiated."""

    command: int
    held: bool
    until: float
    completed_before: int
    confirmed: bool = False


class HoldCommands:
    """Done one after the other, in the order in which they were asked for."""

    def __init__(self, negotiation: Negotiation) -> None:
        self._negotiation = negotiation
        self._waiting: deque[io.SetHold] = deque()
        self._switching: Switching | None = None
        self.held = False

    @property
    def deadline(self) -> float | None:
        """When the one under way has taken too long."""
        return self._switching.until if self._switching is not None else None

    def add(self, command: io.SetHold) -> None:
        """Queue a command; `settle` begins it."""
        self._waiting.append(command)

    def state_came(self, *, held: bool) -> list[io.Effect]:
        """The service says that the call is held, or resumed."""
        switching = self._switching
        by_local = switching is not None and switching.held is held
        if switching is not None and by_local:
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
            effects.append(self._done(switching))
        while self._switching is None and self._waiting:
            command = self._waiting.popleft()
            if command.held is self.held:
                effects.append(io.CommandDone(command.command))
                continue
            self._switching = Switching(
                command.command, command.held, now + COMMAND_TIMEOUT, negotiation.completed
            )
            effects.append(io.PostHold(command.held))
        return effects

    def refused(self, error: WebexError) -> list[io.Effect]:
        """The service refused the one under way."""
        switching, self._switching = self._switching, None
        return [io.CommandFailed(switching.command, error)] if switching is not None else []

    def tick(self, now: float) -> list[io.Effect]:
        """Time has passed."""
        switching = self._switching
        if switching is None or switching.until > now:
            return []
        if switching.confirmed:
            # In force; the service just did not renegotiate the audio.
            return [self._done(switching)]
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
        return commands

    def _done(self, switching: Switching) -> io.Effect:
        self._switching = None
        return io.CommandDone(switching.command)
