"""The demo organisation: an administrator, four people who call each other, test numbers."""

from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

from offhook.engine.exchange.model import ServiceNumber
from offhook.service.directory.directory import Directory, PersonEntry, UnknownPersonError
from offhook.service.identity.passwords import hash_password

DEMO_ORG_ID = str(uuid5(NAMESPACE_URL, "https://offhook.example/demo"))
DEMO_CLIENT_ID = "offhook-demo"

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


async def found_demo_organization(directory: Directory) -> None:
    """Make the demo organisation, or what of it is missing."""
    await directory.add_organization(DEMO_ORG_ID, "Offhook Demo")
    for person in DEMO_PEOPLE:
        entry = person.entry()
        try:
            await directory.person(entry.person_id)
        except UnknownPersonError:
            await directory.add_person(entry, await hash_password(person.password))
    for service, digits in TEST_NUMBERS.items():
        await directory.add_service_number(DEMO_ORG_ID, service, digits)
