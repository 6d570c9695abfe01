"""The local certificate authority: trusted once, good for as long as the data is there."""

import datetime
import ssl
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509

from offhook.serving import tls
from offhook.serving.address import ConfigError, TlsFiles
from offhook.serving.tls import LocalTls, TlsError, local_tls
from service.running import config, started, trusting


def served(files: LocalTls) -> x509.Certificate:
    return x509.load_pem_x509_certificate(files.certificate.read_bytes())


def names(certificate: x509.Certificate) -> set[str]:
    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return {str(each.value) for each in extension.value}


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch):
    """Let the authority believe that it is a number of days later."""

    def later(days: int) -> None:
        now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
        monkeypatch.setattr(tls, "_now", lambda: now)

    return later


async def test_who_trusts_the_authority_trusts_the_service_on_loopback(tmp_path: Path) -> None:
    async with started(config(tmp_path, https="127.0.0.1:0")) as cloud:
        trusted = aiohttp.TCPConnector(ssl=await trusting(cloud.service.ca_path))
        port = cloud.service.https_url.rpartition(":")[2]
        async with aiohttp.ClientSession(connector=trusted) as http:
            for host in ("127.0.0.1", "localhost"):
                async with http.get(f"https://{host}:{port}/healthz") as response:
                    assert response.status == 200
        async with aiohttp.ClientSession() as http:
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await http.get(cloud.service.https_url + "/healthz")


def test_the_second_start_changes_nothing(tmp_path: Path) -> None:
    first = local_tls(tmp_path / "tls", ["192.0.2.1"])
    before = {path.name: path.read_bytes() for path in first.ca.parent.iterdir()}
    assert local_tls(tmp_path / "tls", ["192.0.2.1"]) == first
    assert {path.name: path.read_bytes() for path in first.ca.parent.iterdir()} == before


def test_the_certificate_names_loopback_and_what_is_bound(tmp_path: Path) -> None:
    certificate = served(local_tls(tmp_path, ["192.0.2.1", "phone.example.org"]))
    wanted = {"localhost", "127.0.0.1", "::1", "192.0.2.1", "phone.example.org"}
    assert wanted <= names(certificate)


def test_another_address_gets_a_new_certificate_of_the_same_authority(tmp_path: Path) -> None:
    before = local_tls(tmp_path, [])
    authority = before.ca.read_bytes()
    after = local_tls(tmp_path, ["192.0.2.1"])
    assert "192.0.2.1" in names(served(after))
    assert after.ca.read_bytes() == authority
    served(after).verify_directly_issued_by(x509.load_pem_x509_certificate(authority))


def test_a_certificate_that_soon_ends_is_renewed_by_the_same_authority(tmp_path: Path, at) -> None:
    files = local_tls(tmp_path, [])
    authority, serial = files.ca.read_bytes(), served(files).serial_number
    at(days=330)
    local_tls(tmp_path, [])
    assert served(files).serial_number == serial
    at(days=340)
    local_tls(tmp_path, [])
    assert served(files).serial_number != serial
    assert files.ca.read_bytes() == authority


def test_an_authority_that_ends_is_replaced_with_all_it_signed(tmp_path: Path, at) -> None:
    files = local_tls(tmp_path, [])
    authority = files.ca.read_bytes()
    at(days=3640)
    local_tls(tmp_path, [])
    assert files.ca.read_bytes() != authority
    served(files).verify_directly_issued_by(x509.load_pem_x509_certificate(files.ca.read_bytes()))


@pytest.mark.parametrize("damaged", ["ca.pem", "ca.key", "server.pem", "server.key"])
@pytest.mark.parametrize("how", ["gone", "empty", "of another"])
def test_whatever_file_is_damaged_the_next_start_makes_good(
    tmp_path: Path, damaged: str, how: str
) -> None:
    files = local_tls(tmp_path / "ours", [])
    path = tmp_path / "ours" / damaged
    match how:
        case "gone":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case _:
            local_tls(tmp_path / "other", [])
            path.write_bytes((tmp_path / "other" / damaged).read_bytes())
    local_tls(tmp_path / "ours", [])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    served(files).verify_directly_issued_by(x509.load_pem_x509_certificate(files.ca.read_bytes()))


def test_nobody_else_can_read_the_keys(tmp_path: Path) -> None:
    files = local_tls(tmp_path / "tls", [])
    for path in (files.key, tmp_path / "tls" / "ca.key"):
        assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "tls").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TlsError, match="Make the folder writable"):
        local_tls(tmp_path / "file" / "tls", [])


async def test_files_of_ones_own_are_served(tmp_path: Path) -> None:
    files = local_tls(tmp_path / "elsewhere", [])
    own = TlsFiles(str(files.certificate), str(files.key))
    settings = config(tmp_path / "data", https="127.0.0.1:0", tls=own)
    async with started(settings) as cloud:
        assert cloud.service.ca_path is None
        connector = aiohttp.TCPConnector(ssl=await trusting(files.ca))
        async with (
            aiohttp.ClientSession(connector=connector) as http,
            http.get(cloud.service.https_url + "/healthz") as response,
        ):
            assert response.status == 200


@pytest.mark.parametrize("what", ["missing", "not PEM", "of two pairs"])
async def test_files_that_do_not_do_are_refused_with_a_sentence(tmp_path: Path, what: str) -> None:
    files = local_tls(tmp_path / "one", [])
    other = local_tls(tmp_path / "two", [])
    match what:
        case "missing":
            own = TlsFiles(str(files.certificate), str(tmp_path / "nothing"))
        case "not PEM":
            files.certificate.write_text("hello")
            own = TlsFiles(str(files.certificate), str(files.key))
        case _:
            own = TlsFiles(str(files.certificate), str(other.key))
    with pytest.raises(ConfigError, match=r"^tls: .*\.$"):
        async with started(config(tmp_path / "data", https="127.0.0.1:0", tls=own)):
            pytest.fail("it started")
