"""The state machines in docs/calls.md are those of the code.

Each transition is a method of a state that returns another. Run this file to draw them anew::

    python tests/engine/test_state_diagrams.py
"""

import inspect
import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import get_args, get_type_hints

PAGE = Path(__file__).parents[2] / "docs" / "calls.md"
DIAGRAM = re.compile(r"<!-- (?P<module>\S+) -->\n```mermaid\n(?P<drawn>.*?)```\n", re.DOTALL)


def drawn(module: ModuleType) -> str:
    """A mermaid diagram of the module's states: each in `State` or `Transaction`."""
    union = getattr(module, "State", None) or module.Transaction
    states = get_args(union)
    lines = ["stateDiagram-v2"]
    for state in states:
        for name, method in inspect.getmembers(state, inspect.isfunction):
            returned = get_type_hints(method, vars(module)).get("return")
            goals = [each for each in get_args(returned) or (returned,) if each in states]
            lines += [
                f"    {state.__name__} --> {goal.__name__}: {name.replace('_', ' ')}"
                for goal in goals
            ]
    return "\n".join(lines) + "\n"


def page_with_diagrams(page: str) -> str:
    """The page, with each of its diagrams as the code has it."""
    return DIAGRAM.sub(
        lambda found: (
            f"<!-- {found['module']} -->\n```mermaid\n{drawn(import_module(found['module']))}```\n"
        ),
        page,
    )


def test_the_page_shows_the_states_of_the_code() -> None:
    page = PAGE.read_text()
    assert len(DIAGRAM.findall(page)) == 3
    assert page == page_with_diagrams(page), f"run {Path(__file__).name} to draw them anew"


def test_every_state_can_be_reached_or_is_where_something_begins() -> None:
    begins = {"Dialling", "Inviting", "Offering", "Invited"}
    for module in DIAGRAM.findall(PAGE.read_text()):
        lines = drawn(import_module(module[0])).splitlines()[1:]
        pairs = [line.split(":")[0].split("-->") for line in lines]
        left, entered = ({pair[side].strip() for pair in pairs} for side in (0, 1))
        assert left <= entered | begins


if __name__ == "__main__":
    PAGE.write_text(page_with_diagrams(PAGE.read_text()))
    sys.exit()
