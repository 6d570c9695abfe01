"""A certificate authority of this machine's own, for https without anybody's help."""

import datetime
import ipaddress
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from offhook.serving.address import ConfigError

_CA_DAYS = 3650
_SERVER_DAYS = 365
_RENEW_DAYS = 30
_LONGEST_NAME = 253


class TlsError(ConfigError):
    """There is no place for the certificate; the message says where and what to do."""


@dataclass(frozen=True, slots=True)
class LocalTls:
    """PEM files: the authority that clients must trust, and the server's chain and key."""

    ca: Path
    certificate: Path
    key: Path


def local_tls(folder: Path, hosts: Sequence[str]) -> LocalTls:
    """The files in `folder`, made or renewed where needed, valid for `hosts` and loopback.

    The authority stays the same for as long as it lasts, since clients were told to trust it.
    Raises TlsError if the folder cannot be used.
    """
    files = LocalTls(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    names = sorted({*hosts, "localhost", "127.0.0.1", "::1", *_own_name()})
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        authority = _stored_pair(files.ca, folder / "ca.key")
        if authority is None:
            key = ec.generate_private_key(ec.SECP256R1())
            authority = (_authority(key), key)
            _write(folder / "ca.key", _key_pem(key), secret=True)
            _write(files.ca, _pem(authority[0]))
        if not _serves(_stored_pair(files.certificate, files.key), authority[0], names):
            key = ec.generate_private_key(ec.SECP256R1())
            chain = (_server(key, names, *authority), authority[0])
            _write(files.key, _key_pem(key), secret=True)
            _write(files.certificate, b"".join(map(_pem, chain)))
    except OSError as error:
        raise TlsError(
            f"The certificate cannot be kept in {folder}: {error.strerror}. Make the folder "
            "writable, or give TLS files of your own."
        ) from error
    return files


_Pair = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def _stored_pair(certificate_path: Path, key_path: Path) -> _Pair | None:
    """A certificate that lasts for a while yet and the key to it, or None to make them anew."""
    try:
        certificate = x509.load_pem_x509_certificate(certificate_path.read_bytes())
        key = serialization.load_pem_private_key(key_path.read_bytes(), None)
    except (FileNotFoundError, ValueError, TypeError):
        return None  # Not there yet, half written, or damaged.
    soon = _now() + datetime.timedelta(days=_RENEW_DAYS)
    if (
        isinstance(key, ec.EllipticCurvePrivateKey)
        and certificate.public_key() == key.public_key()
        and certificate.not_valid_after_utc > soon
    ):
        return certificate, key
    return None


def _serves(pair: _Pair | None, authority: x509.Certificate, names: Sequence[str]) -> bool:
    if pair is None:
        return False
    try:
        pair[0].verify_directly_issued_by(authority)
        extension = pair[0].extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (ValueError, InvalidSignature, x509.ExtensionNotFound):
        return False
    covered = {str(each.value) for each in extension.value}
    return set(names) <= covered


def _own_name() -> list[str]:
    name = socket.gethostname()
    return [name] if name.isascii() and 0 < len(name) <= _LONGEST_NAME else []


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Offhook local authority")])
    return (
        _builder(name, name, key.public_key(), _CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=True,
                crl_sign=True,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _server(
    key: ec.EllipticCurvePrivateKey,
    names: list[str],
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Offhook")])
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    return (
        _builder(subject, ca.subject, key.public_key(), _SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([_name(each) for each in names]), critical=False)
        .add_extension(usage, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_now() - datetime.timedelta(hours=1))
        .not_valid_after(_now() + datetime.timedelta(days=days))
    )


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write(path: Path, content: bytes, *, secret: bool = False) -> None:
    """Replace a file at once, so that it is never half written."""
    temporary = path.with_suffix(path.suffix + ".new")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    temporary.replace(path)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
