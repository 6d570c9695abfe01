"""SRTP for the two directions of a leg, keyed by a DTLS handshake (RFC 3711, 5764, 7714).

libsrtp works in place on a `Scratch`, through the binding of pylibsrtp: its own methods would copy
each packet in and out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pylibsrtp
from pylibsrtp._binding import lib

from offhook.media.scratch import Scratch

# Packets by which one may come later than those sent after it: more than 2 s of voice.
_WINDOW = 128


@dataclass(frozen=True, slots=True)
class SrtpProfile:
    """One protection profile: libsrtp's number, lengths of master key and salt in bytes."""

    libsrtp: int
    key_length: int
    salt_length: int

    @property
    def material_length(self) -> int:
        """Bytes of keying material that both directions need together."""
        return 2 * (self.key_length + self.salt_length)


_PROFILES = {
    b"SRTP_AEAD_AES_128_GCM": SrtpProfile(
        libsrtp=pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM, key_length=16, salt_length=12
    ),
    b"SRTP_AES128_CM_SHA1_80": SrtpProfile(
        libsrtp=pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80, key_length=16, salt_length=14
    ),
}


def profile_named(name: bytes) -> SrtpProfile | None:
    """The profile that DTLS negotiated by its OpenSSL name, None if there is none in common."""
    return _PROFILES.get(name)


@dataclass(frozen=True, slots=True)
class SrtpKeys:
    """Master key followed by master salt, of what we send and of what we receive."""

    profile: SrtpProfile
    send: bytes
    receive: bytes

    @classmethod
    def from_material(cls, profile: SrtpProfile, material: bytes, *, client: bool) -> "SrtpKeys":
        """Cut the exporter's output as RFC 5764 section 4.2 lays it out: keys, then salts."""
        key, salt = profile.key_length, profile.salt_length
        ours_of_client = material[:key] + material[2 * key : 2 * key + salt]
        ours_of_server = material[key : 2 * key] + material[2 * key + salt :]
        if client:
            return cls(profile, send=ours_of_client, receive=ours_of_server)
        return cls(profile, send=ours_of_server, receive=ours_of_client)


class Outbound:
    """Protects what we send: the packet in the scratch, in place.

    `protect` and `protect_rtcp` return 0, or libsrtp's number for why they could not.
    """

    __slots__ = ("_session", "protect", "protect_rtcp")

    def __init__(self, keys: SrtpKeys, scratch: Scratch) -> None:
        self._session = _session(keys, keys.send, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        self.protect = _in_place(lib.srtp_protect, self._session, scratch)
        self.protect_rtcp = _in_place(lib.srtp_protect_rtcp, self._session, scratch)


class Inbound:
    """Checks and decrypts what we receive: the packet in the scratch, in place.

    `unprotect` and `unprotect_rtcp` return 0, or libsrtp's number for why they could not: the
    packet is forged, repeated or too old.
    """

    __slots__ = ("_session", "unprotect", "unprotect_rtcp")

    def __init__(self, keys: SrtpKeys, scratch: Scratch) -> None:
        self._session = _session(keys, keys.receive, pylibsrtp.Policy.SSRC_ANY_INBOUND)
        self.unprotect = _in_place(lib.srtp_unprotect, self._session, scratch)
        self.unprotect_rtcp = _in_place(lib.srtp_unprotect_rtcp, self._session, scratch)


def _in_place(
    function: Callable[..., int], session: pylibsrtp.Session, scratch: Scratch
) -> Callable[[], int]:
    return partial(function, session._srtp[0], scratch.data, scratch.length)


def _session(keys: SrtpKeys, key: bytes, kind: int) -> pylibsrtp.Session:
    policy = pylibsrtp.Policy(key=key, ssrc_type=kind, srtp_profile=keys.profile.libsrtp)
    policy.window_size = _WINDOW
    return pylibsrtp.Session(policy)
