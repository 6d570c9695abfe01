"""The parties' views of their calls: kept, and told of when they change."""

from msgspec.structs import replace

from offhook.engine.exchange.call import Call, Dialling
from offhook.engine.exchange.effects import ViewChanged
from offhook.engine.exchange.floor import Floor
from offhook.engine.exchange.model import EndReason, Party, Redirection, RedirectionReason
from offhook.engine.exchange.parties import remote_of
from offhook.engine.exchange.session import Session
from offhook.engine.exchange.side import Side
from offhook.engine.exchange.views import CallView, Personality, ViewState


class Viewing:
    """See the module."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def open(
        self, session: Session, view_id: str, party: Party, personality: Personality, call_id: str
    ) -> None:
        """A party is in the session, or is called for it."""
        redirections = session.redirections
        if personality is Personality.TERMINATOR and session.attempt is not None:
            group = session.attempt.group
            if group is not None:
                redirections += (Redirection(RedirectionReason.HUNT_GROUP, group),)
        side = Side(
            view_id,
            session.session_id,
            session.tracking_id,
            party,
            personality,
            self._floor.now,
            call_id,
            redirections=redirections,
        )
        self._floor.add_side(side)
        session.views.append(view_id)
        self._floor.touch(session)

    def close(self, view_id: str, reason: EndReason, *, elsewhere: bool = False) -> None:
        """The party is not in it any more. `elsewhere`: another member of its group took it."""
        floor = self._floor
        side = floor.remove_side(view_id)
        floor.sessions[side.session_id].views.remove(view_id)
        if side.shown is None:
            side.shown = self._first(side)
            floor.do(ViewChanged(None, side.shown))
        over = replace(
            side.shown,
            state=ViewState.DISCONNECTED,
            disconnected=floor.now,
            reason=reason,
            completed_elsewhere=elsewhere,
        )
        floor.do(ViewChanged(side.shown, over))

    def move(self, session: Session, call: Call) -> None:
        """The call, and the sides that it carries, belong to the session from now on."""
        call.session_id = session.session_id
        for side in self.sides_of(call):
            self.attach(session, side)

    def attach(self, session: Session, side: Side) -> None:
        """The side belongs to the session from now on."""
        self._floor.sessions[side.session_id].views.remove(side.view_id)
        side.session_id = session.session_id
        session.views.append(side.view_id)
        self._floor.touch(session)

    def stand_in(self, session: Session, call_id: str, successors: list[str]) -> None:
        """Who brought the call into the conference has brought these instead."""
        for view_id in session.views:
            brought = self._floor.sides[view_id].brought
            if call_id in brought:
                at = brought.index(call_id)
                brought[at : at + 1] = successors

    def sides_of(self, call: Call) -> list[Side]:
        """The sides that a call carries: one, several for who brought others into a conference."""
        mine = self._floor.sides_of_person(call.party.person_id)
        return [side for side in mine if side.call_id == call.call_id]

    def of_person(self, person_id: str) -> tuple[CallView, ...]:
        """What a person sees now, oldest first."""
        return tuple(map(self.view, self._floor.sides_of_person(person_id)))

    def show(self) -> None:
        """Tell what has changed since the last time."""
        floor = self._floor
        touched, floor.touched = floor.touched, {}
        for session_id in touched:
            session = floor.sessions.get(session_id)
            for view_id in session.views if session is not None else ():
                side = floor.sides[view_id]
                view = self.view(side)
                if view != side.shown:
                    floor.do(ViewChanged(side.shown, view))
                    side.shown = view

    def view(self, side: Side) -> CallView:
        """What the party sees now."""
        floor = self._floor
        session = floor.sessions[side.session_id]
        call = floor.calls.get(side.call_id)
        return CallView(
            view_id=side.view_id,
            call_id=side.call_id,
            session_id=side.session_id,
            tracking_id=side.tracking_id,
            party=side.party,
            personality=side.personality,
            state=self._state(session, side, call),
            remote=self._remote(session, side, call),
            created=side.created,
            answered=side.answered,
            muted=call is not None and call.muted,
            redirections=side.redirections,
            conference_id=session.session_id if session.is_conference else "",
        )

    def _state(self, session: Session, side: Side, call: Call | None) -> ViewState:
        if call is None:
            return ViewState.ALERTING
        if isinstance(call.state, Dialling):
            return ViewState.ALERTING if session.announced else ViewState.CONNECTING
        if call.held:
            return ViewState.HELD
        if side.answered is None:
            return ViewState.ALERTING  # Its own phone has answered, and the other side rings.
        others = self._floor.others_of(call)
        if len(others) == 1 and others[0].held:
            return ViewState.REMOTE_HELD
        return ViewState.CONNECTED

    def _remote(self, session: Session, side: Side, call: Call | None) -> Party:
        if len(side.brought) == 1 and call is not None and len(self.sides_of(call)) > 1:
            return self._floor.calls[side.brought[0]].party
        if call is not None:
            return remote_of(self._floor, call)
        waiter = self._floor.waiter_of(session)
        return session.callee if waiter is None else waiter.party

    def _first(self, side: Side) -> CallView:
        session = self._floor.sessions[side.session_id]
        called = side.personality is Personality.TERMINATOR
        return CallView(
            view_id=side.view_id,
            call_id=side.call_id,
            session_id=side.session_id,
            tracking_id=side.tracking_id,
            party=side.party,
            personality=side.personality,
            state=ViewState.ALERTING if called else ViewState.CONNECTING,
            remote=session.caller if called else session.callee,
            created=side.created,
            redirections=side.redirections,
        )
