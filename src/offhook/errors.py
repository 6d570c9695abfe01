"""What can go wrong, as one tree.

::

    OffhookError
    └── WebexError              a call of the SDK failed: `code`, `message`, `retryable`
        ├── InvalidApiError     what was asked for cannot be: not a phone number, wrong state
        ├── NotAuthorizedError  not signed in, or not any more
        ├── NetworkError        the cloud cannot be reached, or did not answer in time
        ├── ServiceError        the cloud refused or failed: `status`, `tracking_id`
        ├── CallError           the call ended or cannot do this: `reason`
        └── AudioError          a file, device or codec

The codes are those of the mobile SDK (`WebexError.ErrorCode`).
"""

from enum import IntEnum


class WebexErrorCode(IntEnum):
    """What kind of failure it is. The first eight numbers are the mobile SDK's."""

    UNEXPECTED_ERROR = -7000
    SERVICE_ERROR = -7001
    CONFLICT_ERROR = -7002
    WEBSOCKET_ERROR = -7004
    NETWORK_ERROR = -7005
    INITIALIZATION_ERROR = -7010
    INVALID_API_ERROR = -7011
    PERMISSION_REQUIRED = -7012
    UNAUTHORIZED = -7013


class OffhookError(Exception):
    """Anything that Offhook raises on purpose."""


class WebexError(OffhookError):
    """A call of the SDK failed. `message` says what to do; `retryable` whether again may help."""

    code = WebexErrorCode.UNEXPECTED_ERROR
    retryable = False

    def __init__(
        self,
        message: str,
        *,
        code: WebexErrorCode | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        if retryable is not None:
            self.retryable = retryable


class InvalidApiError(WebexError):
    """What was asked for cannot be: not a phone number, or not in this state."""

    code = WebexErrorCode.INVALID_API_ERROR


class NotAuthorizedError(WebexError):
    """Nobody is signed in, or the sign-in has ended: sign in again."""

    code = WebexErrorCode.UNAUTHORIZED


class NetworkError(WebexError):
    """The cloud cannot be reached, or did not answer in time."""

    code = WebexErrorCode.NETWORK_ERROR
    retryable = True


class ServiceError(WebexError):
    """The cloud refused or failed. `status` is HTTP's, `tracking_id` is for its support."""

    code = WebexErrorCode.SERVICE_ERROR

    def __init__(
        self,
        message: str,
        *,
        status: int,
        tracking_id: str = "",
        retry_after: float | None = None,
        error_code: int | None = None,
    ) -> None:
        super().__init__(message, retryable=status in (429, 500, 502, 503, 504))
        self.status = status
        self.tracking_id = tracking_id
        self.retry_after = retry_after
        self.error_code = error_code


class CallError(WebexError):
    """The call has ended, ended meanwhile, or cannot do this now."""

    code = WebexErrorCode.CONFLICT_ERROR


class AudioError(WebexError):
    """Audio cannot be had from where it should come, or put where it should go."""

    code = WebexErrorCode.PERMISSION_REQUIRED
