"""What the push backend can be told, each key checked before anything starts."""

import ipaddress
import math
from collections.abc import Mapping
from pathlib import Path

import msgspec
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from offhook.push.cipher import Cipher
from offhook.push.cloud_address import WEBEX, cloud_base
from offhook.push.providers.settings import ProviderSettings
from offhook.push.watcher import WatchSettings
from offhook.serving.address import ConfigError, TlsFiles, address_of, is_loopback, read_toml

#: Environment variables that are used instead of the keys of the same meaning.
SECRETS_VARIABLE = "OFFHOOK_PUSH_SECRETS"
ADMIN_VARIABLE = "OFFHOOK_PUSH_ADMIN_TOKEN"
KEYS_VARIABLE = "OFFHOOK_PUSH_KEYS"

_SHORTEST_SECRET = 8
_SHORTEST_ADMIN_TOKEN = 16


class PushLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds against misuse. Rates are a number in so many seconds."""

    request_bytes: int = 16_384
    registrations: int = 30
    registration_seconds: int = 60
    refused: int = 30
    refused_seconds: int = 60
    devices_per_person: int = 20


class PushTiming(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Times in seconds: for how long deliveries are remembered, and whose token is whose."""

    duplicates: float = 600.0
    identity: float = 60.0


class PushConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole configuration of `offhook push --config FILE`, in TOML.

    `secrets` sign the webhooks, any of them; without, one is made and kept in `data`. `cloud` is
    where people's access tokens are good. `encryption_keys` encrypt what is stored, newest first;
    without, one is made and kept in `data`. `admin_token` opens the page and the metrics. `http`,
    `https`, `tls`, `database`, `insecure_bind` and `proxies` are as those of the phone service.
    """

    data: str
    http: str = "127.0.0.1:8010"
    https: str = ""
    tls: TlsFiles | None = None
    database: str | None = None
    insecure_bind: bool = False
    proxies: list[str] = []
    cloud: str = WEBEX
    cloud_ca: str = ""
    secrets: list[str] = []
    compat: bool = False
    admin_token: str = ""
    encryption_keys: list[str] = []
    providers: ProviderSettings = msgspec.field(default_factory=ProviderSettings)
    watch: WatchSettings = msgspec.field(default_factory=WatchSettings)
    timing: PushTiming = msgspec.field(default_factory=PushTiming)
    limits: PushLimits = msgspec.field(default_factory=PushLimits)

    def __post_init__(self) -> None:
        host, _ = address_of("http", self.http)
        if self.https:
            address_of("https", self.https)
        if not is_loopback(host) and not self.insecure_bind:
            raise ConfigError(
                f"http = {self.http!r} would serve without TLS on an address that others reach. "
                "Bind it to 127.0.0.1 and use https, or set insecure_bind if a proxy does the TLS."
            )
        cloud_base("cloud", self.cloud)
        if self.cloud_ca and not Path(self.cloud_ca).is_file():
            raise ConfigError(f"cloud_ca = {self.cloud_ca!r}: there is no such file.")
        if any(len(secret) < _SHORTEST_SECRET for secret in self.secrets):
            raise ConfigError(
                f"secrets: each has at least {_SHORTEST_SECRET} characters; a good one comes from: "
                "openssl rand -hex 32."
            )
        if self.admin_token and len(self.admin_token) < _SHORTEST_ADMIN_TOKEN:
            raise ConfigError(f"admin_token must have at least {_SHORTEST_ADMIN_TOKEN} characters.")
        if self.encryption_keys:
            Cipher(self.encryption_keys)
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
        self.watch.check()

    @property
    def database_url(self) -> str:
        """Where the tables are."""
        return self.database or f"sqlite:///{Path(self.data) / 'push.db'}"

    @property
    def database_file(self) -> Path | None:
        """The SQLite file; None for a server, or for a URL that is none."""
        try:
            url = make_url(self.database_url)
        except ArgumentError:
            return None
        is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
        return Path(str(url.database)) if is_file else None

    @property
    def secret_file(self) -> Path:
        """Where the webhook's secret is kept if the configuration has none; one a line."""
        return Path(self.data) / "webhook.secret"

    def host_names(self) -> list[str]:
        """Names and addresses that a certificate of our own must be for, besides loopback."""
        hosts = {address_of("http", self.http)[0]}
        if self.https:
            hosts.add(address_of("https", self.https)[0])
        return sorted(hosts - {"0.0.0.0", "::"})  # noqa: S104


def load(path: Path, environment: Mapping[str, str]) -> PushConfig:
    """The configuration in the TOML file `path`, with what the environment has instead.

    Raises ConfigError with a sentence.
    """
    return with_environment(read_toml(path, PushConfig), environment)


def with_environment(config: PushConfig, environment: Mapping[str, str]) -> PushConfig:
    """`config` with the secrets that `environment` has, several with commas between.

    Raises ConfigError.
    """
    changes: dict[str, object] = {}
    if secrets := _several(environment.get(SECRETS_VARIABLE, "")):
        changes["secrets"] = secrets
    if keys := _several(environment.get(KEYS_VARIABLE, "")):
        changes["encryption_keys"] = keys
    if admin_token := environment.get(ADMIN_VARIABLE, "").strip():
        changes["admin_token"] = admin_token
    return msgspec.structs.replace(config, **changes) if changes else config


def _several(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]
