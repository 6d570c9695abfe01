"""Every error that the SDK raises.

::

    WebexError                      the root: `code`, `message`, `retryable`
    ├── InvalidApiError             INVALID_API_ERROR     not a phone number; an argument is wrong
    ├── InitializationError         INITIALIZATION_ERROR  not initialised, or already closed
    │   └── PhoneServicesError      INITIALIZATION_ERROR  phone services are not connected
    ├── NotAuthorizedError          UNAUTHORIZED          not signed in, or not any more
    │   └── SignInError             UNAUTHORIZED          the sign-in was refused
    ├── NetworkError                NETWORK_ERROR         the cloud cannot be reached
    ├── WebSocketError              WEBSOCKET_ERROR       the event connection was refused
    ├── ServiceError                SERVICE_ERROR         the cloud answered with an error
    │   └── TooManyRequestsError    SERVICE_ERROR         it asks to wait `retry_after` seconds
    ├── PermissionRequiredError     PERMISSION_REQUIRED   microphone or speaker cannot be opened
    └── CallError                   UNEXPECTED_ERROR      something about one call
        ├── CallEndedError          CONFLICT_ERROR        the call is over; `reason` says why
        ├── CallStateError          CONFLICT_ERROR        the call is not in a state for this
        ├── CallTimeoutError        SERVICE_ERROR         the service did not confirm in time
        ├── CallMediaError          UNEXPECTED_ERROR      the call's audio cannot be set up
        └── CallAssociationError    SERVICE_ERROR         calls were not merged or transferred
            └── TransferFailedError CONFLICT_ERROR        the target did not take it: `reason`

`code` has the names of the calling guide's ``WebexError.ErrorCode``. `retryable` tells whether the
same thing may well work a little later.
"""

from enum import StrEnum


class WebexErrorCode(StrEnum):
    """The kind of an error. `number` is the vendor's own, where it is publicly known."""

    UNEXPECTED_ERROR = "UNEXPECTED_ERROR"
    SERVICE_ERROR = "SERVICE_ERROR"
    CONFLICT_ERROR = "CONFLICT_ERROR"
    WEBSOCKET_ERROR = "WEBSOCKET_ERROR"
    NETWORK_ERROR = "NETWORK_ERROR"
    INITIALIZATION_ERROR = "INITIALIZATION_ERROR"
    INVALID_API_ERROR = "INVALID_API_ERROR"
    PERMISSION_REQUIRED = "PERMISSION_REQUIRED"
    UNAUTHORIZED = "UNAUTHORIZED"

    @property
    def number(self) -> int | None:
        """The number that the vendor's SDKs give it, None if it is not public."""
        return _NUMBERS.get(self)


_NUMBERS = {
    WebexErrorCode.UNEXPECTED_ERROR: -7000,
    WebexErrorCode.SERVICE_ERROR: -7001,
    WebexErrorCode.CONFLICT_ERROR: -7002,
    WebexErrorCode.WEBSOCKET_ERROR: -7004,
    WebexErrorCode.NETWORK_ERROR: -7005,
}


class WebexError(Exception):
    """Root of all errors of the SDK. The message is a sentence that says what to do."""

    code = WebexErrorCode.UNEXPECTED_ERROR
    retryable = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidApiError(WebexError):
    """The call of the API itself is wrong: not a phone number, a source that does not exist."""

    code = WebexErrorCode.INVALID_API_ERROR


class InitializationError(WebexError):
    """`Webex.initialize` has not run, or the object was closed."""

    code = WebexErrorCode.INITIALIZATION_ERROR


class PhoneServicesError(InitializationError):
    """Phone services are not connected, so no call can be placed.

    `reason` is the `PhoneServiceRegistrationFailureReason`.
    """

    def __init__(self, message: str, reason: str = "", *, retryable: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.retryable = retryable


class NotAuthorizedError(WebexError):
    """Nobody is signed in, or the cloud does not accept the sign-in any more."""

    code = WebexErrorCode.UNAUTHORIZED


class SignInError(NotAuthorizedError):
    """The sign-in was refused. `error` is the OAuth error code where there is one."""

    def __init__(self, message: str, error: str = "") -> None:
        super().__init__(message)
        self.error = error


class NetworkError(WebexError):
    """The cloud cannot be reached: no connection, no name, no TLS, or no answer in time."""

    code = WebexErrorCode.NETWORK_ERROR
    retryable = True


class WebSocketError(WebexError):
    """The cloud ended or refused the event connection for good."""

    code = WebexErrorCode.WEBSOCKET_ERROR


class ServiceError(WebexError):
    """The cloud answered with an error.

    `status` is the HTTP status, `tracking_id` what to quote to whoever runs the cloud, and
    `error_code` the number in the body of a Mobius error, None where there is none.
    `retry_after` in seconds. `body` is the answer as it came.
    """

    code = WebexErrorCode.SERVICE_ERROR

    def __init__(
        self,
        message: str,
        status: int,
        *,
        tracking_id: str = "",
        error_code: int | None = None,
        retry_after: float | None = None,
        body: bytes = b"",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.tracking_id = tracking_id
        self.error_code = error_code
        self.retry_after = retry_after
        self.body = body
        self.retryable = status >= 500 or status == 429


class TooManyRequestsError(ServiceError):
    """The cloud asks to wait: `retry_after` seconds, None if it does not say how long."""


class PermissionRequiredError(WebexError):
    """A microphone or speaker is not there or may not be opened."""

    code = WebexErrorCode.PERMISSION_REQUIRED


class CallError(WebexError):
    """Something went wrong with one call."""


class CallEndedError(CallError):
    """The call is over. `reason` is its `EndReason`."""

    code = WebexErrorCode.CONFLICT_ERROR

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class CallStateError(CallError):
    """The call is not in a state in which this can be done; the message says which it needs."""

    code = WebexErrorCode.CONFLICT_ERROR


class CallTimeoutError(CallError):
    """The service did not confirm a command in time. The call goes on, unless it says otherwise."""

    code = WebexErrorCode.SERVICE_ERROR
    retryable = True


class CallMediaError(CallError):
    """The call's audio cannot be set up."""


class CallAssociationError(CallError):
    """Two calls were not merged, or one was not transferred; both are as they were before.

    `error` is what the service, or the network, had to say; None if nothing was asked of them.
    """

    code = WebexErrorCode.SERVICE_ERROR

    def __init__(self, message: str, error: WebexError | None = None) -> None:
        super().__init__(message)
        self.error = error
        self.retryable = error is not None and error.retryable


class TransferFailedError(CallAssociationError):
    """The target of a direct transfer did not take the call, which is given back.

    `reason` is the `EndReason` of the way there: busy, rejected, no answer, not found.
    """

    code = WebexErrorCode.CONFLICT_ERROR

    def __init__(self, message: str, reason: str, error: WebexError | None = None) -> None:
        super().__init__(message, error)
        self.reason = reason
