"""`--as alice` finds the token that a running local cloud left behind, and nobody else can."""

import stat
from pathlib import Path

import pytest

from offhook.cli.known_clouds import (
    KnownCloud,
    KnownPerson,
    UnknownCloudError,
    forget,
    recall,
    remember,
)

ALICE = KnownPerson("Alice Adams", "alice@example.org", "+12025550101", "1001", "a_b_c")
CLOUD = KnownCloud(
    "http://127.0.0.1:8008", "https://127.0.0.1:8443", "/ca.pem", [ALICE], {"echo": "8000"}
)


def test_a_cloud_is_known_by_both_of_its_addresses(tmp_path: Path) -> None:
    environment = {"XDG_STATE_HOME": str(tmp_path)}
    remember(CLOUD, environment)
    assert recall("http://127.0.0.1:8008/", environment) == CLOUD
    assert recall("https://127.0.0.1:8443", environment) == CLOUD


def test_only_the_owner_can_read_the_tokens(tmp_path: Path) -> None:
    for path in remember(CLOUD, {"XDG_STATE_HOME": str(tmp_path)}):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_cloud_that_stopped_is_forgotten(tmp_path: Path) -> None:
    environment = {"XDG_STATE_HOME": str(tmp_path)}
    forget(remember(CLOUD, environment))
    with pytest.raises(UnknownCloudError, match="offhook up"):
        recall("http://127.0.0.1:8008", environment)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    environment = {"XDG_STATE_HOME": str(tmp_path)}
    path, _ = remember(CLOUD, environment)
    path.write_text("{")
    with pytest.raises(UnknownCloudError, match=path.name):
        recall(CLOUD.http, environment)


@pytest.mark.parametrize(
    "who", ["alice", "ALICE", "Alice Adams", "alice@example.org", "+12025550101", " 1001 "]
)
def test_a_person_is_found_by_name_address_or_number(who: str) -> None:
    assert CLOUD.find(who) is ALICE


def test_a_stranger_is_not_found() -> None:
    assert CLOUD.find("al") is None
