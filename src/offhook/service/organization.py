"""The organisation that a configuration file describes, made at start as far as it is missing."""

from uuid import NAMESPACE_URL, uuid5

from sqlalchemy.exc import IntegrityError

from offhook.service.config import Organization, PersonSettings
from offhook.service.directory import Directory, PersonEntry
from offhook.service.identity import Identity
from offhook.service.identity.clients import Client
from offhook.service.identity.passwords import hash_password
from offhook.serving.address import ConfigError


async def found_organization(
    wanted: Organization, directory: Directory, identity: Identity
) -> None:
    """Add whoever and whatever is missing; people who are there stay as they are.

    Apps become what the file says. Raises ConfigError where two would have one number.
    """
    org_id = organization_id(wanted.name)
    await directory.add_organization(org_id, wanted.name)
    for person in wanted.people:
        if await directory.find_by_email(person.email) is not None:
            continue
        password = await hash_password(person.password) if person.password else None
        try:
            await directory.add_person(_entry(person, org_id), password)
        except IntegrityError as error:
            raise ConfigError(
                f"organization.people: the number or extension of {person.email} belongs to "
                "somebody else."
            ) from error
    for service, digits in wanted.test_numbers.items():
        await directory.add_service_number(org_id, service, digits)
    for app in wanted.apps:
        await identity.clients.register(
            Client(app.id, app.name, app.secret, frozenset(app.redirect_uris))
        )
    for issuer in wanted.guest_issuers:
        try:
            await identity.guests.add_issuer(issuer.id, org_id, issuer.secret)
        except ValueError as error:
            raise ConfigError(f"organization.guest_issuers: {error}") from error


def organization_id(name: str) -> str:
    """The id of the organisation of this name, the same at each start."""
    return str(uuid5(NAMESPACE_URL, f"offhook:organization:{name}"))


def _entry(person: PersonSettings, org_id: str) -> PersonEntry:
    first, _, last = person.name.partition(" ")
    return PersonEntry(
        person_id=str(uuid5(NAMESPACE_URL, f"mailto:{person.email.casefold()}")),
        org_id=org_id,
        email=person.email,
        display_name=person.name,
        first_name=first,
        last_name=last,
        is_admin=person.admin,
        is_guest=False,
        created=0.0,
        number=person.number,
        extension=person.extension,
    )
