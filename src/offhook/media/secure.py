"""The encryption of a leg: one DTLS association after the other."""

import logging
from collections import deque
from collections.abc import Callable

from offhook.media.certificate import Certificate
from offhook.media.dtls import DtlsHandshake, DtlsRole
from offhook.media.errors import DtlsError
from offhook.media.srtp import SrtpKeys
from offhook.wire.sdp import Fingerprint

logger = logging.getLogger(__name__)

# A peer that knows our address may start before its answer has reached us by way of signalling.
_EARLY_DATAGRAMS = 8


class SecureTransport:
    """Runs a handshake with each peer in turn; `on_keyed` gets the SRTP keys of each."""

    def __init__(
        self,
        *,
        certificate: Certificate,
        send: Callable[[bytes], None],
        on_keyed: Callable[[SrtpKeys], None],
        on_error: Callable[[DtlsError], None],
        timeout: float,
    ) -> None:
        self._certificate = certificate
        self._send = send
        self._on_keyed = on_keyed
        self._on_error = on_error
        self._timeout = timeout
        self._handshake: DtlsHandshake | None = None
        self._early: deque[bytes] = deque(maxlen=_EARLY_DATAGRAMS)

    def expect_new_peer(self) -> None:
        """Keep DTLS that arrives from now on for the next `start`."""
        if self._handshake is not None:
            self._handshake.abandon()
            self._handshake = None
        self._early.clear()

    def start(self, role: DtlsRole, announced: tuple[Fingerprint, ...]) -> None:
        """Begin the handshake over the path that now stands."""
        self._handshake = handshake = DtlsHandshake(
            certificate=self._certificate,
            role=role,
            announced=announced,
            send=self._send,
            on_keys=self._on_keyed,
            on_error=self._on_error,
            on_close=self._left,
            timeout=self._timeout,
        )
        handshake.start()
        while self._early:
            handshake.datagram_received(self._early.popleft())

    @property
    def started(self) -> bool:
        """Whether an association is running or being set up."""
        return self._handshake is not None

    def datagram_received(self, data: bytes) -> None:
        """Take a DTLS datagram. Never raises."""
        if self._handshake is None:
            self._early.append(data)
        else:
            self._handshake.datagram_received(data)

    def _left(self) -> None:
        # Not an error yet: the hang-up that explains it is on its way through signalling.
        logger.debug("The peer said goodbye")

    def close(self) -> None:
        """Say goodbye. Idempotent."""
        if self._handshake is not None:
            self._handshake.close()
