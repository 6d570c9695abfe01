"""A command a line, for programs."""

from __future__ import annotations

import pytest

from cli.desk.phones import BOB, CAROL, held, phone
from offhook.cli.desk import commands as do
from offhook.cli.desk.choices import RefusedError
from offhook.cli.desk.lines import command_of, help_for


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("hold", do.Hold(2)),
        ("HANGUP 1", do.HangUp(1)),
        ("leave", do.HangUp(2)),
        ("swap", do.Resume(1)),
        ("merge", do.Join(new=2, old=1)),
        ("join", do.Join(new=2, old=1)),
        ("complete", do.Complete(old=1, new=2)),
        ("dtmf 1 2 #", do.Press(2, "12#")),
        ("add +1 202 555 0104", do.Consult(2, "+1 202 555 0104", do.Purpose.ADD)),
        ("transfer 1004", do.SendOn(2, "1004", wait=False)),
        ("transfer-when-answered 1004", do.SendOn(2, "1004", wait=True)),
        ("quit", do.Quit()),
    ],
)
def test_a_line_is_a_command(line: str, command: do.Command) -> None:
    assert command_of(line, phone(held(BOB), CAROL)) == command


def test_what_is_no_command_is_said_in_one_sentence() -> None:
    with pytest.raises(RefusedError, match="There is no command 'jump'; help tells what"):
        command_of("jump 1", phone())


def test_help_tells_what_can_be_done_now() -> None:
    assert help_for(phone()) == "Now: dial NUMBER, quit"
    assert "tones DIGITS" in help_for(phone(BOB))
