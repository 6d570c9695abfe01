"""RTP packets as bytes, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.engine.rtp.packet import (
    RtpError,
    RtpPacket,
    sequence_difference,
    timestamp_difference,
)

# Version 2, marker, payload type 111, sequence 0x1234, timestamp, source, "voice".
PLAIN = bytes.fromhex("80ef1234 00010203 cafebabe") + b"voice"


def test_a_packet_is_read_and_written_as_the_rfc_draws_it() -> None:
    packet = RtpPacket.parse(PLAIN)
    assert packet == RtpPacket(111, 0x1234, 0x00010203, 0xCAFEBABE, b"voice", marker=True)
    assert packet.serialise() == PLAIN


def test_padding_sources_and_extension_do_not_end_up_in_the_payload() -> None:
    data = bytes.fromhex(
        "b26f0001 00000002 00000003"  # padding, extension, two sources
        "0000000a 0000000b"
        "bede0001 10ff0000"  # one-byte extensions, one word
        "f8fffe"
        "0000000004"  # five bytes are left; the last four are padding
    )
    packet = RtpPacket.parse(data)
    assert packet.csrc == (10, 11)
    assert packet.extension == (0xBEDE, b"\x10\xff\x00\x00")
    assert packet.payload == b"\xf8\xff\xfe\x00"
    assert RtpPacket.parse(packet.serialise()) == packet


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PLAIN[:11],
        b"\x40" + PLAIN[1:],  # version 1
        b"\x8f" + PLAIN[1:12],  # fifteen sources, none there
        b"\x90" + PLAIN[1:12],  # an extension, not there
        b"\x90" + PLAIN[1:12] + b"\xbe\xde\x00\x02" + bytes(4),  # longer than the packet
        b"\xa0" + PLAIN[1:12],  # the last byte of the header is no count of padding
        b"\xa0" + PLAIN[1:12] + b"\x00\x00",  # no padding at all
        b"\xa0" + PLAIN[1:12] + b"\x00\x09",  # more than there is
    ],
)
def test_rubbish_is_refused_with_the_documented_error(data: bytes) -> None:
    with pytest.raises(RtpError):
        RtpPacket.parse(data)


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        packet = RtpPacket.parse(data)
    except RtpError:
        return
    assert RtpPacket.parse(packet.serialise()) == packet


@pytest.mark.parametrize(
    "broken",
    [
        RtpPacket(128, 0, 0, 0, b""),
        RtpPacket(0, 65_536, 0, 0, b""),
        RtpPacket(0, 0, -1, 0, b""),
        RtpPacket(0, 0, 0, 2**32, b""),
        RtpPacket(0, 0, 0, 0, b"", csrc=tuple(range(16))),
        RtpPacket(0, 0, 0, 0, b"", csrc=(2**32,)),
        RtpPacket(0, 0, 0, 0, b"", extension=(0xBEDE, b"odd")),
    ],
)
def test_a_field_that_does_not_fit_is_not_written(broken: RtpPacket) -> None:
    with pytest.raises(RtpError):
        broken.serialise()


def test_counters_that_wrap_are_ahead_by_little() -> None:
    assert sequence_difference(2, 65_534) == 4
    assert sequence_difference(65_534, 2) == -4
    assert timestamp_difference(960, 2**32 - 960) == 1920
    assert timestamp_difference(2**32 - 960, 960) == -1920


@given(st.integers(0, 65_535), st.integers(-32_768, 32_767))
def test_a_sequence_difference_is_what_was_added(start: int, step: int) -> None:
    assert sequence_difference((start + step) & 0xFFFF, start) == step


@given(st.integers(0, 2**32 - 1), st.integers(-(2**31), 2**31 - 1))
def test_a_timestamp_difference_is_what_was_added(start: int, step: int) -> None:
    assert timestamp_difference((start + step) & 0xFFFFFFFF, start) == step
