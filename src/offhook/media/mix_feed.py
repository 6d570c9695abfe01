"""One encoded feed of a mix, that listeners join and leave without hearing it."""

from offhook.media.opus import Encoder
from offhook.media.samples import Samples

_RATE = 48_000
_BITRATE = 48_000
# From 5 on the encoder filters by pitch, which clicks in the ears of who comes from another feed.
_COMPLEXITY = 4
# The loss that protection is made for, in percent.
_LOSS = 10


class Feed:
    """Encodes what its listeners hear.

    A listener may come over from another feed where both carried the same in the frame before:
    then the decoder at the far end notices no seam, since the windows of the two frames fit, and
    the first packet after the change refers to none before it.

    With `protected` each packet carries a copy of the one before, for listeners who lose packets.
    That takes four times the processor time, and coming over is heard if one listens for it.
    """

    def __init__(self, *, protected: bool = False) -> None:
        self._encoder = Encoder(
            _RATE,
            bitrate=_BITRATE,
            complexity=_COMPLEXITY,
            low_delay=not protected,
            expected_loss=_LOSS,
            keep_gil=True,
        )
        self._encoded = -1

    def packet(self, number: int, frame: Samples, before: Samples, *, newcomers: bool) -> bytes:
        """The packet of `frame`, int16 [960], the frame of this `number`.

        `before` is what was heard in the frame before. `newcomers`: some heard that from elsewhere.
        """
        if self._encoded != number - 1:
            self._encoder.reset()
            self._encoder.encode(before)
            newcomers = True
        self._encoded = number
        return self._encoder.encode_alone(frame) if newcomers else self._encoder.encode(frame)
