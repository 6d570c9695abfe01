"""`Webex`: what an app makes one of, and everything else hangs on."""

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from offhook.errors import InitializationError, InvalidApiError, NotAuthorizedError, WebexError
from offhook.media.certificate import Certificate
from offhook.media.ice import IceConfig
from offhook.media.leg import LegConfig
from offhook.sdk.auth import Authenticator
from offhook.sdk.cloud import Cloud
from offhook.sdk.delegates import WebexAuthDelegate, WebexUCLoginDelegate
from offhook.sdk.enums import (
    PhoneServiceRegistrationFailureReason,
    UCLoginFailureReason,
    UCLoginServerConnectionStatus,
    UCSSOFailureReason,
)
from offhook.sdk.http import Http
from offhook.sdk.people import PersonClient
from offhook.sdk.phone import Phone
from offhook.sdk.phone_services import PhoneServices, PhoneServicesEvents
from offhook.sdk.push_info import PushMessage, VoicePushInfo, parse_voip_payload
from offhook.sdk.supervisor import Supervisor

#: Seconds that each step of closing may take.
_CLOSING_STEP = 1.5


class Webex:
    """One signed-in person and their phone. An async context manager.

    `cloud` is the URL of the service to sign in to; without it, Webex itself. `ca` is a file with
    the certificate of an authority to trust for https, besides the system's; `tls` a whole context
    instead. `ice` says how audio finds its way; by default no servers are asked, which is right for
    a service that relays audio itself, as this one and Webex do.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        cloud: str | None = None,
        *,
        ca: str | Path | None = None,
        tls: ssl.SSLContext | None = None,
        ice: IceConfig | None = None,
    ) -> None:
        self.authenticator = authenticator
        #: Told about phone services; see `WebexUCLoginDelegate`.
        self.delegate: WebexUCLoginDelegate | None = None
        #: Told about the sign-in; see `WebexAuthDelegate`.
        self.auth_delegate: WebexAuthDelegate | None = None
        self._cloud = Cloud.at(cloud)
        self._ice = ice or IceConfig(loopback=self._cloud.on_this_machine)
        self._supervisor = Supervisor()
        self._http = Http(tls=_tls(ca, tls), trusts=lambda host: self._services.trusts(host))
        self._http.credentials = authenticator
        self._services = PhoneServices(
            self._http,
            self._cloud,
            authenticator,
            PhoneServicesEvents(
                on_status=self._status_changed,
                on_logged_in=self._logged_in,
                on_trouble=lambda error: self.phone.line_failed(error),
                on_refused=self._refused,
                on_event=lambda data, tracking_id: self.phone.take(data, tracking_id),
                on_back=lambda: self.phone.service_back(),
            ),
            self._supervisor,
            authenticator.email,
        )
        #: Calls and phone services.
        self.phone = Phone(
            self._http,
            self._services,
            self._supervisor,
            self._leg_config,
            lambda: authenticator.is_authorized,
            self.initialize,
        )
        #: People.
        self.people = PersonClient(self._http, self._cloud)
        self._certificate: Certificate | None = None
        self._initializing: asyncio.Lock = asyncio.Lock()
        self._initialized = False
        self._closed = False
        authenticator.attach(
            self._http,
            self._cloud.hydra,
            on_signed_in=self._signed_in,
            on_signing_out=self._signing_out,
            on_lost=self._sign_in_lost,
            call_user=self._supervisor.call_user,
        )

    async def __aenter__(self) -> Self:
        try:
            await self.initialize()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def initialize(self) -> None:
        """Get ready, before anything else. Takes up a stored sign-in; twice does no harm.

        If somebody is signed in, phone services are connected in the background: wait for
        `phone.ready()`, or for the delegate.
        """
        async with self._initializing:
            if self._closed:
                raise InitializationError("This Webex object is closed; make a new one.")
            if self._initialized:
                return
            await self.authenticator.restore()
            self._initialized = True
            self.phone.initialized()
        self._signed_in()

    @staticmethod
    def parse_voip_payload(message: PushMessage) -> VoicePushInfo:
        """Who calls, out of a push message, without a connection and before `initialize`.

        `message` as for `Phone.process_push_notification`. Raises `InvalidApiError` if it announces
        no call.
        """
        return parse_voip_payload(message)

    async def close(self) -> None:
        """End all calls, disconnect, and let go of everything. Within about 5 s."""
        if self._closed:
            return
        self._closed = True
        try:
            for step in (self.phone.close, self._services.disconnect, self.authenticator.close):
                # What cannot be told to the service in time runs out there by itself.
                with suppress(TimeoutError):
                    async with asyncio.timeout(_CLOSING_STEP):
                        await step()
        finally:
            await self._supervisor.drain(0.5)
            await self._http.close()

    @property
    def uc_server_connection_status(self) -> UCLoginServerConnectionStatus:
        """Phone services are ready when this is CONNECTED."""
        return self._services.status

    @property
    def is_uc_logged_in(self) -> bool:
        """Whether the person is signed in to the calling service."""
        return self._services.logged_in

    # --- news ---

    def _signed_in(self) -> None:
        if self._initialized and not self._closed and self.authenticator.is_authorized:
            self._services.connect()

    async def _signing_out(self) -> None:
        if self._initialized and not self._closed:
            await self.phone.end_calls()
            await self._services.disconnect()

    def _sign_in_lost(self) -> None:
        if self._closed:
            return
        if self.delegate is not None:
            self._supervisor.call_user(
                self.delegate.on_uc_sso_login_failed, UCSSOFailureReason.SESSION_EXPIRED
            )
        if self.auth_delegate is not None:
            self._supervisor.call_user(self.auth_delegate.on_re_login_required)
        if self._services.established:
            self._supervisor.spawn(self._stop_phone(), "offhook-signed-out")

    async def _stop_phone(self) -> None:
        await self.phone.end_calls()
        await self._services.lose()

    def _logged_in(self) -> None:
        if self.delegate is not None:
            self._supervisor.call_user(self.delegate.on_uc_logged_in)

    def _refused(self, error: WebexError) -> None:
        reason = UCLoginFailureReason.UNKNOWN
        if isinstance(error, NotAuthorizedError):
            reason = UCLoginFailureReason.TOKEN_FAILURE
        elif error.retryable:
            reason = UCLoginFailureReason.SERVICE_DISCOVERY_FAILURE
        if self.delegate is not None:
            self._supervisor.call_user(self.delegate.on_uc_login_failed, reason)
        if self.auth_delegate is not None and not isinstance(error, NotAuthorizedError):
            self._supervisor.call_user(self.auth_delegate.on_login_failed)

    def _status_changed(
        self,
        status: UCLoginServerConnectionStatus,
        reason: PhoneServiceRegistrationFailureReason,
    ) -> None:
        if self.delegate is not None:
            self._supervisor.call_user(
                self.delegate.on_uc_server_connection_state_changed, status, reason
            )
        if status is UCLoginServerConnectionStatus.CONNECTED:
            self.phone.line_ready()
        elif status is UCLoginServerConnectionStatus.FAILED and self._services.error is not None:
            self.phone.line_failed(self._services.error)

    def _leg_config(self) -> LegConfig:
        if self._certificate is None:
            # Not before there is a call to answer or to place: who is woken for one is in a hurry.
            self._certificate = Certificate.generate()
        return LegConfig(self._certificate, ice=self._ice)


def _tls(ca: str | Path | None, tls: ssl.SSLContext | None) -> ssl.SSLContext | None:
    if ca is None:
        return tls
    context = tls or ssl.create_default_context()
    try:
        context.load_verify_locations(cafile=str(ca))
    except (OSError, ssl.SSLError) as error:
        raise InvalidApiError(f"ca = {ca} is not a readable certificate file.") from error
    return context
