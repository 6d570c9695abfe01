"""What joins calls: who is in it, who is being called for it, and the records it leaves.

::

    placed --answered--> two parties --merged--> conference --all but two left--> two parties
    two parties --transferred--> a new session of those who stay

A session that somebody is transferred out of, or that is merged, ends and leaves its record; those
who stay go on in a new one. Only a conference goes on: it takes in who is merged or transferred
into it.

A call that goes on to somebody else leaves a record for the person who was called, and who has
missed it.
"""

from dataclasses import dataclass, field, replace

from offhook.engine.exchange.model import (
    CallRecord,
    EndReason,
    Forward,
    GroupTarget,
    Party,
    PersonTarget,
    Redirection,
    ServiceNumber,
)


@dataclass(slots=True)
class Ring:
    """One person's phones while they ring: `calls` are those of the lines that are offered it.

    `ring_id` is the person's view of the call. They stop at `until` at the latest. With
    `answer_wanted` a phone that begins to ring is asked to answer.
    """

    ring_id: str
    session_id: str
    party: Party
    until: float
    calls: list[str] = field(default_factory=list)
    answer_wanted: bool = False


@dataclass(slots=True)
class Attempt:
    """Somebody is called, until `until` at the latest.

    Of a group that rings one after the other, the one who rings has until `turn_until`; `tried`
    have had their turn in this round, `out` have declined.
    """

    target: PersonTarget | GroupTarget
    until: float
    rings: list[Ring] = field(default_factory=list)
    turn_until: float | None = None
    tried: set[str] = field(default_factory=set)
    out: set[str] = field(default_factory=set)

    @property
    def group(self) -> Party | None:
        """The group that is called, if one is."""
        return self.target.party if isinstance(self.target, GroupTarget) else None

    @property
    def due(self) -> float:
        """When it has rung long enough, or the next one's turn comes."""
        return self.until if self.turn_until is None else min(self.until, self.turn_until)


@dataclass(slots=True)
class Session:
    """See the module. Times in seconds.

    `members` are the calls that are in it, in the order in which they came: the caller's, also
    while it waits, and each that was answered. There is exactly one while somebody is called
    (`attempt`), none if that somebody are the caller's own phones; `then` is where the call goes
    once one of those has answered. `service` is what the service itself answers with. `announced`
    tells whether the caller knows that it rings. `host_id` and `speaker_id` are a conference's.
    """

    session_id: str
    tracking_id: str
    caller: Party
    callee: Party
    dialled: str
    placed: float
    members: list[str] = field(default_factory=list)
    caller_id: str = ""
    attempt: Attempt | None = None
    service: ServiceNumber | None = None
    then: Forward | None = None
    redirections: tuple[Redirection, ...] = ()
    announced: bool = False
    progress_at: float | None = None
    answered: float | None = None
    host_id: str = ""
    speaker_id: str = ""
    views: list[str] = field(default_factory=list)

    @property
    def waits(self) -> bool:
        """Whether nobody has answered yet."""
        return self.answered is None

    def role_of(self, call_id: str) -> str:
        """Which side of the record a call is: "caller" or "callee"."""
        return "caller" if self.caller_id == call_id else "callee"

    @property
    def is_conference(self) -> bool:
        """Whether more than two talk."""
        return len(self.members) > 2

    @property
    def due(self) -> float | None:
        """When it has rung long enough, or the caller has to be told again that it rings."""
        if self.attempt is None:
            return self.progress_at
        ring = self.attempt.due
        return ring if self.progress_at is None else min(ring, self.progress_at)

    def record(
        self, reason: EndReason, ended_by: str, now: float, *, sent_on: int = 0
    ) -> CallRecord:
        """What is kept of it, or of its call of a person from whom it goes on.

        Of whom nobody has called yet, name and number alone.
        """
        callee = self.callee if self.then is None else replace(self.callee, person_id="")
        return CallRecord(
            session_id=self.session_id,
            tracking_id=self.tracking_id,
            caller=self.caller,
            callee=callee,
            dialled=self.dialled,
            placed=self.placed,
            answered=self.answered,
            ended=now,
            reason=reason,
            ended_by=ended_by,
            sent_on=sent_on,
        )
