"""Random stories against the exchange: whatever happens, its invariants hold.

People with no, one or several lines; clients that follow the protocol, are late, repeat themselves,
talk nonsense or vanish; media news that come twice, too late or never; time that jumps.
"""

import os
from itertools import count

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
from offhook.engine.exchange.call import Talking
from offhook.engine.exchange.exchange import MAX_CALLS_PER_LINE
from offhook.engine.exchange.model import (
    Party,
    PersonTarget,
    ServiceNumber,
    ServiceTarget,
    Target,
    UnknownTarget,
)
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
        self.told_of_end: set[str] = set()
        self.quick = False
        self.later: list[put.Input] = []

    # --- what can happen ---

    @initialize(quick=st.booleans(), there=st.sets(lines, min_size=3))
    def the_day_begins(self, quick: bool, there: set[str]) -> None:
        """Some clients are there already; the media may be quick, or as late as it likes."""
        self.quick = quick
        for line in sorted(there):
            self.a_client_registers(line)

    @rule(line=lines)
    def a_client_registers(self, line: str) -> None:
        self.registered.add(line)
        self.give(put.LineRegistered(line, LINES[line]))

    @rule(line=lines)
    def a_client_vanishes(self, line: str) -> None:
        self.registered.discard(line)
        self.give(put.LineGone(line))

    @rule(line=lines, goal=st.sampled_from(TARGETS), sound=st.booleans())
    def somebody_calls(self, line: str, goal: Target, sound: bool) -> None:
        number = next(self.ids)
        offer = RoapMessage(1, RoapType.OFFER, sdp="offer" if sound else None)
        accepted = self.give(
            put.Place(
                f"call{number}",
                line,
                f"own-call{number}",
                f"session{number}",
                f"tracking{number}",
                "dialled",
                goal,
                offer,
            )
        )
        if accepted:
            self.sessions_placed += 1
            self.known.append((line, f"call{number}"))

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

    @precondition(lambda self: any(call.rings for call in self.exchange.calls()))
    @rule(which=some, sound=st.booleans())
    def somebody_answers(self, which: int, sound: bool) -> None:
        ringing = [call for call in self.exchange.calls() if call.rings]
        call = ringing[which % len(ringing)]
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
        which=some, news=st.sampled_from(["offered", "answered", "connected", "failed", "played"])
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

    @rule(seconds=st.sampled_from([0.1, 1.0, 11.0, 30.0, 60.0, 300.0]))
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
    def what_waits_has_a_deadline(self) -> None:
        if self.exchange.calls():
            assert self.exchange.deadline is not None

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
        before = self.picture()
        try:
            effects = self.exchange.handle(event, self.now)
        except ExchangeRefused:
            assert self.picture() == before, "a refused command changes nothing"
            return False
        for effect in effects:
            self.watch(effect)
        while self.later:
            self.give(self.later.pop())
        return True

    def picture(self) -> str:
        return repr((self.exchange.calls(), self.exchange.sessions(), self.exchange.deadline))

    def watch(self, effect: out.Effect) -> None:
        match effect:
            case out.OpenLeg(call_id=call_id):
                assert call_id not in self.open_legs | self.closed_legs
                self.open_legs.add(call_id)
                if self.quick:
                    offered = effect.offer is None
                    kind = put.LegOffered if offered else put.LegAnswered
                    self.later.append(kind(call_id, "sdp"))
            case out.RenegotiateLeg(call_id=call_id):
                assert call_id in self.open_legs, "an effect for a dead call"
                if self.quick:
                    self.later.append(put.LegAnswered(call_id, "sdp"))
            case out.CloseLeg(call_id=call_id):
                self.open_legs.remove(call_id)
                self.closed_legs.add(call_id)
            case out.JoinLegs(call_id=call_id, other_call_id=other):
                assert {call_id, other} <= self.open_legs
            case out.Record(record=record):
                assert record.session_id not in self.records
                self.records.add(record.session_id)
                assert record.placed <= record.ended
            case out.Tell(line_id=line_id, call_id=call_id, news=news):
                self.watch_news(line_id, call_id, news)
            case out.Transition():
                pass
            case _:
                assert effect.call_id in self.open_legs, "an effect for a dead call"

    def watch_news(self, line_id: str, call_id: str, news: out.News) -> None:
        if isinstance(news, out.Disconnected):
            assert call_id not in self.told_of_end, "told twice that it ended"
            self.told_of_end.add(call_id)
            return
        assert call_id in self.open_legs, "news about a dead call"
        if isinstance(news, out.Incoming):
            self.known.append((line_id, call_id))


RandomStories.TestCase.settings = settings(
    max_examples=int(os.environ.get("OFFHOOK_STORIES", "800")),
    stateful_step_count=int(os.environ.get("OFFHOOK_STORY_STEPS", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestRandomStories = RandomStories.TestCase
