"""The pushes of one app: each gets one outcome, inside its window or not at all."""

from collections.abc import Iterable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from offhook.engine.dispatch.lane import (
    PAUSE,
    Effect,
    Finish,
    Lane,
    Reconnect,
    RenewCredentials,
    Send,
)
from offhook.engine.dispatch.model import (
    Device,
    Environment,
    Outcome,
    OutcomeKind,
    Provider,
    Push,
)
from offhook.engine.dispatch.verdict import (
    Again,
    DropToken,
    Misconfigured,
    Refuse,
    Renew,
    Reply,
    Taken,
    Verdict,
)

NOW = 1000.0
DEVICE = Device("d", "p", Provider.APNS, "app", Environment.PRODUCTION, "ab" * 32, 0.0)


def push(name: str = "push", until: float = NOW + 30, received: float = NOW) -> Push:
    return Push(name, DEVICE, b"{}", until, received)


def sent(effects: Iterable[Effect]) -> list[tuple[str, int]]:
    return [(each.push.push_id, each.number) for each in effects if isinstance(each, Send)]


def outcomes(effects: Iterable[Effect]) -> list[tuple[str, OutcomeKind]]:
    found = [each.outcome for each in effects if isinstance(each, Finish)]
    return [(each.push.push_id, each.kind) for each in found]


def ready(capacity: int = 100) -> Lane:
    lane = Lane()
    lane.connected(capacity, NOW)
    return lane


def test_a_push_goes_out_at_once_and_is_done_when_it_is_taken() -> None:
    lane = ready()
    assert sent(lane.add(push(), NOW)) == [("push", 1)]
    done = lane.answered("push", Reply(200), Taken(), NOW + 0.25)
    assert done == [Finish(Outcome(push(), OutcomeKind.SENT, 1, 0.25, 200))]
    assert lane.open == 0


def test_pushes_wait_for_a_connection_and_for_room_on_it() -> None:
    lane = Lane()
    for name in "abc":
        assert lane.add(push(name), NOW) == []
    assert sent(lane.connected(2, NOW)) == [("a", 1), ("b", 1)]
    assert sent(lane.answered("a", Reply(200), Taken(), NOW)) == [("c", 1)]


def test_a_provider_in_trouble_is_tried_again_on_another_connection() -> None:
    lane = ready()
    lane.add(push(), NOW)
    effects = lane.answered("push", Reply(503), Again(bad=True), NOW)
    assert effects == [Reconnect()]
    assert sent(lane.tick(NOW + 0.05)) == []
    assert sent(lane.tick(NOW + 0.1)) == [("push", 2)]


def test_who_asks_to_wait_is_given_time_if_the_window_has_it() -> None:
    lane = ready()
    lane.add(push("a"), NOW)
    lane.add(push("b", until=NOW + 3), NOW)
    lane.answered("a", Reply(429), Again(5.0), NOW)
    assert outcomes(lane.answered("b", Reply(429), Again(5.0), NOW)) == [("b", OutcomeKind.EXPIRED)]
    assert sent(lane.tick(NOW + 4.9)) == []
    assert sent(lane.tick(NOW + 5.0)) == [("a", 2)]


def test_what_was_under_way_when_the_connection_broke_goes_out_on_the_next() -> None:
    lane = ready()
    lane.add(push(), NOW)
    assert lane.lost(NOW) == []
    assert sent(lane.tick(NOW + 1)) == []
    assert sent(lane.connected(100, NOW + 1)) == [("push", 2)]


def test_nothing_is_sent_after_the_ring_window() -> None:
    lane = Lane()
    lane.add(push("waits"), NOW)
    assert outcomes(lane.connected(100, NOW + 30)) == [("waits", OutcomeKind.EXPIRED)]
    lane.add(push("hangs"), NOW)
    assert outcomes(lane.tick(NOW + 30)) == [("hangs", OutcomeKind.EXPIRED)]
    assert lane.answered("hangs", Reply(200), Taken(), NOW + 31) == []


def test_a_dead_token_is_told_with_since_when() -> None:
    lane = ready()
    lane.add(push(), NOW)
    (finish,) = lane.answered("push", Reply(410, "Unregistered"), DropToken(77.0), NOW)
    assert isinstance(finish, Finish)
    assert (finish.outcome.kind, finish.outcome.since) == (OutcomeKind.TOKEN_DEAD, 77.0)
    assert (finish.outcome.status, finish.outcome.reason) == (410, "Unregistered")


def test_credentials_are_renewed_once_and_then_it_is_the_configuration() -> None:
    lane = ready()
    lane.add(push(), NOW)
    effects = lane.answered("push", Reply(403, "ExpiredProviderToken"), Renew(), NOW)
    assert effects == [RenewCredentials()]
    assert sent(lane.tick(NOW + 0.1)) == [("push", 2)]
    effects = lane.answered("push", Reply(403, "InvalidProviderToken"), Renew(), NOW + 0.2)
    assert outcomes(effects) == [("push", OutcomeKind.MISCONFIGURED)]


def test_an_app_that_is_misconfigured_is_left_alone_and_tried_once_in_a_while() -> None:
    lane = ready()
    lane.add(push("a"), NOW)
    lane.answered("a", Reply(400, "BadTopic"), Misconfigured(), NOW)
    (finish,) = lane.add(push("b"), NOW + 1)
    assert isinstance(finish, Finish)
    assert (finish.outcome.kind, finish.outcome.attempts) == (OutcomeKind.MISCONFIGURED, 0)
    assert finish.outcome.reason == "BadTopic"
    assert sent(lane.add(push("c"), NOW + PAUSE)) == [("c", 1)]
    assert outcomes(lane.add(push("d"), NOW + PAUSE)) == [("d", OutcomeKind.MISCONFIGURED)]
    lane.answered("c", Reply(200), Taken(), NOW + PAUSE)
    assert sent(lane.add(push("e"), NOW + PAUSE)) == [("e", 1)]


def test_one_device_of_another_project_does_not_stop_the_others() -> None:
    lane = ready()
    lane.add(push("a"), NOW)
    effects = lane.answered("a", Reply(403), Misconfigured(whole_app=False), NOW)
    assert outcomes(effects) == [("a", OutcomeKind.MISCONFIGURED)]
    assert sent(lane.add(push("b"), NOW)) == [("b", 1)]


def test_overload_sheds_the_oldest_calls_first() -> None:
    lane = Lane(most_waiting=3)
    for name in "abc":
        assert lane.add(push(name), NOW) == []
    assert outcomes(lane.add(push("d"), NOW)) == [("a", OutcomeKind.SHED)]
    assert [name for name, _ in sent(lane.connected(10, NOW))] == ["b", "c", "d"]


def test_at_the_stop_everything_gets_its_outcome() -> None:
    lane = ready(1)
    for name in "abc":
        lane.add(push(name), NOW)
    lane.answered("a", Reply(500), Again(), NOW)
    assert len(outcomes(lane.stop(NOW))) == 3
    assert lane.open == 0


VERDICTS: list[Verdict] = [
    Taken(),
    DropToken(),
    Again(),
    Again(2.0, bad=True),
    Renew(),
    Refuse(),
    Misconfigured(),
    Misconfigured(whole_app=False),
]


class RandomLanes(RuleBasedStateMachine):
    """Pushes, answers, broken connections and time in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.lane = Lane(most_waiting=8)
        self.now = NOW
        self.pushes: dict[str, Push] = {}
        self.finished: set[str] = set()
        self.under_way: set[str] = set()
        self.capacity = 0

    def watch(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(push=each):
                    assert self.capacity > 0, "sent without a connection"
                    assert each.push_id not in self.under_way | self.finished
                    assert self.now < each.until, "sent after its window"
                    assert each is self.pushes[each.push_id]
                    self.under_way.add(each.push_id)
                    assert len(self.under_way) <= self.capacity
                case Finish(outcome=outcome):
                    assert outcome.push.push_id not in self.finished, "finished twice"
                    self.finished.add(outcome.push.push_id)
                    self.under_way.discard(outcome.push.push_id)
                case _:
                    pass

    @rule(lasts=st.floats(0, 20))
    def add(self, lasts: float) -> None:
        new = push(f"push{len(self.pushes)}", self.now + lasts, self.now)
        self.pushes[new.push_id] = new
        self.watch(self.lane.add(new, self.now))

    @rule(capacity=st.integers(1, 4))
    def connect(self, capacity: int) -> None:
        self.capacity = max(capacity, len(self.under_way))
        self.watch(self.lane.connected(self.capacity, self.now))

    @rule()
    def lose(self) -> None:
        self.capacity = 0
        self.under_way.clear()
        self.watch(self.lane.lost(self.now))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), verdict=st.sampled_from(VERDICTS))
    def answer(self, data: st.DataObject, verdict: Verdict) -> None:
        name = data.draw(st.sampled_from(sorted(self.under_way)))
        self.under_way.discard(name)
        self.watch(self.lane.answered(name, Reply(1), verdict, self.now))

    @precondition(lambda self: self.finished)
    @rule(data=st.data())
    def answer_too_late(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.finished)))
        self.watch(self.lane.answered(name, Reply(200), Taken(), self.now))

    @rule(seconds=st.floats(0, 5))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        for each in list(self.under_way):
            if self.pushes[each].until <= self.now:
                self.under_way.discard(each)
        self.watch(self.lane.tick(self.now))

    @invariant()
    def everything_is_somewhere(self) -> None:
        assert self.lane.open == len(self.pushes) - len(self.finished)

    def teardown(self) -> None:
        self.watch(self.lane.stop(self.now))
        assert self.finished == self.pushes.keys()


TestRandomLanes = RandomLanes.TestCase
TestRandomLanes.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
