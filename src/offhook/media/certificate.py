"""The certificate a process shows in DTLS, and the fingerprints by which it is recognised.

Sources: RFC 8827 section 6.5 (self-signed ECDSA P-256), RFC 8122 section 5 (fingerprints).
"""

import datetime
import hmac

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from offhook.wire.sdp import Fingerprint

# What libsrtp and every WebRTC peer have in common, cheapest first: AES-GCM needs one pass.
SRTP_PROFILES = (b"SRTP_AEAD_AES_128_GCM", b"SRTP_AES128_CM_SHA1_80")

_CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
    b"ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA"
)
_DTLS_1_2 = 0xFEFD
_LIFETIME = datetime.timedelta(days=365)

_DIGESTS: dict[str, type[hashes.HashAlgorithm]] = {
    "sha-256": hashes.SHA256,
    "sha-384": hashes.SHA384,
    "sha-512": hashes.SHA512,
}


def fingerprint_of(certificate: x509.Certificate, algorithm: str = "sha-256") -> Fingerprint:
    """The fingerprint of `certificate`. Raises KeyError for an algorithm that is not accepted."""
    digest = certificate.fingerprint(_DIGESTS[algorithm]())
    return Fingerprint(algorithm, digest.hex(":").upper())


def is_announced(certificate: x509.Certificate, announced: tuple[Fingerprint, ...]) -> bool:
    """Whether `certificate` is the one of the SDP: all fingerprints of accepted algorithms match.

    Compares in constant time. False if no fingerprint uses SHA-256 or better.
    """
    accepted = [f for f in announced if f.algorithm.lower() in _DIGESTS]
    matches = [
        hmac.compare_digest(
            fingerprint_of(certificate, f.algorithm.lower()).digest.encode(),
            f.digest.upper().encode("ascii", "replace"),
        )
        for f in accepted
    ]
    return bool(matches) and all(matches)


class Certificate:
    """A self-signed ECDSA P-256 certificate with its key. One serves all legs of a process."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self.certificate = certificate
        self.fingerprint = fingerprint_of(certificate)
        self._context = _context(key, certificate)

    @classmethod
    def generate(cls) -> "Certificate":
        """Make a new one, valid for a year. Its name says nothing about the machine."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "WebRTC")])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + _LIFETIME)
            .sign(key, hashes.SHA256())
        )
        return cls(key, certificate)

    def new_connection(self) -> SSL.Connection:
        """A DTLS connection over memory buffers that shows this certificate."""
        return SSL.Connection(self._context, None)


def _context(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> SSL.Context:
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_min_proto_version(_DTLS_1_2)
    context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_QUERY_MTU)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    # Any certificate passes here: the fingerprint in the SDP says which one is right (RFC 8827).
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
    context.set_cipher_list(_CIPHERS)
    context.use_certificate(certificate)
    context.use_privatekey(key)
    context.set_tlsext_use_srtp(b":".join(SRTP_PROFILES))
    return context
