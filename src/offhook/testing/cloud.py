"""A phone service with people to try it: what `offhook up` runs, and what tests start."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from msgspec.structs import replace

from offhook.service.app import PhoneService
from offhook.service.config import ServiceConfig, WebhookSettings
from offhook.service.directory.demo import (
    DEMO_GROUP,
    DEMO_PEOPLE,
    TEST_NUMBERS,
    found_demo_organization,
    let_demo_apps_in,
)


@dataclass(frozen=True, slots=True)
class LocalPerson:
    """Somebody of the demo organisation. `token` signs in without a password."""

    name: str
    email: str
    number: str
    extension: str
    password: str
    token: str


@dataclass(frozen=True, slots=True)
class LocalGroup:
    """A hunt group of the demo organisation: who calls its number rings all `members`, by name."""

    name: str
    number: str
    extension: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LocalCloud:
    """A service that runs. `ca` is the file of the authority that its https is certified by.

    `groups` are the hunt groups. `test_numbers` are those that the service answers itself:
    ``echo``, ``announcement``, ``busy``, ``no_answer``, ``dtmf``. `service` is
    the service itself, for those who look inside.
    """

    http: str
    https: str
    ca: str
    people: tuple[LocalPerson, ...]
    groups: tuple[LocalGroup, ...]
    test_numbers: dict[str, str]
    service: PhoneService

    def person(self, name: str) -> LocalPerson:
        """The person with this first name, in any case. Raises KeyError."""
        for person in self.people:
            if person.name.split()[0].casefold() == name.casefold():
                return person
        raise KeyError(name)


@asynccontextmanager
async def local_cloud(config: ServiceConfig | None = None) -> AsyncIterator[LocalCloud]:
    """Start a service with the demo organisation; it stops when the block ends.

    Without `config` it uses free ports of loopback, and data that is thrown away. Raises
    ConfigError, ListenError or StoreError with a sentence that says what to do.
    """
    if config is None:
        with tempfile.TemporaryDirectory(prefix="offhook-") as data:
            anywhere = ServiceConfig(data=data, http="127.0.0.1:0", https="127.0.0.1:0")
            async with local_cloud(anywhere) as cloud:
                yield cloud
        return
    # Webhooks of a cloud for development lead to this machine.
    config = replace(config, webhooks=WebhookSettings(allow_private_targets=True))
    service = PhoneService(config)
    await service.start()
    try:
        await found_demo_organization(service.directory)
        await let_demo_apps_in(service.identity)
        yield LocalCloud(
            http=service.http_url,
            https=service.https_url,
            ca=str(service.ca_path) if service.ca_path else "",
            people=tuple(
                [
                    LocalPerson(
                        name=entry.display_name,
                        email=entry.email,
                        number=entry.number,
                        extension=entry.extension,
                        password=person.password,
                        token=await service.identity.personal_token(entry),
                    )
                    for person in DEMO_PEOPLE
                    for entry in (person.entry(),)
                ]
            ),
            groups=(_demo_group(),),
            test_numbers={number.value: digits for number, digits in TEST_NUMBERS.items()},
            service=service,
        )
    finally:
        await service.stop()


def _demo_group() -> LocalGroup:
    names = {each.person_id: each.display_name for each in (p.entry() for p in DEMO_PEOPLE)}
    return LocalGroup(
        name=DEMO_GROUP.name,
        number=DEMO_GROUP.number,
        extension=DEMO_GROUP.extension,
        members=tuple(names[person_id] for person_id in DEMO_GROUP.members),
    )
