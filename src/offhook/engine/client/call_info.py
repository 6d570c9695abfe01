"""What is known about a call beside its state: the other party, the group, who is in it."""

from offhook.engine.client import call_io as io
from offhook.engine.client.model import Member, RemoteParty
from offhook.engine.client.roster import Roster
from offhook.wire.mobius import CallerId, MidCallEventType, MidCallService, MobiusEvent
from offhook.wire.name_addr import caller_of


class CallInfo:
    """Each method takes in what an event says, and returns what is news in it.

    `tracking_id` is the same from end to end. `group` is the hunt group that was called.
    `muted`: the service passes nothing on of what is said here.
    """

    def __init__(self, party: RemoteParty) -> None:
        self.party = party
        self.group = RemoteParty()
        self.tracking_id = ""
        self.muted = False
        self.roster = Roster()

    def members(self, call_id: str, *, held: bool) -> tuple[Member, ...]:
        """Who is in the call, this side first."""
        own = Member(call_id, is_self=True, held=held, muted=self.muted)
        return self.roster.members(own, self.party)

    def announced(self, event: MobiusEvent) -> None:
        """Somebody calls."""
        self.party = _party(event.callerId)
        self.group = _party(event.group)

    def learn(self, event: MobiusEvent, tracking_id: str) -> list[io.News]:
        """An event came, in an envelope with this tracking id."""
        known, party = self.tracking_id, self.party
        if event.trackingId:
            self.tracking_id = event.trackingId
        elif not known:
            self.tracking_id = tracking_id
        if event.callerId is not None and not event.midCallService:
            caller = _party(event.callerId)
            self.party = RemoteParty(caller.name or party.name, caller.number or party.number)
        changed = self.tracking_id != known or self.party != party
        return [io.InfoChanged()] if changed else []

    def mid_call(self, service: MidCallService) -> list[io.News]:
        """Something happened in mid-call. What nobody knows here is passed over."""
        data = service.eventData
        match service.eventType:
            case MidCallEventType.CALL_INFO if data.callerId is not None:
                before, self.party = self.party, _party(data.callerId)
                return [io.InfoChanged()] if self.party != before else []
            case MidCallEventType.PARTICIPANTS if data.participants is not None:
                was = self.roster.conference
                news = self.roster.told(
                    data.participants, self.party, conference=bool(data.conference)
                )
                return [*news, io.InfoChanged()] if news or was is not data.conference else []
            case MidCallEventType.ACTIVE_SPEAKER if data.participantId is not None:
                return self.roster.spoke(data.participantId)
            case MidCallEventType.ANSWER_REQUESTED:
                return [io.AnswerRequested()]
            case MidCallEventType.MUTED if data.muted is not None:
                was, self.muted = self.muted, data.muted
                return [io.MutedByService(self.muted)] if self.muted is not was else []
            case _:
                return []


def _party(caller_id: CallerId | None) -> RemoteParty:
    if caller_id is None:
        return RemoteParty()
    caller = caller_of(caller_id)
    return RemoteParty(caller.name, caller.number)
