"""How long an Opus packet plays, read from its first bytes, and silence that plays as long.

RFC 6716 section 3.1.
"""

#: Ticks of the 48 kHz clock in 2.5 ms, the unit of all durations of Opus.
UNIT = 120
_LONGEST = 48 * UNIT  # 120 ms
_SILK = (4, 8, 16, 24)
_HYBRID = (4, 8)
_CELT = (1, 2, 4, 8)
# Configurations of CELT at full band with the ticks of their frames, and its frame of silence.
_FULL_BAND = ((31, 8 * UNIT), (30, 4 * UNIT), (29, 2 * UNIT), (28, UNIT))
_SILENT_FRAME = b"\xff\xfe"


def opus_ticks(payload: bytes) -> int:
    """The duration in ticks of 48 kHz, 0 if `payload` is not an Opus packet."""
    if not payload:
        return 0
    configuration = payload[0] >> 3
    if configuration < 12:
        units = _SILK[configuration & 3]
    elif configuration < 16:
        units = _HYBRID[configuration & 1]
    else:
        units = _CELT[configuration & 3]
    match payload[0] & 3:
        case 0:
            frames = 1
        case 3:
            frames = payload[1] & 0x3F if len(payload) > 1 else 0
        case _:
            frames = 2
    ticks = units * UNIT * frames
    return ticks if ticks <= _LONGEST else 0


def opus_silence(ticks: int) -> bytes:
    """A packet of silence that plays for `ticks`, one of the durations that Opus has."""
    configuration, frame = next(
        (configuration, frame) for configuration, frame in _FULL_BAND if ticks % frame == 0
    )
    return bytes((configuration << 3 | 3, ticks // frame)) + _SILENT_FRAME * (ticks // frame)
