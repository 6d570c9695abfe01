"""What the directory keeps: people, hunt groups, and where their calls go instead."""

from dataclasses import dataclass

from offhook.engine.exchange.model import HuntPolicy, Party

#: People who may be rung at once.
MOST_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class PersonEntry:
    """A person. Ids are uuids; `number` and `extension` are empty where there is none."""

    person_id: str
    org_id: str
    email: str
    display_name: str
    first_name: str
    last_name: str
    is_admin: bool
    is_guest: bool
    created: float
    number: str = ""
    extension: str = ""

    @property
    def party(self) -> Party:
        """The person as somebody on the phone sees them."""
        return Party(self.display_name, self.number or self.extension, self.person_id)


@dataclass(frozen=True, slots=True)
class ForwardingRule:
    """Calls go on to `destination`, as it would be dialled. It is kept while the rule is off."""

    enabled: bool = False
    destination: str = ""


@dataclass(frozen=True, slots=True)
class Forwarding:
    """Where calls go instead. After `no_answer_seconds`, or the service's own time if None."""

    always: ForwardingRule = ForwardingRule()
    busy: ForwardingRule = ForwardingRule()
    no_answer: ForwardingRule = ForwardingRule()
    no_answer_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class CallSettings:
    """What a person has decided about calls to them."""

    do_not_disturb: bool = False
    forwarding: Forwarding = Forwarding()


@dataclass(frozen=True, slots=True)
class HuntGroup:
    """A number at which several people answer; `members` are their ids, in order.

    One after the other each rings for `member_seconds`; None: who is rung first is rung to the end.
    """

    group_id: str
    org_id: str
    name: str
    policy: HuntPolicy
    members: tuple[str, ...]
    number: str = ""
    extension: str = ""
    enabled: bool = True
    member_seconds: float | None = 15.0
    forwarding: Forwarding = Forwarding()

    @property
    def party(self) -> Party:
        """The group as somebody on the phone sees it."""
        return Party(self.name, self.number or self.extension)


class UnknownPersonError(Exception):
    """There is no such person."""


class UnknownGroupError(Exception):
    """There is no such group."""


class NumberTakenError(Exception):
    """A number, an extension, or the name of a group, belongs to somebody else already."""
