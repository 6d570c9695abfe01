"""The receiver of a relayed stream sees one source that never jumps."""

import itertools
import struct

from hypothesis import given
from hypothesis import strategies as st

from offhook.engine.rtp.rewrite import FRAME, StreamRewriter, map_rtcp

HEADER = struct.Struct("!BBHII")
TYPES = {111: 96, 110: 101}
SSRC = 0xFEED


def packet(
    sequence: int, timestamp: int, ssrc: int = 7, payload_type: int = 111, payload: bytes = b"voice"
) -> bytes:
    return (
        HEADER.pack(0x80, payload_type, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + payload
    )


def rewritten(
    stream: StreamRewriter, packet: bytes, now: float, types: dict[int, int]
) -> bytes | None:
    """The packet as it goes out, None if it does not."""
    buffer = bytearray(packet) + b"what an earlier packet left"
    if not stream.rewrite(buffer, now, types):
        assert buffer.startswith(packet)
        return None
    return bytes(buffer[: len(packet)])


def fields(packet: bytes | None) -> tuple[int, int, int, int, bool]:
    """Sequence, timestamp, SSRC, payload type, marker."""
    assert packet is not None
    _, second, sequence, timestamp, ssrc = HEADER.unpack_from(packet)
    return sequence, timestamp, ssrc, second & 0x7F, bool(second & 0x80)


def test_a_stream_keeps_its_payload_and_gets_our_ssrc_and_payload_type() -> None:
    stream = StreamRewriter(SSRC, sequence=100, timestamp=5000)
    passed = rewritten(stream, packet(9, 9), 1.0, TYPES)
    assert fields(passed) == (100, 5000 + FRAME, SSRC, 96, True)
    assert passed is not None
    assert passed[12:] == b"voice"
    assert fields(rewritten(stream, packet(10, 9 + FRAME), 1.02, TYPES))[4] is False


def test_another_source_continues_where_the_last_one_stopped() -> None:
    stream = StreamRewriter(SSRC)
    rewritten(stream, packet(65535, 0xFFFFFFFF, ssrc=1), 1.0, TYPES)
    last = fields(rewritten(stream, packet(0, FRAME - 1, ssrc=1), 1.02, TYPES))
    stream.replug()
    first = fields(rewritten(stream, packet(31000, 77, ssrc=2), 1.04, TYPES))
    assert first[0] == (last[0] + 1) & 0xFFFF
    assert first[1] == last[1] + FRAME
    assert first[4] is True


def test_a_pause_between_sources_passes_on_the_clock_too() -> None:
    stream = StreamRewriter(SSRC)
    before = fields(rewritten(stream, packet(1, 0), 10.0, TYPES))
    after = fields(rewritten(stream, packet(1, 0, ssrc=8), 12.0, TYPES))
    assert after[0] == before[0] + 1
    assert after[1] - before[1] == 2 * 48000


def test_a_loss_and_a_reordering_of_the_source_stay_visible() -> None:
    stream = StreamRewriter(SSRC)
    start = fields(rewritten(stream, packet(10, 0), 0.0, TYPES))[0]
    sequences = [
        fields(rewritten(stream, packet(n, n * FRAME), 0.1, TYPES))[0] - start for n in (13, 12, 14)
    ]
    assert sequences == [3, 2, 4]


def test_a_late_packet_does_not_turn_the_stream_back() -> None:
    stream = StreamRewriter(SSRC)
    for sequence in (10, 12, 11):
        last = fields(rewritten(stream, packet(sequence, sequence * FRAME), 0.1, TYPES))
    other = fields(rewritten(stream, packet(500, 0, ssrc=8), 0.12, TYPES))
    assert other[0] == last[0] + 2
    assert other[1] == last[1] + 2 * FRAME


def test_what_the_listener_did_not_negotiate_is_dropped() -> None:
    stream = StreamRewriter(SSRC)
    assert rewritten(stream, packet(1, 1, payload_type=8), 0.0, TYPES) is None


def test_own_sounds_and_relayed_voice_make_one_stream() -> None:
    stream = StreamRewriter(SSRC, sequence=65534, timestamp=0xFFFFFFF0)
    seen = [fields(stream.originate(b"tone", 96, now)) for now in (1.0, 1.02)]
    seen.append(fields(rewritten(stream, packet(500, 123), 1.04, TYPES)))
    stream.replug()
    seen.append(fields(stream.originate(b"tone", 96, 1.06)))
    for earlier, later in itertools.pairwise(seen):
        assert later[0] == (earlier[0] + 1) & 0xFFFF
        assert (later[1] - earlier[1]) & 0xFFFFFFFF == FRAME
    assert [entry[4] for entry in seen] == [True, False, True, True]


@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.integers(0, 65535), st.integers(0, 2**32 - 1)),
        min_size=2,
        max_size=60,
    )
)
def test_no_switch_of_sources_ever_repeats_a_sequence_number(
    switches: list[tuple[int, int, int]],
) -> None:
    stream = StreamRewriter(SSRC, sequence=65500, timestamp=2**32 - 10)
    seen = []
    for number, (ssrc, sequence, timestamp) in enumerate(switches):
        stream.replug()
        for step in range(3):
            passed = rewritten(
                stream,
                packet(sequence + step, timestamp + step * FRAME, ssrc),
                number * 0.06,
                TYPES,
            )
            seen.append(fields(passed))
    for earlier, later in itertools.pairwise(seen):
        assert (later[0] - earlier[0]) & 0xFFFF == 1
        assert 0 < (later[1] - earlier[1]) & 0xFFFFFFFF <= 5 * FRAME


# --- RTCP ---------------------------------------------------------------------------------------


def streams() -> tuple[StreamRewriter, StreamRewriter]:
    """Alice (SSRC 1) and Bob (SSRC 2) talk; what Bob hears, and what Alice hears."""
    to_bob, to_alice = StreamRewriter(0xB0B, 1000, 0), StreamRewriter(0xA11CE, 2000, 0)
    rewritten(to_bob, packet(50, 7000, ssrc=1), 0.0, TYPES)
    rewritten(to_alice, packet(60, 8000, ssrc=2), 0.0, TYPES)
    return to_bob, to_alice


def block(ssrc: int, highest: int) -> bytes:
    return struct.pack("!IIIIII", ssrc, 0x05000003, highest, 44, 0x12345678, 99)


def test_a_sender_report_describes_the_stream_that_the_other_side_sees() -> None:
    to_bob, to_alice = streams()
    report = struct.pack("!BBHIIIIII", 0x81, 200, 12, 1, 0xAAAA, 0xBBBB, 7000, 1, 5)
    mapped = map_rtcp(report + block(0xA11CE, 2000), to_bob, to_alice, sent=(17, 99))
    assert mapped is not None
    ssrc, ntp_high, ntp_low, timestamp, packets, octets = struct.unpack_from("!IIIIII", mapped, 4)
    assert (ssrc, ntp_high, ntp_low) == (0xB0B, 0xAAAA, 0xBBBB)
    assert (timestamp, packets, octets) == (FRAME, 17, 99)
    source, loss, highest, jitter, last, delay = struct.unpack_from("!IIIIII", mapped, 28)
    assert (source, highest) == (2, 60)
    assert (loss, jitter, last, delay) == (0x05000003, 44, 0x12345678, 99)


def test_a_receiver_report_and_a_nack_reach_the_source_in_its_own_numbers() -> None:
    to_bob, to_alice = streams()
    receiver = struct.pack("!BBHI", 0x81, 201, 7, 2) + block(0xB0B, 1000)
    names = struct.pack("!BBHI", 0x81, 202, 2, 2) + b"\x01\x01x\x00"
    nack = struct.pack("!BBHIIHH", 0x81, 205, 3, 2, 0xB0B, 1000, 0b1)
    mapped = map_rtcp(receiver + names + nack, to_alice, to_bob)
    assert mapped is not None
    assert struct.unpack_from("!II", mapped, 4) == (0xA11CE, 1)
    assert struct.unpack_from("!I", mapped, 16) == (50,)
    assert struct.unpack_from("!I", mapped, 36) == (0xA11CE,)
    assert struct.unpack_from("!IIHH", mapped, 48) == (0xA11CE, 1, 50, 1)


def test_a_goodbye_is_not_passed_on() -> None:
    to_bob, to_alice = streams()
    assert map_rtcp(struct.pack("!BBHI", 0x81, 203, 1, 1), to_bob, to_alice) is None


def test_a_report_about_an_earlier_source_is_not_passed_on() -> None:
    to_bob, to_alice = streams()
    stranger = struct.pack("!BBHIIIIII", 0x80, 200, 6, 77, 0, 0, 0, 0, 0)
    assert map_rtcp(stranger, to_bob, to_alice) is None


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x81\xc8", b"\x81\xc9", b"\x9f\xcd"]))
def test_damaged_rtcp_never_raises(data: bytes, start: bytes) -> None:
    to_bob, to_alice = streams()
    mapped = map_rtcp(start + data, to_bob, to_alice)
    assert mapped is None or len(mapped) % 4 == 0


def test_an_event_has_one_timestamp_and_the_stream_goes_on_behind_it() -> None:
    stream = StreamRewriter(SSRC, timestamp=5000)
    voice = fields(rewritten(stream, packet(9, 100), 1.0, TYPES))
    event = [
        fields(stream.originate_event(b"5", 101, 1.02 + 0.02 * step, first=step == 0))
        for step in range(4)
    ]
    assert [sequence for sequence, *_ in event] == [voice[0] + step for step in range(1, 5)]
    assert {timestamp for _, timestamp, *_ in event} == {voice[1] + FRAME}
    assert [marker for *_, marker in event] == [True, False, False, False]
    after = fields(rewritten(stream, packet(14, 100 + 5 * FRAME), 1.1, TYPES))
    assert after[0] == event[-1][0] + 1
    assert after[1] == voice[1] + 5 * FRAME
    assert after[4] is True
    ours = fields(stream.originate(b"music", 96, 1.12))
    assert ours[:2] == (after[0] + 1, after[1] + FRAME)


def test_our_own_audio_goes_on_behind_an_event() -> None:
    stream = StreamRewriter(SSRC, timestamp=5000)
    first = fields(stream.originate(b"music", 96, 1.0))
    stream.originate_event(b"5", 101, 1.02, first=True)
    stream.originate_event(b"5", 101, 1.04, first=False)
    after = fields(stream.originate(b"music", 96, 1.06))
    assert after[0] == first[0] + 3
    assert after[1] == first[1] + 3 * FRAME
    assert after[4] is True
