"""What the phone service can be told, each key checked before anything starts."""

import ipaddress
import math
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from offhook.media.ice import machine_addresses
from offhook.service.media import MediaConfig
from offhook.service.organization_config import Organization
from offhook.serving.address import ConfigError, TlsFiles, address_of, is_loopback, read_toml

#: All addresses of this machine.
_ANY = ("0.0.0.0", "::")  # noqa: S104


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds against misuse. Rates are a number in so many seconds."""

    request_bytes: int = 262_144
    sign_ins: int = 10
    sign_in_seconds: int = 60
    calls: int = 30
    call_seconds: int = 10
    registrations: int = 30
    registration_seconds: int = 60
    lines: int = 100_000
    lines_per_person: int = 5
    clients_per_person: int = 100
    mercury_queue: int = 512


class Timing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Times in seconds.

    A line expires after two and a half `keepalive` and `keepalive_grace`. A Mercury socket says
    within `socket_authorization` who it is, and every `token_recheck` its token is looked at again.
    """

    ring: float = 45.0
    keepalive: int = 30
    keepalive_grace: float = 5.0
    call_keepalive: int = 600
    socket_authorization: float = 10.0
    token_recheck: float = 60.0
    access_token: int = 1_209_600
    refresh_token: int = 7_776_000


class MediaSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where audio goes. Empty `addresses`: the host of the HTTP listener.

    `music_on_hold` is an audio file for those who wait, in place of the built-in music.
    """

    addresses: list[str] = []
    public_address: str | None = None
    first_port: int | None = None
    last_port: int | None = None
    music_on_hold: str | None = None


class WebhookSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`allow_private_targets`: events may be posted to addresses of this machine and network."""

    allow_private_targets: bool = False


class ServiceConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole configuration of `offhook serve --config FILE`, in TOML.

    `http` and `https` are ``host:port``, `https` may be empty; port 0 means any. `database` is an
    SQLAlchemy URL, by default an SQLite file in `data`. `public_url` is what clients are told where
    a proxy stands in front, and `proxies` holds the addresses or networks of proxies whose
    ``X-Forwarded-For`` and ``-Proto`` are believed. `insecure_bind` allows HTTP without TLS on an
    address that is not loopback.
    """

    data: str
    http: str = "127.0.0.1:8008"
    https: str = "127.0.0.1:8443"
    tls: TlsFiles | None = None
    database: str | None = None
    public_url: str | None = None
    region: str = "US-EAST"
    country: str = "US"
    insecure_bind: bool = False
    proxies: list[str] = []
    organization: Organization | None = None
    media: MediaSettings = msgspec.field(default_factory=MediaSettings)
    webhooks: WebhookSettings = msgspec.field(default_factory=WebhookSettings)
    timing: Timing = msgspec.field(default_factory=Timing)
    limits: Limits = msgspec.field(default_factory=Limits)

    def __post_init__(self) -> None:
        host, _ = address_of("http", self.http)
        if self.https:
            address_of("https", self.https)
        if not is_loopback(host) and not self.insecure_bind:
            raise ConfigError(
                f"http = {self.http!r} would serve without TLS on an address that others reach. "
                "Bind it to 127.0.0.1 and use https, or set insecure_bind if a proxy does the TLS."
            )
        if self.public_url is not None:
            parts = urlsplit(self.public_url)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
                raise ConfigError(
                    f"public_url = {self.public_url!r} is not of the form https://phone.example.org."
                )
        if not 5 <= self.timing.ring <= 55:
            raise ConfigError("timing.ring must be 5 to 55 s: clients stop ringing at 60 s.")
        for section in (self.timing, self.limits):
            for name in section.__struct_fields__:
                value = getattr(section, name)
                if not math.isfinite(value) or value <= 0:
                    raise ConfigError(f"{name} must be more than 0.")
        for proxy in self.proxies:
            try:
                ipaddress.ip_network(proxy)
            except ValueError as error:
                raise ConfigError(f"proxies: {error}.") from error
        if self.organization is not None:
            self.organization.check()
        self.media_config()

    @property
    def database_url(self) -> str:
        """Where the tables are."""
        return self.database or f"sqlite:///{Path(self.data) / 'offhook.db'}"

    def host_names(self) -> list[str]:
        """Names and addresses that a certificate of our own must be for, besides loopback."""
        hosts = {address_of("http", self.http)[0], urlsplit(self.public_url or "").hostname or ""}
        if self.https:
            hosts.add(address_of("https", self.https)[0])
        if hosts & set(_ANY):
            hosts.update(machine_addresses())
        return sorted(hosts - {"", *_ANY})

    def media_config(self) -> MediaConfig:
        """The media plane's part. Raises ConfigError."""
        media = self.media
        ports = None
        if (media.first_port is None) != (media.last_port is None):
            raise ConfigError("media.first_port and media.last_port belong together; give both.")
        if media.first_port is not None and media.last_port is not None:
            ports = (media.first_port, media.last_port)
        addresses = tuple(media.addresses) or self._listening_addresses()
        music = Path(media.music_on_hold) if media.music_on_hold is not None else None
        try:
            return MediaConfig(addresses, media.public_address, ports, music_on_hold=music)
        except ValueError as error:
            raise ConfigError(f"media: {str(error).rstrip('.')}.") from error

    def _listening_addresses(self) -> tuple[str, ...]:
        """Audio comes in where signalling does: whoever reaches a listener reaches it, too."""
        listeners = [address_of("http", self.http)]
        if self.https:
            listeners.append(address_of("https", self.https))
        return tuple(dict.fromkeys(_media_address(host) for host, _ in listeners))


def load(path: Path) -> ServiceConfig:
    """The configuration in the TOML file `path`. Raises ConfigError with a sentence."""
    return read_toml(path, ServiceConfig)


def _media_address(host: str) -> str:
    """Where audio is bound for those who come by `host`; a name may mean any address."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "0.0.0.0"  # noqa: S104
    return "0.0.0.0" if address.is_unspecified else host  # noqa: S104
