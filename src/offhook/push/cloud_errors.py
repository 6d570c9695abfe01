"""What a cloud answers when it does not do what was asked, each with what to do about it.

All are kinds of `offhook.errors.ServiceError`. That the cloud cannot be reached is a
`NetworkError`, that it does not accept the token a `NotAuthorizedError`.
"""

from offhook.errors import NotAuthorizedError, ServiceError, TooManyRequestsError, WebexError


class WebhookRefusedError(ServiceError):
    """400: the cloud does not take a webhook like this."""


class NotAllowedError(ServiceError):
    """403: the token is good, but its owner may not do this."""


class UnknownWebhookError(ServiceError):
    """404: there is no such webhook, or this token does not see it."""


class WebhookTakenError(ServiceError):
    """409: there is a webhook like this already."""


_KINDS: dict[int, tuple[type[ServiceError], str]] = {
    400: (WebhookRefusedError, "The cloud does not take this webhook"),
    403: (
        NotAllowedError,
        "The cloud does not allow this; use a full administrator's token, with a calls scope",
    ),
    404: (
        UnknownWebhookError,
        "The cloud does not find it; check its address, and whose account made the webhook",
    ),
    409: (WebhookTakenError, "The cloud has a webhook like this already"),
}
_UNAUTHORIZED = (
    "The cloud does not accept the token: it has expired or was revoked. Give a new one, or a "
    "refresh token with which it is renewed."
)


def refusal(
    status: int, message: str, *, tracking_id: str, retry_after: float | None = None
) -> WebexError:
    """The error for an answer with `status` and the cloud's own words."""
    if status == 401:
        return NotAuthorizedError(_UNAUTHORIZED)
    if status == 429:
        wait = "a while" if retry_after is None else f"{retry_after:g} s"
        return TooManyRequestsError(
            f"The cloud has had too many requests; try again in {wait}.",
            status,
            tracking_id=tracking_id,
            retry_after=retry_after,
        )
    kind, sentence = _KINDS.get(
        status,
        (
            ServiceError,
            "The cloud has a fault; try again later"
            if status >= 500
            else "The cloud's answer is not one of a webhook service; check its address",
        ),
    )
    words = message.strip().rstrip(".")
    quoted = f" (it says: {words})" if words else ""
    return kind(
        f"{sentence}{quoted}; status {status}, tracking id {tracking_id or 'none'}.",
        status,
        tracking_id=tracking_id,
        retry_after=retry_after,
    )
