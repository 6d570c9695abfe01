"""Random stories against the exchange: whatever happens, its invariants hold.

People with no, one or several lines, with rules and in groups; clients that follow the protocol,
are late, repeat themselves, talk nonsense or vanish; commands over REST about any call; media news
that come twice, too late or never; time that jumps. What clients and the media plane reply waits in
the mail, from where it arrives in any order, twice, or not at all, unless the day is quick.
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

from engine.exchange.watching import Watch
from offhook.engine.exchange import Exchange, ExchangeRefused
from offhook.engine.exchange import inputs as put
from offhook.engine.exchange.call import Call
from offhook.engine.exchange.ending import OWED_FOR
from offhook.engine.exchange.model import (
    Forward,
    GroupTarget,
    HuntPolicy,
    Party,
    PersonTarget,
    Rules,
    ServiceNumber,
    ServiceTarget,
    Target,
    UnknownTarget,
)
from offhook.wire.mobius import CauseCode
from offhook.wire.roap import RoapMessage, RoapType

NAMES = ("alice", "bob", "carol", "dave")
PEOPLE = [Party(name.title(), f"100{number}", name) for number, name in enumerate(NAMES)]
ALICE, BOB, CAROL, DAVE = PEOPLE
LINES = {
    f"{party.person_id}{n}": party
    for party, lines in zip(PEOPLE, (3, 2, 2, 1), strict=True)
    for n in range(lines)
}
RING_SECONDS = 45.0
KEEPALIVE_SECONDS = 200.0
NO_RULES = Rules()


def to(target: Target) -> Forward:
    return Forward("dialled", target)


def group(policy: HuntPolicy, *members: PersonTarget, rules: Rules = NO_RULES) -> GroupTarget:
    return GroupTarget(f"group {policy}", Party("Sales", "2000"), policy, members, rules, 12.0)


def in_a_chain(length: int) -> Target:
    """People who send every call on to each other, and the last one answers."""
    target: Target = PersonTarget(DAVE)
    for number in range(length):
        target = PersonTarget(PEOPLE[number % 3], Rules(always=to(target)))
    return target


NOWHERE = UnknownTarget("999")
EVERYBODY = [PersonTarget(party) for party in PEOPLE]
SERVICES = [ServiceTarget(each, Party(each.value, "8000")) for each in ServiceNumber]
SELDOM_THERE = PersonTarget(BOB, Rules(busy=to(PersonTarget(CAROL)), no_answer=to(NOWHERE)))
RULED: list[Target] = [
    PersonTarget(ALICE, Rules(do_not_disturb=True)),
    PersonTarget(ALICE, Rules(do_not_disturb=True, busy=to(PersonTarget(BOB)))),
    PersonTarget(BOB, Rules(no_answer=to(PersonTarget(CAROL)), no_answer_seconds=10.0)),
    PersonTarget(CAROL, Rules(always=to(SELDOM_THERE))),
    PersonTarget(CAROL, Rules(busy=to(PersonTarget(ALICE)), no_answer=to(PersonTarget(DAVE)))),
    PersonTarget(DAVE, Rules(always=to(PersonTarget(DAVE)))),
    PersonTarget(DAVE, Rules(always=to(SERVICES[0]))),
    *(in_a_chain(length) for length in (4, 5, 6, 9)),
]
GROUPS: list[Target] = [
    *(group(policy, *EVERYBODY) for policy in HuntPolicy),
    *(group(policy, EVERYBODY[1], EVERYBODY[3]) for policy in HuntPolicy),
    group(HuntPolicy.REGULAR, EVERYBODY[3], rules=Rules(no_answer_seconds=100.0)),
    group(
        HuntPolicy.SIMULTANEOUS,
        PersonTarget(BOB, Rules(do_not_disturb=True)),
        EVERYBODY[2],
        rules=Rules(busy=to(EVERYBODY[0]), no_answer=to(EVERYBODY[3]), no_answer_seconds=20.0),
    ),
]
TARGETS = [*EVERYBODY, *EVERYBODY, *SERVICES, *RULED, *GROUPS, NOWHERE]

lines = st.sampled_from(sorted(LINES))
people = st.sampled_from(PEOPLE)
targets = st.sampled_from(TARGETS)
some = st.integers(0, 50)
small_actions = st.sampled_from(
    [
        put.AnswerView(),
        put.RejectView(),
        put.RejectView(busy=False),
        put.HangUpView(),
        put.HoldView(held=True),
        put.HoldView(held=False),
        put.MuteView(muted=True),
        put.MuteView(muted=False),
        put.SendDigitsView("1,#"),
        put.EndConferenceView(),
        put.MuteParticipantView(muted=True),
        put.MuteParticipantView(muted=False),
    ]
)


class RandomStories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        engine_ids = count(1)
        self.ids = count(1)
        self.exchange = Exchange(
            new_id=lambda: f"made{next(engine_ids)}",
            ring_seconds=RING_SECONDS,
            keepalive_seconds=KEEPALIVE_SECONDS,
        )
        self.world = Watch(self.exchange)
        self.quick = False

    # --- people and clients ---

    @initialize(
        quick=st.booleans(),
        away=st.sets(lines, max_size=4),
        talks=st.lists(st.tuples(lines, people, st.booleans()), max_size=4),
    )
    def the_day_begins(
        self, quick: bool, away: set[str], talks: list[tuple[str, Party, bool]]
    ) -> None:
        """Clients are there and talk; replies may be quick, or as late as they like."""
        self.quick = quick
        for line in sorted(set(LINES) - away):
            self.a_client_comes_or_goes(line, 0)
        for line, party, acknowledges in talks:
            self.connect(line, party, acknowledges)

    @rule(line=lines, which=some)
    def a_client_comes_or_goes(self, line: str, which: int) -> None:
        if line not in self.world.registered or which > 45:
            self.world.registered.add(line)
            self.give(put.LineRegistered(line, LINES[line]))
        elif which > 40:
            self.world.registered.discard(line)
            self.give(put.LineGone(line))

    @rule(line=lines, party=people, acknowledges=st.booleans())
    def two_people_talk(self, line: str, party: Party, acknowledges: bool) -> None:
        self.connect(line, party, acknowledges)

    @rule(line=lines, goal=targets, sound=st.booleans(), gives_up=some)
    def somebody_calls(self, line: str, goal: Target, sound: bool, gives_up: int) -> None:
        if gives_up < 45:
            self.place(line, goal, sound)
            return
        own_id = f"own-early{next(self.ids)}"
        self.give(put.End(line, "unknown", own_id, CauseCode.NORMAL))
        call_id = self.place(line, goal, own_id=own_id)
        assert call_id not in self.world.open_legs, "its end overtook it"

    @rule(person=people, goal=targets)
    def somebody_dials_from_elsewhere(self, person: Party, goal: Target) -> None:
        number = next(self.ids)
        view, session, tracking = f"view{number}", f"session{number}", f"tracking{number}"
        self.give(put.ClickToDial(person.person_id, view, session, tracking, "dialled", goal))

    @precondition(lambda self: self.world.known)
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

    @precondition(lambda self: self.world.known)
    @rule(which=some, cause=st.sampled_from(list(CauseCode)), stranger=st.booleans())
    def a_client_ends(self, which: int, cause: CauseCode, stranger: bool) -> None:
        line, call = self.pick(which)
        self.give(put.End(line, "unknown" if stranger else call, f"own-{call}", cause))

    @precondition(lambda self: self.world.known)
    @rule(
        which=some,
        kind=st.sampled_from(list(RoapType)),
        seq=st.integers(0, 5),
        sdp=st.booleans(),
        known=st.booleans(),
    )
    def a_client_negotiates(
        self, which: int, kind: RoapType, seq: int, sdp: bool, known: bool
    ) -> None:
        line, call = self.pick(which)
        message = RoapMessage(seq, kind, sdp="sdp" if sdp else None)
        self.give(put.Roap(line, call, message, f"own-{call}" if known else ""))

    # --- more than one call ---

    @precondition(lambda self: self.world.known)
    @rule(which=some, goal=targets, vanishes=st.sampled_from([False, False, True]))
    def a_call_is_sent_on(self, which: int, goal: Target, vanishes: bool) -> None:
        line, call = self.pick(which)
        self.transfers(put.BlindTransfer(line, call, goal), call, [call])
        self.vanish(line, vanishes)

    @precondition(lambda self: self.world.known)
    @rule(which=some, other=some, pair=st.booleans(), vanishes=st.sampled_from([False, True]))
    def two_calls_are_joined_by_transfer(
        self, which: int, other: int, pair: bool, vanishes: bool
    ) -> None:
        line, call = self.pick(which)
        second = self.second(line, call) if pair else self.pick(other)[1]
        self.transfers(put.ConsultTransfer(line, call, second), call, [call, second])
        self.vanish(line, vanishes)

    @precondition(lambda self: any(call.active for call in self.exchange.calls()))
    @rule(which=some, goal=targets, answered=st.booleans(), merges=st.booleans())
    def somebody_consults(self, which: int, goal: Target, answered: bool, merges: bool) -> None:
        """A second call beside one that is up, and both become one, or are left as they are."""
        active = [call for call in self.exchange.calls() if call.active]
        call = active[which % len(active)]
        second = self.place(call.line_id, goal)
        session = next((each for each in self.exchange.sessions() if second in each.members), None)
        ringing = [each for each in self.exchange.calls() if each.rings]
        called = next((each for each in ringing if each.session_id in self.id_of(session)), None)
        if called is not None and answered:
            self.answer(called, sound=True)
        if merges:
            self.merge(call.party.person_id, call.call_id, (second,))
        elif which % 3:
            command = put.ConsultTransfer(call.line_id, call.call_id, second)
            self.transfers(command, call.call_id, [call.call_id, second])

    @rule(line=lines, parties=st.permutations(PEOPLE), size=st.integers(2, 3))
    def several_people_confer(self, line: str, parties: list[Party], size: int) -> None:
        """A line calls them one after the other, and merges the calls, if that is possible now."""
        calls: list[str] = []
        for party in [each for each in parties if each is not LINES[line]][:size]:
            calls += self.connect(line, party, acknowledges=True)
            if len(calls) == 2:
                self.merge(LINES[line].person_id, calls.pop(), (calls[0],))
                calls = [each.call_id for each in self.exchange.calls() if
                         each.line_id == line and each.active]  # fmt: skip

    @precondition(lambda self: any(each.is_conference for each in self.exchange.sessions()))
    @rule(which=some, who=some, action=small_actions)
    def somebody_in_a_conference_commands(self, which: int, who: int, action: put.Action) -> None:
        conferences = [each for each in self.exchange.sessions() if each.is_conference]
        views = conferences[which % len(conferences)].views
        view = self.exchange.view(views[who % len(views)])
        assert view is not None
        self.give(put.Control(view.party.person_id, view.view_id, action))

    @precondition(lambda self: self.world.known)
    @rule(which=some, others=st.lists(some, max_size=3), stranger=people, mine=st.booleans())
    def somebody_merges(self, which: int, others: list[int], stranger: Party, mine: bool) -> None:
        line, call = self.pick(which)
        person = LINES[line].person_id if mine else stranger.person_id
        views = [each.view_id for each in self.exchange.views(person)]
        anything = [*views, *views, *self.world.ended_views, "nonsense"]
        chosen = [anything[each % len(anything)] for each in others]
        self.merge(person, call, tuple(chosen))

    @rule(person=people, which=some, action=small_actions)
    def somebody_commands_over_rest(self, person: Party, which: int, action: put.Action) -> None:
        self.give(put.Control(person.person_id, self.pick_view(person, which), action))

    @rule(person=people, which=some, other=some, goal=targets, what=some)
    def somebody_sends_a_call_on_over_rest(
        self, person: Party, which: int, other: int, goal: Target, what: int
    ) -> None:
        view, to_view = self.pick_view(person, which), self.pick_view(person, other)
        actions = (
            put.TransferView(to_view),
            put.BlindTransferView(goal),
            put.DivertView("dialled", goal),
        )
        self.give(put.Control(person.person_id, view, actions[what % 3]))

    @precondition(lambda self: self.world.open_windows)
    @rule(
        which=some,
        action=st.sampled_from([put.AnswerView(), put.RejectView(), put.RejectView(busy=False),
                                put.HangUpView(), None, None]),
        goal=targets,
    )  # fmt: skip
    def somebody_who_is_called_commands(
        self, which: int, action: put.Action | None, goal: Target
    ) -> None:
        windows = list(self.world.open_windows)
        view = self.exchange.view(windows[which % len(windows)])
        assert view is not None
        command = action or put.DivertView("dialled", goal)
        self.give(put.Control(view.party.person_id, view.view_id, command))

    # --- media and time ---

    @precondition(lambda self: self.world.known)
    @rule(
        which=some,
        news=st.sampled_from(
            ["offered", "answered", *["connected"] * 6, "failed", "played", "speaks", "digit"]
        ),
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
            case "played":
                self.give(put.LegPlayed(call))
            case "speaks":
                self.give(put.LegSpeaks(call))
            case _:
                self.give(put.LegDtmf(call, "5"))

    @precondition(lambda self: self.world.mail)
    @rule(which=some, how=st.sampled_from(["once", "once", "once", "twice", "never"]))
    def mail_arrives(self, which: int, how: str) -> None:
        event = self.world.mail.pop(which % len(self.world.mail))
        for _ in range({"once": 1, "twice": 2, "never": 0}[how]):
            self.give(event)

    @rule(seconds=st.sampled_from([0.1, 1.0, 1.0, 4.0, 4.0, 11.0, 30.0, 60.0, 300.0]))
    def time_passes(self, seconds: float) -> None:
        until = self.world.now + seconds
        while (at := self.exchange.deadline) is not None and at <= until:
            before = self.exchange.deadline
            self.world.now = max(at, self.world.now)
            self.give(put.Tick())
            after = self.exchange.deadline
            assert after is None or after > before or after > self.world.now, "a timer sticks"
        self.world.now = until

    # --- what must be true ---

    @invariant()
    def everybody_was_told_what_is_true(self) -> None:
        self.world.look()

    @invariant()
    def the_deadline_is_that_of_the_first_that_waits(self) -> None:
        dues = [each.due for each in (*self.exchange.calls(), *self.exchange.sessions())]
        assert self.exchange.deadline == min((at for at in dues if at is not None), default=None)
        assert not self.exchange.calls() or self.exchange.deadline is not None

    def teardown(self) -> None:
        """The service stops, or all clients fall silent: everything ends by itself."""
        if next(self.ids) % 2:
            self.give(put.Shutdown())
        else:
            self.time_passes(2 * KEEPALIVE_SECONDS + 6 * RING_SECONDS)
        assert self.exchange.calls() == ()
        assert self.exchange.sessions() == ()
        assert self.exchange.deadline is None
        assert not self.world.open_windows
        assert not self.world.views
        self.world.look()

    # --- how it is done ---

    def place(self, line: str, goal: Target, sound: bool = True, own_id: str = "") -> str:
        number = next(self.ids)
        call_id = f"call{number}"
        offer = RoapMessage(1, RoapType.OFFER, sdp="offer" if sound else None)
        own_id = own_id or f"own-{call_id}"
        session, tracking = f"session{number}", f"tracking{number}"
        self.give(put.Place(call_id, line, own_id, session, tracking, "dialled", goal, offer))
        return call_id

    def connect(self, line: str, party: Party, acknowledges: bool) -> list[str]:
        """A call from dialling to an answer, as proper clients do it, if that is possible now.

        The caller's call, if it was.
        """
        caller = self.place(line, PersonTarget(party))
        session = next((each for each in self.exchange.sessions() if caller in each.members), None)
        ringing = [each for each in self.exchange.calls() if each.rings]
        callee = next((each for each in ringing if each.session_id in self.id_of(session)), None)
        if callee is None:
            return []
        self.give(put.LegAnswered(caller, "sdp"))
        self.give(put.LegConnected(caller))
        if acknowledges:
            self.give(put.Roap(line, caller, RoapMessage(1, RoapType.OK)))
        self.give(put.LegOffered(callee.call_id, "sdp"))
        self.answer(callee, sound=True)
        return [each.call_id for each in self.exchange.calls() if each.call_id == caller]

    def answer(self, call: Call, sound: bool) -> None:
        self.give(put.Alert(call.line_id, call.call_id, f"own-{call.call_id}"))
        self.give(put.Answer(call.line_id, call.call_id, f"own-{call.call_id}"))
        if sound:
            answer = RoapMessage(1, RoapType.ANSWER, sdp="answer")
            self.give(put.Roap(call.line_id, call.call_id, answer))
            self.give(put.LegConnected(call.call_id))

    def transfers(self, command: put.Input, call_id: str, leave: list[str]) -> None:
        """The transferor leaves, and only it."""
        calls = {call.call_id: call for call in self.exchange.calls()}
        sessions = {call_id: each.members for each in self.exchange.sessions()
                    for call_id in each.members}  # fmt: skip
        stay = {other for each in leave for other in sessions.get(each, [])} - {*leave}
        if self.give(command):
            there = {call.call_id for call in self.exchange.calls()}
            assert not there & {*leave}, "the transferor has left"
            assert stay <= there, "who stays is still in a call"
            assert stay
            assert call_id in calls

    def merge(self, person: str, call_id: str, others: tuple[str, ...]) -> None:
        """All parties go on, in one conference."""
        command = put.Control(person, call_id, put.ConferenceViews(others))
        before = {call.call_id for call in self.exchange.calls()}
        views = {each.view_id for each in self.exchange.views(person)}
        if not self.give(command):
            return
        view = self.exchange.view(call_id)
        assert view is not None
        assert view.conference_id
        gone = before - {call.call_id for call in self.exchange.calls()}
        assert gone <= self.world.told_of_end
        assert views == {each.view_id for each in self.exchange.views(person)}

    def vanish(self, line: str, vanishes: bool) -> None:
        if vanishes and line in self.world.registered:
            self.world.registered.discard(line)
            self.give(put.LineGone(line))

    def second(self, line: str, call_id: str) -> str:
        """Another call of the line, if it has one."""
        mine = [each.call_id for each in self.exchange.calls() if each.line_id == line]
        return next((each for each in mine if each != call_id), call_id)

    def pick(self, which: int) -> tuple[str, str]:
        """Mostly a call that is alive, at times one that is over."""
        known = self.world.known
        living = [(call.line_id, call.call_id) for call in self.exchange.calls()]
        chosen = known if which > 40 or not living else living
        return chosen[which % len(chosen)]

    def pick_view(self, person: Party, which: int) -> str:
        """Mostly a call of the person, by view or leg; at times nonsense or another's."""
        if which < 46 and (views := self.exchange.views(person.person_id)):
            view = views[which % len(views)]
            return view.call_id if which % 2 and view.call_id else view.view_id
        everything = [*self.world.views, *self.world.ended_views, *self.world.closed_legs, "no"]
        return everything[which % len(everything)]

    def id_of(self, session: object) -> list[str]:
        return [] if session is None else [session.session_id]  # type: ignore[attr-defined]

    def give(self, event: put.Input) -> bool:
        world = self.world
        may_be_refused = isinstance(event, put.Command | put.ClickToDial | put.Control)
        before = self.picture() if may_be_refused else ""
        world.event = event
        try:
            effects = self.exchange.handle(event, world.now)
        except ExchangeRefused:
            assert may_be_refused, "only commands are refused"
            assert self.picture() == before, "a refused command changes nothing"
            if isinstance(event, put.Alert | put.Answer) and event.call_id in world.untold:
                waited = world.now - world.untold[event.call_id]
                assert waited >= OWED_FOR, "its client will ring on: nobody tells it"
            return False
        world.accepted(event)
        for effect in effects:
            world.watch(effect)
        while self.quick and world.mail:
            self.give(world.mail.pop())
        return True

    def picture(self) -> str:
        views = [self.exchange.views(party.person_id) for party in PEOPLE]
        exchange = self.exchange
        return repr((exchange.calls(), exchange.sessions(), views, exchange.deadline))


RandomStories.TestCase.settings = settings(
    max_examples=int(os.environ.get("OFFHOOK_STORIES", "300")),
    stateful_step_count=int(os.environ.get("OFFHOOK_STORY_STEPS", "50")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
#: A larger profile may take longer than the suite allows a test.
TestRandomStories = pytest.mark.timeout(3600)(RandomStories.TestCase)
