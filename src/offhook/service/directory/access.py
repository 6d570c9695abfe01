"""Who may see and change what in the directory."""

from offhook.service.directory.directory import Directory
from offhook.service.directory.entries import PersonEntry, UnknownPersonError
from offhook.service.identity.principal import Principal
from offhook.serving.errors import ApiError
from offhook.wire.ids import InvalidIdError, bare_uuid


async def own_or_administered(
    directory: Directory, principal: Principal, person_id: str
) -> PersonEntry:
    """The person with this id, whose settings are the person's own or an administrator's affair.

    Raises ApiError.
    """
    try:
        person = await directory.person(bare_uuid(person_id))
    except (InvalidIdError, UnknownPersonError):
        raise ApiError(404, "There is no such person.") from None
    if person.org_id != principal.org_id:
        raise ApiError(404, "There is no such person.")
    if person.person_id != principal.person_id:
        await must_administer(directory, principal)
    return person


async def must_administer(directory: Directory, principal: Principal) -> None:
    """Raises ApiError unless it is an administrator of their organisation."""
    if not (await directory.person(principal.person_id)).is_admin:
        raise ApiError(403, "Only an administrator of the organisation may do this.")


def must_be_own(principal: Principal, org_id: str | None) -> None:
    """Raises ApiError if `org_id`, where one is given, is another organisation's."""
    if org_id is not None:
        try:
            own = bare_uuid(org_id) == principal.org_id
        except InvalidIdError:
            own = False
        if not own:
            raise ApiError(403, "That is another organisation.")
