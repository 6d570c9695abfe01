"""A small world around an exchange: clients that behave as official ones do, and a clock."""

from collections.abc import Iterable
from itertools import count

from offhook.engine.exchange import Exchange, ExchangeRefused
from offhook.engine.exchange import effects as out
from offhook.engine.exchange import inputs as put
from offhook.engine.exchange.call import Call
from offhook.engine.exchange.model import (
    CallRecord,
    Party,
    PersonTarget,
    ServiceNumber,
    ServiceTarget,
    Target,
)
from offhook.engine.exchange.views import CallView
from offhook.wire.mobius import CauseCode
from offhook.wire.roap import RoapMessage, RoapType

ALICE = Party("Alice", "1001", "alice")
BOB = Party("Bob", "1002", "bob")
CAROL = Party("Carol", "1003", "carol")
DAVE = Party("Dave", "1004", "dave")
ERIN = Party("Erin", "1005", "erin")
EVERYBODY = (ALICE, BOB, CAROL, DAVE, ERIN)


def service(number: ServiceNumber) -> ServiceTarget:
    """One of the service's own numbers."""
    return ServiceTarget(number, Party(number.value, "8000"))


def town() -> "World":
    """Everybody is there, with one line each: a1, b1, c1, d1, e1."""
    world = World()
    for party in EVERYBODY:
        world.register(f"{party.person_id[0]}1", party)
    return world


class World:
    """Carries out media effects at once, and lets clients answer ROAP by themselves."""

    def __init__(self, *, ring_seconds: float = 45.0) -> None:
        ids = count(1)
        self.exchange = Exchange(new_id=lambda: f"leg{next(ids)}", ring_seconds=ring_seconds)
        self.now = 1000.0
        self.told: list[tuple[str, str, out.News]] = []
        self.media: list[out.MediaEffect] = []
        self.windows: list[out.WindowEffect] = []
        self.records: list[CallRecord] = []
        self.views: list[out.ViewChanged] = []
        self.line_of: dict[str, str] = {}
        self.acknowledges = True  # whether clients post their OK
        self._ids = count(1)

    def register(self, line_id: str, party: Party) -> None:
        """A client of `party` registers."""
        self.put(put.LineRegistered(line_id, party))

    def dial(self, line_id: str, target: Target | Party, correlation_id: str = "") -> str:
        """The client calls; the id of its call."""
        number = next(self._ids)
        call_id = f"call{number}"
        self.line_of[call_id] = line_id
        goal = PersonTarget(target) if isinstance(target, Party) else target
        offer = RoapMessage(1, RoapType.OFFER, sdp="offer")
        self.put(
            put.Place(
                call_id,
                line_id,
                correlation_id or f"own-{call_id}",
                f"session{number}",
                f"tracking{number}",
                "dialled",
                goal,
                offer,
            )
        )
        return call_id

    def alert(self, line_id: str) -> str:
        """The client says that it rings; the id of its call."""
        call_id = self.incoming(line_id)
        self.put(put.Alert(line_id, call_id, f"own-{call_id}"))
        return call_id

    def answer(self, line_id: str) -> str:
        """The person answers, as official clients tell it: a connect, then an ANSWER."""
        call_id = self.incoming(line_id)
        self.put(put.Answer(line_id, call_id, f"own-{call_id}"))
        self.put(put.Roap(line_id, call_id, RoapMessage(1, RoapType.ANSWER, sdp="answer")))
        self.put(put.LegConnected(call_id))
        return call_id

    def talk(self, caller: str = "a1", callee: str = "b1", party: Party = BOB) -> tuple[str, str]:
        """A call that is up: the caller's and the callee's call."""
        call_id = self.dial(caller, party)
        self.put(put.LegConnected(call_id))
        self.alert(callee)
        return call_id, self.answer(callee)

    def end(self, call_id: str, cause: CauseCode = CauseCode.NORMAL) -> None:
        """The client ends its call."""
        self.put(put.End(self.line_of[call_id], call_id, f"own-{call_id}", cause))

    def hold(self, call_id: str) -> None:
        """The client holds its call."""
        self.put(put.Hold(self.line_of[call_id], call_id))

    def resume(self, call_id: str) -> None:
        """The client resumes its call."""
        self.put(put.Resume(self.line_of[call_id], call_id))

    def send_on(self, call_id: str, target: Target | Party) -> None:
        """The client transfers its call blindly."""
        goal = PersonTarget(target) if isinstance(target, Party) else target
        self.put(put.BlindTransfer(self.line_of[call_id], call_id, goal))

    def join(self, call_id: str, to_call_id: str) -> None:
        """The client transfers one of its calls to the other."""
        self.put(put.ConsultTransfer(self.line_of[call_id], call_id, to_call_id))

    def merge(self, person: Party, call_id: str, *others: str) -> None:
        """The person makes a conference of its calls."""
        self.command(person, call_id, put.ConferenceViews(others))

    def command(self, person: Party, view_or_call: str, action: put.Action) -> list[out.Effect]:
        """The person commands over REST."""
        return self.put(put.Control(person.person_id, view_or_call, action))

    def refusal(self, event: put.Input) -> ExchangeRefused:
        """Why a command is refused; it changes nothing."""
        before = self._picture()
        try:
            self.put(event)
        except ExchangeRefused as refused:
            assert self._picture() == before
            return refused
        raise AssertionError("it was not refused")

    def _picture(self) -> str:
        views = [self.exchange.views(party.person_id) for party in EVERYBODY]
        return repr((self.exchange.calls(), self.exchange.sessions(), views))

    def incoming(self, line_id: str) -> str:
        """The latest call that the line was told to ring for."""
        return next(
            call_id
            for line, call_id, news in reversed(self.told)
            if line == line_id and isinstance(news, out.Incoming)
        )

    def news(self, call_id: str) -> list[out.News]:
        """What the call's client was told, ROAP left out."""
        return [
            news
            for _, known, news in self.told
            if known == call_id and not isinstance(news, out.Negotiate)
        ]

    def ended(self, call_id: str) -> object:
        """The reason that the call's client was told, None if it was not."""
        for news in self.news(call_id):
            if isinstance(news, out.Disconnected):
                return news.reason
        return None

    def hears(self, call_id: str) -> out.MediaEffect | None:
        """The latest effect that decided what the call hears."""
        for effect in reversed(self.media):
            if isinstance(effect, out.JoinLegs) and call_id in (
                effect.call_id,
                effect.other_call_id,
            ):
                return effect
            if isinstance(effect, out.MixLegs) and call_id in effect.call_ids:
                return effect
            if isinstance(effect, out.PlaySound | out.EchoLeg) and effect.call_id == call_id:
                return effect
        return None

    def voices(self, call_id: str) -> set[str] | out.Sound:
        """Whom the call hears, or what is played to it; of those that are still there."""
        match self.hears(call_id):
            case out.JoinLegs(call_id=one, other_call_id=other):
                return {one, other} - {call_id}
            case out.MixLegs(call_ids=call_ids):
                return {*call_ids} - {call_id}
            case out.PlaySound(sound=sound):
                return sound
        return set()

    def remote(self, call_id: str) -> Party | None:
        """Who is at the other end, as far as the client was told."""
        for news in reversed(self.news(call_id)):
            match news:
                case out.Incoming(caller=party) | out.Progress(callee=party):
                    return party
                case out.Connected(party=party) | out.InfoChanged(party=party):
                    return party
        return None

    def names(self, call_id: str) -> set[str]:
        """Who is in the call, as far as the client was told."""
        told = [each for each in self.news(call_id) if isinstance(each, out.Participants)]
        return {each.party.name for each in told[-1].participants} if told else set()

    def call(self, call_id: str) -> Call:
        """The call as the exchange has it."""
        return next(each for each in self.exchange.calls() if each.call_id == call_id)

    def view_of(self, person: Party, call_id: str) -> CallView:
        """The person's only view of that call."""
        views = self.exchange.views(person.person_id)
        (view,) = (each for each in views if each.call_id == call_id)
        return view

    def wait(self, seconds: float) -> None:
        """Let time pass, firing timers when they are due."""
        until = self.now + seconds
        while (at := self.exchange.deadline) is not None and at <= until:
            self.now = max(at, self.now)
            self.put(put.Tick())
        self.now = until

    def put(self, event: put.Input) -> list[out.Effect]:
        """Give an input, and carry out what comes of it."""
        effects = self.exchange.handle(event, self.now)
        self._carry_out(effects)
        return effects

    def _carry_out(self, effects: Iterable[out.Effect]) -> None:
        for effect in list(effects):
            match effect:
                case out.Tell(line_id=line_id, call_id=call_id, news=news):
                    self.told.append((line_id, call_id, news))
                    self.line_of[call_id] = line_id
                    if isinstance(news, out.Negotiate):
                        self._client_replies(line_id, call_id, news.message)
                case out.Record(record=record):
                    self.records.append(record)
                case out.ViewChanged():
                    self.views.append(effect)
                case out.Transition():
                    pass
                case (
                    out.WindowOpened()
                    | out.WindowClosed()
                    | out.LineOffered()
                    | out.LineRings()
                    | out.LineLost()
                    | out.CallerChanged()
                ):
                    self.windows.append(effect)
                case _:
                    self.media.append(effect)
                    self._media_replies(effect)

    def _media_replies(self, effect: out.MediaEffect) -> None:
        match effect:
            case out.OpenLeg(call_id=call_id, offer=None):
                self.put(put.LegOffered(call_id, "offer"))
            case out.OpenLeg(call_id=call_id) | out.RenegotiateLeg(call_id=call_id):
                self.put(put.LegAnswered(call_id, "answer"))

    def _client_replies(self, line_id: str, call_id: str, message: RoapMessage) -> None:
        match message.messageType:
            case RoapType.ANSWER if self.acknowledges:
                reply = RoapMessage(message.seq, RoapType.OK)
            case RoapType.OFFER_REQUEST:
                reply = RoapMessage(message.seq, RoapType.OFFER_RESPONSE, sdp="offer")
            case _:
                return
        self.put(put.Roap(line_id, call_id, reply))
