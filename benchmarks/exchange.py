"""Exchange: processor time in the engine alone of a whole call, of transfers and of merges.

A call is everything from dialling to both ends, and costs the same however many others are up; a
transfer and a merge are the one command, with all that it has others told.
"""

import sys
import time
from collections.abc import Callable
from itertools import count
from statistics import median

from offhook.engine.exchange import Exchange
from offhook.engine.exchange.effects import OpenLeg
from offhook.engine.exchange.inputs import (
    Alert,
    Answer,
    BlindTransfer,
    Command,
    ConferenceViews,
    ConsultTransfer,
    Control,
    End,
    Input,
    LegAnswered,
    LegConnected,
    LegOffered,
    LineRegistered,
    Place,
    Roap,
)
from offhook.engine.exchange.model import Party, PersonTarget
from offhook.wire.mobius import CauseCode
from offhook.wire.roap import RoapMessage, RoapType

ROUNDS = 5
CALLS = 500
COMMANDS = 300
#: Parties of the conference that a merge makes.
SIZES = (3, 10, 30)


class Load:
    """Calls one after the other beside `others` that stay up. Counts inputs."""

    def __init__(self, others: int) -> None:
        ids = count()
        self._exchange = Exchange(new_id=lambda: f"called{next(ids)}")
        self._calls = count()
        self.inputs = 0
        for index in range(2 * others + 2):
            self._give(LineRegistered(f"line{index}", _person(index)))
        for index in range(others):
            self._bring_up(2 * index, 2 * index + 1)
        self._pair = 2 * others, 2 * others + 1
        self.inputs = 0

    def call(self) -> None:
        """One call: placed, alerted, answered, negotiated, ended by both."""
        caller, called = self._bring_up(*self._pair)
        lines = [f"line{index}" for index in self._pair]
        self._give(End(lines[0], caller, f"own-{caller}", CauseCode.NORMAL))
        self._give(End(lines[1], called, f"own-{called}", CauseCode.BUSY))

    def _bring_up(self, one: int, other: int) -> tuple[str, str]:
        caller = f"call{next(self._calls)}"
        line, other_line = f"line{one}", f"line{other}"
        target = PersonTarget(_person(other))
        offer = RoapMessage(1, RoapType.OFFER, sdp="offer")
        place = Place(
            caller, line, f"own-{caller}", f"of-{caller}", "tracking", str(other), target, offer
        )
        legs = [each for each in self._give(place) if isinstance(each, OpenLeg)]
        called = next(each.call_id for each in legs if each.offer is None)
        own_id = f"own-{called}"
        for event in (
            LegAnswered(caller, "answer"),
            LegOffered(called, "offer"),
            Roap(line, caller, RoapMessage(1, RoapType.OK)),
            LegConnected(caller),
            Alert(other_line, called, own_id),
            Answer(other_line, called, own_id),
            Roap(other_line, called, RoapMessage(1, RoapType.ANSWER, sdp="answer")),
            LegConnected(called),
        ):
            self._give(event)
        return caller, called

    def _give(self, event: Input) -> list[object]:
        self.inputs += 1
        effects = self._exchange.handle(event, 1.0)
        _ = self._exchange.deadline  # The shell asks after every input.
        return [*effects]


class Switchboard(Load):
    """One person, the first, who transfers and merges calls with others beside 100 that are up."""

    def __init__(self, parties: int) -> None:
        super().__init__(others=100)
        self._host, first = self._pair
        self._parties = [first, *range(first + 1, first + parties - 1)]
        for index in self._parties[1:]:
            self._give(LineRegistered(f"line{index}", _person(index)))

    def blind(self) -> float:
        """Seconds of a blind transfer."""
        one, other, *_ = self._parties
        mine, theirs = self._bring_up(self._host, one)
        target = PersonTarget(_person(other))
        spent = self._timed(BlindTransfer(f"line{self._host}", mine, target))
        self._end(one, theirs)
        return spent

    def consult(self) -> float:
        """Seconds of a consult transfer."""
        one, other, *_ = self._parties
        first, theirs = self._bring_up(self._host, one)
        second, _ = self._bring_up(self._host, other)
        spent = self._timed(ConsultTransfer(f"line{self._host}", first, second))
        self._end(one, theirs)
        return spent

    def merge(self) -> float:
        """Seconds of the merge that brings the last party into a conference with all others."""
        mine, called = self._bring_up(self._host, self._parties[0])
        legs = [called]
        spent = 0.0
        for index in self._parties[1:]:
            call, called = self._bring_up(self._host, index)
            legs.append(called)
            merge = ConferenceViews((call,))
            spent = self._timed(Control(f"person{self._host}", mine, merge))
        for index, leg in zip(self._parties, legs, strict=True):
            self._end(index, leg)
        return spent

    def _timed(self, command: Command | Control) -> float:
        start = time.process_time()
        self._give(command)
        return time.process_time() - start

    def _end(self, index: int, call: str) -> None:
        self._give(End(f"line{index}", call, f"own-{call}", CauseCode.NORMAL))


def _person(index: int) -> Party:
    return Party(f"person {index}", str(index), f"person{index}")


def main() -> int:
    print("| other calls up | inputs a call | processor time a call |")
    print("|---|---|---|")
    for others in (0, 100, 1000, 5000):
        load = Load(others)
        best = float("inf")
        for _ in range(ROUNDS):
            start = time.process_time()
            for _ in range(CALLS):
                load.call()
            best = min(best, time.process_time() - start)
        inputs = load.inputs / ROUNDS / CALLS
        print(f"| {others} | {inputs:.0f} | {best / CALLS * 1e6:.0f} µs |")
    print()
    print("| command | processor time | a second |")
    print("|---|---|---|")
    three = Switchboard(parties=3)
    _print_command("blind transfer", three.blind)
    _print_command("consult transfer", three.consult)
    for size in SIZES:
        _print_command(f"merge to {size} parties", Switchboard(size).merge)
    return 0


def _print_command(name: str, command: Callable[[], float]) -> None:
    typical = median(command() for _ in range(COMMANDS))
    print(f"| {name} | {typical * 1e6:.0f} µs | {1 / typical:,.0f} |")


if __name__ == "__main__":
    sys.exit(main())
