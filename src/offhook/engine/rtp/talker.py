"""One participant of a mix: whether it is heard, and how much louder or softer it is made.

Who is silent is left out of the mix: its noise does not add up with that of the others, and all who
are silent hear the same. Talkers are brought to a common level slowly, and only while they talk, so
that pauses are not pumped up. One `update` for each frame of 20 ms.
"""

from math import log10

_FULL_SCALE = 32768.0**2
#: dBFS of nothing at all.
NOTHING = -100.0

# Quieter than this is silence, dBFS.
_AUDIBLE = -55.0
# Frames for which a talker is still heard after it fell silent: pauses between words stay in.
_HANG = 20
# Where talkers are brought to, dBFS, and the most that is done about it, dB.
_COMMON = -22.0
_MOST_GAIN = 12.0
# So much below its usual level a talker pauses, and nothing is learnt about that level.
_PAUSE = 15.0
# How fast the usual level is learnt, a frame: the first half second, and later.
_LEARNING = 0.1
_SETTLED = 0.015
_LEARNED_AFTER = 25
# The gain moves by so many dB a frame (5 dB a second), once it is far off and until it is near, dB.
_STEP = 0.1
_FAR = 2.0
_NEAR = 0.2
# How fast `loudness` follows, a frame.
_RISE = 0.3
_FALL = 0.06


class Talker:
    """`before` and `after` are the factors for the talker at the begin and the end of the frame.

    `loudness` is the level at which others hear it, in dBFS, smoothed over some frames.
    """

    __slots__ = (
        "_apart_before",
        "_frames",
        "_gain",
        "_hang",
        "_moving",
        "_usual",
        "after",
        "before",
        "loudness",
    )

    def __init__(self) -> None:
        self.before = 0.0
        self.after = 0.0
        self.loudness = NOTHING
        self._hang = 0
        self._usual = _COMMON
        self._frames = 0
        self._gain = 0.0
        self._moving = False
        self._apart_before = False

    @property
    def is_heard(self) -> bool:
        """Whether any of this frame goes into the mix."""
        return self.after > 0.0 or self.before > 0.0

    @property
    def is_apart(self) -> bool:
        """Whether what it hears differs from what everybody hears, now or in the frame before."""
        return self.is_heard or self._apart_before

    @property
    def gain(self) -> float:
        """What is done to the level, in dB."""
        return self._gain

    def update(self, power: float, *, muted: bool = False) -> None:
        """Take the next frame, of the mean square `power` in the scale of int16."""
        self._apart_before = self.is_heard
        level = NOTHING
        if not muted and power > 0.0:
            level = max(10.0 * log10(power / _FULL_SCALE), NOTHING)
        if level >= _AUDIBLE:
            self._hang = _HANG
            self._learn(level)
        elif muted:
            self._hang = 0
        elif self._hang:
            self._hang -= 1
        self.before = self.after
        self.after = 10.0 ** (self._gain / 20.0) if self._hang else 0.0
        heard = level + self._gain if self._hang else NOTHING
        self.loudness += (heard - self.loudness) * (_RISE if heard > self.loudness else _FALL)

    def _learn(self, level: float) -> None:
        if self._frames and level < self._usual - _PAUSE:
            return
        if not self._frames:
            self._usual = level
        self._frames += 1
        speed = _LEARNING if self._frames < _LEARNED_AFTER else _SETTLED
        self._usual += (level - self._usual) * speed
        wanted = min(max(_COMMON - self._usual, -_MOST_GAIN), _MOST_GAIN)
        off = wanted - self._gain
        self._moving = abs(off) > (_NEAR if self._moving else _FAR)
        if self._moving:
            self._gain += min(max(off, -_STEP), _STEP)
