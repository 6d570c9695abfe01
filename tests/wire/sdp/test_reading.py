"""Session descriptions as browsers, the official client and media servers write them."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from aioice import Candidate
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.wire.sdp import (
    AudioSection,
    Codec,
    Direction,
    Fingerprint,
    HeaderExtension,
    OtherSection,
    SdpError,
    SessionDescription,
    Setup,
    parse,
    render,
)

CAPTURES = Path(__file__).parents[1] / "captures" / "sdp"
NAMES = sorted(file.stem for file in CAPTURES.glob("*.sdp"))


def read(name: str) -> str:
    return (CAPTURES / f"{name}.sdp").read_bytes().decode()


def changed(name: str, old: str, new: str) -> str:
    text = read(name)
    assert old in text
    return text.replace(old, new)


def test_a_browsers_offer_is_understood_in_full() -> None:
    offer = parse(read("chromium_offer"))

    assert (offer.session_id, offer.version) == (5493850270439236077, 2)
    assert (offer.bundle, offer.ice_lite) == (("0",), False)
    audio = offer.audio
    assert (audio.port, audio.protocol, audio.address) == (
        52888,
        "UDP/TLS/RTP/SAVPF",
        "192.0.2.2",
    )
    assert [(c.payload_type, c.name, c.clock_rate, c.channels) for c in audio.codecs] == [
        (111, "opus", 48000, 2),
        (63, "red", 48000, 2),
        (9, "G722", 8000, 1),
        (0, "PCMU", 8000, 1),
        (8, "PCMA", 8000, 1),
        (13, "CN", 8000, 1),
        (110, "telephone-event", 48000, 1),
        (126, "telephone-event", 8000, 1),
    ]
    assert audio.codecs[0].parameters == "minptime=10;useinbandfec=1"
    assert (audio.ice_ufrag, audio.ice_pwd) == ("ctnb", "rBwGzdJsluulG031RCdmM6pw")
    assert audio.ice_options == ("trickle",)
    assert len(audio.candidates) == 4
    assert audio.fingerprints[0].algorithm == "sha-256"
    assert audio.fingerprints[0].digest.startswith("41:71:FA:E0")
    assert (audio.setup, audio.mid, audio.direction) == (Setup.ACTPASS, "0", Direction.SENDRECV)
    assert audio.extensions[0] == HeaderExtension(1, "urn:ietf:params:rtp-hdrext:ssrc-audio-level")
    assert (audio.rtcp_mux, audio.rtcp_rsize) == (True, True)
    assert (audio.ssrc, audio.cname) == (3574028769, "0bXAj2LnAudjLHlY")


def test_the_official_clients_port_0_with_candidates_means_a_live_section() -> None:
    """It writes that when the browser hides its addresses behind mDNS names."""
    audio = parse(read("official_client_mdns_offer")).audio

    assert (audio.port, audio.is_rejected) == (9, False)
    assert audio.candidates[0].split()[4].endswith(".local")


def test_port_0_without_candidates_is_a_refusal() -> None:
    lines = read("official_client_mdns_offer").split("\n")
    text = "\n".join(line for line in lines if not line.startswith("a=candidate"))

    assert parse(text).audio.is_rejected


def test_a_media_servers_lite_offer_has_neither_mid_nor_group() -> None:
    offer = parse(read("media_server_ice_lite_offer"))

    assert offer.ice_lite
    assert (offer.bundle, offer.audio.mid) == ((), None)
    assert (offer.audio.ptime, offer.audio.address) == (20, "203.0.113.10")


def test_sections_other_than_audio_keep_their_place() -> None:
    offer = parse(read("chromium_audio_video_data_offer"))

    assert [type(section) for section in offer.sections] == [
        AudioSection,
        OtherSection,
        OtherSection,
    ]
    video = offer.sections[1]
    assert isinstance(video, OtherSection)
    assert (video.kind, video.mid, video.rejected().port) == ("video", "1", 0)


@pytest.mark.parametrize("name", NAMES)
def test_line_ends_do_not_matter(name: str) -> None:
    unix = read(name).replace("\r\n", "\n")

    assert parse(unix) == parse(unix.replace("\n", "\r\n")) == parse(unix.rstrip("\n"))


@pytest.mark.parametrize("name", NAMES)
def test_what_was_read_is_written_so_that_it_reads_the_same(name: str) -> None:
    description = parse(read(name))

    assert parse(render(description)) == description
    assert parse(render(description, "\n")) == description


@pytest.mark.parametrize("name", NAMES)
def test_every_candidate_can_be_handed_to_ice(name: str) -> None:
    for candidate in parse(read(name)).audio.candidates:
        assert Candidate.from_sdp(candidate).to_sdp().split()[:8] == candidate.split()[:8]


@pytest.mark.parametrize(
    "line",
    [
        "a=inactive",
        "a=setup:passive",
        "a=ice-ufrag:sess",
        "a=fingerprint:sha-256 " + ":".join(["0a"] * 32),
    ],
)
def test_attributes_of_the_session_hold_for_its_audio(line: str) -> None:
    name = line.removeprefix("a=").partition(":")[0]
    lines = read("chromium_offer").split("\n")
    gone = ("a=sendrecv", f"a={name}")
    text = "\n".join(other for other in lines if not other.startswith(gone))

    audio = parse(text.replace("t=0 0\n", f"t=0 0\n{line}\n")).audio

    assert {
        "inactive": audio.direction is Direction.INACTIVE,
        "setup": audio.setup is Setup.PASSIVE,
        "ice-ufrag": audio.ice_ufrag == "sess",
        "fingerprint": audio.fingerprints == (Fingerprint("sha-256", ":".join(["0A"] * 32)),),
    }[name]


def test_payload_types_that_need_no_rtpmap_are_known() -> None:
    lines = read("chromium_offer").split("\n")
    text = "\n".join(line for line in lines if not line.startswith("a=rtpmap:0 "))

    assert Codec(0, "PCMU", 8000) in parse(text).audio.codecs


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("v=0", "v=1", "v=0"),
        ("o=- 5493850270439236077 2 IN", "o=- abc 2 IN", "session id"),
        ("o=- 5493850270439236077 2 IN IP4 127.0.0.1", "o=-", "o= line"),
        ("s=-", "hello", "not a line"),
        ("s=-", "s=\x00", "not a line"),
        ("m=audio 52888", "m=audio 65536", "port"),
        ("m=audio 52888", "m=audio many", "port"),
        ("m=audio", "m=video", "no audio"),
        ("SAVPF 111 63", "SAVPF 111 128", "payload type"),
        ("a=rtpmap:111 opus/48000/2", "a=rtpmap:111", "rtpmap"),
        ("a=rtpmap:111 opus/48000/2", "a=rtpmap:111 opus/fast", "clock rate"),
        ("a=setup:actpass", "a=setup:maybe", "setup"),
        ("a=ice-pwd:", "a=ice-pwd:ü", "ice-pwd"),
        ("a=fingerprint:sha-256 41", "a=fingerprint:sha-256 4", "fingerprint"),
        ("1 udp 2122194687", "1 udp high", "candidate"),
        ("52888 typ host", "99999 typ host", "candidate port"),
        ("52888 typ host generation 0", "52888 typ host generation z", "candidate generation"),
        ("52888 typ host generation", "52888 typ srflx rport z raddr", "candidate rport"),
        ("a=extmap:1 ", "a=extmap:one ", "extmap"),
        ("a=ssrc:3574028769 cname", "a=ssrc:99999999999 cname", "ssrc"),
        ("a=mid:0", "a=mid:a b", "mid"),
        ("c=IN IP4 192.0.2.2", "c=192.0.2.2", "connection"),
    ],
)
def test_a_description_that_makes_no_sense_is_refused_with_a_sentence(
    old: str, new: str, said: str
) -> None:
    with pytest.raises(SdpError, match=rf"{said}.*\.$"):
        parse(changed("chromium_offer", old, new))


def test_errors_do_not_repeat_the_secrets_of_a_description() -> None:
    text = changed("chromium_offer", "a=ice-pwd:rBwGzdJsluulG031RCdmM6pw", "a=ice-pwd:secret word")

    with pytest.raises(SdpError) as refused:
        parse(text)

    assert "secret" not in str(refused.value)


def test_a_flood_of_lines_is_refused_before_it_is_read() -> None:
    with pytest.raises(SdpError, match="longer than"):
        parse(read("chromium_offer") + "a=candidate:x\n" * 10000)


def test_nobody_can_smuggle_a_line_through_a_value() -> None:
    description = parse(read("chromium_offer"))
    poisoned = replace(description.audio, cname="a\r\na=inactive")

    with pytest.raises(SdpError, match="line break"):
        render(replace(description, sections=(poisoned,)))


# --- every description, and any text ------------------------------------------------------------

TOKEN = st.text("abcXYZ019-.", min_size=1, max_size=12)
ICE_TEXT = st.text("abcXYZ019+/", min_size=4, max_size=32)
PORT = st.integers(1, 65535)
CODECS = st.lists(
    st.builds(
        Codec,
        st.integers(96, 127),
        TOKEN,
        st.sampled_from([8000, 16000, 48000]),
        st.integers(1, 2),
        st.sampled_from(["", "minptime=10;useinbandfec=1", "0-15"]),
    ),
    min_size=1,
    unique_by=lambda codec: codec.payload_type,
).map(tuple)
CANDIDATES = st.lists(
    st.builds(
        "{} 1 {} {} {} {} typ {}".format,
        TOKEN,
        st.sampled_from(["udp", "TCP"]),
        st.integers(0, 2**31 - 1),
        st.ip_addresses(),
        st.integers(0, 65535),
        st.sampled_from(["host", "srflx raddr 10.0.0.1 rport 9", "host tcptype active"]),
    )
).map(tuple)
DIGEST = st.binary(min_size=32, max_size=32).map(lambda raw: raw.hex(":").upper())
AUDIO = st.builds(
    AudioSection,
    codecs=CODECS,
    port=PORT,
    address=st.ip_addresses().map(str),
    mid=st.none() | TOKEN,
    direction=st.sampled_from(Direction),
    rtcp_mux=st.booleans(),
    rtcp_rsize=st.booleans(),
    ice_ufrag=st.none() | ICE_TEXT,
    ice_pwd=st.none() | ICE_TEXT,
    ice_options=st.lists(TOKEN, max_size=2).map(tuple),
    candidates=CANDIDATES,
    end_of_candidates=st.booleans(),
    fingerprints=st.lists(st.builds(Fingerprint, st.just("sha-256"), DIGEST)).map(tuple),
    setup=st.none() | st.sampled_from(Setup),
    extensions=st.lists(
        st.builds(HeaderExtension, st.integers(1, 14), TOKEN.map(lambda name: f"urn:{name}"))
    ).map(tuple),
    ptime=st.none() | st.integers(0, 120),
    maxptime=st.none() | st.integers(0, 120),
    ssrc=st.just(7),
    cname=st.none() | TOKEN,
    msid=st.none() | TOKEN,
)
OTHERS = st.lists(
    st.builds(
        OtherSection,
        st.sampled_from(["video", "application"]),
        st.integers(0, 65535),
        st.sampled_from(["UDP/TLS/RTP/SAVPF", "UDP/DTLS/SCTP"]),
        st.sampled_from(["96 97", "webrtc-datachannel"]),
        st.none() | TOKEN,
    ),
    max_size=2,
)
DESCRIPTIONS = st.builds(
    lambda audio, before, after, numbers, bundle, lite: SessionDescription(
        *numbers, (*before, audio, *after), bundle, lite
    ),
    AUDIO,
    OTHERS,
    OTHERS,
    st.tuples(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1)),
    st.lists(TOKEN, max_size=3).map(tuple),
    st.booleans(),
)


@given(DESCRIPTIONS, st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=150, deadline=None)
def test_every_description_survives_the_round_trip(
    description: SessionDescription, newline: str
) -> None:
    assert parse(render(description, newline)) == description


LINES = st.lists(
    st.one_of(
        st.sampled_from(sorted({line for name in NAMES for line in read(name).splitlines()})),
        st.text(max_size=40),
        st.builds(
            "a={}:{}".format,
            st.sampled_from(
                ["candidate", "rtpmap", "fmtp", "extmap", "ssrc", "fingerprint", "group", "mid"]
            ),
            st.text(max_size=40),
        ),
    ),
    max_size=30,
)


@given(st.text() | LINES.map("\n".join) | LINES.map(lambda ls: "\n".join(["v=0", *ls])))
@settings(max_examples=400, deadline=None)
def test_reading_any_text_fails_in_one_way_only(text: str) -> None:
    with suppress(SdpError):
        for candidate in parse(text).audio.candidates:
            Candidate.from_sdp(candidate)
