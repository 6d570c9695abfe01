"""The demo organisation: an administrator, people who call each other, a group, test numbers."""

import base64
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

from offhook.engine.exchange.model import HuntPolicy, ServiceNumber
from offhook.service.directory.directory import Directory
from offhook.service.directory.entries import (
    HuntGroup,
    PersonEntry,
    UnknownGroupError,
    UnknownPersonError,
)
from offhook.service.identity.clients import Client
from offhook.service.identity.identity import Identity
from offhook.service.identity.passwords import hash_password

DEMO_ORG_ID = str(uuid5(NAMESPACE_URL, "https://offhook.example/demo"))

#: An app that everybody may use to sign in: public, with PKCE, on loopback at any port.
DEMO_APP = Client(
    "offhook-demo",
    "Offhook demo app",
    None,
    frozenset(
        f"http://{host}:{{port}}{path}"
        for host in ("127.0.0.1", "localhost")
        for path in ("/", "/callback")
    ),
)
#: Whoever has the secret (base64) may sign in guests.
DEMO_GUEST_ISSUER = "offhook-demo-guests"
DEMO_GUEST_SECRET = base64.b64encode(b"everybody knows this demo secret").decode()

#: Extensions of the service's own numbers.
TEST_NUMBERS = {
    ServiceNumber.ECHO: "8001",
    ServiceNumber.ANNOUNCEMENT: "8002",
    ServiceNumber.BUSY: "8003",
    ServiceNumber.NO_ANSWER: "8004",
    ServiceNumber.DTMF: "8005",
}


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody of the demo organisation, with the password in clear: it is a demo."""

    first_name: str
    last_name: str
    extension: str
    password: str
    is_admin: bool = False

    @property
    def email(self) -> str:
        """``alice@demo.offhook.example``."""
        return f"{self.first_name.lower()}@demo.offhook.example"

    @property
    def number(self) -> str:
        """A number of the range that is kept free for fiction."""
        return f"+1202555{100 + int(self.extension) % 100:04}"

    def entry(self) -> PersonEntry:
        """The person as the directory keeps them, the same at each start."""
        return PersonEntry(
            person_id=str(uuid5(NAMESPACE_URL, f"mailto:{self.email}")),
            org_id=DEMO_ORG_ID,
            email=self.email,
            display_name=f"{self.first_name} {self.last_name}",
            first_name=self.first_name,
            last_name=self.last_name,
            is_admin=self.is_admin,
            is_guest=False,
            created=0.0,
            number=self.number,
            extension=self.extension,
        )


DEMO_PEOPLE = (
    DemoPerson("Alice", "Adams", "1001", "alice-calls"),
    DemoPerson("Bob", "Brown", "1002", "bob-calls"),
    DemoPerson("Carol", "Clark", "1003", "carol-calls"),
    DemoPerson("Dave", "Davis", "1004", "dave-calls"),
    DemoPerson("Ada", "Admin", "1000", "ada-administers", is_admin=True),
)

#: A number at which all of them ring, and whoever is first has the call.
DEMO_GROUP = HuntGroup(
    group_id=str(uuid5(NAMESPACE_URL, "https://offhook.example/demo/support")),
    org_id=DEMO_ORG_ID,
    name="Support",
    policy=HuntPolicy.SIMULTANEOUS,
    members=tuple(person.entry().person_id for person in DEMO_PEOPLE[1:4]),
    number="+12025550110",
    extension="1010",
)


async def found_demo_organization(directory: Directory) -> None:
    """Make the demo organisation, or what of it is missing."""
    await directory.add_organization(DEMO_ORG_ID, "Offhook Demo")
    for person in DEMO_PEOPLE:
        entry = person.entry()
        try:
            await directory.person(entry.person_id)
        except UnknownPersonError:
            await directory.add_person(entry, await hash_password(person.password))
    try:
        await directory.groups.get(DEMO_GROUP.group_id)
    except UnknownGroupError:
        await directory.groups.add(DEMO_GROUP)
    for service, digits in TEST_NUMBERS.items():
        await directory.add_service_number(DEMO_ORG_ID, service, digits)


async def let_demo_apps_in(identity: Identity) -> None:
    """Let `DEMO_APP` sign people in, and `DEMO_GUEST_ISSUER` guests of the demo organisation."""
    await identity.clients.register(DEMO_APP)
    await identity.guests.add_issuer(DEMO_GUEST_ISSUER, DEMO_ORG_ID, DEMO_GUEST_SECRET)
