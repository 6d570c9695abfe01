"""Reports as bytes, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.engine.rtp.packet import RtpError
from offhook.engine.rtp.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    SourceDescription,
    parse_rtcp,
    serialise_rtcp,
)

BLOCK = ReportBlock(
    ssrc=9,
    fraction_lost=64,
    cumulative_lost=-2,
    highest_sequence=0x0001FFFE,
    jitter=48,
    last_sender_report=0x22223333,
    delay_since=65_536,
)
BLOCK_BYTES = bytes.fromhex("00000009 40fffffe 0001fffe 00000030 22223333 00010000")
SENDER_BYTES = (
    bytes.fromhex("81c8000c 00000007 11112222 33334444 000003c0 00000005 000001f4") + BLOCK_BYTES
)
RECEIVER_BYTES = bytes.fromhex("81c90007 00000007") + BLOCK_BYTES
NAME_BYTES = bytes.fromhex("81ca0003 00000007 0105") + b"alice\x00"
GOODBYE_BYTES = bytes.fromhex("81cb0002 00000007 03") + b"end"

SENDER = SenderReport(7, 0x1111222233334444, 960, 5, 500, (BLOCK,))


@pytest.mark.parametrize(
    ("data", "packet"),
    [
        (SENDER_BYTES, SENDER),
        (RECEIVER_BYTES, ReceiverReport(7, (BLOCK,))),
        (NAME_BYTES, SourceDescription(((7, "alice"),))),
        (GOODBYE_BYTES, Goodbye((7,), "end")),
        (bytes.fromhex("81cb0001 00000007"), Goodbye((7,))),
        (bytes.fromhex("80c90001 00000007"), ReceiverReport(7)),
    ],
)
def test_each_kind_is_read_and_written_as_the_rfc_draws_it(data: bytes, packet: object) -> None:
    assert parse_rtcp(data) == [packet]
    assert serialise_rtcp([packet]) == data  # type: ignore[list-item]


def test_a_compound_packet_is_read_in_order_and_strangers_are_passed_over() -> None:
    feedback = bytes.fromhex("81cd0003 00000007 00000009 ffff0000")
    packets = parse_rtcp(SENDER_BYTES + feedback + NAME_BYTES + GOODBYE_BYTES)
    assert [type(each).__name__ for each in packets] == [
        "SenderReport",
        "SourceDescription",
        "Goodbye",
    ]


def test_other_items_of_a_description_do_not_disturb_the_name() -> None:
    data = bytes.fromhex("81ca0005 00000007 0604") + b"tool" + bytes.fromhex("0105") + b"alice\x00"
    data += b"\x00" * (4 * 6 - len(data))
    assert parse_rtcp(data) == [SourceDescription(((7, "alice"),))]


def test_padding_is_taken_off() -> None:
    padded = bytes.fromhex("a1cb0002 00000007 00000004")
    assert parse_rtcp(padded) == [Goodbye((7,))]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        SENDER_BYTES[:3],
        SENDER_BYTES[:-1],
        b"\x41" + SENDER_BYTES[1:],
        bytes.fromhex("80c80000"),  # a sender's report without a sender
        bytes.fromhex("81c90001 00000007"),  # one block, none there
        bytes.fromhex("81ca0002 00000007 01ff6161"),  # a name longer than the packet
        bytes.fromhex("81ca0001 00000007"),  # a source without its end
        bytes.fromhex("a1cb0001 00000009"),  # more padding than packet
        bytes.fromhex("806f0001 00000007"),  # RTP
    ],
)
def test_rubbish_is_refused_with_the_documented_error(data: bytes) -> None:
    with pytest.raises(RtpError):
        parse_rtcp(data)


@given(
    st.one_of(
        st.binary(max_size=60),
        st.builds(
            lambda head, count, words, body: (
                bytes([0x80 | count, head, 0, words]) + body[: 4 * words].ljust(4 * words, b"\1")
            ),
            st.integers(200, 204),
            st.integers(0, 3),
            st.integers(0, 12),
            st.binary(max_size=48),
        ),
    )
)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        packets = parse_rtcp(data)
    except RtpError:
        return
    assert len(packets) <= len(data) // 4


@pytest.mark.parametrize(
    "packet",
    [
        SenderReport(2**32, 0, 0, 0, 0),
        ReceiverReport(7, (BLOCK,) * 32),
        SourceDescription(((7, "x" * 256),)),
        Goodbye((-1,)),
    ],
)
def test_a_field_that_does_not_fit_is_not_written(packet: object) -> None:
    with pytest.raises(RtpError):
        serialise_rtcp([packet])  # type: ignore[list-item]
