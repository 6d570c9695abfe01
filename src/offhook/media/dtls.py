"""The DTLS handshake of one leg, which yields its SRTP keys (RFC 5764, RFC 6347).

Works on datagrams and callbacks: whoever owns the socket feeds `datagram_received` and passes on
what `send` is called with. Nothing here awaits, so a handshake costs no task.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from enum import StrEnum

from OpenSSL import SSL

from offhook.media.certificate import Certificate, is_announced
from offhook.media.errors import DtlsError
from offhook.media.srtp import SrtpKeys, profile_named
from offhook.wire.sdp import Fingerprint

logger = logging.getLogger(__name__)

# Fits any path that carries IPv6 (1280) with room for a TURN header.
MTU = 1200

_RECORD_HEADER = 13
_LABEL = b"EXTRACTOR-dtls_srtp"


class DtlsRole(StrEnum):
    """Who sends the first message: the client is the side whose SDP says ``setup:active``."""

    CLIENT = "client"
    SERVER = "server"


class DtlsHandshake:
    """One DTLS association.

    `on_keys` is called once when the handshake succeeded and the peer's certificate is the
    announced one; `on_error` once with a `DtlsError` if it failed. After `on_keys` the object
    still answers a peer whose last message was lost, and calls `on_close` when the peer says
    goodbye.
    """

    def __init__(
        self,
        *,
        certificate: Certificate,
        role: DtlsRole,
        announced: tuple[Fingerprint, ...],
        send: Callable[[bytes], None],
        on_keys: Callable[[SrtpKeys], None],
        on_error: Callable[[DtlsError], None],
        on_close: Callable[[], None],
        timeout: float = 10.0,
    ) -> None:
        self._role = role
        self._announced = announced
        self._send = send
        self._on_keys = on_keys
        self._on_error = on_error
        self._on_close = on_close
        self._timeout = timeout
        self._connection = certificate.new_connection()
        self._connection.set_ciphertext_mtu(MTU)
        if role is DtlsRole.CLIENT:
            self._connection.set_connect_state()
        else:
            self._connection.set_accept_state()
        self._retransmission: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._established = False
        self._over = False

    def start(self) -> None:
        """Begin; the time limit (seconds, `timeout`) runs from here."""
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(self._timeout, self._too_slow)
        self._advance()

    def datagram_received(self, data: bytes) -> None:
        """Take a datagram whose first byte says DTLS. Never raises: damaged records are dropped."""
        if self._over:
            return
        self._connection.bio_write(data)
        self._advance()

    def close(self) -> None:
        """Say goodbye (if there is somebody to say it to) and stop all timers. Idempotent."""
        if self._established and not self._over:
            try:
                self._connection.shutdown()
            except SSL.Error as error:
                logger.debug("DTLS goodbye could not be sent: %s", type(error).__name__)
            self._flush()
        self._stop()

    def abandon(self) -> None:
        """Stop without a goodbye, because another peer takes over. Idempotent."""
        self._stop()

    def _stop(self) -> None:
        self._over = True
        for handle in (self._deadline, self._retransmission):
            if handle is not None:
                handle.cancel()
        self._deadline = self._retransmission = None

    def _advance(self) -> None:
        try:
            if self._established:
                self._drain()
            else:
                self._connection.do_handshake()
                self._finish()
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self._flush()
            self._stop()
            self._on_close()
            return
        except SSL.Error as error:
            self._flush()
            if self._established:
                logger.debug("A DTLS record after the handshake was dropped: %s", error)
                return
            self._fail(f"The DTLS handshake failed ({_reason(error)}); try the call again.")
            return
        if not self._over:
            self._flush()
            self._schedule_retransmission()

    def _drain(self) -> None:
        # Application data has no meaning on a voice leg; reading it lets OpenSSL see alerts and
        # answer repeated handshake messages.
        while True:
            self._connection.recv(65535)

    def _finish(self) -> None:
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        if certificate is None or not is_announced(certificate, self._announced):
            self._flush()
            self._fail(
                "The other side's certificate is not the one its session description announced; "
                "somebody may be listening in. The call was refused."
            )
            return
        profile = profile_named(self._connection.get_selected_srtp_profile())
        if profile is None:
            self._flush()
            self._fail("The other side supports no common SRTP protection profile.")
            return
        material = self._connection.export_keying_material(_LABEL, profile.material_length)
        self._established = True
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        # Our last message goes out before the first voice packet may.
        self._flush()
        client = self._role is DtlsRole.CLIENT
        self._on_keys(SrtpKeys.from_material(profile, material, client=client))

    def _fail(self, sentence: str) -> None:
        self._stop()
        self._on_error(DtlsError(sentence))

    def _too_slow(self) -> None:
        self._fail(
            f"The DTLS handshake did not finish within {self._timeout:g} s; "
            "check that UDP passes in both directions."
        )

    def _schedule_retransmission(self) -> None:
        if self._retransmission is not None:
            self._retransmission.cancel()
            self._retransmission = None
        delay = self._connection.DTLSv1_get_timeout()
        if delay is not None:
            loop = asyncio.get_running_loop()
            self._retransmission = loop.call_later(max(delay, 0.001), self._retransmit)

    def _retransmit(self) -> None:
        self._retransmission = None
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error as error:
            self._fail(f"The DTLS handshake failed ({_reason(error)}); try the call again.")
            return
        self._flush()
        self._schedule_retransmission()

    def _flush(self) -> None:
        try:
            data = self._connection.bio_read(65535)
        except SSL.WantReadError:
            return
        for datagram in datagrams_of(data):
            self._send(datagram)


def datagrams_of(records: bytes) -> Iterator[bytes]:
    """Pack a run of DTLS 1.2 records into datagrams of at most `MTU` bytes, records kept whole."""
    start = end = 0
    while end < len(records):
        length = int.from_bytes(records[end + 11 : end + 13], "big")
        following = min(end + _RECORD_HEADER + length, len(records))
        if following - start > MTU and end > start:
            yield records[start:end]
            start = end
        end = following
    if end > start:
        yield records[start:end]


def _reason(error: SSL.Error) -> str:
    """OpenSSL's own words for the failure, which name no secrets."""
    # A SysCallError carries a number and a text where others have a list.
    details = error.args[0] if error.args and isinstance(error.args[0], list) else ()
    reasons = [entry[-1] for entry in details if isinstance(entry, tuple) and entry]
    return ", ".join(reasons) or type(error).__name__
