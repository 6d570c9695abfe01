"""What the three authenticators have in common."""

import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable

from offhook.errors import InitializationError, NotAuthorizedError
from offhook.sdk.http import Http

#: A token that is good for fewer seconds than this is replaced before it is used.
EXPIRY_MARGIN = 60.0


class Authenticator(ABC):
    """Signs somebody in. Make one, give it to a `Webex`, then authorize."""

    #: The e-mail that was given, to find the person's cloud; None if there was none.
    email: str | None = None

    def __init__(self) -> None:
        self._http: Http | None = None
        self._hydra = ""
        self._on_signed_in: Callable[[], None] = _ignore
        self._on_signing_out: Callable[[], Awaitable[None]] = _nothing
        self._on_lost: Callable[[], None] = _ignore
        self._call_user: Callable[[Callable[[], object]], None] = _call
        self._clock: Callable[[], float] = time.time

    @property
    @abstractmethod
    def is_authorized(self) -> bool:
        """Whether a token can be had without asking the person again."""

    @abstractmethod
    async def token(self) -> str:
        """An access token that is good now. Raises `NotAuthorizedError` or `NetworkError`."""

    @abstractmethod
    async def renew(self, rejected: str) -> str:
        """Another token, since the cloud refused `rejected`. Raises `NotAuthorizedError`."""

    async def deauthorize(self) -> None:
        """Sign out and forget everything. Phone services are disconnected first."""
        await self._on_signing_out()
        await self._forget()

    @abstractmethod
    async def _forget(self) -> None:
        """Drop the tokens, the stored ones too."""

    async def _lose(self) -> None:
        """The cloud has ended the sign-in."""
        await self._forget()
        self._on_lost()

    async def restore(self) -> None:  # noqa: B027 - most have nothing stored
        """Take up a stored sign-in, if there is one. `Webex.initialize` calls this."""

    async def close(self) -> None:  # noqa: B027 - most have nothing to wait for
        """Wait for what must not be interrupted. `Webex.close` calls this."""

    def attach(
        self,
        http: Http,
        hydra: str,
        *,
        on_signed_in: Callable[[], None],
        on_signing_out: Callable[[], Awaitable[None]],
        on_lost: Callable[[], None],
        call_user: Callable[[Callable[[], object]], None],
    ) -> None:
        """Used by `Webex`: where to sign in, and whom to tell."""
        self._http = http
        self._hydra = hydra
        self._on_signed_in = on_signed_in
        self._on_signing_out = on_signing_out
        self._on_lost = on_lost
        self._call_user = call_user

    @property
    def _connection(self) -> Http:
        if self._http is None:
            raise InitializationError("Give the authenticator to a Webex object first.")
        return self._http


def not_signed_in() -> NotAuthorizedError:
    """What is raised where a token is needed and nobody is signed in."""
    return NotAuthorizedError("Nobody is signed in; authorize first.")


def _call(callback: Callable[[], object]) -> None:
    callback()


def _ignore() -> None:
    """Stands in until a `Webex` listens."""


async def _nothing() -> None:
    """Stands in until a `Webex` listens."""
