"""Who hears whom: everybody has a voice of one frequency, and the spectrum tells which there are.

It asks calls of the official client and of the SDK alike.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from interop.browser import PATIENCE, NotHeardError
from interop.browser_call import BrowserCall
from offhook import Call
from offhook.media.samples import Samples
from offhook.media.spectrum import level_dbfs

#: Hz. Away from each other's harmonics, from digits, from ringback, and above the music on hold.
VOICES = {"alice": 1130.0, "bob": 1850.0, "carol": 2450.0, "dave": 1560.0}
RINGBACK = (440.0, 480.0)

#: Amplitudes, 1.0 = full scale. What lies between the two is coming or going.
PRESENT, ABSENT = 0.03, 0.01
#: RMS level below which it is silent.
SILENT = 0.003

_RATE = 16_000


@dataclass(frozen=True, slots=True)
class Sound:
    """A moment of what somebody hears: amplitude by voice, of the ringback, and level of all."""

    voices: dict[str, float]
    ringback: float
    level: float

    @property
    def has_no_voice(self) -> bool:
        return all(amplitude < ABSENT for amplitude in self.voices.values())

    def is_of(self, people: set[str]) -> bool:
        """Whether these are heard and nobody else is."""
        return all(
            amplitude > PRESENT if name in people else amplitude < ABSENT
            for name, amplitude in self.voices.items()
        )


async def hears(call: BrowserCall | Call, *people: str) -> None:
    """Wait until it hears all of these people and nobody else."""
    await _until(call, lambda sound: sound.is_of(set(people)), " and ".join(people))


async def all_hear_all(**calls: BrowserCall | Call) -> None:
    """Wait until each of these people, by name, hears all others and not itself."""
    async with asyncio.TaskGroup() as group:
        for name, call in calls.items():
            group.create_task(hears(call, *(calls.keys() - {name})))


async def hears_silence(call: BrowserCall | Call) -> None:
    """Wait until it hears nothing."""
    await _until(call, lambda sound: sound.level < SILENT, "silence")


async def hears_ringback(call: BrowserCall | Call) -> None:
    """Wait until it hears that somebody's phone rings."""
    await _until(
        call, lambda sound: sound.ringback > PRESENT and sound.has_no_voice, "a phone that rings"
    )


async def hears_music(call: BrowserCall | Call) -> None:
    """Wait until it hears music on hold: sound that is nobody's voice and no ringback."""
    await _until(
        call,
        lambda sound: sound.level > SILENT and sound.has_no_voice and sound.ringback < PRESENT,
        "music",
    )


async def _until(call: BrowserCall | Call, right: Callable[[Sound], bool], what: str) -> None:
    """Three times in a row."""
    in_a_row, sounds = 0, list[Sound]()
    try:
        async with asyncio.timeout(PATIENCE):
            while in_a_row < 3:
                sounds.append(await _listen(call))
                in_a_row = in_a_row + 1 if right(sounds[-1]) else 0
                if isinstance(call, BrowserCall):
                    await asyncio.sleep(0.1)
    except TimeoutError:
        tail = "\n".join(map(str, sounds[-5:]))
        raise NotHeardError(f"{what} was to be heard, not\n{tail}\nby {call!r}") from None


async def _listen(call: BrowserCall | Call) -> Sound:
    tones = [*VOICES.values(), *RINGBACK]
    if isinstance(call, BrowserCall):
        amplitudes = await call.phone.amplitudes(call.key, tones)
        level = (await call.phone.heard(call.key)).level
    else:
        block = await anext(call.audio.frames(_RATE, block_ms=200))
        amplitudes = [_amplitude(block, tone) for tone in tones]
        level = 10 ** (level_dbfs(block) / 20)
    voices = dict(zip(VOICES, amplitudes, strict=False))
    return Sound(voices, min(amplitudes[len(VOICES) :]), level)


def _amplitude(samples: Samples, hz: float) -> float:
    """Of one frequency in int16 [n], 1.0 for a full sine."""
    window = np.hanning(len(samples))
    turning = np.exp(-2j * np.pi * hz / _RATE * np.arange(len(samples)))
    return float(abs(np.sum(samples / 32768 * window * turning)) * 2 / np.sum(window))
