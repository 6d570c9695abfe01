"""Commands that take several steps: scripts, which wait between one step and the next.

A script is a generator. It yields what it waits for, goes on when that has come, and is thrown the
`WebexError` with which it failed. So what belongs together is read together, from the first step to
the last, with what is done when one of them fails. Each wait is bounded: a command by the call that
carries it out, a request and a condition by the time that the step gives.
"""

import itertools
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar, assert_never

from offhook.engine.client import call_io as io
from offhook.engine.client import phone_io as phone
from offhook.engine.client.call import ClientCall
from offhook.engine.client.floor import Floor
from offhook.errors import CallStateError, CallTimeoutError, WebexError

T = TypeVar("T")

#: Seconds that the service has to answer a request, with those that wait before it.
REQUEST_TIMEOUT = 30.0
_NO_ANSWER = "The service did not answer in time; try again."


@dataclass(frozen=True, slots=True)
class Do:
    """The call carries out a command, whose number is given to `make`."""

    call: ClientCall
    make: Callable[[int], io.Command]
    can_be_left: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """The service answers a request about the call, whose number is given to `make`."""

    call: ClientCall
    make: Callable[[int], phone.PostTransfer | phone.PostConference]
    can_be_left = False


@dataclass(frozen=True, slots=True)
class Until:
    """`condition` is true. After `seconds` a `CallTimeoutError` with `complaint` is thrown."""

    condition: Callable[[], bool]
    seconds: float
    complaint: str
    can_be_left: bool = False


@dataclass(frozen=True, slots=True)
class TakeTurn:
    """It is this script's turn to say who has the floor, until `EndTurn` or its end."""

    can_be_left = False


@dataclass(frozen=True, slots=True)
class EndTurn:
    """It is the next script's turn."""

    can_be_left = False


Step = Do | Ask | Until | TakeTurn | EndTurn
Script = Generator[Step, None, T]


class Left(Exception):  # noqa: N818 - not an error: nobody waits for the script any more
    """Thrown into a script that was given up, at a step that can be left."""


@dataclass(slots=True, eq=False)
class _Running:
    """A script and what it waits for. `answered`: the outcome of `number` is `error`."""

    key: str
    command: int
    script: Script[None]
    step: Step | None = None
    number: int = 0
    answered: bool = False
    error: WebexError | None = None
    until: float | None = None
    given_up: bool = False


class Scripts:
    """Runs the scripts of one phone; each answers its command exactly once."""

    def __init__(self) -> None:
        self.floor = Floor(self.answered)
        self._running: list[_Running] = []
        self._turns: deque[_Running] = deque()
        self._numbers = itertools.count(-1, -1)

    @property
    def deadline(self) -> float | None:
        """When the first wait has taken too long."""
        return min((each.until for each in self._running if each.until is not None), default=None)

    def start(self, call: ClientCall, command: int, script: Script[None]) -> None:
        """Run a script, which answers `command` of `call`."""
        running = _Running(call.correlation_id, command, script)
        self._running.append(running)
        self._advance(running, None)

    def answered(self, number: int, error: WebexError | None) -> None:
        """A command or request of a script has its outcome."""
        for running in self._running:
            if running.number == number:
                running.answered, running.error = True, error

    def give_up(self, command: int) -> None:
        """Nobody waits for this command any more."""
        for running in self._running:
            if running.command == command:
                running.given_up = True

    def go_on(self) -> None:
        """Let go on whatever has what it waits for."""
        moved = True
        while moved:
            moved = False
            for running in list(self._running):
                moved = self._try(running) or moved

    def _try(self, running: _Running) -> bool:
        step = running.step
        if step is None or running not in self._running:
            return False
        if running.given_up and step.can_be_left:
            self._advance(running, Left())
            return True
        match step:
            case Do() | Ask():
                if running.answered:
                    self._advance(running, running.error)
                    return True
            case Until(condition=condition):
                if condition():
                    self._advance(running, None)
                    return True
            case TakeTurn():
                if self._turns[0] is running:
                    self._advance(running, None)
                    return True
            case EndTurn():
                self._advance(running, None)
                return True
            case _:
                assert_never(step)
        if running.until is not None and running.until <= self.floor.now:
            complaint = step.complaint if isinstance(step, Until) else _NO_ANSWER
            self._advance(running, CallTimeoutError(complaint))
            return True
        return False

    def _advance(self, running: _Running, thrown: WebexError | Left | None) -> None:
        """Let the script go on to its next step, and begin that."""
        running.step, running.until, running.number = None, None, 0
        running.answered, running.error = False, None
        script = running.script
        try:
            step = next(script) if thrown is None else script.throw(thrown)
        except StopIteration:
            self._finish(running, io.CommandDone(running.command))
        except WebexError as error:
            self._finish(running, io.CommandFailed(running.command, error))
        except Left:
            given_up = CallStateError("This command was given up.")
            self._finish(running, io.CommandFailed(running.command, given_up))
        else:
            running.step = step
            if not (running.given_up and step.can_be_left):
                self._begin(running, step)

    def _begin(self, running: _Running, step: Step) -> None:
        match step:
            case Do(call=call, make=make):
                number = running.number = next(self._numbers)
                try:
                    self.floor.feed(call, make(number))
                except WebexError as error:
                    self.answered(number, error)
            case Ask(call=call, make=ask):
                running.number = next(self._numbers)
                running.until = self.floor.now + REQUEST_TIMEOUT
                self.floor.do(call, ask(running.number))
            case Until(seconds=seconds):
                running.until = self.floor.now + seconds
            case TakeTurn():
                if running not in self._turns:
                    self._turns.append(running)
            case EndTurn():
                self._end_turn(running)
            case _:
                assert_never(step)

    def _finish(self, running: _Running, answer: io.CommandDone | io.CommandFailed) -> None:
        self._running.remove(running)
        self._end_turn(running)
        self.floor.out.append(phone.OfCall(running.key, answer))

    def _end_turn(self, running: _Running) -> None:
        if running in self._turns:
            self._turns.remove(running)
