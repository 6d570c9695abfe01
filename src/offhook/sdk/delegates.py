"""Who is told about signing in. Subclass and override what is of interest.

Methods may be coroutine functions. What they raise goes to the event loop's exception handler.
Source: the calling guide, "Getting started"; names by the rule of CONTRIBUTING.
"""

from typing import Any

from offhook.sdk.enums import (
    PhoneServiceRegistrationFailureReason,
    UCLoginFailureReason,
    UCLoginServerConnectionStatus,
    UCSSOFailureReason,
)


class WebexUCLoginDelegate:
    """Told about phone services. Only `on_uc_server_connection_state_changed` says "ready"."""

    def on_uc_logged_in(self) -> Any:
        """Signed in to the calling service."""

    def on_uc_login_failed(self, failure_reason: UCLoginFailureReason) -> Any:
        """The calling service refused the sign-in."""

    def on_uc_server_connection_state_changed(
        self,
        status: UCLoginServerConnectionStatus,
        failure_reason: PhoneServiceRegistrationFailureReason,
    ) -> Any:
        """Phone services are ready when `status` is CONNECTED."""

    def on_uc_sso_login_failed(self, failure_reason: UCSSOFailureReason) -> Any:
        """Single sign-on failed, because the session behind it has ended."""

    def load_uc_sso_view_in_background(self, sso_url: str) -> Any:
        """For on-premises calling only; never called here."""

    def show_uc_sso_browser(self) -> Any:
        """For on-premises calling only; never called here."""

    def hide_uc_sso_browser(self) -> Any:
        """For on-premises calling only; never called here."""

    def show_uc_non_sso_login_view(self) -> Any:
        """For on-premises calling only; never called here."""


class WebexAuthDelegate:
    """Told about the sign-in as a whole."""

    def on_re_login_required(self) -> Any:
        """The sign-in has ended: it expired, or the cloud does not accept it any more."""

    def on_login_failed(self) -> Any:
        """Signed in, but the cloud does not let this person use calling."""
