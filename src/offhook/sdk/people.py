"""People of the signed-in person's organisation."""

from dataclasses import dataclass

from offhook.sdk.cloud import Cloud
from offhook.sdk.http import Http
from offhook.wire import rest
from offhook.wire.ids import InvalidIdError, bare_uuid


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody. `id` is the bare uuid, `encoded_id` what REST and webhooks use."""

    id: str
    encoded_id: str
    emails: tuple[str, ...] = ()
    display_name: str = ""
    first_name: str = ""
    last_name: str = ""
    nick_name: str = ""
    avatar: str = ""
    org_id: str = ""
    created: str = ""
    status: str = ""
    type: str = "person"
    phone_numbers: tuple[str, ...] = ()
    extension: str = ""


class PersonClient:
    """`Webex.people`."""

    def __init__(self, http: Http, cloud: Cloud) -> None:
        self._http = http
        self._cloud = cloud

    async def get_me(self) -> Person:
        """Who is signed in. Raises `NotAuthorizedError`, `NetworkError` or `ServiceError`."""
        answer = await self._http.request("GET", f"{self._cloud.hydra}/people/me?callingData=true")
        return _person(answer.read(rest.Person))


def _person(person: rest.Person) -> Person:
    try:
        uuid = bare_uuid(person.id)
    except InvalidIdError:
        uuid = person.id
    numbers = [each for each in person.phoneNumbers or [] if each.type != "work_extension"]
    return Person(
        id=uuid,
        encoded_id=person.id,
        emails=tuple(person.emails),
        display_name=person.displayName,
        first_name=person.firstName or "",
        last_name=person.lastName or "",
        nick_name=person.nickName or "",
        avatar=person.avatar or "",
        org_id=person.orgId,
        created=person.created,
        status=person.status or "",
        type=person.type,
        phone_numbers=tuple(each.value for each in numbers),
        extension=person.extension or "",
    )
