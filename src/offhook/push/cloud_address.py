"""The base address of a cloud's REST API, as people write it."""

from urllib.parse import SplitResult, urlsplit

from offhook.serving.address import ConfigError, is_loopback

WEBEX = "https://webexapis.com"


def cloud_base(key: str, value: str) -> str:
    """``https://webexapis.com`` of whatever leads there, ``/v1`` at the end or not.

    Raises ConfigError for what is no address, and for http to another machine: an administrator's
    token would cross the network in clear.
    """
    base = value.strip().rstrip("/").removesuffix("/v1").rstrip("/")
    parts = _web_address(base)
    if parts is None or parts.query or parts.username:
        raise ConfigError(f"{key} = {value!r} is not of the form {WEBEX}.")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ConfigError(
            f"{key} = {value!r} would send the token in clear to another machine; use https."
        )
    return base


def target_url(key: str, value: str) -> str:
    """The address to which the cloud posts calls. Raises ConfigError."""
    target = value.strip()
    if _web_address(target) is None:
        raise ConfigError(f"{key} = {value!r} is not of the form https://push.example.org/webhook.")
    return target


def _web_address(text: str) -> SplitResult | None:
    if not text.isprintable() or " " in text:
        return None
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    usable = parts.scheme in ("http", "https") and parts.hostname and port != 0
    return parts if usable and not parts.fragment else None
