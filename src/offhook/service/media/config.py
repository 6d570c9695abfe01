"""Where the service's media lives and how long it waits."""

from dataclasses import dataclass
from pathlib import Path

from offhook.media.certificate import Certificate
from offhook.media.files import check_file
from offhook.media.ice_lite import IceLiteConfig
from offhook.media.leg import LegConfig
from offhook.media.ports import PortRange
from offhook.media.sources import AudioSourceError


@dataclass(frozen=True, slots=True)
class MediaConfig:
    """Addresses, ports and time limits (seconds) of the media plane.

    `addresses` are bound, ``0.0.0.0`` meaning all of this machine's. `public_address` is told to
    clients instead of the first of them, for a server behind NAT. `port_range` holds the first and
    last UDP port to use, None for any. A leg must connect within `connect_timeout` and may be
    silent, without media and ICE checks, for `silence_timeout`. `music_on_hold` is an audio file
    for those who wait; of a long one the first ten minutes are played. Raises ValueError with a
    sentence.
    """

    addresses: tuple[str, ...] = ("127.0.0.1",)
    public_address: str | None = None
    port_range: tuple[int, int] | None = None
    connect_timeout: float = 15.0
    silence_timeout: float = 30.0
    music_on_hold: Path | None = None

    def __post_init__(self) -> None:
        if self.connect_timeout <= 0 or self.silence_timeout <= 0:
            raise ValueError("Media time limits must be greater than 0 seconds.")
        self._ice()
        if self.music_on_hold is not None:
            try:
                check_file(self.music_on_hold)
            except AudioSourceError as error:
                raise ValueError(f"Music on hold: {error}") from error

    def _ice(self) -> IceLiteConfig:
        ports = PortRange(*self.port_range) if self.port_range is not None else None
        return IceLiteConfig(self.addresses, self.public_address, ports)

    def leg_config(self, certificate: Certificate) -> LegConfig:
        """The configuration of every leg of the service."""
        return LegConfig(
            certificate=certificate,
            ice=self._ice(),
            connect_timeout=self.connect_timeout,
            silence_timeout=self.silence_timeout,
        )
