"""Where the cloud is, and which organisation a token is of."""

import base64
import json

import pytest

from offhook import InvalidApiError, TokenAuthenticator, Webex
from offhook.sdk.cloud import Cloud, organization_of
from offhook.wire.catalog import Catalog, HostEntry


def jwt_of(claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"h.{payload}.s"


@pytest.mark.parametrize(
    ("token", "organization"),
    [
        ("abc_def_org-1", "org-1"),
        (jwt_of({"realm": "org-2"}), "org-2"),
        (jwt_of({"sub": "x"}), ""),
        (jwt_of([1]), ""),
        ("a.!.c", ""),
        ("opaque", ""),
        ("one_two", ""),
        ("", ""),
    ],
)
def test_a_token_says_its_organisation_in_one_of_two_ways(token: str, organization: str) -> None:
    assert organization_of(token) == organization


@pytest.mark.parametrize("url", ["", "127.0.0.1:8008", "ftp://x", "http://", "nonsense"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidApiError):
        Webex(TokenAuthenticator("a_b_c"), cloud=url)


def test_a_ca_file_that_is_none_is_refused(tmp_path) -> None:
    empty = tmp_path / "ca.pem"
    empty.write_text("nothing")
    for ca in (empty, tmp_path / "missing.pem"):
        with pytest.raises(InvalidApiError, match="certificate"):
            Webex(TokenAuthenticator("a_b_c"), cloud="https://x.example", ca=ca)


def test_the_first_catalog_is_found_by_organisation_e_mail_or_nearness() -> None:
    cloud = Cloud.at(None)
    base = "https://u2c.wbx2.com/u2c/api/v1/limited/catalog?"
    assert cloud.limited_catalog_url("o", "x@y") == f"{base}orgId=o&format=hostmap"
    by_mail = cloud.limited_catalog_url("", " Alice@Example.org ")
    assert by_mail == cloud.limited_catalog_url("", "alice@example.org")
    assert "emailhash=" in by_mail
    assert "example" not in by_mail
    assert "DEFAULT_BY_PROXIMITY" in cloud.limited_catalog_url("", None)


CATALOG = Catalog(
    {"mobius": "http://127.0.0.1:8008/api/v1"},
    {
        "a": [HostEntry("one.example", "urn:TEAM:x:mobius"), HostEntry("w", "urn:TEAM:x:wdm")],
        "b": [HostEntry("two.example:8443", "urn:TEAM:y:mobius")],
    },
)


def test_calling_servers_are_the_hosts_of_the_catalog_and_by_http_its_link() -> None:
    hosts = ("https://one.example/api/v1", "https://two.example:8443/api/v1")
    assert Cloud.at("https://cloud.example").mobius_bases(CATALOG) == hosts
    assert Cloud.at("http://127.0.0.1:8008").mobius_bases(CATALOG) == (
        "http://127.0.0.1:8008/api/v1",
    )
    assert Cloud.at("https://cloud.example").mobius_bases(Catalog({})) == ()


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:8008", True),
        ("http://localhost:8008", True),
        ("http://[::1]:8008", True),
        ("https://10.1.2.3", False),
        ("https://phone.example", False),
        (None, False),
    ],
)
def test_a_cloud_on_this_machine_is_known_as_such(url: str | None, local: bool) -> None:
    assert Cloud.at(url).on_this_machine is local


def test_the_token_goes_to_webex_hosts_only_if_it_is_webex_that_is_called() -> None:
    webex, other = Cloud.at(None), Cloud.at("https://cloud.example")
    for host in ("webexapis.com", "wdm-a.wbx2.com", "mobius-us-east-1.prod.infra.webex.com"):
        assert webex.is_vendor(host)
        assert not other.is_vendor(host)
    for host in ("evilwebex.com", "webex.com.evil.example", "example.org"):
        assert not webex.is_vendor(host)
