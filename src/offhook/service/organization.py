"""The organisation that a configuration file describes, made at start as far as it is missing."""

from uuid import NAMESPACE_URL, uuid5

from sqlalchemy.exc import IntegrityError

from offhook.engine.exchange.model import HuntPolicy
from offhook.service.directory import (
    CallSettings,
    Directory,
    Forwarding,
    ForwardingRule,
    HuntGroup,
    NumberTakenError,
    PersonEntry,
)
from offhook.service.identity import Identity
from offhook.service.identity.clients import Client
from offhook.service.identity.passwords import hash_password
from offhook.service.organization_config import (
    ForwardingSettings,
    GroupSettings,
    Organization,
    PersonSettings,
)
from offhook.serving.address import ConfigError

_POLICIES = {
    "simultaneous": HuntPolicy.SIMULTANEOUS,
    "regular": HuntPolicy.REGULAR,
    "circular": HuntPolicy.CIRCULAR,
    "longest_idle": HuntPolicy.LONGEST_IDLE,
}


async def found_organization(
    wanted: Organization, directory: Directory, identity: Identity
) -> None:
    """Add whoever and whatever is missing; people and groups that are there stay as they are.

    Apps become what the file says. Raises ConfigError where two would have one number.
    """
    org_id = organization_id(wanted.name)
    await directory.add_organization(org_id, wanted.name)
    for person in wanted.people:
        if await directory.find_by_email(person.email) is not None:
            continue
        password = await hash_password(person.password) if person.password else None
        entry = _entry(person, org_id)
        try:
            await directory.add_person(entry, password)
        except IntegrityError as error:
            raise ConfigError(
                f"organization.people: the number or extension of {person.email} belongs to "
                "somebody else."
            ) from error
        settings = CallSettings(person.do_not_disturb, _forwarding(person.forwarding))
        if settings != CallSettings():
            await directory.settings.set(entry.person_id, settings)
    await _found_groups(wanted.groups, org_id, directory)
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


async def _found_groups(wanted: list[GroupSettings], org_id: str, directory: Directory) -> None:
    known = {each.name for each in await directory.groups.of_org(org_id)}
    for group in wanted:
        if group.name in known:
            continue
        members = []
        for email in group.members:
            person = await directory.find_by_email(email)
            if person is None or person.org_id != org_id:
                raise ConfigError(
                    f"organization.groups ({group.name}): {email} is nobody of the organisation."
                )
            members.append(person.person_id)
        try:
            await directory.groups.add(
                HuntGroup(
                    group_id=str(uuid5(NAMESPACE_URL, f"offhook:group:{org_id}:{group.name}")),
                    org_id=org_id,
                    name=group.name,
                    policy=_POLICIES[group.policy],
                    members=tuple(members),
                    number=group.number,
                    extension=group.extension,
                    member_seconds=group.member_seconds,
                    forwarding=_forwarding(group.forwarding),
                )
            )
        except NumberTakenError as error:
            raise ConfigError(
                f"organization.groups: the number or extension of {group.name} belongs to "
                "somebody else."
            ) from error


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


def _forwarding(wanted: ForwardingSettings) -> Forwarding:
    always, busy, no_answer = (
        ForwardingRule(bool(destination), destination)
        for destination in (wanted.always, wanted.busy, wanted.no_answer)
    )
    return Forwarding(always, busy, no_answer, wanted.no_answer_seconds)
