"""A watcher of an exchange: follows every effect as clients, phones, media and REST would.

It asserts at once what may never happen, and offers `look`, which compares what all of them were
told with what is true, after each step of a story.
"""

from offhook.engine.exchange import Exchange
from offhook.engine.exchange import effects as out
from offhook.engine.exchange import inputs as put
from offhook.engine.exchange.call import Call, Dialling, Talking
from offhook.engine.exchange.effects import Sound
from offhook.engine.exchange.floor import MAX_CALLS_PER_LINE
from offhook.engine.exchange.model import Party, ServiceNumber
from offhook.engine.exchange.parties import CONFERENCE
from offhook.engine.exchange.ringing import MAX_RING_SECONDS
from offhook.engine.exchange.roap import NEGOTIATION_TIMEOUT
from offhook.engine.exchange.session import Session
from offhook.engine.exchange.views import CallView, ViewState
from offhook.wire.roap import RoapMessage, RoapType


class Watch:
    """`mail` are the replies that clients and media owe, `known` all lines' calls, ended or not."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.now = 0.0
        self.event: put.Input = put.Tick()
        self.mail: list[put.Input] = []
        self.known: list[tuple[str, str]] = []
        self.registered: set[str] = set()
        self.open_legs: set[str] = set()
        self.closed_legs: set[str] = set()
        self.records: set[str] = set()
        self.sent_on: set[tuple[str, int]] = set()
        self.seen_sessions: set[str] = set()
        self.open_windows: dict[str, float] = {}  # until when
        self.callers: dict[str, Party] = {}  # as those who wake phones were told
        self.closed_windows: set[str] = set()
        self.told_of_end: set[str] = set()
        self.state: dict[str, str] = {}  # the last one logged
        self.line_of: dict[str, str] = {}
        self.hears: dict[str, out.MediaEffect] = {}
        self.muted_legs: dict[str, bool] = {}
        self.introduced: set[str] = set()  # calls whose client told its own id
        self.held: dict[str, bool] = {}  # what clients were told, from here on
        self.muted: dict[str, bool] = {}
        self.remote: dict[str, Party] = {}
        self.participants: dict[str, out.Participants] = {}
        self.asked: dict[str, float] = {}  # holds and resumes without reply, since when
        self.without_ok: dict[str, int] = {}  # answers that clients have not acknowledged
        self.connected: set[str] = set()
        self.rung: dict[str, str] = {}  # the line of each call that a client was told to ring for
        self.rings_since: dict[str, float] = {}
        self.views: dict[str, CallView] = {}  # as they were told
        self.ended_views: set[str] = set()
        self.untold: dict[str, float] = {}  # ended before their clients reported in, and when

    # --- what is given ---

    def accepted(self, event: put.Input) -> None:
        """What an accepted command lets its client expect."""
        match event:
            case put.Alert(call_id=call_id) | put.Answer(call_id=call_id):
                self.introduced.add(call_id)
            case put.Place(call_id=call_id, line_id=line_id):
                self.introduced.add(call_id)
                self.known.append((line_id, call_id))
            case put.Hold(call_id=call_id) | put.Resume(call_id=call_id):
                self.asked.setdefault(call_id, self.now)
            case put.Roap(call_id=call_id, message=message, correlation_id=own):
                if own:
                    self.introduced.add(call_id)
                self._reply_of(call_id, message)
            case _:
                pass

    def _reply_of(self, call_id: str, message: RoapMessage) -> None:
        if call_id in self.without_ok:
            seq = self.without_ok[call_id]
            acknowledged = message.messageType is RoapType.OK and message.seq >= seq
            again = message.messageType in (RoapType.OFFER, RoapType.OFFER_RESPONSE)
            failed = message.messageType is RoapType.ERROR
            if acknowledged or failed or (again and message.seq > seq):
                del self.without_ok[call_id]

    # --- what comes of it ---

    def watch(self, effect: out.Effect) -> None:
        """Take one effect."""
        match effect:
            case out.OpenLeg(call_id=call_id):
                self.line_of |= {each.call_id: each.line_id for each in self.exchange.calls()}
                assert call_id not in self.open_legs | self.closed_legs
                self.open_legs.add(call_id)
                kind = put.LegOffered if effect.offer is None else put.LegAnswered
                self.mail.append(kind(call_id, "sdp"))
            case out.CloseLeg(call_id=call_id):
                self._leg_closed(call_id)
            case out.Record(record=record):
                assert record.session_id not in self.records, "a session leaves one record"
                if record.sent_on:
                    key = record.session_id, record.sent_on
                    assert key not in self.sent_on, "it leaves one for each who is called"
                    self.sent_on.add(key)
                    assert record.callee.person_id
                    assert record.answered is None
                else:
                    self.records.add(record.session_id)
                assert record.placed <= (record.answered or record.ended) <= record.ended
                assert record.ended_by in ("caller", "callee", "service")
            case out.WindowOpened() | out.WindowClosed():
                self._watch_window(effect)
            case out.CallerChanged(ring_id=ring_id, caller=caller):
                assert self.callers[ring_id] != caller, "that is no news"
                self.callers[ring_id] = caller
            case out.LineOffered() | out.LineRings() | out.LineLost():
                assert effect.ring_id in self.open_windows, "no such window is open"
            case out.ViewChanged():
                self._watch_view(effect)
            case out.Tell():
                self._watch_news(effect)
            case out.Transition(call_id=call_id, old=old, new=new):
                assert self.state.get(call_id, "idle") == old != new
                self.state[call_id] = new
            case _:
                self._watch_media(effect)

    def _watch_media(self, effect: out.MediaEffect) -> None:
        match effect:
            case out.JoinLegs(call_id=call_id, other_call_id=other):
                legs = [call_id, other]
            case out.MixLegs(call_ids=call_ids):
                legs = [*call_ids]
                assert len(legs) > 2
            case _:
                legs = [effect.call_id]
        assert set(legs) <= self.open_legs, "an effect for a dead call"
        assert len(set(legs)) == len(legs)
        match effect:
            case out.JoinLegs() | out.MixLegs() | out.PlaySound() | out.EchoLeg():
                self.hears |= dict.fromkeys(legs, effect)
            case out.RenegotiateLeg(call_id=call_id):
                self.mail.append(put.LegAnswered(call_id, "sdp"))
            case out.MuteLeg(call_id=call_id, muted=muted):
                assert self.muted_legs.get(call_id, False) is not muted
                self.muted_legs[call_id] = muted
            case _:
                pass

    def _leg_closed(self, call_id: str) -> None:
        self.open_legs.remove(call_id)
        self.closed_legs.add(call_id)
        assert self.state[call_id] == "ended"
        if call_id not in self.told_of_end and not self._ended_by_its_client(call_id):
            assert call_id not in self.introduced, "nobody told its client"
            if (line := self.rung.get(call_id)) in self.registered:
                self.untold[call_id] = self.now
                self.mail.append(put.Alert(line, call_id, f"own-{call_id}"))

    def _ended_by_its_client(self, call_id: str) -> bool:
        """Whether what happens now is its client's own doing."""
        match self.event:
            case put.LineGone(line_id=line_id):
                return self.line_of[call_id] == line_id
            case put.End():
                return call_id in (self.event.call_id, self.event.correlation_id[len("own-") :])
            case _:
                return False

    def _watch_window(self, effect: out.WindowOpened | out.WindowClosed) -> None:
        ring_id = effect.ring_id
        if isinstance(effect, out.WindowOpened):
            assert ring_id not in self.open_windows.keys() | self.closed_windows
            assert self.now < effect.until <= self.now + MAX_RING_SECONDS
            self.open_windows[ring_id] = effect.until
            self.callers[ring_id] = effect.caller
        else:
            assert self.now <= self.open_windows.pop(ring_id), "it rang for too long"
            self.closed_windows.add(ring_id)

    def _watch_view(self, effect: out.ViewChanged) -> None:
        view = effect.view
        assert view.view_id not in self.ended_views, "a view ends once"
        assert self.views.get(view.view_id) == effect.before != view
        if view.state is ViewState.DISCONNECTED:
            assert view.reason is not None
            assert view.disconnected == self.now
            assert effect.before is not None
            self.ended_views.add(view.view_id)
            del self.views[view.view_id]
        else:
            assert effect.before is None or effect.before.view_id == view.view_id
            self.views[view.view_id] = view

    def _watch_news(self, tell: out.Tell) -> None:
        call_id, news = tell.call_id, tell.news
        if isinstance(news, out.Disconnected):
            assert call_id not in self.told_of_end, "told twice that it ended"
            assert tell.correlation_id, "its client cannot know what ended"
            self.told_of_end.add(call_id)
            self.untold.pop(call_id, None)
            return
        assert call_id in self.open_legs, "news about a dead call"
        match news:
            case out.Connected(party=party):
                assert call_id not in self.connected
                self.connected.add(call_id)
                self.remote[call_id] = party
            case out.Progress(callee=party):
                assert call_id not in self.connected, "it does not ring any more"
                self.remote[call_id] = party
            case out.Incoming(caller=party):
                assert call_id not in self.rung, "told twice to ring"
                self.rung[call_id] = tell.line_id
                self.remote[call_id] = party
                self.known.append((tell.line_id, call_id))
                self.mail.append(put.Alert(tell.line_id, call_id, f"own-{call_id}"))
            case out.InfoChanged(party=party):
                assert tell.correlation_id, "its client would drop it"
                assert self.remote.get(call_id) != party, "that is no news"
                self.remote[call_id] = party
            case out.Participants():
                assert tell.correlation_id, "its client would drop it"
                assert self.participants.get(call_id) != news, "that is no news"
                self.participants[call_id] = news
            case out.Held() | out.Resumed():
                self.held[call_id] = isinstance(news, out.Held)
                self.asked.pop(call_id, None)
            case out.Muted(muted=muted):
                assert self.muted.get(call_id, False) is not muted
                self.muted[call_id] = muted
            case out.Negotiate(message=message):
                self._watch_roap(tell.line_id, call_id, message)
            case _:
                assert isinstance(news, out.ActiveSpeaker | out.AnswerRequested)

    def _watch_roap(self, line_id: str, call_id: str, message: RoapMessage) -> None:
        match message.messageType:
            case RoapType.ANSWER:
                self.without_ok[call_id] = message.seq
                reply = RoapMessage(message.seq, RoapType.OK)
            case RoapType.OFFER_REQUEST:
                assert call_id not in self.without_ok, "asked before the OK"
                reply = RoapMessage(message.seq, RoapType.OFFER_RESPONSE, sdp="sdp")
            case _:
                return
        self.mail.append(put.Roap(line_id, call_id, reply))

    # --- what must be true now ---

    def look(self) -> None:
        """Compare what everybody was told with what is true."""
        calls = {call.call_id: call for call in self.exchange.calls()}
        sessions = {session.session_id: session for session in self.exchange.sessions()}
        self._look_at_records(sessions)
        self._look_at_lines(calls)
        assert self.open_legs == set(calls), "every leg belongs to a call"
        placed = [call_id for each in sessions.values() for call_id in _calls_of(each)]
        assert sorted(placed) == sorted(calls), "every call is in one session"
        for session in sessions.values():
            members = [calls[each] for each in session.members]
            _look_at_session(session, members)
            for call_id in _calls_of(session):
                assert calls[call_id].session_id == session.session_id
            self._look_at_rings(session, calls)
            self._look_at_sound(session, members)
            self._look_at_news(session, calls)
            self._look_at_participants(session, members)
            self._look_at_views(session, calls)
        assert {view for each in sessions.values() for view in each.views} == set(self.views)
        ringing = [ring.ring_id for each in sessions.values() for ring in _rings(each)]
        assert sorted(ringing) == sorted(self.open_windows), "windows are open while it rings"

    def _look_at_records(self, sessions: dict[str, Session]) -> None:
        self.seen_sessions |= sessions.keys()
        assert not self.records & sessions.keys(), "a record is left at the end"
        assert self.seen_sessions <= self.records | sessions.keys(), "it left no record"

    def _look_at_lines(self, calls: dict[str, Call]) -> None:
        owners = [call.line_id for call in calls.values()]
        assert set(owners) <= self.registered, "a client that is gone has no calls"
        assert all(owners.count(each) <= MAX_CALLS_PER_LINE + 1 for each in set(owners))
        talking = [call.line_id for call in calls.values() if call.active]
        assert len(talking) == len(set(talking)), "a line talks on one call"
        for call in calls.values():
            if call.unconfirmed is None:
                assert self.held.get(call.call_id, False) == call.held
            assert self.muted_legs.get(call.call_id, False) is call.muted
            assert self.muted.get(call.call_id, False) is call.muted
        for call_id, since in self.asked.items():
            assert call_id not in calls or self.now < since + NEGOTIATION_TIMEOUT

    def _look_at_rings(self, session: Session, calls: dict[str, Call]) -> None:
        for ring in _rings(session):
            assert ring.session_id == session.session_id
            assert ring.ring_id in session.views
            caller = calls[session.members[0]].party if session.members else session.callee
            assert self.callers[ring.ring_id] == caller, "a push names somebody else"
            lines = [calls[each].line_id for each in ring.calls]
            assert len(set(lines)) == len(lines), "a line rings once for a call"
            assert not set(lines) & {calls[each].line_id for each in session.members}
            for call_id in ring.calls:
                call = calls[call_id]
                assert call.rings
                assert call.view_id == ring.ring_id
                assert call.party.person_id == ring.party.person_id
                since = self.rings_since.setdefault(call_id, self.now)
                assert self.now < since + MAX_RING_SECONDS, "it rings for too long"

    def _look_at_sound(self, session: Session, members: list[Call]) -> None:
        talking = [each for each in members if isinstance(each.state, Talking)]
        active = [each for each in talking if not each.held]
        for call in talking:
            heard = self.hears.get(call.call_id)
            match heard:
                case out.JoinLegs():
                    what: object = {heard.call_id, heard.other_call_id}
                case out.MixLegs():
                    what = heard.call_id, set(heard.call_ids)
                case out.PlaySound(sound=sound):
                    what = sound
                case _:
                    what = heard
            expected = _should_hear(session, call, active)
            assert expected in ("anything", what), (heard, expected)

    def _look_at_news(self, session: Session, calls: dict[str, Call]) -> None:
        for call_id in _calls_of(session):
            call = calls[call_id]
            if not call.correlation_id:
                continue
            told = self.remote.get(call_id)
            if isinstance(call.state, Talking) or told is not None:
                assert told == _true_remote(session, call, calls), "it knows of another party"

    def _look_at_participants(self, session: Session, members: list[Call]) -> None:
        talking = [each for each in members if isinstance(each.state, Talking)]
        for call in talking:
            told = self.participants.get(call.call_id)
            true = [
                out.Participant(
                    each.call_id,
                    each.party,
                    each.held,
                    each.muted,
                    session.host_id == each.call_id,
                )
                for each in talking
                if each is not call
            ]
            if not call.correlation_id:
                continue
            if told is None:
                assert not session.is_conference, "nobody told it of the conference"
                assert not any(each.held or each.muted for each in true)
                continue
            others = [each for each in told.participants if each.participant_id != call.call_id]
            assert others == true
            assert told.conference is session.is_conference

    def _look_at_views(self, session: Session, calls: dict[str, Call]) -> None:
        carried: dict[str, list[CallView]] = {}
        for view_id in session.views:
            view = self.exchange.view(view_id)
            assert view is not None
            assert view == self.views[view_id], "somebody sees another picture"
            assert view in self.exchange.views(view.party.person_id)
            assert view.session_id == session.session_id
            assert view.conference_id == (session.session_id if session.is_conference else "")
            if view.call_id:
                carried.setdefault(view.call_id, []).append(view)
                call = calls[view.call_id]
                assert view.party == call.party
                assert (view.state is ViewState.HELD) is call.held
                rings = view.state in (ViewState.CONNECTING, ViewState.ALERTING)
                waits = isinstance(call.state, Dialling) or view.answered is None
                assert rings is (waits and not call.held)
            else:
                assert view.state is ViewState.ALERTING
                assert view_id in self.open_windows
        assert set(carried) == set(session.members), "each party has a view"
        sides = self.exchange._floor.sides
        for call_id, views in carried.items():
            brought = [each for view in views for each in sides[view.view_id].brought]
            assert len(set(brought)) == len(brought), "a party was brought in by one view"
            assert set(brought) <= {*session.members} - {call_id}
            assert session.is_conference or not brought
            assert len(views) == 1 or all(sides[view.view_id].brought for view in views)
            assert calls[call_id].view_id in [each.view_id for each in views]
            if len(views) > 1:
                assert session.is_conference, "one view a party"
            else:
                assert views[0].remote == _true_remote(session, calls[call_id], calls)


def _rings(session: Session) -> list[object]:
    return [] if session.attempt is None else session.attempt.rings


def _calls_of(session: Session) -> list[str]:
    return [*session.members, *(call for ring in _rings(session) for call in ring.calls)]


def _look_at_session(session: Session, members: list[Call]) -> None:
    """Whether a session is one that there can be."""
    assert members or (session.then is not None and session.attempt is not None)
    assert all(not each.rings for each in members)
    if session.waits:
        assert len(members) == (session.then is None), "one waits, until somebody answers"
        assert session.service is None
    else:
        assert session.attempt is None, "nobody rings after an answer"
        assert (len(members) == 1) is (session.service is not None)
        assert all(isinstance(each.state, Talking) for each in members)
    if session.attempt is not None:
        assert session.attempt.rings, "somebody rings"
    assert session.host_id in ("", *session.members)
    assert not session.host_id or session.is_conference
    there = {each.party.person_id for each in members}
    for call in members:
        if call.muted and call.muted_by != call.party.person_id:
            assert session.is_conference
            assert call.muted_by in there, "nobody is left who could unmute it"


def _should_hear(session: Session, call: Call, active: list[Call]) -> object:
    if call.held:
        return Sound.SILENCE
    match session.service:
        case ServiceNumber.ECHO:
            return out.EchoLeg(call.call_id)
        case ServiceNumber.ANNOUNCEMENT:
            return Sound.ANNOUNCEMENT if call.media_up else "anything"
        case ServiceNumber():
            return Sound.SILENCE
    if session.waits:
        return Sound.RINGBACK
    legs = {each.call_id for each in active}
    if len(legs) == 1:
        return Sound.MUSIC_ON_HOLD
    return legs if len(legs) == 2 else (session.session_id, legs)


def _true_remote(session: Session, call: Call, calls: dict[str, Call]) -> Party:
    if call.rings:
        return calls[session.members[0]].party if session.members else session.callee
    others = [each for each in session.members if each != call.call_id]
    if not others:
        return session.callee
    return calls[others[0]].party if len(others) == 1 else CONFERENCE
