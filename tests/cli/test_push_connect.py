"""`offhook push connect` as an administrator types it, against a cloud that really listens."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from offhook.cli.app import app
from offhook.cli.known_clouds import KnownCloud, KnownPerson, remember
from push.webhook_cloud import WebhookCloud, webhook_cloud

TARGET = "https://push.example.org/webhook"


@pytest.fixture
async def cloud() -> AsyncIterator[WebhookCloud]:
    async with webhook_cloud() as running:
        yield running


@dataclass
class Terminal:
    """Where ada types."""

    cloud: WebhookCloud
    home: Path
    token: str = "token of ada"

    async def connect(self, *more: str, target: str = TARGET, url: str = "") -> tuple[int, str]:
        """Exit code and all that was printed."""
        arguments = ["push", "connect", "--cloud", url or self.cloud.url, "--target", target]
        environment = {"OFFHOOK_ADMIN_TOKEN": self.token, "XDG_STATE_HOME": str(self.home)}
        result = await asyncio.to_thread(
            CliRunner().invoke, app, [*arguments, *more], env=environment, catch_exceptions=False
        )
        return result.exit_code, result.output

    async def events(self, *more: str) -> tuple[int, list[dict[str, Any]]]:
        code, output = await self.connect("--json", *more)
        return code, [json.loads(line) for line in output.splitlines()]


@pytest.fixture
def terminal(cloud: WebhookCloud, tmp_path: Path) -> Terminal:
    return Terminal(cloud, tmp_path)


def the_one(cloud: WebhookCloud) -> dict[str, Any]:
    (webhook,) = cloud.webhooks.values()
    return webhook


async def test_it_says_in_sentences_what_it_found_and_did(terminal: Terminal) -> None:
    code, output = await terminal.connect()
    secret = the_one(terminal.cloud)["secret"]
    assert code == 0
    assert output.splitlines() == [
        "There is no webhook for calls.",
        f"Made a webhook to {TARGET}.",
        f"Its secret, shown this once; give it to the backend: {secret}",
        f"Incoming calls are posted to {TARGET}.",
    ]
    assert len(secret) == 64
    code, output = await terminal.connect()
    assert code == 0
    assert "nothing was changed" in output
    assert secret not in output


async def test_programs_get_a_line_of_json_for_each_thing(terminal: Terminal) -> None:
    terminal.cloud.add(status="inactive", secret="kept")
    code, events = await terminal.events()
    assert code == 0
    assert [each["event"] for each in events] == ["found", "repair", "connected"]
    assert events[0]["webhook"]["status"] == "inactive"
    assert events[1]["webhook"]["status"] == "active"
    assert events[1]["webhook"]["signed"] is True
    assert "kept" not in json.dumps(events)


async def test_a_new_secret_is_written_to_a_file_that_only_its_owner_reads(
    terminal: Terminal, tmp_path: Path
) -> None:
    path = tmp_path / "webhook-secret"
    code, output = await terminal.connect("--secret-file", str(path))
    secret = path.read_text().strip()
    assert code == 0
    assert the_one(terminal.cloud)["secret"] == secret
    assert path.stat().st_mode & 0o777 == 0o600
    assert secret not in output
    code, output = await terminal.connect("--secret-file", str(path))
    assert (code, path.read_text().strip()) == (0, secret)
    assert "nothing was changed" in output


async def test_of_several_secrets_that_are_valid_the_first_signs(
    terminal: Terminal, tmp_path: Path
) -> None:
    path = tmp_path / "webhook-secret"
    path.write_text("the new one\nthe old one\n".replace(" ", "-"))
    await terminal.connect("--secret-file", str(path))
    assert the_one(terminal.cloud)["secret"] == "the-new-one"
    path.write_text("\n")
    code, output = await terminal.connect("--secret-file", str(path))
    assert code == 1
    assert "holds no secret" in output


async def test_checking_writes_no_file_and_changes_nothing(
    terminal: Terminal, tmp_path: Path
) -> None:
    path = tmp_path / "webhook-secret"
    code, output = await terminal.connect("--check", "--secret-file", str(path))
    assert code == 1
    assert "has to be made" in output
    assert not path.exists()
    assert terminal.cloud.webhooks == {}
    await terminal.connect()
    code, _ = await terminal.connect("--check")
    assert code == 0


async def test_the_token_is_never_shown(terminal: Terminal) -> None:
    terminal.token = "words that nobody may see"
    code, output = await terminal.connect()
    assert code == 9
    assert "does not accept the token" in output
    assert "nobody may see" not in output


async def test_no_secret_is_shown_of_a_webhook_that_was_refused(terminal: Terminal) -> None:
    terminal.cloud.resources = ("messages",)
    code, output = await terminal.connect()
    assert code == 1
    assert "invalid field: resource" in output
    assert "secret" not in output


async def test_the_secret_is_shown_where_nobody_knows_whether_the_webhook_was_made(
    terminal: Terminal,
) -> None:
    terminal.cloud.hangs_up_after_making = True
    code, output = await terminal.connect()
    assert code == 8
    assert the_one(terminal.cloud)["secret"] in output


async def test_without_a_token_it_says_where_to_put_one(terminal: Terminal) -> None:
    terminal.token = ""
    code, output = await terminal.connect()
    assert code == 9
    assert "OFFHOOK_ADMIN_TOKEN" in output


async def test_a_webhook_in_the_way_is_a_failure_that_says_how_to_go_on(
    terminal: Terminal,
) -> None:
    terminal.cloud.add(name="[bold]Theirs\x1b[2J", targetUrl="https://theirs.example.org/")
    code, output = await terminal.connect()
    assert code == 1
    assert "--replace" in output
    assert '"[bold]Theirs[2J"' in output
    assert "\x1b" not in output
    code, _ = await terminal.connect("--replace")
    assert code == 0
    assert the_one(terminal.cloud)["targetUrl"] == TARGET


async def test_with_a_local_cloud_the_administrators_name_is_enough(terminal: Terminal) -> None:
    person = KnownPerson("Ada Admin", "ada@demo.offhook.example", "", "1000", "token of ada")
    known = KnownCloud(terminal.cloud.url, terminal.cloud.url, "/no/such/file.pem", [person], {})
    remember(known, {"XDG_STATE_HOME": str(terminal.home)})
    terminal.token = ""
    code, _ = await terminal.connect("--as", "ada")
    assert code == 0
    code, output = await terminal.connect("--as", "eve")
    assert code == 9
    assert "it has ada" in output


@pytest.mark.parametrize(
    ("cloud_url", "target", "options", "words"),
    [
        ("http://phone.example.org", TARGET, [], "in clear"),
        ("phone.example.org", TARGET, [], "--cloud"),
        ("", "push.example.org/webhook", [], "--target"),
        ("", "https://push.example.org/web hook", [], "--target"),
        ("", TARGET, ["--secret", "a", "--secret-file", "b"], "exclude"),
        ("", TARGET, ["--ca", "/no/such/file"], "--ca"),
        ("", TARGET, ["--secret-file", "/proc/no/such/file"], "--secret-file"),
    ],
)
async def test_what_cannot_work_is_told_before_anything_is_asked(
    terminal: Terminal, cloud_url: str, target: str, options: list[str], words: str
) -> None:
    code, output = await terminal.connect(*options, target=target, url=cloud_url)
    assert code == 1
    assert words in output
    assert terminal.cloud.asked == []


async def test_the_address_of_the_cloud_may_have_its_version(terminal: Terminal) -> None:
    code, _ = await terminal.connect(url=terminal.cloud.url + "/v1/")
    assert code == 0


async def test_it_is_a_command_of_the_program(terminal: Terminal) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "offhook.cli", "push", "connect"),
        *("--cloud", "http://127.0.0.1:9", "--target", TARGET, "--token", "hidden word"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    assert process.returncode == 8
    assert output.decode() == (
        "offhook: 127.0.0.1:9 cannot be reached; check the address and the network.\n"
    )
