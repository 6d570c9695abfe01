"""Whatever a person, the others and the service do, in whatever order, is true what must be true.

`PhoneStory` checks after every input that at most one call is heard. Here the rest of what
`engine/client/phone.py` promises is checked.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.client.phone_stories import NO, PhoneStory, participant
from offhook.engine.client import call_io as io
from offhook.engine.client import phone_io as phone
from offhook.engine.client.model import CallStatus
from offhook.engine.client.negotiation import PostOffer
from offhook.errors import CallEndedError, CallMediaError, CallStateError, NetworkError
from offhook.wire.mobius import CauseCode, MidCallState

KINDS = (PostOffer, io.PatchConnected, io.PostHold, phone.PostTransfer, phone.PostConference)


class Anybody(PhoneStory):
    """Whom a step is about is a number: the calls in their order, those that last first."""

    def __getitem__(self, number: int) -> str:
        lasting = [name for name, call in self.calls.items() if call.end is None]
        names = lasting or list(self.calls)
        return names[number % len(names)]

    @property
    def somebody(self) -> str:
        """Somebody who was not called yet."""
        return f"party{len(self.calls)}"


def _deliver(queue: str, *, lost: bool = False):
    def step(s: Anybody) -> None:
        waiting = getattr(s, queue)
        if waiting:
            delivered = waiting.popleft()
            if not lost:
                delivered()

    return step


def _give_up(s: Anybody) -> None:
    if s.accepted:
        s.feed(phone.GiveUp(max(s.accepted)))


one = st.integers(0, 2)
two = st.tuples(one, one)
commands = st.one_of(
    st.just(lambda s: s.dial(s.somebody)),
    st.just(lambda s: s.rings(s.somebody)),
    st.just(_give_up),
    one.map(lambda a: lambda s: s.answer(s[a])),
    one.map(lambda a: lambda s: s.hold(s[a])),
    one.map(lambda a: lambda s: s.resume(s[a])),
    one.map(lambda a: lambda s: s.hang_up(s[a])),
    one.map(lambda a: lambda s: s.call(s[a], io.Reject())),
    one.map(lambda a: lambda s: s.direct_transfer(s[a])),
    one.map(lambda a: lambda s: s.consult(s.somebody, s[a])),
    one.map(lambda a: lambda s: s.transfer_when_answered(s[a], s.somebody, seconds=20.0)),
    two.map(lambda ab: lambda s: s.merge(s[ab[0]], s[ab[1]])),
    two.map(lambda ab: lambda s: s.transfer(s[ab[0]], s[ab[1]])),
)
others = st.one_of(
    one.map(lambda a: lambda s: s.progress(s[a])),
    one.map(lambda a: lambda s: s.picks_up(s[a])),
    one.map(lambda a: lambda s: s.picks_up(s[a])),
    st.tuples(one, st.sampled_from([None, *CauseCode])).map(
        lambda x: lambda s: s.ends(s[x[0]], x[1])
    ),
    st.tuples(one, st.sampled_from(MidCallState)).map(lambda x: lambda s: s.state(s[x[0]], x[1])),
    st.tuples(one, st.lists(st.sampled_from("abc"), unique=True), st.booleans()).map(
        lambda x: (
            lambda s: s.told(
                s[x[0]],
                "participants",
                participants=[participant("me", isSelf=True), *map(participant, x[1])],
                conference=x[2],
            )
        )
    ),
    one.map(lambda a: lambda s: s.call(s[a], io.MediaLost(CallMediaError("x")))),
)
delivery = st.sampled_from(
    [
        *[lambda s: s.pump()] * 4,
        *[_deliver("events"), _deliver("answers")] * 2,
        _deliver("events", lost=True),
        _deliver("answers", lost=True),
    ]
)
moods = st.one_of(
    st.tuples(st.sampled_from(KINDS), st.sampled_from([NO, NetworkError("Away."), None])).map(
        lambda x: lambda s: s.instead.__setitem__(*x)
    ),
    st.sampled_from(KINDS).map(lambda kind: lambda s: s.idle.add(kind)),
    st.just(lambda s: (s.instead.clear(), s.idle.clear())),
    st.sampled_from([None, CauseCode.NORMAL, CauseCode.TRANSFERRED]).map(
        lambda cause: lambda s: setattr(s, "cause", cause)
    ),
)
pauses = st.sampled_from([0.1, 1.0, 5.0, 11.0, 25.0]).map(lambda seconds: lambda s: s.wait(seconds))
steps = st.one_of(commands, commands, others, others, delivery, delivery, moods, pauses)
beginnings = st.sampled_from(
    [
        lambda s: s.talking("bob"),
        lambda s: s.talking("bob", "carol"),
        lambda s: (s.talking("bob"), s.rings("carol")),
        lambda s: (s.talking("bob"), s.consult("carol", "bob"), s.picks_up("carol")),
        lambda s: (s.talking("bob", "carol"), s.consult("dave", "bob"), s.progress("dave")),
    ]
)


@settings(max_examples=500)
@given(st.booleans(), beginnings, st.lists(steps, max_size=40))
def test_whatever_happens_the_invariants_hold(immediate, begin, story):
    s = Anybody()
    begin(s)
    s.immediate = immediate
    for step in story:
        # A refusal changes nothing.
        try:
            step(s)
        except (CallStateError, CallEndedError):
            continue
    _left_alone(s)
    for name, call in s.calls.items():
        if call.end is None and call.status is CallStatus.CONNECTED:
            s.hang_up(name)
    assert [name for name, call in s.calls.items() if call.end is None] == []
    assert not s.phone.is_full
    assert s.phone.deadline is None


def _left_alone(s: Anybody) -> None:
    """Every call that is not up comes to an end, and every command has exactly one answer."""
    s.immediate = True
    s.pump()
    s.wait(400)
    answers = [
        effect.command
        for _, effect in s.effects
        if isinstance(effect, io.CommandDone | io.CommandFailed)
    ]
    assert sorted(answers) == sorted(s.accepted)
    for call in s.calls.values():
        assert call.is_up or call.end is not None
