"""What docs/push.md tells newcomers to write and type exists."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import msgspec
import pytest
import typer.main

from offhook.cli.app import app
from offhook.push.config import PushConfig

PAGE = (Path(__file__).parents[2] / "docs" / "push.md").read_text("utf-8")


def commands() -> list[str]:
    """Each command of the program on the page, in blocks and in the text."""
    blocks = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    typed = [line.removeprefix("$ ").split("#")[0] for line in lines if line.startswith("$ ")]
    named = re.findall(r"`(offhook [^`]*)`", PAGE)
    return [each for each in [*typed, *named] if each.startswith("offhook ")]


def test_the_configuration_is_one_that_the_backend_takes() -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    config = msgspec.convert(tomllib.loads(block), PushConfig)
    assert config.watch.is_given
    assert [each.app for each in config.providers.apns] == ["org.example.phone"]
    assert [each.app for each in config.providers.fcm] == ["org.example.phone"]


@pytest.mark.parametrize("command", commands())
def test_each_command_is_one_of_the_program(command: str) -> None:
    words = [word for word in shlex.split(command)[1:] if word != "…"]
    group = typer.main.get_command(app)
    while words and words[0] in getattr(group, "commands", {}):
        group = group.commands[words.pop(0)]  # type: ignore[attr-defined]
    known = {option for each in group.params for option in each.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_there_are_commands_to_check() -> None:
    assert len(commands()) > 8


def test_each_link_within_the_page_leads_somewhere() -> None:
    headings = re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}
    assert set(re.findall(r"\]\(#([^)]*)\)", PAGE)) <= anchors
