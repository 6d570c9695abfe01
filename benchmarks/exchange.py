"""Exchange: processor time of a whole call in the engine alone, from dialling to both ends.

It shows that a call costs the same however many others are up.
"""

import sys
import time
from itertools import count

from offhook.engine.exchange import Exchange
from offhook.engine.exchange.effects import OpenLeg
from offhook.engine.exchange.inputs import (
    Alert,
    Answer,
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
    return 0


if __name__ == "__main__":
    sys.exit(main())
