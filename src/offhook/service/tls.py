"""A certificate authority of this machine's own, for https without anybody's help."""

import datetime
import ipaddress
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_CA_DAYS = 3650
_SERVER_DAYS = 365
_RENEW_DAYS = 30


@dataclass(frozen=True, slots=True)
class LocalTls:
    """PEM files: the authority that clients must trust, and the server's chain and key."""

    ca: Path
    certificate: Path
    key: Path


def local_tls(folder: Path, hosts: list[str]) -> LocalTls:
    """The files in `folder`, made or renewed where needed, valid for `hosts` and loopback."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    tls = LocalTls(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    ca_key_path = folder / "ca.key"
    names = sorted({*hosts, "localhost", "127.0.0.1", "::1", socket.gethostname()})
    if not (tls.ca.exists() and ca_key_path.exists()):
        ca_key = ec.generate_private_key(ec.SECP256R1())
        ca = _authority(ca_key)
        _write(ca_key_path, _key_pem(ca_key))
        _write(tls.ca, ca.public_bytes(serialization.Encoding.PEM))
        tls.certificate.unlink(missing_ok=True)
    if not _serves(tls, names):
        ca = x509.load_pem_x509_certificate(tls.ca.read_bytes())
        signer = serialization.load_pem_private_key(ca_key_path.read_bytes(), None)
        if not isinstance(signer, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{ca_key_path} is not the key of this authority.")
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _server(key, names, ca, signer)
        _write(tls.key, _key_pem(key))
        chain = certificate.public_bytes(serialization.Encoding.PEM)
        _write(tls.certificate, chain + ca.public_bytes(serialization.Encoding.PEM))
    return tls


def _serves(tls: LocalTls, names: list[str]) -> bool:
    if not (tls.certificate.exists() and tls.key.exists()):
        return False
    certificate = x509.load_pem_x509_certificate(tls.certificate.read_bytes())
    soon = _now() + datetime.timedelta(days=_RENEW_DAYS)
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    covered = {str(each.value) for each in found}
    return certificate.not_valid_after_utc > soon and set(names) <= covered


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


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_suffix(path.suffix + ".new")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    temporary.replace(path)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
