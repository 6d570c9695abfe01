"""People and numbers of the organisations of this service."""

import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote

from sqlalchemy import Select, insert, select, update
from sqlalchemy.exc import IntegrityError

from offhook.engine.exchange.model import (
    Party,
    ServiceNumber,
    ServiceTarget,
    Target,
    UnknownTarget,
)
from offhook.service.directory.call_settings import CallSettingsStore
from offhook.service.directory.entries import PersonEntry, UnknownGroupError, UnknownPersonError
from offhook.service.directory.hunt_groups import HuntGroups
from offhook.service.directory.resolving import Found, Resolver
from offhook.service.store.schema import numbers, organizations, people
from offhook.store import Database
from offhook.wire.phone_number import NotAPhoneNumberError, normalise_e164, parse_dial_string

#: An e-mail or SIP address (RFC 3261, 19.1). Port and parameters do not matter here.
_ADDRESS = re.compile(r"(?:sips?:)?(?P<user>[^@:;?]+)@(?P<host>[^@:;?]+).*", re.IGNORECASE)
_SIP_SCHEME = re.compile(r"sips?:", re.IGNORECASE)
_LONGEST_ADDRESS = 256
EXTENSION = re.compile(r"[0-9]{2,8}")


_SERVICE_NAMES = {
    ServiceNumber.ECHO: "Echo",
    ServiceNumber.ANNOUNCEMENT: "Announcement",
    ServiceNumber.BUSY: "Always busy",
    ServiceNumber.NO_ANSWER: "Never answers",
    ServiceNumber.DTMF: "Digits",
}


#: Seconds for which it is remembered where a number leads, and numbers that are: looking one up
#: takes several queries, and people call the same few.
_REMEMBERED = 30.0
_MOST_REMEMBERED = 10_000


class Directory:
    """See the module. `region` (ISO 3166) says how national numbers are read.

    `groups` are the hunt groups, `settings` what people have decided about calls to them.
    """

    def __init__(self, database: Database, clock: Callable[[], float], region: str) -> None:
        self._database = database
        self._clock = clock
        self._region = region
        self._organizations: dict[str, str] = {}
        self._resolved: dict[tuple[str, str], tuple[float, Target]] = {}
        self.groups = HuntGroups(database, clock, self._forget_resolved)
        self.settings = CallSettingsStore(database, self._forget_resolved)

    async def person(self, person_id: str) -> PersonEntry:
        """The person with this uuid. Raises UnknownPersonError."""
        found = await self._people(select(people).where(people.c.id == person_id))
        if not found:
            raise UnknownPersonError("There is no such person.")
        return found[0]

    async def people_of(self, person_ids: Sequence[str]) -> dict[str, PersonEntry]:
        """Those of these uuids that there are, by uuid."""
        return {each.person_id: each for each in await self._of_ids(person_ids)}

    async def organization_name(self, org_id: str) -> str:
        """The name of an organisation; empty if there is none."""
        found = await self._database.read(
            select(organizations.c.name).where(organizations.c.id == org_id)
        )
        return found[0]["name"] if found else ""

    async def organization_of(self, person_id: str) -> str | None:
        """The organisation of a person, which never changes; None if there is no such person."""
        known = self._organizations.get(person_id)
        if known is None:
            found = await self._database.read(
                select(people.c.org_id).where(people.c.id == person_id)
            )
            if not found:
                return None
            if len(self._organizations) >= _MOST_REMEMBERED:
                self._organizations.clear()
            known = self._organizations[person_id] = found[0]["org_id"]
        return known

    async def find_by_email(self, email: str) -> PersonEntry | None:
        """The person with this e-mail address, whatever its case."""
        wanted = email.strip().casefold()
        found = await self._people(select(people).where(people.c.email == wanted))
        return found[0] if found else None

    async def people(
        self,
        org_id: str,
        *,
        email: str | None = None,
        name: str | None = None,
        ids: Sequence[str] = (),
        start: int = 0,
        most: int = 100,
    ) -> list[PersonEntry]:
        """People of an organisation in the order of their names, from the `start`-th on."""
        query = select(people).where(people.c.org_id == org_id, people.c.is_guest.is_(False))
        if email is not None:
            query = query.where(people.c.email == email.strip().casefold())
        if name is not None:
            query = query.where(people.c.display_name.istartswith(name, autoescape=True))
        if ids:
            query = query.where(people.c.id.in_(ids))
        query = query.order_by(people.c.display_name, people.c.id).offset(start).limit(most)
        return await self._people(query)

    async def password_of(self, person_id: str) -> str | None:
        """The password's hash, None if the person cannot sign in with one."""
        found = await self._database.read(select(people.c.password).where(people.c.id == person_id))
        return found[0]["password"] if found else None

    def normalised(self, number: str) -> str:
        """A number in E.164 form. Raises NotAPhoneNumberError."""
        return normalise_e164(number, self._region)

    async def resolve(self, org_id: str, dialled: str) -> Target:
        """Where `dialled` leads: a number as people type it, an e-mail or a SIP address."""
        now = self._clock()
        until, target = self._resolved.get((org_id, dialled), (now, None))
        if target is not None and now < until:
            return target
        remembered = self._resolved
        found = await self._resolve(org_id, dialled)
        # A number that leads nowhere may have been given to somebody a moment later; and what was
        # changed meanwhile is looked up again.
        if not isinstance(found, UnknownTarget) and remembered is self._resolved:
            if len(remembered) >= _MOST_REMEMBERED:
                remembered.clear()
            remembered[org_id, dialled] = (now + _REMEMBERED, found)
        return found

    async def _resolve(self, org_id: str, dialled: str) -> Target:
        async def find(number: str) -> Found | None:
            return await self._find(org_id, number)

        return await Resolver(find, self._of_ids, self.settings.of_all).target(dialled)

    async def _find(self, org_id: str, dialled: str) -> Found | None:
        address = dialled.strip()
        if match := _ADDRESS.fullmatch(address):
            address = unquote(match["user"])
            person = await self.find_by_email(f"{address}@{match['host']}")
            if person is not None and person.org_id == org_id:
                return person
        address = _SIP_SCHEME.sub("", address)
        for digits in self._spellings(address):
            found = await self._number(org_id, digits)
            if found is not None:
                return found
        return None

    def _spellings(self, dialled: str) -> list[str]:
        """As an extension or code is kept, and as an E.164 number would be."""
        try:
            digits = parse_dial_string(dialled).digits
        except NotAPhoneNumberError:
            return []
        spellings = [digits]
        for text in (dialled, f"+{digits.lstrip('+')}"):
            try:
                spellings.append(normalise_e164(text, self._region))
            except NotAPhoneNumberError:
                continue
        return list(dict.fromkeys(spellings))

    async def _number(self, org_id: str, digits: str) -> Found | None:
        found = await self._database.read(
            select(numbers).where(numbers.c.org_id == org_id, numbers.c.digits == digits)
        )
        if not found:
            return None
        row = found[0]
        if row["person_id"] is not None:
            return await self.person(row["person_id"])
        if row["group_id"] is not None:
            try:
                return await self.groups.get(row["group_id"])
            except UnknownGroupError:  # It was removed this moment.
                return None
        service = ServiceNumber(row["service"])
        return ServiceTarget(service, Party(_SERVICE_NAMES[service], digits))

    # --- changes ---

    async def add_organization(self, org_id: str, name: str) -> None:
        """Add an organisation, unless it is there."""
        found = await self._database.read(
            select(organizations.c.id).where(organizations.c.id == org_id)
        )
        if not found:
            await self._database.write(
                insert(organizations).values(id=org_id, name=name, created=self._clock())
            )

    async def add_person(self, person: PersonEntry, password: str | None) -> None:
        """Add a person with their numbers. `password` is a hash."""
        rows: list[dict[str, Any]] = [
            {"org_id": person.org_id, "digits": digits, "kind": kind, "person_id": person.person_id}
            for kind, digits in (("e164", person.number), ("extension", person.extension))
            if digits
        ]
        statements: list[Any] = [
            insert(people).values(
                id=person.person_id,
                org_id=person.org_id,
                email=person.email.casefold(),
                display_name=person.display_name,
                first_name=person.first_name,
                last_name=person.last_name,
                password=password,
                is_admin=person.is_admin,
                is_guest=person.is_guest,
                created=self._clock(),
            )
        ]
        if rows:
            statements.append(insert(numbers).values(rows))
        await self._database.write(*statements)
        self._forget_resolved()

    async def add_service_number(self, org_id: str, service: ServiceNumber, digits: str) -> None:
        """Give a number to one of the service's own, unless it has it."""
        if await self._number(org_id, digits) is None:
            await self._database.write(
                insert(numbers).values(
                    org_id=org_id, digits=digits, kind="extension", service=service.value
                )
            )

    async def guest(self, person_id: str, org_id: str, name: str) -> PersonEntry:
        """The guest with this id, known by `name` from now on."""
        first, _, last = name.partition(" ")
        guest = PersonEntry(
            person_id=person_id,
            org_id=org_id,
            email=f"{person_id}@guest.invalid",
            display_name=name,
            first_name=first,
            last_name=last,
            is_admin=False,
            is_guest=True,
            created=self._clock(),
        )
        try:
            await self.add_person(guest, None)
        except IntegrityError:  # The guest was here before.
            self._forget_resolved()
            await self._database.write(
                update(people)
                .where(people.c.id == person_id)
                .values(display_name=name, first_name=first, last_name=last)
            )
        return await self.person(person_id)

    def _forget_resolved(self) -> None:
        """Something has changed: no number is known to lead anywhere."""
        self._resolved = {}

    async def _of_ids(self, person_ids: Sequence[str]) -> list[PersonEntry]:
        return await self._people(select(people).where(people.c.id.in_(person_ids)))

    async def _people(self, query: Select[Any]) -> list[PersonEntry]:
        found = await self._database.read(query)
        if not found:
            return []
        ids = [row["id"] for row in found]
        owned = await self._database.read(select(numbers).where(numbers.c.person_id.in_(ids)))
        by_kind = {(row["person_id"], row["kind"]): row["digits"] for row in owned}
        return [
            PersonEntry(
                person_id=row["id"],
                org_id=row["org_id"],
                email=row["email"],
                display_name=row["display_name"],
                first_name=row["first_name"],
                last_name=row["last_name"],
                is_admin=row["is_admin"],
                is_guest=row["is_guest"],
                created=row["created"],
                number=by_kind.get((row["id"], "e164"), ""),
                extension=by_kind.get((row["id"], "extension"), ""),
            )
            for row in found
        ]


def can_be_dialled(text: str) -> bool:
    """Whether `text` is a number, an extension, an e-mail or a SIP address."""
    if len(text) > _LONGEST_ADDRESS or not text.isprintable():
        return False
    if _ADDRESS.fullmatch(text):
        return True
    try:
        parse_dial_string(_SIP_SCHEME.sub("", text))
    except NotAPhoneNumberError:
        return False
    return True
