"""Every key of the configuration is checked, and told about in a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from offhook.push.config import PushConfig, load, with_environment
from offhook.serving.address import ConfigError

EVERYTHING = """
data = "/var/lib/offhook-push"
http = "127.0.0.1:8010"
https = "0.0.0.0:8443"
database = "postgresql://push@db.example.org/push"
proxies = ["10.0.0.0/8"]
cloud = "https://webexapis.com"
secrets = ["the new secret", "the old secret"]
compat = true
admin_token = "sixteen letters or more"

[tls]
certificate = "/etc/tls/chain.pem"
key = "/etc/tls/key.pem"

[[providers.apns]]
app = "org.example.phone"
team_id = "TEAM123456"
key_id = "KEY1234567"
key_file = "/etc/offhook/key.p8"

[[providers.fcm]]
app = "org.example.android"
project = "example"
credentials = "/etc/offhook/account.json"

[watch]
token = "an administrator's"
target = "https://push.example.org/webhook"

[timing]
duplicates = 900

[limits]
devices_per_person = 5
"""


def test_everything_can_be_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "push.toml"
    path.write_text(EVERYTHING)
    config = load(path, {})
    assert config.secrets == ["the new secret", "the old secret"]
    assert config.providers.apns[0].app == "org.example.phone"
    assert config.providers.fcm[0].project == "example"
    assert config.limits.devices_per_person == 5
    assert config.database_url == "postgresql://push@db.example.org/push"


def test_the_database_is_a_file_in_the_data_unless_it_is_said() -> None:
    assert PushConfig("/data").database_url == "sqlite:////data/push.db"


def test_secrets_may_come_by_the_environment() -> None:
    environment = {
        "OFFHOOK_PUSH_SECRETS": "secret one, secret two",
        "OFFHOOK_PUSH_ADMIN_TOKEN": "sixteen letters or more",
        "OFFHOOK_PUSH_KEYS": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    }
    config = with_environment(PushConfig("/data", secrets=["not this one"]), environment)
    assert config.secrets == ["secret one", "secret two"]
    assert config.admin_token == "sixteen letters or more"
    assert len(config.encryption_keys) == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"http": "0.0.0.0:8010"}, "insecure_bind"),
        ({"http": "8010"}, "http = '8010'"),
        ({"https": "nowhere"}, "https = 'nowhere'"),
        ({"cloud": "webexapis.com"}, "cloud = 'webexapis.com'"),
        ({"cloud": "http://cloud.example.org"}, "in clear"),
        ({"cloud_ca": "/nowhere.pem"}, "no such file"),
        ({"secrets": ["short"]}, "secrets"),
        ({"admin_token": "short"}, "admin_token"),
        ({"encryption_keys": ["not a key"]}, "32 bytes"),
        ({"proxies": ["proxy"]}, "proxies"),
        ({"timing": {"duplicates": 0}}, "duplicates"),
        ({"limits": {"registrations": -1}}, "registrations"),
        ({"watch": {"token": "t", "target": "here"}}, "watch.target"),
        ({"secret": "x"}, "unknown field `secret`"),
        ({"providers": {"apns": [{"bundle": "x"}]}}, "providers.apns"),
        ({"http": 8010}, "http"),
    ],
)
def test_what_cannot_be_used_is_told_by_its_key(
    tmp_path: Path, wrong: dict[str, Any], words: str
) -> None:
    path = tmp_path / "push.toml"
    path.write_text("\n".join(f"{key} = {toml(value)}" for key, value in wrong.items()))
    with path.open("a") as file:
        file.write('\ndata = "/data"\n')
    with pytest.raises(ConfigError) as error:
        load(path, {})
    assert words in str(error.value)


def toml(value: Any) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{key} = {toml(each)}" for key, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case str():
            return f'"{value}"'
        case _:
            return str(value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "none.toml", {})
