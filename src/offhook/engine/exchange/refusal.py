"""A command that cannot be carried out."""

from offhook.wire.mobius import MobiusErrorCode


class ExchangeRefused(Exception):  # noqa: N818 - a refusal is an answer, not a fault
    """A command cannot be carried out; nothing has changed."""

    def __init__(self, code: MobiusErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def unsuitable(message: str) -> ExchangeRefused:
    """The calls, or the number, that a command names do not go with it."""
    return ExchangeRefused(MobiusErrorCode.NOT_ACCEPTABLE, message)


def untimely(message: str) -> ExchangeRefused:
    """The call is not in the state for it."""
    return ExchangeRefused(MobiusErrorCode.INVALID_STATUS_UPDATE, message)


def unknown(message: str) -> ExchangeRefused:
    """There is no such call, or it is somebody else's."""
    return ExchangeRefused(MobiusErrorCode.CALL_NOT_FOUND, message)
