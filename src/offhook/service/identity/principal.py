"""Who makes a request."""

from dataclasses import dataclass

from litestar.di import NamedDependency


@dataclass(frozen=True, slots=True)
class Principal:
    """The person behind an access token. Ids are uuids; `family` groups the tokens of a sign-in."""

    person_id: str
    org_id: str
    scopes: frozenset[str]
    family: str
    expires: float


#: The annotation of a handler's `principal`: whoever makes the request.
SignedIn = NamedDependency[Principal]
