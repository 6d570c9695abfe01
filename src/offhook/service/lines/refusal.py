"""Errors as Mobius writes them: official clients choose what they say by `errorCode`."""

from offhook.serving.errors import ApiError
from offhook.wire.mobius import MobiusError, MobiusErrorCode

#: The rest is a 403. Never with Retry-After: an official client that sets up a call would fall
#: silent until its own time-out (wire document, 4.6).
_STATUS = {
    MobiusErrorCode.DEVICE_NOT_REGISTERED: 404,
    MobiusErrorCode.CALL_NOT_FOUND: 404,
    MobiusErrorCode.CALL_PROCESSING_ERROR: 503,
    MobiusErrorCode.NOT_AVAILABLE: 503,
}


def refusal(code: MobiusErrorCode, message: str) -> ApiError:
    """The answer to a request that Mobius does not carry out."""
    body = MobiusError(message, errorCode=code)
    return ApiError(_STATUS.get(code, 403), message, body=body)
