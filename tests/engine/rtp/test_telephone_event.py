"""Digits on their way: each arrives exactly once, whatever is lost or repeated."""

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.engine.rtp.telephone_event import (
    EVENTS,
    EventPacket,
    EventReceiver,
    EventSender,
    InvalidDigitError,
)

FRAME = 960


def sent(digits: str, rate: int = 48_000, start: int = 5000) -> list[EventPacket | None]:
    """What goes out for `digits`, one item for each 20 ms."""
    sender = EventSender(rate)
    sender.send(digits)
    packets = []
    timestamp = start
    while sender.busy:
        packets.append(sender.packet(timestamp))
        timestamp = (timestamp + FRAME) & 0xFFFFFFFF
    return packets


def heard(packets: list[EventPacket]) -> str:
    receiver = EventReceiver()
    digits = (receiver.receive(each.payload, each.timestamp) for each in packets)
    return "".join(digit for digit in digits if digit is not None)


def test_a_digit_is_sent_as_the_rfc_has_it() -> None:
    packets = sent("5")
    event = [each for each in packets if each is not None]
    fields = [struct.unpack("!BBH", each.payload) for each in event]
    assert {code for code, _, _ in fields} == {5}
    assert [duration for _, _, duration in fields] == [
        *range(960, 8 * 960 + 1, 960),
        8 * 960,
        8 * 960,
    ]
    assert [bool(flags & 0x80) for _, flags, _ in fields] == [False] * 7 + [True] * 3
    assert {flags & 0x3F for _, flags, _ in fields} == {10}
    assert [each.first for each in event] == [True] + [False] * 9
    assert {each.timestamp for each in event} == {5000}


def test_between_two_digits_is_a_pause_long_enough_to_hear_two() -> None:
    packets = sent("11")
    first_end = max(
        place for place, each in enumerate(packets) if each is not None and each.timestamp == 5000
    )
    second = next(
        place for place, each in enumerate(packets) if each is not None and each.timestamp != 5000
    )
    # The tone is over with the first of the three end packets.
    assert (second - (first_end - 2) - 1) * 20 == 120


def test_durations_count_in_the_clock_of_the_payload_type() -> None:
    event = [each for each in sent("0", rate=8000) if each is not None]
    assert [struct.unpack("!BBH", each.payload)[2] for each in event][:3] == [160, 320, 480]


def test_all_sixteen_keys_go_through_small_letters_too() -> None:
    assert heard([each for each in sent("0123456789*#abcd") if each]) == EVENTS


@pytest.mark.parametrize("digits", ["12x", "1 2", "+49", "٣", "ß", "1\n"])
def test_what_is_no_key_is_refused_and_nothing_of_it_is_sent(digits: str) -> None:
    sender = EventSender(48_000)
    with pytest.raises(InvalidDigitError):
        sender.send(digits)
    assert not sender.busy


def test_what_was_to_be_sent_can_be_forgotten() -> None:
    sender = EventSender(48_000)
    sender.send("123")
    sender.packet(0)
    sender.clear()
    assert not sender.busy
    assert sender.packet(960) is None


@given(
    st.text("0123456789*#ABCD", min_size=1, max_size=12),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32),
    st.sampled_from([8000, 48_000]),
)
def test_each_digit_arrives_once_if_one_packet_of_it_does(
    digits: str, start: int, seed: int, rate: int
) -> None:
    chance = random.Random(seed)
    by_event: dict[int, list[EventPacket]] = {}
    for packet in sent(digits, rate, start):
        if packet is not None:
            by_event.setdefault(packet.timestamp, []).append(packet)
    arriving = []
    for packets in by_event.values():
        survivors = [each for each in packets if chance.random() < 0.3] or [chance.choice(packets)]
        arriving += [each for each in survivors for _ in range(chance.choice([1, 1, 2]))]
    late = [arriving[-1]] * 3
    # Packets that overtake each other by a place or two, within a digit and at its edges.
    places = sorted(range(len(arriving)), key=lambda place: place + chance.uniform(0, 0.9))
    assert heard([arriving[place] for place in places] + late) == digits


def test_a_key_held_down_for_seconds_is_one_digit() -> None:
    """A browser sends an event longer than 16 bits can tell in segments."""
    packets = []
    timestamp, duration = 70_000, 0
    for step in range(1, 6 * 50):
        duration += FRAME
        if duration > 0xFFFF:
            packets.append(EventPacket(struct.pack("!BBH", 3, 10, 0xFFFF), False, timestamp))
            timestamp += duration
            duration = 0
            continue
        end = 0x80 if step >= 297 else 0
        packets.append(EventPacket(struct.pack("!BBH", 3, end | 10, duration), False, timestamp))
    assert heard(packets) == "3"
    assert heard(packets[::2]) == "3"
    again = [EventPacket(each.payload, each.first, each.timestamp + 400_000) for each in packets]
    assert heard(packets + again) == "33"


def test_the_same_key_again_is_another_digit_even_if_the_end_of_the_first_was_lost() -> None:
    events = [each for each in sent("77") if each is not None]
    first = [each for each in events if each.timestamp == events[0].timestamp]
    second = [each for each in events if each.timestamp != events[0].timestamp]
    assert heard(first[:-3] + second) == "77"


def test_the_same_key_again_is_another_digit_even_if_it_was_held_long_before() -> None:
    first = [
        EventPacket(struct.pack("!BBH", 7, 0x80 if step > 40 else 10, step * 960), False, 5000)
        for step in range(1, 44)
    ]
    second = EventPacket(struct.pack("!BBH", 7, 10, 960), True, 5000 + 50 * 960)
    assert heard([*first, second]) == "77"


def test_what_is_no_digit_is_passed_over() -> None:
    receiver = EventReceiver()
    assert receiver.receive(b"", 0) is None
    assert receiver.receive(b"\x01\x0a\x03", 0) is None
    assert receiver.receive(struct.pack("!BBH", 16, 10, 960), 960) is None  # hook flash
    assert receiver.receive(struct.pack("!BBH", 255, 10, 960), 960) is None
