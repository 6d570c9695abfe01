"""Our service in this process, with the demo organisation, short intervals, and a restart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import msgspec

from offhook.service.app import PhoneService
from offhook.service.config import ServiceConfig, Timing
from offhook.service.directory.demo import DEMO_PEOPLE, TEST_NUMBERS, found_demo_organization


@dataclass(frozen=True, slots=True)
class DemoCredentials:
    """What a test needs to be one of the demo people."""

    name: str
    number: str
    extension: str
    token: str


class Cloud:
    """The phone service on free ports of loopback. An async context manager.

    ``people`` by lower-case first name, ``test_numbers`` by what they do.
    """

    def __init__(
        self,
        data: Path,
        *,
        keepalive_seconds: int = 2,
        ring_seconds: float = 45.0,
        service: Callable[[ServiceConfig], PhoneService] = PhoneService,
    ) -> None:
        self.keepalive_seconds = keepalive_seconds
        self.people: dict[str, DemoCredentials] = {}
        self.test_numbers = {service.value: digits for service, digits in TEST_NUMBERS.items()}
        self._config = ServiceConfig(
            data=str(data),
            http="127.0.0.1:0",
            https="127.0.0.1:0",
            timing=Timing(ring=ring_seconds, keepalive=keepalive_seconds),
        )
        self._make = service
        self._service = service(self._config)

    @property
    def service(self) -> PhoneService:
        """The service that runs now."""
        return self._service

    @property
    def https_url(self) -> str:
        return self._service.https_url

    async def __aenter__(self) -> Self:
        await self._service.start()
        try:
            # From now on the ports stay, so that clients find a restarted service.
            self._config = msgspec.structs.replace(
                self._config,
                http=urlsplit(self._service.http_url).netloc,
                https=urlsplit(self._service.https_url).netloc,
            )
            await found_demo_organization(self._service.directory)
            for person in DEMO_PEOPLE:
                self.people[person.first_name.lower()] = DemoCredentials(
                    name=person.entry().display_name,
                    number=person.number,
                    extension=person.extension,
                    token=await self._service.identity.personal_token(person.entry()),
                )
        except BaseException:
            await self._service.stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._service.stop()

    async def restart(self) -> None:
        """Stop the service and start another on the same addresses and data."""
        await self._service.stop()
        self._service = self._make(self._config)
        await self._service.start()
