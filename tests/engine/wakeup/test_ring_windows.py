"""Ring windows: who is pushed when, and what a phone that wakes is told."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from offhook.engine.exchange.effects import (
    CallerChanged,
    LineLost,
    LineOffered,
    LineRings,
    WindowClosed,
    WindowEffect,
    WindowOpened,
)
from offhook.engine.exchange.model import EndReason, Party
from offhook.engine.wakeup import RingWindows
from offhook.engine.wakeup.ring_windows import (
    Effect,
    SendPush,
    Tick,
    Transition,
    WithdrawPushes,
)
from offhook.engine.wakeup.window import MOST_PUSHES, REMEMBERED, Over
from offhook.wire.ringing_call import RingingState

ALICE = Party("Alice", "+12025550101", "alice")
BOB = Party("Bob", "+12025550102", "bob")
START = 1000.0
RING = 45.0


class Evening:
    """A clock, the windows, and everything that they asked for."""

    def __init__(self) -> None:
        self.windows = RingWindows()
        self.now = START
        self.pushed: list[tuple[float, str]] = []
        self.withdrawn: list[str] = []
        self.path: list[str] = []

    def say(self, event: WindowEffect | Tick) -> list[Effect]:
        effects = self.windows.handle(event, self.now)
        for effect in effects:
            match effect:
                case SendPush():
                    self.pushed.append((self.now - START, effect.call_id))
                case WithdrawPushes():
                    self.withdrawn.append(effect.call_id)
                case Transition():
                    self.path.append(effect.new)
        return effects

    def call(self, call_id: str = "call", callee: Party = BOB) -> None:
        self.say(WindowOpened(call_id, f"tracking-{call_id}", ALICE, callee, self.now + RING))

    def until(self, seconds: float) -> None:
        """Let time pass until so long after the start."""
        while (deadline := self.windows.deadline) is not None and deadline <= START + seconds:
            self.now = deadline
            self.say(Tick())
        self.now = START + seconds

    def state(self, call_id: str = "call", person: str = "bob") -> RingingState | None:
        window = self.windows.ask(call_id, person)
        if window is None:
            return None
        return window.state.outcome if isinstance(window.state, Over) else RingingState.RINGING


def test_a_call_is_pushed_at_once_and_again_while_no_device_wakes() -> None:
    evening = Evening()
    evening.call()
    assert evening.pushed == [(0, "call")]
    evening.until(44)
    assert [at for at, _ in evening.pushed] == [0, 5, 10, 20]


def test_the_push_says_who_calls_and_until_when() -> None:
    evening = Evening()
    effects = evening.say(WindowOpened("call", "tracking", ALICE, BOB, START + RING))
    assert SendPush("call", "tracking", ALICE, BOB, START + RING, 1) in effects


def test_a_push_after_a_transfer_names_who_calls_now() -> None:
    evening = Evening()
    evening.call()
    carol = Party("Carol", "+12025550103", "carol")
    assert evening.say(CallerChanged("call", carol)) == []
    evening.now = START + 5
    assert SendPush("call", "tracking-call", carol, BOB, START + RING, 2) in evening.say(Tick())
    evening.say(WindowClosed("call", None))
    assert evening.say(CallerChanged("call", ALICE)) == []


def test_a_device_that_woke_is_not_pushed_again() -> None:
    evening = Evening()
    evening.call()
    evening.until(7)
    evening.say(LineOffered("call", "phone"))
    evening.until(44)
    assert [at for at, _ in evening.pushed] == [0, 5]
    assert evening.state() is RingingState.RINGING


def test_a_person_whose_desk_phone_is_awake_gets_one_push_for_the_phone_in_the_pocket() -> None:
    evening = Evening()
    evening.call()
    evening.say(LineOffered("call", "desk"))
    evening.say(LineRings("call", "desk"))
    evening.until(44)
    assert [at for at, _ in evening.pushed] == [0]


def test_a_device_that_woke_and_vanished_is_pushed_again() -> None:
    evening = Evening()
    evening.call()
    evening.until(2)
    evening.say(LineOffered("call", "phone"))
    evening.say(LineRings("call", "phone"))
    evening.until(8)
    evening.say(LineLost("call", "phone"))
    evening.until(9)
    assert [at for at, _ in evening.pushed] == [0, 8]


def test_one_of_two_devices_that_vanishes_changes_nothing() -> None:
    evening = Evening()
    evening.call()
    for line in ("phone", "tablet"):
        evening.say(LineOffered("call", line))
    evening.say(LineLost("call", "phone"))
    evening.until(44)
    assert [at for at, _ in evening.pushed] == [0]


def test_a_device_that_wakes_and_vanishes_for_ever_does_not_drain_its_battery() -> None:
    evening = Evening()
    evening.call()
    for seconds in range(1, 44):
        evening.until(seconds)
        evening.say(LineOffered("call", "phone"))
        evening.say(LineLost("call", "phone"))
    assert len(evening.pushed) == MOST_PUSHES


def test_after_the_end_nothing_is_pushed_and_what_is_on_its_way_is_withdrawn() -> None:
    evening = Evening()
    evening.call()
    evening.until(3)
    evening.say(WindowClosed("call", EndReason.CANCELLED))
    evening.until(44)
    assert [at for at, _ in evening.pushed] == [0]
    assert evening.withdrawn == ["call"]


def test_a_phone_that_wakes_too_late_is_told_what_became_of_the_call() -> None:
    for reason, told in (
        (None, RingingState.ANSWERED),
        (EndReason.REJECTED, RingingState.DECLINED),
        (EndReason.CANCELLED, RingingState.CANCELLED),
        (EndReason.NO_ANSWER, RingingState.NO_ANSWER),
        (EndReason.MEDIA_LOST, RingingState.FAILED),
        (EndReason.SHUTDOWN, RingingState.FAILED),
    ):
        evening = Evening()
        evening.call()
        evening.until(30)
        evening.say(WindowClosed("call", reason))
        evening.until(30 + REMEMBERED - 1)
        assert evening.state() is told
        evening.until(30 + REMEMBERED)
        assert evening.state() is None
        assert evening.windows.deadline is None


def test_nobody_but_the_person_called_may_ask() -> None:
    evening = Evening()
    evening.call()
    assert evening.state(person="mallory") is None
    assert evening.state(call_id="other") is None


def test_every_state_is_in_the_trace() -> None:
    evening = Evening()
    evening.call()
    evening.until(6)
    evening.say(LineOffered("call", "phone"))
    evening.say(LineRings("call", "phone"))
    evening.say(WindowClosed("call", None))
    assert evening.path == ["pushed", "pushed", "woken", "ringing", "over"]


class RandomEvenings(RuleBasedStateMachine):
    """Calls, devices that come and go, and time, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.evening = Evening()
        self.open: dict[str, set[str]] = {}
        self.until: dict[str, float] = {}
        self.calls = 0

    @rule()
    def call(self) -> None:
        self.calls += 1
        call_id = f"call{self.calls}"
        self.open[call_id] = set()
        self.until[call_id] = self.evening.now + RING
        self.evening.call(call_id)
        assert self.evening.pushed[-1][1] == call_id

    @precondition(lambda self: self.open)
    @rule(data=st.data(), line=st.sampled_from(["phone", "tablet"]), what=st.integers(0, 2))
    def device(self, data: st.DataObject, line: str, what: int) -> None:
        call_id = data.draw(st.sampled_from(sorted(self.open)))
        lines = self.open[call_id]
        if what == 0:
            lines.add(line)
            self.evening.say(LineOffered(call_id, line))
        elif what == 1 and line in lines:
            self.evening.say(LineRings(call_id, line))
        elif what == 2 and line in lines:
            lines.remove(line)
            self.evening.say(LineLost(call_id, line))

    @precondition(lambda self: self.open)
    @rule(data=st.data(), reason=st.sampled_from([None, *EndReason]))
    def close(self, data: st.DataObject, reason: EndReason | None) -> None:
        call_id = data.draw(st.sampled_from(sorted(self.open)))
        del self.open[call_id]
        self.evening.say(WindowClosed(call_id, reason))

    @rule(seconds=st.floats(0.01, 20))
    def wait(self, seconds: float) -> None:
        end = self.evening.now + seconds
        while (at := self.evening.windows.deadline) is not None and at <= end:
            self.evening.now = max(at, self.evening.now)
            before = len(self.evening.pushed)
            self.evening.say(Tick())
            for _, call_id in self.evening.pushed[before:]:
                assert call_id in self.open, "pushed after the end"
                assert not self.open[call_id], "pushed while a device is awake"
                assert self.evening.now < self.until[call_id], "pushed after the window"
        self.evening.now = end

    @invariant()
    def no_call_is_pushed_for_ever(self) -> None:
        for call_id in self.open:
            assert sum(each == call_id for _, each in self.evening.pushed) <= MOST_PUSHES

    @invariant()
    def the_next_deadline_is_not_in_the_past(self) -> None:
        deadline = self.evening.windows.deadline
        assert deadline is None or deadline > self.evening.now - 1e-6

    @invariant()
    def an_open_call_rings_for_who_asks(self) -> None:
        for call_id in self.open:
            assert self.evening.state(call_id) is RingingState.RINGING


TestRandomEvenings = RandomEvenings.TestCase
TestRandomEvenings.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
