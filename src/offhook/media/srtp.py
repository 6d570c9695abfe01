"""SRTP for the two directions of a leg, keyed by a DTLS handshake (RFC 3711, 5764, 7714)."""

from dataclasses import dataclass

import pylibsrtp

# A relay may forward packets as late as this many packets after newer ones.
_WINDOW = 1024


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


def outbound_session(keys: SrtpKeys) -> pylibsrtp.Session:
    """Protects what we send. `protect` takes `bytes` of at most 1356 bytes."""
    policy = pylibsrtp.Policy(
        key=keys.send,
        ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND,
        srtp_profile=keys.profile.libsrtp,
    )
    policy.window_size = _WINDOW
    return pylibsrtp.Session(policy)


def inbound_session(keys: SrtpKeys) -> pylibsrtp.Session:
    """Checks and decrypts what we receive; a repeated or forged packet raises pylibsrtp.Error."""
    policy = pylibsrtp.Policy(
        key=keys.receive,
        ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND,
        srtp_profile=keys.profile.libsrtp,
    )
    policy.window_size = _WINDOW
    return pylibsrtp.Session(policy)
