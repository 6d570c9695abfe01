"""Opus (RFC 6716) through the libopus that the PyAV wheel carries.

Called directly with buffers of our own, a frame costs half of what PyAV's codec objects need, and
what they do not offer is there too: concealment of lost frames and in-band FEC. Audio is mono int16
at 8, 12, 16, 24 or 48 kHz; the RTP clock of Opus is 48 kHz whatever the audio's rate (RFC 7587).
"""

import ctypes
import ctypes.util
import functools
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np

from offhook.media.errors import MediaError
from offhook.media.samples import FRAME_MS, Samples

#: The rates that Opus codes without resampling.
RATES = (8_000, 12_000, 16_000, 24_000, 48_000)

_APPLICATION_VOIP = 2048
_APPLICATION_LOW_DELAY = 2051
_SET_BITRATE = 4002
_SET_COMPLEXITY = 4010
_SET_INBAND_FEC = 4012
_SET_PACKET_LOSS_PERC = 4014
_SET_DTX = 4016
_RESET_STATE = 4028
_SET_PREDICTION_DISABLED = 4042
_LARGEST_PACKET = 1275
_LONGEST_PACKET_MS = 120


class OpusError(MediaError):
    """libopus is missing, or refused a packet or a setting."""


@functools.cache
def _library(*, keep_gil: bool = False) -> ctypes.CDLL:
    load = ctypes.PyDLL if keep_gil else ctypes.CDLL
    wheel = Path(av.__file__).parent.parent / "av.libs"
    names = [str(path) for path in sorted(wheel.glob("libopus-*.so*"))]
    system = ctypes.util.find_library("opus")
    if system is not None:
        names.append(system)
    for name in names:
        try:
            library = load(name)
        except OSError:
            continue
        library.opus_strerror.restype = ctypes.c_char_p
        library.opus_encoder_create.restype = ctypes.c_void_p
        library.opus_decoder_create.restype = ctypes.c_void_p
        return library
    raise OpusError("libopus was not found; install the `av` wheel from PyPI or libopus itself.")


def _checked(result: int) -> int:
    if result < 0:
        text = _library().opus_strerror(result).decode()
        raise OpusError(f"libopus refused: {text}.")
    return result


def _check_rate(rate: int) -> None:
    if rate not in RATES:
        raise OpusError(f"Opus has no {rate} Hz; use one of {', '.join(map(str, RATES))}.")


class _Handle:
    """A libopus object that is freed with its owner."""

    def __init__(self, pointer: int, destroy: Callable[[ctypes.c_void_p], None]) -> None:
        self.pointer = ctypes.c_void_p(pointer)
        self._destroy = destroy

    def __del__(self) -> None:
        self._destroy(self.pointer)


class Encoder:
    """Encodes 20 ms frames of mono int16 at `rate` Hz.

    `bitrate` in bit/s, `complexity` 0 to 10. With `fec` each packet carries a coarse copy of the
    one before, sized for `expected_loss` percent; at 36 kbit/s and above there is room for it at
    full bandwidth. `low_delay` leaves out what is made for voice alone: a third of the processor
    time and 4 ms less delay, but no `fec`. `keep_gil`: see `Decoder`. Raises OpusError.
    """

    def __init__(
        self,
        rate: int = 48_000,
        *,
        bitrate: int = 40_000,
        complexity: int = 5,
        fec: bool = True,
        expected_loss: int = 5,
        low_delay: bool = False,
        keep_gil: bool = False,
    ) -> None:
        _check_rate(rate)
        library = _library(keep_gil=keep_gil)
        application = _APPLICATION_LOW_DELAY if low_delay else _APPLICATION_VOIP
        fec = fec and not low_delay
        error = ctypes.c_int()
        pointer = library.opus_encoder_create(rate, 1, application, ctypes.byref(error))
        _checked(error.value)
        self._handle = _Handle(pointer, library.opus_encoder_destroy)
        self._encode = library.opus_encode
        self.rate = rate
        self.frame_samples = rate * FRAME_MS // 1000
        self._packet = ctypes.create_string_buffer(_LARGEST_PACKET)
        self._bytes = memoryview(self._packet)
        # Copied into: to ask an array for its address takes longer than to copy a frame.
        self._frame = np.zeros(self.frame_samples, np.int16)
        self._address = self._frame.ctypes.data_as(ctypes.c_void_p)
        for setting, value in (
            (_SET_BITRATE, bitrate),
            (_SET_COMPLEXITY, complexity),
            (_SET_INBAND_FEC, int(fec)),
            (_SET_PACKET_LOSS_PERC, expected_loss if fec else 0),
            (_SET_DTX, 0),
        ):
            self._set(setting, value)

    def _set(self, setting: int, value: int) -> None:
        _checked(_library().opus_encoder_ctl(self._handle.pointer, setting, ctypes.c_int(value)))

    def expect_loss(self, percent: int) -> None:
        """Size the copies for a loss of `percent` (0 to 100)."""
        self._set(_SET_PACKET_LOSS_PERC, percent)

    def reset(self) -> None:
        """Forget what was encoded so far, but not the settings."""
        _checked(_library().opus_encoder_ctl(self._handle.pointer, _RESET_STATE))

    def encode_alone(self, frame: Samples) -> bytes:
        """The same as `encode`, but the packet is understood without those before it."""
        self._set(_SET_PREDICTION_DISABLED, 1)
        try:
            return self.encode(frame)
        finally:
            self._set(_SET_PREDICTION_DISABLED, 0)

    def encode(self, frame: Samples) -> bytes:
        """One packet from int16 [rate / 50]. Raises OpusError for any other length."""
        if frame.shape != (self.frame_samples,):
            raise OpusError(f"A frame has {self.frame_samples} samples, not {frame.shape}.")
        self._frame[:] = frame
        size = self._encode(
            self._handle.pointer, self._address, self.frame_samples, self._packet, _LARGEST_PACKET
        )
        return self._bytes[: _checked(size)].tobytes()


class Decoder:
    """Decodes packets of one stream to mono int16 at `rate` Hz; keeps the state of the stream.

    With `keep_gil` no other thread runs meanwhile: who has many short frames to work off in time
    would otherwise wait for the lock after each of them.
    """

    def __init__(self, rate: int = 48_000, *, keep_gil: bool = False) -> None:
        _check_rate(rate)
        library = _library(keep_gil=keep_gil)
        error = ctypes.c_int()
        pointer = library.opus_decoder_create(rate, 1, ctypes.byref(error))
        _checked(error.value)
        self._handle = _Handle(pointer, library.opus_decoder_destroy)
        self._decode = library.opus_decode
        self.rate = rate
        self.frame_samples = rate * FRAME_MS // 1000
        self._room = rate * _LONGEST_PACKET_MS // 1000
        self._samples = np.empty(self._room, np.int16)
        self._pointer = self._samples.ctypes.data_as(ctypes.c_void_p)

    def decode(self, packet: bytes) -> Samples:
        """The packet's audio, int16 [n]. Raises OpusError if it is not Opus."""
        if not packet:
            return self.conceal()
        return self._run(packet, len(packet), self._room, fec=0)

    def recover(self, following: bytes, samples: int | None = None) -> Samples:
        """The lost audio before `following`, int16 [n] (a frame by default).

        It comes from the coarse copy that this packet may carry, else it is a guess. Raises
        OpusError if `following` is not Opus.
        """
        return self._run(following, len(following), samples or self.frame_samples, fec=1)

    def conceal(self, samples: int | None = None) -> Samples:
        """A guess for a lost frame, int16 [n] (a frame by default), fading when repeated."""
        return self._run(None, 0, samples or self.frame_samples, fec=0)

    def _run(self, packet: bytes | None, size: int, samples: int, *, fec: int) -> Samples:
        count = self._decode(self._handle.pointer, packet, size, self._pointer, samples, fec)
        return self._samples[: _checked(count)].copy()
