"""What a client tells about a call's audio in the DELETE that ends it (wire document, 4.1)."""

import msgspec


class ReceivedQuality(msgspec.Struct):
    """Codec and quality of what was received. Times in ms, `maxJitter` in s."""

    VoRxCodec: str = "opus"
    VoPktSizeMs: int = 20
    maxJitter: float = 0
    VoOneWayDelayMs: float = 0
    hwType: str = ""


class ReceivedAudio(msgspec.Struct):
    """Counts of what was received: packets, bytes, duration and jitter in s."""

    Dur: float = 0
    Pkt: int = 0
    Oct: int = 0
    LatePkt: int = 0
    LostPkt: int = 0
    AvgJit: float = 0
    VQMetrics: ReceivedQuality = msgspec.field(default_factory=ReceivedQuality)


class SentQuality(msgspec.Struct):
    """Codec and bit rate (bit/s) of what was sent."""

    VoTxCodec: str = "opus"
    rtpBitRate: int = 0


class SentAudio(msgspec.Struct):
    """Counts of what was sent: packets, bytes, duration in s."""

    Dur: float = 0
    Pkt: int = 0
    Oct: int = 0
    VQMetrics: SentQuality = msgspec.field(default_factory=SentQuality)


class CallMetrics(msgspec.Struct):
    """`metrics` of a `DisconnectRequest`."""

    received: ReceivedAudio = msgspec.field(name="rtp-rxstat", default_factory=ReceivedAudio)
    sent: SentAudio = msgspec.field(name="rtp-txstat", default_factory=SentAudio)
