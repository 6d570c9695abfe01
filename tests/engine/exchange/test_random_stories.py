"""Random stories against the exchange: whatever happens, its invariants hold.

People with no, one or several lines; clients that follow the protocol, are late, repeat themselves,
talk nonsense or vanish; media news that come twice, too late or never; time that jumps. What
clients and the media plane reply waits in the mail, from where it arrives in any order, twice, or
not at all, unless the day is quick.
"""

import os
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from offhook.engine.exchange import Exchange, ExchangeRefused
from offhook.engine.exchange import effects as out
from offhook.engine.exchange import inputs as put
from offhook.engine.exchange.call import Call, Talking
from offhook.engine.exchange.ending import OWED_FOR
from offhook.engine.exchange.floor import MAX_CALLS_PER_LINE
from offhook.engine.exchange.model import (
    Party,
    PersonTarget,
    ServiceNumber,
    ServiceTarget,
    Target,
    UnknownTarget,
)
from offhook.engine.exchange.roap import NEGOTIATION_TIMEOUT
from offhook.engine.exchange.views import CallView
from offhook.wire.mobius import CauseCode
from offhook.wire.roap import RoapMessage, RoapType

PEOPLE = [Party(name.title(), number, name) for name, number in
          (("alice", "1001"), ("bob", "1002"), ("carol", "1003"))]  # fmt: skip
LINES = {f"{party.person_id}{n}": party for party in PEOPLE for n in range(3)}
TARGETS = [
    *(PersonTarget(party) for party in PEOPLE),
    *(ServiceTarget(number, Party(number.value, "8000")) for number in ServiceNumber),
    UnknownTarget("999"),
]
RING_SECONDS = 45.0
KEEPALIVE_SECONDS = 200.0

lines = st.sampled_from(sorted(LINES))
some = st.integers(0, 50)


class RandomStories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        ids = count(1)
        self.ids = count(1)
        self.exchange = Exchange(
            new_id=lambda: f"leg{next(ids)}",
            ring_seconds=RING_SECONDS,
            keepalive_seconds=KEEPALIVE_SECONDS,
        )
        self.now = 0.0
        self.registered: set[str] = set()
        self.known: list[tuple[str, str]] = []  # line and call, ended ones included
        self.open_legs: set[str] = set()
        self.closed_legs: set[str] = set()
        self.sessions_placed = 0
        self.records: set[str] = set()
        self.open_windows: set[str] = set()
        self.closed_windows: set[str] = set()
        self.told_of_end: set[str] = set()
        self.quick = False
        self.mail: list[put.Input] = []
        self.state: dict[str, str] = {}  # the last one logged
        self.hears: dict[str, object] = {}
        self.introduced: set[str] = set()  # calls whose client told its own id
        self.held: dict[str, bool] = {}  # what clients were told
        self.asked: dict[str, float] = {}  # holds and resumes without reply, since when
        self.without_ok: dict[str, int] = {}  # answers that clients have not acknowledged
        self.connected: set[str] = set()
        self.rung: dict[str, str] = {}  # the line of each call that a client was told to ring for
        self.views: dict[str, CallView] = {}  # as they were told
        self.untold: dict[str, float] = {}  # ended before their clients reported in, and when
        self.event: put.Input = put.Tick()

    # --- what can happen ---

    @initialize(
        quick=st.booleans(),
        away=st.sets(lines, max_size=5),
        talks=st.lists(st.tuples(lines, st.sampled_from(PEOPLE), st.booleans()), max_size=5),
    )
    def the_day_begins(
        self, quick: bool, away: set[str], talks: list[tuple[str, Party, bool]]
    ) -> None:
        """Clients are there and talk; replies may be quick, or as late as they like."""
        self.quick = quick
        for line in sorted(set(LINES) - away):
            self.a_client_comes_or_goes(line, 0)
        for line, party, acknowledges in talks:
            self.two_people_talk(line, party, acknowledges)

    @rule(line=lines, which=some)
    def a_client_comes_or_goes(self, line: str, which: int) -> None:
        if line not in self.registered or which > 45:
            self.registered.add(line)
            self.give(put.LineRegistered(line, LINES[line]))
        elif which > 38:
            self.registered.discard(line)
            self.give(put.LineGone(line))

    @rule(line=lines, party=st.sampled_from(PEOPLE), acknowledges=st.booleans())
    def two_people_talk(self, line: str, party: Party, acknowledges: bool) -> None:
        """A call from dialling to an answer, as proper clients do it, if that is possible now."""
        caller = self.place(line, PersonTarget(party))
        callee = next((each for each in self.exchange.calls() if each.rings), None)
        calls = {call.call_id: call for call in self.exchange.calls()}
        if caller not in calls or callee is None:
            return
        if callee.session_id != calls[caller].session_id:
            return
        self.give(put.LegAnswered(caller, "sdp"))
        self.give(put.LegConnected(caller))
        if acknowledges:
            self.give(put.Roap(line, caller, RoapMessage(1, RoapType.OK)))
        self.give(put.LegOffered(callee.call_id, "sdp"))
        self.answer(callee, sound=True)

    @rule(line=lines, goal=st.sampled_from(TARGETS), sound=st.booleans(), gives_up=some)
    def somebody_calls(self, line: str, goal: Target, sound: bool, gives_up: int) -> None:
        if gives_up < 45:
            self.place(line, goal, sound)
            return
        own_id = f"own-early{next(self.ids)}"
        self.give(put.End(line, "unknown", own_id, CauseCode.NORMAL))
        call_id = self.place(line, goal, own_id=own_id)
        assert call_id not in self.open_legs, "its end overtook it"

    def place(self, line: str, goal: Target, sound: bool = True, own_id: str = "") -> str:
        number = next(self.ids)
        call_id = f"call{number}"
        offer = RoapMessage(1, RoapType.OFFER, sdp="offer" if sound else None)
        own_id = own_id or f"own-{call_id}"
        session, tracking = f"session{number}", f"tracking{number}"
        event = put.Place(call_id, line, own_id, session, tracking, "dialled", goal, offer)
        if self.give(event):
            self.sessions_placed += 1
            self.known.append((line, call_id))
        return call_id

    @precondition(lambda self: self.known)
    @rule(which=some, what=st.sampled_from(["alert", "answer", "hold", "resume", "keep alive"]))
    def a_client_commands(self, which: int, what: str) -> None:
        line, call = self.pick(which)
        command: put.Input
        match what:
            case "alert":
                command = put.Alert(line, call, f"own-{call}")
            case "answer":
                command = put.Answer(line, call, f"own-{call}")
            case "hold":
                command = put.Hold(line, call)
            case "resume":
                command = put.Resume(line, call)
            case _:
                command = put.KeepAlive(line, call)
        self.give(command)

    @precondition(lambda self: any(call.held or call.active for call in self.exchange.calls()))
    @rule(which=some, hold=st.booleans())
    def somebody_holds_or_resumes(self, which: int, hold: bool) -> None:
        talking = [call for call in self.exchange.calls() if call.held or call.active]
        call = talking[which % len(talking)]
        kind = put.Hold if hold else put.Resume
        assert self.give(kind(call.line_id, call.call_id))

    @precondition(lambda self: any(call.rings for call in self.exchange.calls()))
    @rule(which=some, sound=st.booleans())
    def somebody_answers(self, which: int, sound: bool) -> None:
        ringing = [call for call in self.exchange.calls() if call.rings]
        self.answer(ringing[which % len(ringing)], sound)

    def answer(self, call: Call, sound: bool) -> None:
        self.give(put.Alert(call.line_id, call.call_id, f"own-{call.call_id}"))
        self.give(put.Answer(call.line_id, call.call_id, f"own-{call.call_id}"))
        if sound:
            answer = RoapMessage(1, RoapType.ANSWER, sdp="answer")
            self.give(put.Roap(call.line_id, call.call_id, answer))
            self.give(put.LegConnected(call.call_id))

    @precondition(lambda self: self.known)
    @rule(which=some, cause=st.sampled_from(list(CauseCode)), stranger=st.booleans())
    def a_client_ends(self, which: int, cause: CauseCode, stranger: bool) -> None:
        line, call = self.pick(which)
        self.give(put.End(line, "unknown" if stranger else call, f"own-{call}", cause))

    @precondition(lambda self: self.known)
    @rule(
        which=some, kind=st.sampled_from(list(RoapType)), seq=st.integers(0, 5), sdp=st.booleans()
    )
    def a_client_negotiates(self, which: int, kind: RoapType, seq: int, sdp: bool) -> None:
        line, call = self.pick(which)
        self.give(put.Roap(line, call, RoapMessage(seq, kind, sdp="sdp" if sdp else None)))

    @precondition(lambda self: self.known)
    @rule(
        which=some,
        news=st.sampled_from(["offered", "answered", *["connected"] * 6, "failed", "played"]),
    )
    def the_media_reports(self, which: int, news: str) -> None:
        _, call = self.pick(which)
        match news:
            case "offered":
                self.give(put.LegOffered(call, "sdp"))
            case "answered":
                self.give(put.LegAnswered(call, "sdp"))
            case "connected":
                self.give(put.LegConnected(call))
            case "failed":
                self.give(put.LegFailed(call, "why"))
            case _:
                self.give(put.LegPlayed(call))

    @precondition(lambda self: self.mail)
    @rule(which=some, how=st.sampled_from(["once", "once", "once", "twice", "never"]))
    def mail_arrives(self, which: int, how: str) -> None:
        event = self.mail.pop(which % len(self.mail))
        for _ in range({"once": 1, "twice": 2, "never": 0}[how]):
            self.give(event)

    @rule(seconds=st.sampled_from([0.1, 1.0, 1.0, 4.0, 4.0, 11.0, 30.0, 60.0, 300.0]))
    def time_passes(self, seconds: float) -> None:
        until = self.now + seconds
        while (at := self.exchange.deadline) is not None and at <= until:
            before = self.exchange.deadline
            self.now = max(at, self.now)
            self.give(put.Tick())
            after = self.exchange.deadline
            assert after is None or after > before or after > self.now, "a timer must not stick"
        self.now = until

    # --- what must be true ---

    @invariant()
    def nobody_rings_after_an_answer(self) -> None:
        sessions = {session.session_id: session for session in self.exchange.sessions()}
        for call in self.exchange.calls():
            if call.rings:
                assert sessions[call.session_id].answered is None

    @invariant()
    def a_line_has_at_most_one_answered_call_that_is_not_held(self) -> None:
        talking = [
            call.line_id
            for call in self.exchange.calls()
            if isinstance(call.state, Talking) and not call.held
        ]
        assert len(talking) == len(set(talking))

    @invariant()
    def a_line_has_no_more_calls_than_allowed(self) -> None:
        owners = [call.line_id for call in self.exchange.calls()]
        assert all(owners.count(line) <= MAX_CALLS_PER_LINE for line in set(owners))

    @invariant()
    def calls_and_sessions_belong_together(self) -> None:
        sessions = {session.session_id: session for session in self.exchange.sessions()}
        calls = {call.call_id: call for call in self.exchange.calls()}
        for call in calls.values():
            session = sessions[call.session_id]
            assert call.call_id == session.caller_id or call.call_id in session.called
            assert call.line_id in self.registered, "a client that is gone has no calls"
        for session in sessions.values():
            assert session.caller_id in calls
            assert all(each in calls for each in session.called)
            assert session.answered is None or session.is_service or len(session.called) == 1

    @invariant()
    def every_leg_belongs_to_a_call(self) -> None:
        assert self.open_legs == {call.call_id for call in self.exchange.calls()}

    @invariant()
    def every_session_is_there_or_has_its_record(self) -> None:
        assert len(self.records) + len(self.exchange.sessions()) == self.sessions_placed

    @invariant()
    def the_deadline_is_that_of_the_first_that_waits(self) -> None:
        dues = [each.due for each in (*self.exchange.calls(), *self.exchange.sessions())]
        assert self.exchange.deadline == min((at for at in dues if at is not None), default=None)
        assert not self.exchange.calls() or self.exchange.deadline is not None

    @invariant()
    def people_hear_what_the_state_of_their_calls_says(self) -> None:
        calls = {call.call_id: call for call in self.exchange.calls()}
        for session in self.exchange.sessions():
            if session.answered is None:
                continue
            caller = calls[session.caller_id]
            if isinstance(session.target, ServiceTarget):
                if session.target.service is ServiceNumber.ECHO and not caller.held:
                    assert self.hears[caller.call_id] == out.EchoLeg(caller.call_id)
                continue
            callee = calls[session.called[0]]
            for call, other in ((caller, callee), (callee, caller)):
                expected: object = other.call_id
                if call.held:
                    expected = out.Sound.SILENCE
                elif other.held:
                    expected = out.Sound.MUSIC_ON_HOLD
                assert self.hears[call.call_id] == expected

    @invariant()
    def clients_know_whether_their_calls_are_held(self) -> None:
        for call in self.exchange.calls():
            if call.unconfirmed is None:
                assert self.held.get(call.call_id, False) == call.held

    @invariant()
    def each_hold_and_resume_is_confirmed_in_time(self) -> None:
        living = {call.call_id for call in self.exchange.calls()}
        for call_id, since in self.asked.items():
            assert call_id not in living or self.now < since + NEGOTIATION_TIMEOUT

    def teardown(self) -> None:
        """All clients fall silent: everything ends by itself."""
        self.time_passes(KEEPALIVE_SECONDS + RING_SECONDS + 100)
        assert self.exchange.calls() == ()
        assert self.exchange.sessions() == ()
        assert self.exchange.deadline is None

    # --- how it is watched ---

    def pick(self, which: int) -> tuple[str, str]:
        """Mostly a call that is alive, at times one that is over."""
        living = [(call.line_id, call.call_id) for call in self.exchange.calls()]
        chosen = self.known if which > 40 or not living else living
        return chosen[which % len(chosen)]

    def give(self, event: put.Input) -> bool:
        before = self.picture() if isinstance(event, put.Command) else ""
        self.event = event
        try:
            effects = self.exchange.handle(event, self.now)
        except ExchangeRefused:
            assert isinstance(event, put.Command), "only commands are refused"
            assert self.picture() == before, "a refused command changes nothing"
            if isinstance(event, put.Alert | put.Answer) and event.call_id in self.untold:
                waited = self.now - self.untold[event.call_id]
                assert waited >= OWED_FOR, "its client will ring on: nobody tells it"
            return False
        self.note(event)
        for effect in effects:
            self.watch(effect)
        while self.quick and self.mail:
            self.give(self.mail.pop())
        return True

    def picture(self) -> str:
        return repr((self.exchange.calls(), self.exchange.sessions(), self.exchange.deadline))

    def note(self, event: put.Input) -> None:
        """What an accepted command lets its client expect."""
        match event:
            case put.Alert(call_id=call_id) | put.Answer(call_id=call_id):
                self.introduced.add(call_id)
            case put.Place(call_id=call_id):
                self.introduced.add(call_id)
            case put.Hold(call_id=call_id) | put.Resume(call_id=call_id):
                self.asked.setdefault(call_id, self.now)
            case put.Roap(call_id=call_id, message=message) if call_id in self.without_ok:
                seq = self.without_ok[call_id]
                acknowledged = message.messageType is RoapType.OK and message.seq >= seq
                again = message.messageType in (RoapType.OFFER, RoapType.OFFER_RESPONSE)
                failed = message.messageType is RoapType.ERROR
                if acknowledged or failed or (again and message.seq > seq):
                    del self.without_ok[call_id]
            case _:
                pass

    def watch(self, effect: out.Effect) -> None:
        match effect:
            case out.OpenLeg(call_id=call_id):
                assert call_id not in self.open_legs | self.closed_legs
                self.open_legs.add(call_id)
                kind = put.LegOffered if effect.offer is None else put.LegAnswered
                self.mail.append(kind(call_id, "sdp"))
            case out.RenegotiateLeg(call_id=call_id):
                assert call_id in self.open_legs, "an effect for a dead call"
                self.mail.append(put.LegAnswered(call_id, "sdp"))
            case out.CloseLeg(call_id=call_id):
                self.open_legs.remove(call_id)
                self.closed_legs.add(call_id)
                assert self.state[call_id] == "ended"
                if call_id not in self.told_of_end and not self.ended_by_its_client(call_id):
                    assert call_id not in self.introduced, "nobody told its client"
                    if (line := self.rung.get(call_id)) in self.registered:
                        self.untold[call_id] = self.now
                        self.mail.append(put.Alert(line, call_id, f"own-{call_id}"))
            case out.JoinLegs(call_id=call_id, other_call_id=other):
                assert {call_id, other} <= self.open_legs
                self.hears[call_id], self.hears[other] = other, call_id
            case out.PlaySound(call_id=call_id, sound=sound):
                assert call_id in self.open_legs, "an effect for a dead call"
                self.hears[call_id] = sound
            case out.EchoLeg(call_id=call_id):
                assert call_id in self.open_legs, "an effect for a dead call"
                self.hears[call_id] = effect
            case out.Record(record=record):
                assert record.session_id not in self.records
                assert record.session_id not in self.open_windows, "it rings on after its end"
                self.records.add(record.session_id)
                assert record.placed <= record.ended
            case out.WindowOpened(ring_id=ring_id):
                assert ring_id not in self.open_windows | self.closed_windows
                self.open_windows.add(ring_id)
            case out.LineOffered() | out.LineRings() | out.LineLost():
                assert effect.ring_id in self.open_windows, "offered after the window closed"
            case out.WindowClosed(ring_id=ring_id):
                self.open_windows.remove(ring_id)
                self.closed_windows.add(ring_id)
            case out.ViewChanged(before=before, view=view):
                assert self.views.get(view.view_id) == before != view
                self.views[view.view_id] = view
            case out.Tell(line_id=line_id, call_id=call_id, news=news):
                self.watch_news(line_id, call_id, news)
            case out.Transition(call_id=call_id, old=old, new=new):
                assert self.state.get(call_id, "idle") == old != new
                self.state[call_id] = new
            case _:
                assert effect.call_id in self.open_legs, "an effect for a dead call"

    def ended_by_its_client(self, call_id: str) -> bool:
        """Whether what happens now is its client's own doing."""
        match self.event:
            case put.LineGone():
                return True
            case put.End():
                return call_id in (self.event.call_id, self.event.correlation_id[len("own-") :])
            case _:
                return False

    def watch_news(self, line_id: str, call_id: str, news: out.News) -> None:
        if isinstance(news, out.Disconnected):
            assert call_id not in self.told_of_end, "told twice that it ended"
            self.told_of_end.add(call_id)
            self.untold.pop(call_id, None)
            return
        assert call_id in self.open_legs, "news about a dead call"
        match news:
            case out.Connected():
                self.connected.add(call_id)
            case out.Progress():
                assert call_id not in self.connected, "it does not ring any more"
            case out.Incoming():
                self.rung[call_id] = line_id
                self.known.append((line_id, call_id))
                self.mail.append(put.Alert(line_id, call_id, f"own-{call_id}"))
            case out.Held() | out.Resumed():
                self.held[call_id] = isinstance(news, out.Held)
                self.asked.pop(call_id, None)
            case out.Negotiate(message=message):
                self.watch_roap(line_id, call_id, message)

    def watch_roap(self, line_id: str, call_id: str, message: RoapMessage) -> None:
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


RandomStories.TestCase.settings = settings(
    max_examples=int(os.environ.get("OFFHOOK_STORIES", "500")),
    stateful_step_count=int(os.environ.get("OFFHOOK_STORY_STEPS", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
#: A larger profile may take longer than the suite allows a test.
TestRandomStories = pytest.mark.timeout(3600)(RandomStories.TestCase)
