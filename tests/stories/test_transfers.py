"""Transfers in every corner: those who are left talk to each other, and nobody waits in silence."""

from __future__ import annotations

import asyncio
import shutil
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from offhook import Call, DirectTransferResult, EndReason
from offhook.service.config import MediaSettings
from offhook.testing import LocalCloud, local_cloud
from sdk.clouds import heard
from sdk.three_parties import Party, ends
from stories.conftest import Parties, settings
from stories.hearing import PATIENCE, everybody_hears, never_silent, next_call, unbroken

#: Hz of what those who wait hear: a tone is never silent, as music may be.
MUSIC = 560.0


@pytest.fixture
async def cloud(founded: Path, tmp_path: Path) -> AsyncIterator[LocalCloud]:
    """Its operator has chosen what those who wait hear."""
    rate = 48_000
    tone = (6000 * np.sin(2 * np.pi * MUSIC * np.arange(2 * rate) / rate)).astype(np.int16)
    with wave.open(str(tmp_path / "music.wav"), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(tone.tobytes())
    shutil.copytree(founded, tmp_path / "data")
    media = MediaSettings(music_on_hold=str(tmp_path / "music.wav"))
    async with local_cloud(settings(tmp_path / "data", media=media)) as running:
        yield running


async def takes(party: Party) -> Call:
    """Answer what rings, which somebody else waits for."""
    call = await next_call(party.webex)
    await call.answer(party.voice())
    async with asyncio.timeout(PATIENCE):
        await call.connected()
    return call


async def test_nobody_is_left_in_silence_by_an_assisted_transfer(parties: Parties) -> None:
    alice, bob, carol = await parties("alice", "bob", "carol")
    with_bob, bobs = await alice.calls(bob)
    with_carol, carols = await alice.consults(with_bob, carol)
    await everybody_hears(alice=with_carol, carol=carols)
    assert await heard(bobs) == MUSIC
    async with never_silent(bob=bobs, carol=carols):
        await with_bob.transfer_call(with_carol)
        await everybody_hears(bob=bobs, carol=carols)
    assert with_bob.end_reason is with_carol.end_reason is EndReason.TRANSFERRED


async def test_a_call_is_transferred_into_a_conference(parties: Parties) -> None:
    alice, bob, dave, ada = await parties("alice", "bob", "dave", "ada")
    with_bob, bobs = await alice.calls(bob)
    with_dave, daves = await alice.consults(with_bob, dave)
    host, adas = await dave.consults(daves, ada)
    await host.merge_calls(daves)
    await everybody_hears(alice=with_dave, dave=host, ada=adas)
    async with unbroken(dave=(host, "ada"), ada=(adas, "dave")):
        await with_bob.transfer_call(with_dave)
        await everybody_hears(bob=bobs, dave=host, ada=adas)
    assert {each.display_name for each in bobs.memberships} == {
        "Bob Brown",
        "Dave Davis",
        "Ada Admin",
    }


async def test_a_call_goes_round_in_a_circle(parties: Parties) -> None:
    alice, bob, carol = await parties("alice", "bob", "carol")
    call, bobs = await alice.calls(bob)
    await bobs.direct_transfer_call(carol.number)
    carols = await takes(carol)
    await everybody_hears(alice=call, carol=carols)
    # On hold or not: carol sends her on, to whom she came from.
    await carols.hold()
    await carols.direct_transfer_call(bob.number)
    bobs = await takes(bob)
    await everybody_hears(alice=call, bob=bobs)
    assert (call.title, bobs.title) == ("Bob Brown", "Alice Adams")


async def test_who_transfers_to_their_own_number_is_rung_like_anybody(parties: Parties) -> None:
    alice, bob = await parties("alice", "bob")
    call, bobs = await alice.calls(bob)
    result = await call.direct_transfer_call(alice.number)
    assert result is DirectTransferResult.NO_ERROR
    again = await takes(alice)
    await everybody_hears(alice=again, bob=bobs)
    await bobs.hangup()
    assert await ends(again) is EndReason.REMOTE_HANGUP


async def test_who_waits_for_a_target_hears_music_until_it_answers(parties: Parties) -> None:
    alice, bob, carol = await parties("alice", "bob", "carol")
    call, bobs = await alice.calls(bob)
    transferring = asyncio.create_task(call.direct_transfer_call(carol.number, wait=True))
    carols = await next_call(carol.webex)
    assert await heard(bobs) == MUSIC
    async with never_silent(bob=bobs):
        await carols.answer(carol.voice())
        await everybody_hears(bob=bobs, carol=carols)
    assert await transferring is DirectTransferResult.NO_ERROR
