"""What `offhook serve --config FILE` takes, and how it refuses the rest."""

from pathlib import Path

import pytest

from offhook.media.ice import machine_addresses
from offhook.service.config import ServiceConfig, load
from offhook.serving.address import ConfigError

FULL = """
data = "/var/lib/offhook"
http = "127.0.0.1:8080"
https = "[::]:443"
database = "postgresql://offhook@db/offhook"
public_url = "https://phone.example.org"
region = "EU-CENTRAL"
country = "DE"
proxies = ["10.0.0.0/8"]

[tls]
certificate = "/etc/offhook/chain.pem"
key = "/etc/offhook/key.pem"

[media]
addresses = ["192.0.2.1"]
public_address = "203.0.113.7"
first_port = 40000
last_port = 40999

[timing]
ring = 30
keepalive = 60

[limits]
calls = 100
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "offhook.toml"
    path.write_text(text)
    return path


def test_a_whole_file_is_understood(tmp_path: Path) -> None:
    config = load(written(tmp_path, FULL))
    assert config.tls is not None
    assert config.tls.key == "/etc/offhook/key.pem"
    assert config.database_url == "postgresql://offhook@db/offhook"
    assert config.timing.ring == 30
    assert config.limits.calls == 100
    assert config.limits.sign_ins == ServiceConfig(data="/x").limits.sign_ins
    media = config.media_config()
    assert (media.addresses, media.public_address) == (("192.0.2.1",), "203.0.113.7")
    assert media.port_range == (40000, 40999)
    names = set(config.host_names())
    assert {"127.0.0.1", "phone.example.org", *machine_addresses()} == names, "0.0.0.0 means all"


def test_only_the_folder_for_data_must_be_named(tmp_path: Path) -> None:
    config = load(written(tmp_path, 'data = "/var/lib/offhook"'))
    assert config.http == "127.0.0.1:8008"
    assert config.database_url == "sqlite:////var/lib/offhook/offhook.db"
    assert config.media_config().addresses == ("127.0.0.1",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "data"),
        ("data = 1", "data"),
        ("data = ", "not TOML"),
        ('data = "x"\nhtpp = "127.0.0.1:1"', "htpp"),
        ('data = "x"\n[timing]\nrings = 1', "rings"),
        ('data = "x"\nhttp = "8008"', "127.0.0.1:8008"),
        ('data = "x"\nhttp = "127.0.0.1:99999"', "127.0.0.1:8008"),
        ('data = "x"\nhttp = ""', "127.0.0.1:8008"),
        ('data = "x"\nhttps = "nowhere"', "https"),
        ('data = "x"\npublic_url = "phone.example.org"', "public_url"),
        ('data = "x"\npublic_url = "https://example.org/offhook"', "public_url"),
        ('data = "x"\nproxies = ["the proxy"]', "proxies"),
        ('data = "x"\n[timing]\nring = 60', "ring"),
        ('data = "x"\n[timing]\nring = nan', "ring"),
        ('data = "x"\n[timing]\nkeepalive = 0', "keepalive"),
        ('data = "x"\n[limits]\ncalls = -1', "calls"),
        ('data = "x"\n[media]\nfirst_port = 40000', "last_port"),
        ('data = "x"\n[media]\nfirst_port = 5\nlast_port = 4', "media"),
        ('data = "x"\n[media]\naddresses = ["here"]', "media"),
        ('data = "x"\n[tls]\ncertificate = "x"', "key"),
    ],
)
def test_whatever_is_wrong_is_said_by_its_name(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(written(tmp_path, text))
    assert said in str(refused.value)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize("address", ["0.0.0.0:8008", "[::]:8008", "192.0.2.1:80", "phone:8008"])
def test_serving_others_without_tls_must_be_asked_for_by_name(tmp_path: Path, address: str) -> None:
    text = f'data = "x"\nhttp = "{address}"\n'
    with pytest.raises(ConfigError, match="insecure_bind"):
        load(written(tmp_path, text))
    assert load(written(tmp_path, text + "insecure_bind = true")).http == address
    assert load(written(tmp_path, f'data = "x"\nhttps = "{address}"')).https == address


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "nothing.toml")


@pytest.mark.parametrize(
    ("https", "addresses"),
    [
        ("127.0.0.1:1", ("127.0.0.1",)),
        ("0.0.0.0:1", ("127.0.0.1", "0.0.0.0")),
        ("[::]:1", ("127.0.0.1", "0.0.0.0")),
        ("192.0.2.7:1", ("127.0.0.1", "192.0.2.7")),
        ("phone.example.org:1", ("127.0.0.1", "0.0.0.0")),
    ],
)
def test_audio_is_bound_wherever_clients_come_in(https: str, addresses: tuple[str, ...]) -> None:
    assert ServiceConfig(data="data", https=https).media_config().addresses == addresses
