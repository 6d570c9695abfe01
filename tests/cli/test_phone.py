"""`offhook phone`: a phone on the desk, awake or asleep, and `offhook demo --push`."""

from __future__ import annotations

import asyncio
from pathlib import Path

from cli.desks import desk
from cli.shell import Shell
from offhook.cli.exit_codes import ExitCode


async def test_a_phone_that_sleeps_is_woken_by_a_push_and_answered(shell: Shell) -> None:
    async with desk(shell, "bob", "--asleep", "--once", "--play", "tone:880") as bob:
        await bob.says("asleep")
        calling = asyncio.create_task(shell.call("1002", "--play", "tone:440", "--for", "2"))
        woken = await bob.says("woken")
        rings = await bob.says("incoming")
        assert woken["caller"] == rings["caller"] == "Alice Adams"
        assert woken["tracking_id"] == rings["tracking_id"] != ""
        bob.do("answer")
        connected = await bob.says("connected")
        assert connected["tracking_id"] == woken["tracking_id"]
        bob.do("hold")
        assert (await bob.says("hold"))["text"] == "Alice Adams: on hold"
        bob.do("resume")
        assert (await bob.says("hold"))["text"] == "Talking with Alice Adams again"
        code, events = await calling
        assert code == ExitCode.CONNECTED
        assert 880 in {each["frequency"] for each in events if each["event"] == "hearing"}
        assert (await bob.says("ended"))["reason"] == "remote_hangup"
        assert await bob.code() == ExitCode.CONNECTED


async def test_a_call_that_is_declined_on_the_sleeping_phone_is_declined(shell: Shell) -> None:
    async with desk(shell, "carol", "--asleep", "--once") as carol:
        await carol.says("asleep")
        calling = asyncio.create_task(shell.call("1003"))
        await carol.says("incoming")
        carol.do("decline")
        assert (await carol.says("ended"))["reason"] == "local_reject"
        code, _ = await calling
        assert code == ExitCode.REJECTED


async def test_commands_that_make_no_sense_are_said_and_do_no_harm(shell: Shell) -> None:
    async with desk(shell, "dave", "--once") as dave:
        await dave.says("ready")
        dave.do("answer", "jump", "dial bob", "help")
        assert (await dave.says("refused"))["text"] == "Nobody is calling."
        assert "no command 'jump'" in (await dave.says("refused"))["text"]
        assert "not a phone number" in (await dave.says("refused"))["text"]
        assert (await dave.says("help"))["text"] == "Now: dial NUMBER, quit"
        calling = asyncio.create_task(shell.call("1004"))
        await dave.says("incoming")
        dave.do("hold", "answer")
        assert "not connected yet" in (await dave.says("refused"))["text"]
        await dave.says("connected")
        dave.do("mute", "mute", "unmute")
        assert (await dave.says("mute"))["muted"] is True
        assert (await dave.says("refused"))["text"] == "You are muted already."
        assert (await dave.says("mute"))["muted"] is False
        dave.do("hangup")
        assert (await dave.says("ended"))["reason"] == "local_hangup"
        assert (await calling)[0] == ExitCode.CONNECTED
        assert await dave.code() == ExitCode.CONNECTED


async def test_what_was_written_before_the_phone_began_is_done_from_a_file(
    shell: Shell, tmp_path: Path
) -> None:
    script = tmp_path / "script"
    script.write_text("help\nquit\n")
    with script.open() as file:
        process = await asyncio.create_subprocess_exec(
            *shell.command("phone", "--as", "dave"), env=shell.environment, stdin=file
        )
        assert await asyncio.wait_for(process.wait(), 60) == ExitCode.CONNECTED


async def test_quitting_ends_the_calls_and_says_so(shell: Shell) -> None:
    async with desk(shell, "bob", "--answer") as bob, desk(shell, "carol") as carol:
        await bob.says("ready")
        await carol.says("ready")
        carol.do("dial 1002")
        await carol.says("connected")
        await bob.says("connected")
        carol.do("quit")
        assert (await carol.says("ended"))["reason"] == "local_hangup"
        assert await carol.code() == ExitCode.CONNECTED
        assert (await bob.says("ended"))["reason"] == "remote_hangup"


async def test_a_phone_that_is_told_to_stop_ends_its_calls_first(shell: Shell) -> None:
    async with desk(shell, "bob", "--answer") as bob, desk(shell, "carol") as carol:
        await bob.says("ready")
        await carol.says("ready")
        carol.do("dial 1002")
        await carol.says("connected")
        await bob.says("connected")
        carol.process.terminate()
        assert await carol.code() == ExitCode.CONNECTED
        assert (await bob.says("ended"))["reason"] == "remote_hangup"


async def test_whose_phone_it_is_must_be_known(shell: Shell) -> None:
    for more in ([], ["--asleep"]):
        code, out, _ = await shell.run("phone", "--as", "mallory", "--cloud", shell.cloud, *more)
        assert code == ExitCode.NOT_SIGNED_IN
        assert "mallory" in out


async def test_audio_that_is_not_there_is_said_before_anybody_calls(shell: Shell) -> None:
    for audio in (["--play", "nowhere.wav"], ["--record", "/nowhere/heard.wav"]):
        code, out, _ = await shell.run("phone", "--as", "bob", "--cloud", shell.cloud, *audio)
        assert code == ExitCode.FAILED
        assert "nowhere" in out
    code, _, err = await shell.run(
        "phone", "--as", "bob", "--cloud", shell.cloud, "--speaker", "--record", "heard.wav"
    )
    assert code == ExitCode.FAILED
    assert err == "offhook: --speaker and --record exclude each other; give one.\n"


async def test_the_demo_of_a_push_ends_well_and_every_claim_is_true(
    environment: dict[str, str],
) -> None:
    code, out, err = await Shell(environment | {"COLUMNS": "100"}).run("demo", "--push")
    assert code == 0, out + err
    assert "✗" not in out
    ladder = out.split("✓")[0]
    for step in ("webhook 1", "VoIP push", "ring window: woken, ringing", "hears 440 Hz"):
        assert step in ladder
    assert "one tracking id through webhook, push and call" in out
