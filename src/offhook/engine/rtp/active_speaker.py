"""Who speaks: the loudest of a mix, once it has been so for a moment. One `update` each 20 ms."""

from collections.abc import Iterable
from math import inf
from typing import Generic, TypeVar

Key = TypeVar("Key")

# Quieter than this nobody speaks, dBFS.
_SPEECH = -45.0
# Another has to be so much louder, dB, for so many frames: a cough does not take the floor.
_MARGIN = 3.0
_MOMENT = 20


class ActiveSpeaker(Generic[Key]):
    """`speaker` is the last who spoke, and stays so while all are silent; None at first."""

    def __init__(self) -> None:
        self.speaker: Key | None = None
        self._candidate: Key | None = None
        self._frames = 0

    def update(self, loudness: Iterable[tuple[Key, float]]) -> Key | None:
        """Take all participants with their loudness (dBFS). The new speaker, if it has changed."""
        loudest, peak, present = None, _SPEECH, -inf
        for key, level in loudness:
            if level > peak:
                loudest, peak = key, level
            if key == self.speaker:
                present = level
        if loudest is None or loudest == self.speaker or peak < present + _MARGIN:
            self._candidate = None
            return None
        if loudest != self._candidate:
            self._candidate, self._frames = loudest, 0
        self._frames += 1
        if self._frames < _MOMENT:
            return None
        self._candidate = None
        self.speaker = loudest
        return loudest

    def forget(self, key: Key) -> None:
        """This one has left."""
        if key == self.speaker:
            self.speaker = None
