"""Whatever providers answer and connections do: one outcome a push, within its window."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.engine.dispatch.lane import (
    PAUSE,
    Abandon,
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

VERDICTS: list[Verdict] = [
    Taken(),
    DropToken(17.0),
    Again(),
    Again(2.0),
    Again(bad=True),
    Renew(),
    Refuse(),
    Misconfigured(),
    Misconfigured(whole_app=False),
]


def a_push(name: str, until: float = 30.0) -> Push:
    device = Device(
        "device", "person", Provider.APNS, "org.example", Environment.SANDBOX, "ab", 0.0
    )
    return Push(name, device, b"{}", until, 0.0)


def sent(effects: list[Effect]) -> list[str]:
    return [each.push.push_id for each in effects if isinstance(each, Send)]


def outcomes(effects: list[Effect]) -> list[Outcome]:
    return [each.outcome for each in effects if isinstance(each, Finish)]


def kinds(effects: list[Effect]) -> list[OutcomeKind]:
    return [each.kind for each in outcomes(effects)]


def test_a_push_waits_for_the_connection_and_goes_out_with_it() -> None:
    lane = Lane()
    assert lane.add(a_push("one"), 0.0) == []
    assert sent(lane.connected(10, 1.0)) == ["one"]
    (outcome,) = outcomes(lane.answered("one", Reply(200), Taken(), 1.5))
    assert (outcome.kind, outcome.attempts, outcome.seconds) == (OutcomeKind.SENT, 1, 1.0)
    assert lane.open == 0


def test_no_more_are_under_way_than_the_connection_takes() -> None:
    lane = Lane()
    lane.connected(2, 0.0)
    assert sent([e for name in "abc" for e in lane.add(a_push(name), 0.0)]) == ["a", "b"]
    assert sent(lane.answered("a", Reply(200), Taken(), 0.1)) == ["c"]


def test_a_connection_that_goes_costs_no_pause_the_first_time() -> None:
    lane = Lane()
    lane.connected(10, 0.0)
    lane.add(a_push("one"), 0.0)
    lane.disconnected()
    lane.add(a_push("later"), 0.1)
    assert lane.unanswered("one", 0.1) == []
    assert sent(lane.connected(10, 0.11)) == ["one", "later"]
    lane.disconnected()
    lane.unanswered("one", 0.2)
    assert sent(lane.connected(10, 0.21)) == []
    assert sent(lane.tick(0.5)) == ["one"]


def test_what_is_tried_again_goes_before_what_came_later() -> None:
    lane = Lane()
    lane.connected(1, 0.0)
    lane.add(a_push("old"), 0.0)
    lane.answered("old", Reply(503), Again(), 0.0)
    lane.add(a_push("under way"), 0.1)
    lane.add(a_push("new"), 0.1)
    lane.tick(1.0)
    assert sent(lane.answered("under way", Reply(200), Taken(), 1.0)) == ["old"]


def test_the_provider_says_when_to_come_again_and_that_is_obeyed() -> None:
    lane = Lane()
    lane.connected(10, 0.0)
    lane.add(a_push("one"), 0.0)
    effects = lane.answered("one", Reply(503, retry_after=3.0), Again(3.0, bad=True), 0.0)
    assert [type(each) for each in effects] == [Reconnect]
    assert sent(lane.tick(2.9)) == []
    assert sent(lane.tick(3.0)) == ["one"]


def test_a_second_try_beyond_the_window_is_not_waited_for() -> None:
    lane = Lane()
    lane.connected(10, 0.0)
    lane.add(a_push("one", until=20.0), 0.0)
    reply = Reply(503, "ServiceUnavailable", 20.0)
    (outcome,) = outcomes(lane.answered("one", reply, Again(20.0), 0.0))
    assert outcome.kind is OutcomeKind.EXPIRED
    assert (outcome.status, outcome.reason) == (503, "ServiceUnavailable")


def test_an_answer_that_does_not_come_is_not_waited_for_beyond_the_window() -> None:
    lane = Lane()
    lane.connected(10, 0.0)
    lane.add(a_push("one", until=5.0), 0.0)
    assert lane.tick(4.9) == []
    effects = lane.tick(5.0)
    assert isinstance(effects[0], Abandon)
    assert kinds(effects) == [OutcomeKind.EXPIRED]
    assert lane.answered("one", Reply(200), Taken(), 5.1) == []


def test_too_many_pushes_cost_the_oldest_calls() -> None:
    lane = Lane(most_waiting=2)
    effects = [e for name in "abcd" for e in lane.add(a_push(name), 0.0)]
    assert [(o.push.push_id, o.kind) for o in outcomes(effects)] == [
        ("a", OutcomeKind.SHED),
        ("b", OutcomeKind.SHED),
    ]
    assert sent(lane.connected(10, 0.1)) == ["c", "d"]


def test_refused_credentials_are_renewed_once_and_then_an_operator_has_to_act() -> None:
    lane = Lane()
    lane.connected(10, 0.0)
    lane.add(a_push("one"), 0.0)
    reply = Reply(403, "ExpiredProviderToken")
    assert lane.answered("one", reply, Renew(), 0.0) == [RenewCredentials()]
    assert sent(lane.tick(1.0)) == ["one"]
    assert kinds(lane.answered("one", reply, Renew(), 1.0)) == [OutcomeKind.MISCONFIGURED]


def test_a_misconfigured_app_is_left_alone_and_tried_with_one_push_now_and_then() -> None:
    lane = Lane()
    lane.connected(10, 0.0)
    lane.add(a_push("one"), 0.0)
    lane.answered("one", Reply(400, "BadTopic"), Misconfigured(), 0.0)
    (told,) = outcomes(lane.add(a_push("two"), 1.0))
    assert (told.kind, told.attempts, told.reason) == (OutcomeKind.MISCONFIGURED, 0, "BadTopic")
    assert sent(lane.add(a_push("probe"), PAUSE)) == ["probe"]
    assert kinds(lane.add(a_push("three"), PAUSE + 0.1)) == [OutcomeKind.MISCONFIGURED]
    lane.answered("probe", Reply(200), Taken(), PAUSE + 0.2)
    assert sent(lane.add(a_push("four"), PAUSE + 0.3)) == ["four"]


def test_a_mistake_about_one_device_does_not_stop_the_others() -> None:
    lane = Lane()
    lane.connected(10, 0.0)
    lane.add(a_push("one"), 0.0)
    lane.answered("one", Reply(403, "SENDER_ID_MISMATCH"), Misconfigured(whole_app=False), 0.0)
    assert sent(lane.add(a_push("two"), 0.1)) == ["two"]


@dataclass
class World:
    """A lane, and a provider and connection that do whatever they like."""

    lane: Lane
    now: float = 1000.0
    connected: bool = False
    capacity: int = 0
    under_way: list[str] = field(default_factory=list)
    until: dict[str, float] = field(default_factory=dict)
    told: dict[str, OutcomeKind] = field(default_factory=dict)

    def take(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(push=push):
                    assert self.connected
                    assert self.now < push.until
                    assert push.push_id not in self.told
                    assert push.push_id not in self.under_way
                    self.under_way.append(push.push_id)
                    assert len(self.under_way) <= self.capacity
                case Abandon(push=push):
                    self.under_way.remove(push.push_id)
                case Finish(outcome=outcome):
                    push_id = outcome.push.push_id
                    assert push_id not in self.told
                    self.told[push_id] = outcome.kind
                case Reconnect() | RenewCredentials():
                    pass


@settings(max_examples=150, deadline=None)
@given(data=st.data(), most_waiting=st.integers(1, 6))
def test_every_push_gets_one_outcome_and_none_is_sent_late(
    data: st.DataObject, most_waiting: int
) -> None:
    world = World(Lane(most_waiting))
    lane = world.lane
    names = iter(range(1000))
    for _ in range(data.draw(st.integers(1, 40))):
        world.now += data.draw(st.sampled_from([0.0, 0.01, 0.2, 1.0, 7.0]))
        match data.draw(
            st.sampled_from(["add", "add", "connect", "lose", "answer", "garbled", "tick"])
        ):
            case "add":
                name = str(next(names))
                until = world.now + data.draw(st.sampled_from([-1.0, 0.0, 0.3, 5.0, 30.0]))
                world.until[name] = until
                world.take(lane.add(a_push(name, until), world.now))
            case "connect" if not world.under_way:
                world.connected = True
                world.capacity = data.draw(st.integers(1, 4))
                world.take(lane.connected(world.capacity, world.now))
            case "lose":
                world.connected = False
                lane.disconnected()
                while world.under_way:
                    world.take(lane.unanswered(world.under_way.pop(), world.now))
            case "answer" if world.under_way:
                name = world.under_way.pop(
                    data.draw(st.integers(0, len(world.under_way) - 1), label="which")
                )
                verdict = data.draw(st.sampled_from(VERDICTS))
                world.take(lane.answered(name, Reply(200), verdict, world.now))
            case "garbled" if world.under_way:
                world.take(lane.failed(world.under_way.pop(), world.now))
            case _:
                world.take(lane.tick(world.now))
        assert lane.open == len(world.until) - len(world.told)
    if data.draw(st.booleans(), label="stopped"):
        world.take(lane.stop(world.now))
    else:
        world.now = max([world.now, *world.until.values()])
        world.take(lane.tick(world.now))
    assert world.told.keys() == world.until.keys()
    assert lane.open == 0
