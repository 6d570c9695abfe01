"""One WebRTC leg: ICE, DTLS-SRTP and offer/answer for one audio stream, used at both ends.

Packets pass through as direct calls from the socket: no queue and no task for any of them.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic

from offhook.media.certificate import Certificate
from offhook.media.dtls import DtlsRole
from offhook.media.errors import IceError, MediaError, NegotiationError
from offhook.media.ice import Address, FullIce, IceAgent, IceConfig, on_loopback
from offhook.media.ice_lite import IceLite, IceLiteConfig
from offhook.media.poller import Poller
from offhook.media.scratch import Scratch
from offhook.media.secure import SecureTransport
from offhook.media.srtp import Inbound, Outbound, SrtpKeys
from offhook.wire.sdp import Direction, SdpError, SessionDescription, Setup, parse, render
from offhook.wire.sdp.negotiation import (
    Agreement,
    AudioFormat,
    LocalSide,
    RemoteTransport,
    build_answer,
    build_offer,
    read_answer,
)

__all__ = ["AudioFormat", "LegConfig", "LegState", "LegStats", "WebRtcLeg"]

logger = logging.getLogger(__name__)

# Bytes of an RTP header, and of the shortest report.
_SMALLEST = 12


class LegState(StrEnum):
    """NEW until the first description, CONNECTING until ICE and DTLS stand; the last two stay."""

    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    FAILED = "failed"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class LegConfig:
    """What a leg needs to know. Times in seconds.

    `ice` decides the kind of ICE agent: full for a client, lite for the service. From the moment
    both descriptions are known the leg must connect within `connect_timeout`; once connected it
    fails when neither media nor an ICE check came for `silence_timeout`. Legs of one configuration
    share a scratch and a poller; only such legs can be joined in a relay.
    """

    certificate: Certificate
    ice: IceConfig | IceLiteConfig = field(default_factory=IceConfig)
    connect_timeout: float = 15.0
    silence_timeout: float = 30.0
    scratch: Scratch = field(default_factory=Scratch, compare=False)
    poller: Poller = field(default_factory=Poller, compare=False)


@dataclass(slots=True)
class LegStats:
    """Counters of RTP and RTCP. Bytes without encryption; `rejected` failed authentication."""

    packets_received: int = 0
    bytes_received: int = 0
    packets_sent: int = 0
    bytes_sent: int = 0
    rejected: int = 0

    def add(self, other: "LegStats") -> None:
        """Add the counters of `other` to these."""
        self.packets_received += other.packets_received
        self.bytes_received += other.bytes_received
        self.packets_sent += other.packets_sent
        self.bytes_sent += other.bytes_sent
        self.rejected += other.rejected


class WebRtcLeg:
    """See the module. Callbacks run inside the event loop; `on_rtp` and `on_rtcp` must be quick.

    A failure after the negotiation turns `state` to FAILED with the reason in `error`.
    A relay sets `forward`, which is then called, instead of `on_rtp`, with each RTP packet in the
    leg's scratch. `last_rtp_at` is the `time.monotonic` of the last authentic packet, 0 before the
    first.
    """

    def __init__(self, config: LegConfig) -> None:
        self._config = config
        self.scratch = config.scratch
        self._view = config.scratch.view
        self._cell = config.scratch.length
        self.state = LegState.NEW
        self.error: MediaError | None = None
        self.format: AudioFormat | None = None
        self.direction = Direction.INACTIVE
        self.stats = LegStats()
        self.on_rtp: Callable[[bytes], None] = _ignore
        self.on_rtcp: Callable[[bytes], None] = _ignore
        self.forward: Callable[[], None] | None = None
        self.on_state: Callable[[LegState], None] = _ignore
        self.ssrc = secrets.randbelow(2**32 - 1) + 1
        self.last_rtp_at = 0.0
        self.cname = secrets.token_hex(8)
        self._session_id = secrets.randbits(62)
        self._version = 0
        self._offer: SessionDescription | None = None
        self._remote: RemoteTransport | None = None
        self._role: DtlsRole | None = None
        self._opened = False
        # The same as `_outbound` while the negotiated direction lets us send.
        self._speaking: Outbound | None = None
        self._inbound: Inbound | None = None
        self._outbound: Outbound | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._ice: IceAgent = (
            IceLite(config.ice, config.scratch, config.poller)
            if isinstance(config.ice, IceLiteConfig)
            else FullIce(config.ice, config.scratch)
        )
        self._ice.on_connected = self._path_found
        self._ice.on_lost = self._fail
        self._ice.on_media = self._media_received
        self._secure = SecureTransport(
            certificate=config.certificate,
            send=self._send_datagram,
            on_keyed=self._keyed,
            on_error=self._fail,
            timeout=config.connect_timeout,
        )
        self._ice.on_dtls = self._secure.datagram_received

    # --- offer and answer ---

    async def create_offer(self) -> str:
        """Our offer, complete with candidates; on a running leg one that keeps the connection.

        Raises NegotiationError on a leg that is over, IceError if no address can be bound.
        """
        await self._open(loopback=False)
        self._version += 1
        self._offer = build_offer(self._local_side())
        return render(self._offer)

    async def accept_offer(self, sdp: str, *, held: bool = False) -> str:
        """Our answer to `sdp`, the first offer or a renegotiation; inactive when `held`.

        The connection is kept as long as the peer's ICE credentials and fingerprint are, replaced
        where they changed. Raises NegotiationError if there is nothing to agree on.
        """
        offer = _parsed(sdp)
        audio = offer.audio
        await self._open(loopback=on_loopback(audio.candidates))
        known = self._remote
        direction = Direction.INACTIVE if held else Direction.SENDRECV
        same_peer = known is not None and known.fingerprints == audio.fingerprints
        setup = _setup_of(self._role) if same_peer else None
        self._version += 1
        answer, agreement = self._answer(offer, direction, setup)
        if known is not None and _credentials(known) != _credentials(agreement.remote):
            await self._ice.restart()
            self._check_alive()
            answer, agreement = self._answer(offer, direction, setup)
        self._offer = None
        self._agree(agreement, controlling=agreement.remote.ice_lite)
        return render(answer)

    def _answer(
        self, offer: SessionDescription, direction: Direction, setup: Setup | None
    ) -> tuple[SessionDescription, Agreement]:
        try:
            return build_answer(offer, self._local_side(), direction=direction, setup=setup)
        except SdpError as error:
            raise NegotiationError(str(error)) from error

    async def accept_answer(self, sdp: str) -> None:
        """The peer's answer to our offer.

        Raises NegotiationError if there is no offer to answer or the answer does not fit.
        """
        if self._offer is None:
            raise NegotiationError("There is no offer waiting for an answer; create one first.")
        description = _parsed(sdp)
        try:
            agreement = read_answer(self._offer, description)
        except SdpError as error:
            raise NegotiationError(str(error)) from error
        known = self._remote
        if known is not None and _credentials(known) != _credentials(agreement.remote):
            # Another peer answers on the credentials of our offer.
            await self._ice.restart(keep_credentials=True)
            self._check_alive()
        self._offer = None
        self._agree(agreement, controlling=True)

    async def _open(self, *, loopback: bool) -> None:
        self._check_alive()
        if not self._opened:
            self._opened = True
            await self._ice.open(loopback=loopback)
            self._check_alive()

    def _check_alive(self) -> None:
        if self.state in (LegState.FAILED, LegState.CLOSED):
            raise NegotiationError("The leg is over; open a new one.")

    def _local_side(self) -> LocalSide:
        ice = self._ice.local
        return LocalSide(
            session_id=self._session_id,
            version=self._version,
            ice_ufrag=ice.ufrag,
            ice_pwd=ice.password,
            candidates=ice.candidates,
            fingerprints=(self._config.certificate.fingerprint,),
            ssrc=self.ssrc,
            cname=self.cname,
            ice_lite=ice.lite,
        )

    def _agree(self, agreement: Agreement, *, controlling: bool) -> None:
        known = self._remote
        self.format = agreement.format
        self.direction = agreement.direction
        self._speaking = self._outbound if agreement.direction.sends else None
        self._remote = agreement.remote
        new_peer = known is None or known.fingerprints != agreement.remote.fingerprints
        if new_peer:
            self._role = DtlsRole.CLIENT if agreement.setup is Setup.ACTIVE else DtlsRole.SERVER
            if known is not None:
                self._secure.expect_new_peer()
        self._ice.connect(agreement.remote, controlling=controlling)
        if self.state is LegState.NEW:
            self._set_state(LegState.CONNECTING)
            loop = asyncio.get_running_loop()
            self._watch = loop.call_later(self._config.connect_timeout, self._not_connected)
        if known is None and self._ice.remote_address is not None:
            # The peer's checks were faster than its answer.
            self._path_found()

    # --- connection ---

    def _path_found(self) -> None:
        if self._remote is None or self._role is None or self._secure.started:
            return
        self._secure.start(self._role, self._remote.fingerprints)

    def _keyed(self, keys: SrtpKeys) -> None:
        # Those of the peer before, if there was one, served until now.
        self._inbound = Inbound(keys, self.scratch)
        self._outbound = Outbound(keys, self.scratch)
        self._speaking = self._outbound if self.direction.sends else None
        if self.state is LegState.CONNECTING:
            if self._watch is not None:
                self._watch.cancel()
            self._watch_silence()
            self._set_state(LegState.CONNECTED)

    def _not_connected(self) -> None:
        self._fail(
            IceError(
                f"No media connection within {self._config.connect_timeout:g} s; check that UDP "
                "to the media address and ports passes the firewall."
            )
        )

    def _watch_silence(self) -> None:
        loop = asyncio.get_running_loop()
        limit = self._config.silence_timeout
        heard = max(self._ice.last_consent_at, self.last_rtp_at)
        quiet = monotonic() - heard
        if self.state is LegState.CONNECTED and quiet >= limit:
            self._fail(IceError(f"Media silent: nothing came for {limit:g} s."))
        else:
            self._watch = loop.call_later(max(limit - quiet, 0.01), self._watch_silence)

    def _fail(self, error: MediaError) -> None:
        if self.state in (LegState.FAILED, LegState.CLOSED):
            return
        self.error = error
        self._end(LegState.FAILED)

    def _end(self, state: LegState) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        self._secure.close()
        self._inbound = self._outbound = self._speaking = None
        self._set_state(state)

    def _set_state(self, state: LegState) -> None:
        logger.debug("leg %s -> %s", self.state, state)
        self.state = state
        self.on_state(state)

    async def close(self) -> None:
        """Say goodbye and release the sockets. Idempotent; a failed leg stays FAILED."""
        if self.state not in (LegState.FAILED, LegState.CLOSED):
            self._end(LegState.CLOSED)
        await self._ice.close()

    # --- packets ---

    @property
    def can_send(self) -> bool:
        """Whether a packet would go out now: connected, and the direction lets us send."""
        return self._speaking is not None

    def send_rtp(self, packet: bytes | bytearray) -> None:
        """Encrypt and send one RTP packet; dropped unless connected and allowed to send."""
        self.scratch.load(packet)
        if self._cell[0] >= _SMALLEST:
            self.send_scratch()

    def send_scratch(self) -> None:
        """The same for the RTP packet in the leg's scratch, of at least 12 bytes."""
        outbound = self._speaking
        if outbound is None:
            return
        cell = self._cell
        stats = self.stats
        stats.packets_sent += 1
        stats.bytes_sent += cell[0]
        protect, send = outbound.protect, self._ice.send
        try:
            if protect() == 0:
                send(self._view[: cell[0]])
        except OSError:
            # The kernel has no room, or the peer's port is closed: voice that waits is worthless.
            return

    def send_rtcp(self, packet: bytes) -> None:
        """Encrypt and send one compound RTCP packet; dropped unless connected."""
        outbound = self._outbound
        if outbound is None:
            return
        self.scratch.load(packet)
        if self._cell[0] and outbound.protect_rtcp() == 0:
            self._send_datagram(self._view[: self._cell[0]])

    def _send_datagram(self, data: bytes | memoryview) -> None:
        try:
            self._ice.send(data)
        except OSError:
            logger.debug("A datagram could not be sent")

    def _media_received(self, address: Address | None) -> None:
        inbound = self._inbound
        if inbound is None:
            return
        if self._view[1] & 0xE0 == 0xC0:  # RFC 5761 section 4
            self._rtcp_received(inbound, address)
            return
        stats = self.stats
        unprotect = inbound.unprotect
        if unprotect():
            stats.rejected += 1
            return
        self.last_rtp_at = monotonic()
        stats.packets_received += 1
        stats.bytes_received += self._cell[0]
        if address is not None:
            self._heard_from(address)
        forward = self.forward
        if forward is not None:
            forward()
        else:
            self.on_rtp(self.scratch.packet())

    def _rtcp_received(self, inbound: Inbound, address: Address | None) -> None:
        if self._cell[0] < _SMALLEST or inbound.unprotect_rtcp():
            self.stats.rejected += 1
            return
        self.last_rtp_at = monotonic()
        self.stats.packets_received += 1
        self.stats.bytes_received += self._cell[0]
        if address is not None:
            self._heard_from(address)
        self.on_rtcp(self.scratch.packet())

    def _heard_from(self, address: Address) -> None:
        if address != self._ice.remote_address:
            self._ice.heard_from(address)


def _parsed(sdp: str) -> SessionDescription:
    try:
        return parse(sdp)
    except SdpError as error:
        raise NegotiationError(str(error)) from error


def _credentials(remote: RemoteTransport) -> tuple[str, str]:
    return remote.ice_ufrag, remote.ice_pwd


def _setup_of(role: DtlsRole | None) -> Setup | None:
    match role:
        case DtlsRole.CLIENT:
            return Setup.ACTIVE
        case DtlsRole.SERVER:
            return Setup.PASSIVE
        case None:
            return None


def _ignore(*_: object) -> None:
    """Stands in until somebody listens."""
