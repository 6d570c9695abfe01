"""The command line as somebody types it: real processes, a real cloud, real audio."""

from __future__ import annotations

import asyncio
import json
import signal
import wave
from pathlib import Path

import aiohttp
import numpy as np
import pytest

from cli.shell import PATIENCE, Shell, free_port
from offhook.cli.exit_codes import ExitCode
from offhook.media.spectrum import dominant_tone


async def test_the_first_line_of_up_says_everything_that_a_program_needs(shell: Shell) -> None:
    ready = shell.ready
    assert ready is not None
    assert ready["ready"] is True
    assert ready["http"] == shell.cloud
    authority = await asyncio.to_thread(Path(ready["ca"]).read_text)
    assert authority.startswith("-----BEGIN CERTIFICATE-----")
    assert {"alice", "bob", "carol", "dave"} <= {
        p["name"].split()[0].lower() for p in ready["people"]
    }
    for person in ready["people"]:
        assert set(person) == {"name", "email", "number", "extension", "password", "token"}
        assert person["number"].startswith("+")
        assert len(person["extension"]) == 4
    (support,) = ready["groups"]
    assert support["number"].startswith("+")
    assert (support["name"], support["extension"]) == ("Support", "1010")
    assert support["members"] == ["Bob Brown", "Carol Clark", "Dave Davis"]
    assert set(ready["test_numbers"]) == {"echo", "announcement", "busy", "no_answer", "dtmf"}


async def test_a_call_between_two_shells_has_sound_both_ways(shell: Shell, tmp_path: Path) -> None:
    heard = tmp_path / "heard.wav"
    answering = await shell.start(
        "answer", "--as", "bob", "--play", "tone:880", "--once", "--json", "--cloud", shell.cloud
    )
    assert answering.stdout is not None
    async with asyncio.timeout(PATIENCE):
        assert json.loads(await answering.stdout.readline())["event"] == "ready"
    code, events = await shell.call(
        "1002", "--play", "tone:440", "--record", str(heard), "--for", "2", "--dtmf", "7"
    )
    async with asyncio.timeout(PATIENCE):
        out, _ = await answering.communicate()
    said = [json.loads(line) for line in out.splitlines()]
    assert code == answering.returncode == ExitCode.CONNECTED
    assert any(e["event"] == "hearing" and abs(e["frequency"] - 880) < 10 for e in events)
    assert any(e["event"] == "hearing" and abs(e["frequency"] - 440) < 10 for e in said)
    assert any(e["event"] == "dtmf" and e["digit"] == "7" for e in said)
    with wave.open(str(heard)) as file:
        rate = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    assert not [e for e in said if e["event"] == "ringing"]  # Who answers is not told of it.
    tone = dominant_tone(samples[-rate : -rate // 2], rate)
    assert tone is not None
    assert abs(tone.frequency - 880) < 10


async def test_a_call_that_is_told_to_end_hangs_up_first(shell: Shell) -> None:
    arguments = ("--as", "alice", "--cloud", shell.cloud, "--json")
    calling = await shell.start("call", shell.test_number("no_answer"), *arguments)
    assert calling.stdout is not None
    async with asyncio.timeout(PATIENCE):
        while json.loads(await calling.stdout.readline())["event"] != "ringing":
            pass
        calling.send_signal(signal.SIGTERM)
        out, err = await calling.communicate()
    assert json.loads(out.splitlines()[-1])["event"] == "interrupted"
    assert (calling.returncode, err) == (ExitCode.INTERRUPTED, b"")
    assert await calls_in_progress(shell) == 0


async def calls_in_progress(shell: Shell) -> float:
    assert shell.ready is not None
    headers = {"authorization": f"Bearer {shell.ready['people'][0]['token']}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.get(f"{shell.cloud}/metrics") as answer,
    ):
        lines = (await answer.text()).splitlines()
    return float(next(line for line in lines if line.startswith("offhook_calls ")).split()[1])


@pytest.mark.parametrize(
    ("number", "code", "reason"),
    [
        ("8003", ExitCode.BUSY, "busy"),
        ("999999", ExitCode.NOT_FOUND, "not_found"),
        ("not a number", ExitCode.NOT_A_NUMBER, None),
    ],
)
async def test_the_exit_code_says_what_came_of_the_call(
    shell: Shell, number: str, code: ExitCode, reason: str | None
) -> None:
    got, events = await shell.call(number)
    assert got == code == events[-1]["exit_code"]
    assert events[-1].get("reason") == reason


async def test_a_file_that_is_not_there_is_not_taken_for_a_wrong_number(shell: Shell) -> None:
    code, events = await shell.call(shell.test_number("echo"), "--play", "nowhere.wav")
    assert code == ExitCode.FAILED
    assert "nowhere.wav" in events[-1]["text"]


async def test_somebody_unknown_is_told_who_there_is(shell: Shell) -> None:
    code, out, _ = await shell.run("call", "1002", "--as", "mallory", "--cloud", shell.cloud)
    assert code == ExitCode.NOT_SIGNED_IN
    assert "alice" in out


async def test_a_port_in_use_is_said_in_one_sentence(shell: Shell, tmp_path: Path) -> None:
    address = shell.cloud.removeprefix("http://")
    code, _, err = await shell.run("up", "--http", address, "--data", str(tmp_path))
    assert code == 1
    assert "in use" in err
    assert "Traceback" not in err


async def test_no_cloud_at_all_is_no_service(environment: dict[str, str]) -> None:
    cloud = f"http://127.0.0.1:{free_port()}"
    code, out, _ = await Shell(environment).run("call", "1002", "--as", "alice", "--cloud", cloud)
    assert code == ExitCode.NO_SERVICE
    assert "offhook up" in out


@pytest.mark.parametrize(
    "damage", ["directory", "database"], ids=["unwritable directory", "damaged database"]
)
async def test_data_that_cannot_be_used_is_said_in_one_sentence(
    environment: dict[str, str], tmp_path: Path, damage: str
) -> None:
    if damage == "directory":
        (tmp_path / "file").write_text("")
        data = tmp_path / "file" / "data"
    else:
        data = tmp_path
        (data / "offhook.db").write_bytes(b"this is not a database" * 500)
    code, _, err = await Shell(environment).run(
        "up", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--data", str(data)
    )
    assert code == 1
    assert err.startswith("offhook: ")
    assert "Traceback" not in err


async def test_the_demo_proves_itself(environment: dict[str, str]) -> None:
    code, out, err = await Shell(environment).run("demo")
    assert code == 0, out + err
    assert "✓ alice hears bob's tone, 880 Hz" in out
    assert "✓ bob hears alice's tone, 440 Hz" in out
    assert "✗" not in out
    ladder = [line for line in out.splitlines() if "►" in line or "◄" in line]
    assert any("calls 1002" in line for line in ladder)


@pytest.mark.parametrize(
    ("which", "claim", "step"),
    [
        ("--conference", "in the conference each hears the two others, and not itself", "mixes"),
        ("--transfer", "bob and carol hear each other, and nobody else", "bob, carol hear each"),
    ],
)
async def test_the_demos_of_three_people_prove_themselves(
    environment: dict[str, str], which: str, claim: str, step: str
) -> None:
    code, out, err = await Shell(environment | {"COLUMNS": "100"}).run("demo", which)
    assert code == 0, out + err
    assert f"✓ {claim}" in out
    assert "✗" not in out
    assert step in out.split("✓")[0]


async def test_a_configuration_with_an_unknown_key_is_refused(
    environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "offhook.toml"
    file.write_text(f'data = "{tmp_path}"\nhtpp = "127.0.0.1:1"\n')
    code, _, err = await Shell(environment).run("serve", "--config", str(file))
    assert code == 1
    assert "htpp" in err
