"""What two sides agree on, for offers of browsers, of media servers and of our own."""

from dataclasses import replace
from pathlib import Path

import pytest

from offhook.wire.sdp import (
    AudioSection,
    Codec,
    Direction,
    Fingerprint,
    OtherSection,
    SdpError,
    SessionDescription,
    Setup,
    parse,
    render,
)
from offhook.wire.sdp.negotiation import (
    AudioFormat,
    LocalSide,
    build_answer,
    build_offer,
    mirrored,
    read_answer,
)

CAPTURES = Path(__file__).parents[1] / "captures" / "sdp"

ALICE = LocalSide(
    session_id=1001,
    version=1,
    ice_ufrag="alic",
    ice_pwd="alicesalicesalicesalices",
    candidates=("1 1 udp 2130706431 192.0.2.1 40000 typ host",),
    fingerprints=(Fingerprint("sha-256", ":".join(["AA"] * 32)),),
    ssrc=1001,
    cname="alice",
)
BOB = replace(ALICE, session_id=1002, ice_ufrag="bobs", ssrc=1002, cname="bob", ice_lite=True)


def captured(name: str) -> SessionDescription:
    return parse((CAPTURES / f"{name}.sdp").read_bytes().decode())


def with_audio(description: SessionDescription, **changes: object) -> SessionDescription:
    sections = tuple(
        replace(section, **changes) if isinstance(section, AudioSection) else section
        for section in description.sections
    )
    return replace(description, sections=sections)


def test_two_of_us_agree_on_opus_and_digits_and_on_who_starts_dtls() -> None:
    offer = parse(render(build_offer(ALICE)))
    answer, bobs = build_answer(offer, BOB)
    alices = read_answer(offer, parse(render(answer)))

    assert alices.format == bobs.format == AudioFormat(111, 110, 48000)
    assert (alices.setup, bobs.setup) == (Setup.PASSIVE, Setup.ACTIVE)
    assert alices.direction is bobs.direction is Direction.SENDRECV
    assert (alices.remote.ice_ufrag, alices.remote.ice_lite) == ("bobs", True)
    assert (bobs.remote.ice_ufrag, bobs.remote.ice_lite) == ("alic", False)
    assert bobs.remote.candidates == ALICE.candidates
    assert bobs.remote.fingerprints == ALICE.fingerprints


def test_our_offer_looks_as_a_browser_expects_it() -> None:
    lines = render(build_offer(BOB)).split("\r\n")

    assert lines[1].split()[1:3] == ["1002", "1"]
    assert "a=group:BUNDLE 0" in lines
    assert "a=ice-lite" in lines
    assert [line for line in lines if line.startswith("m=")] == [
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 110 126"
    ]
    assert {
        "a=mid:0",
        "a=setup:actpass",
        "a=rtcp-mux",
        "a=sendrecv",
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 minptime=10;useinbandfec=1",
        "a=rtpmap:110 telephone-event/48000",
        "a=rtpmap:126 telephone-event/8000",
        "a=ssrc:1002 cname:bob",
        "a=candidate:1 1 udp 2130706431 192.0.2.1 40000 typ host",
    } <= set(lines)


def test_a_browsers_offer_is_answered_with_its_own_payload_types_and_mid() -> None:
    answer, agreement = build_answer(captured("chromium_offer"), BOB)

    assert agreement.format == AudioFormat(111, 110, 48000)
    assert [codec.payload_type for codec in answer.audio.codecs] == [111, 110]
    assert (answer.audio.mid, answer.bundle) == ("0", ("0",))
    assert answer.audio.setup is Setup.ACTIVE


def test_a_media_servers_numbering_is_taken_over_and_no_mid_is_made_up() -> None:
    answer, agreement = build_answer(captured("media_server_ice_lite_offer"), ALICE)

    assert agreement.format == AudioFormat(99, 101, 8000)
    assert agreement.remote.ice_lite
    assert (answer.audio.mid, answer.bundle) == (None, ())
    assert not answer.audio.rtcp_rsize


def test_a_browsers_answer_to_our_offer_is_read() -> None:
    agreement = read_answer(build_offer(BOB), captured("chromium_answer"))

    assert agreement.format == AudioFormat(111, 110, 48000)
    assert agreement.setup is Setup.PASSIVE


def test_video_and_data_are_refused_in_their_place() -> None:
    offer = captured("chromium_audio_video_data_offer")
    answer, _ = build_answer(offer, ALICE)

    assert [
        (section.kind, section.port, section.mid)
        for section in answer.sections
        if isinstance(section, OtherSection)
    ] == [("video", 0, "1"), ("application", 0, "2")]
    assert answer.bundle == ("0",)
    assert len(parse(render(answer)).sections) == 3


def test_without_telephone_events_there_are_none() -> None:
    offer = with_audio(build_offer(ALICE), codecs=(Codec(96, "OPUS", 48000, 2),))

    _, agreement = build_answer(offer, BOB)

    assert agreement.format == AudioFormat(96, None)


@pytest.mark.parametrize(
    ("theirs", "wished", "ours"),
    [
        ("sendrecv", "sendrecv", "sendrecv"),
        ("sendrecv", "inactive", "inactive"),
        ("sendonly", "sendrecv", "recvonly"),
        ("recvonly", "sendrecv", "sendonly"),
        ("inactive", "sendrecv", "inactive"),
        ("sendonly", "sendonly", "inactive"),
    ],
)
def test_audio_flows_only_where_both_sides_want_it(theirs: str, wished: str, ours: str) -> None:
    offer = with_audio(build_offer(ALICE), direction=Direction(theirs))

    answer, agreement = build_answer(offer, BOB, direction=Direction(wished))

    assert agreement.direction is answer.audio.direction is Direction(ours)
    assert mirrored(Direction(theirs), Direction(wished)) is Direction(ours)


def test_a_held_leg_reads_as_inactive_on_both_sides() -> None:
    offer = build_offer(ALICE)
    answer, _ = build_answer(offer, BOB, direction=Direction.INACTIVE)

    assert read_answer(offer, answer).direction is Direction.INACTIVE


@pytest.mark.parametrize("role", [Setup.ACTIVE, Setup.PASSIVE])
def test_a_renegotiation_keeps_the_dtls_role(role: Setup) -> None:
    answer, agreement = build_answer(build_offer(ALICE), BOB, setup=role)

    assert agreement.setup is answer.audio.setup is role


def test_an_offer_that_would_turn_the_dtls_roles_round_is_refused() -> None:
    offer = with_audio(build_offer(ALICE), setup=Setup.ACTIVE)

    assert build_answer(offer, BOB)[1].setup is Setup.PASSIVE
    with pytest.raises(SdpError, match="who started"):
        build_answer(offer, BOB, setup=Setup.ACTIVE)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"codecs": (Codec(0, "PCMU", 8000),)}, "Opus"),
        ({"port": 0}, "refuses audio"),
        ({"protocol": "RTP/AVP"}, "not secure"),
        ({"ice_ufrag": None}, "ICE credentials"),
        ({"ice_pwd": None}, "ICE credentials"),
        ({"fingerprints": ()}, "fingerprint"),
        ({"rtcp_mux": False}, "rtcp-mux"),
        ({"setup": Setup.HOLDCONN}, "holdconn"),
    ],
)
def test_an_offer_that_cannot_become_a_call_is_refused_with_a_sentence(
    changes: dict[str, object], said: str
) -> None:
    with pytest.raises(SdpError, match=said):
        build_answer(with_audio(build_offer(ALICE), **changes), BOB)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"codecs": (Codec(0, "PCMU", 8000),)}, "Opus"),
        ({"port": 0}, "refuses audio"),
        ({"setup": Setup.ACTPASS}, "setup:active"),
        ({"setup": None}, "setup:active"),
        ({"fingerprints": ()}, "fingerprint"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_with_a_sentence(
    changes: dict[str, object], said: str
) -> None:
    offer = build_offer(ALICE)
    answer, _ = build_answer(offer, BOB)

    with pytest.raises(SdpError, match=said):
        read_answer(offer, with_audio(answer, **changes))


def test_an_answer_must_have_as_many_sections_as_the_offer() -> None:
    offer = build_offer(ALICE)
    answer, _ = build_answer(offer, BOB)
    more = replace(answer, sections=(*answer.sections, OtherSection("video", 0, "RTP/SAVPF", "96")))

    with pytest.raises(SdpError, match="as many sections"):
        read_answer(offer, more)
