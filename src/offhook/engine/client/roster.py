"""Who is in a call: as the service tells it, and until it does, the two who must be."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from offhook.engine.client import call_io as io
from offhook.engine.client.model import Member, RemoteParty
from offhook.wire.mobius import CallParticipant


class Roster:
    """See the module. `conference`: there are more than two."""

    def __init__(self) -> None:
        self._told: tuple[Member, ...] = ()
        self.conference = False
        self.speaker: Member | None = None

    @property
    def known(self) -> bool:
        """Whether the service tells of who is in the call."""
        return bool(self._told)

    def members(self, own: Member, party: RemoteParty) -> tuple[Member, ...]:
        """Own side first. Of that one `own` knows better whether it holds or is muted."""
        others = tuple(each for each in self._told if not each.is_self)
        if not self.known:
            others = (Member("", party.name, party.number),)
        for each in self._told:
            if each.is_self:
                own = replace(each, held=own.held, muted=own.muted)
        return own, *others

    def told(
        self, participants: Sequence[CallParticipant], party: RemoteParty, *, conference: bool
    ) -> list[io.News]:
        """The service says who is in the call now. `party` is whom we took for the other side."""
        now = {each.participantId: _member(each) for each in participants}
        known = self._told if self.known else _assumed(tuple(now.values()), party)
        moved = _moved(known, now)
        before = {moved.get(each.participant_id, each.participant_id): each for each in known}
        self._told, self.conference = tuple(now.values()), conference
        news: list[io.News] = []
        for name, member in before.items():
            if name not in now:
                news.append(io.MemberChanged(io.Change.LEFT, member))
        for name, member in now.items():
            old = before.get(name)
            if old is None:
                news.append(io.MemberChanged(io.Change.JOINED, member))
                continue
            if old.held is not member.held:
                news.append(io.MemberChanged(io.Change.HELD, member))
            if old.muted is not member.muted:
                news.append(io.MemberChanged(io.Change.MUTED, member))
        if self.speaker is not None:
            leg = self.speaker.participant_id
            self.speaker = now.get(moved.get(leg, leg))
        return news

    def spoke(self, participant_id: str) -> list[io.News]:
        """The service says who is the loudest now."""
        before = self.speaker
        now = next((each for each in self._told if each.participant_id == participant_id), None)
        if now is None or (before is not None and before.participant_id == participant_id):
            return []
        self.speaker = now
        return [io.SpeakerChanged(before, now)]


def _moved(before: Iterable[Member], now: Mapping[str, Member]) -> dict[str, str]:
    """Who goes on on another leg, as a host that merges does: from which, to which.

    A participant's id is that of a leg. Nobody left, and nobody joined.
    """
    known = {each.participant_id for each in before}
    new = [each for each in now.values() if each.participant_id not in known]
    moved: dict[str, str] = {}
    for each in before:
        if each.participant_id in now or not each.person_id:
            continue
        leg = next((leg for leg in new if leg.person_id == each.person_id), None)
        if leg is not None:
            new.remove(leg)
            moved[each.participant_id] = leg.participant_id
    return moved


def _assumed(now: tuple[Member, ...], party: RemoteParty) -> list[Member]:
    """Of those who are there now, the two who were before anybody told."""
    others = [each for each in now if not each.is_self]
    others.sort(key=lambda each: each.number != party.number)
    both = [each for each in now if each.is_self] + others[:1]
    return [replace(each, held=False, muted=False) for each in both]


def _member(told: CallParticipant) -> Member:
    return Member(
        told.participantId,
        told.name,
        told.number,
        told.personId or "",
        is_self=told.isSelf,
        is_host=told.isHost,
        held=told.held,
        muted=told.muted,
    )
