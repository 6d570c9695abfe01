"""A call drawn as a ladder: one column a party, one arrow a message, the time of each on the left.

::

       ms  alice                  cloud                  bob
        0  ├── place 1002 ───────►│                      │
       12  │                      ├── incoming ─────────►│
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """A message from one party to another, or a note about one party when both are the same.

    `at` is in seconds from the start of the call.
    """

    at: float
    source: str
    target: str
    label: str


_TIME_WIDTH = 7


def draw(parties: Sequence[str], steps: Sequence[Step], *, width: int = 80) -> list[str]:
    """The lines of the ladder, at most `width` characters each.

    Raises `ValueError` if a step names somebody who is not among the parties, or if there is no
    room for an arrow between two columns.
    """
    room = width - _TIME_WIDTH - 2
    gap = (room - 1) // max(len(parties), 1)
    if gap < 8:
        raise ValueError(f"{width} columns are too few for {len(parties)} parties")
    column = {party: index * gap for index, party in enumerate(parties)}
    if len(column) != len(parties):
        raise ValueError("two parties of a ladder have the same name")
    heading = "".join(party[: gap - 1].ljust(gap) for party in parties)
    lines = ["ms".rjust(_TIME_WIDTH) + "  " + heading.rstrip()]
    for step in steps:
        for party in (step.source, step.target):
            if party not in column:
                raise ValueError(f"{party} is not a party of this ladder")
        cells = [" "] * room
        for position in column.values():
            cells[position] = "│"
        if step.source == step.target:
            _write(cells, column[step.source], "● " + step.label, room)
        else:
            _arrow(cells, column[step.source], column[step.target], step.label)
        stamp = f"{step.at * 1000:.0f}".rjust(_TIME_WIDTH)
        lines.append((stamp + "  " + "".join(cells)).rstrip())
    return lines


def _write(cells: list[str], start: int, text: str, room: int) -> None:
    text = text[: room - start]
    cells[start : start + len(text)] = text


def _arrow(cells: list[str], source: int, target: int, label: str) -> None:
    left, right = sorted((source, target))
    inner = right - left - 1
    room = inner - len("►")
    if len(label) + 2 > room:
        label = f"{label[: max(room - 3, 1)]}…"
    text = f" {label} "
    # The words matter more than the line that leads to them.
    shaft = ("─" * min(2, max(room - len(text), 0)) + text).ljust(inner, "─")[:inner]
    if source < target:
        cells[left] = "├"
        cells[left + 1 : right] = shaft[:-1] + "►"
    else:
        cells[right] = "┤"
        cells[left + 1 : right] = "◄" + shaft[:-1]
