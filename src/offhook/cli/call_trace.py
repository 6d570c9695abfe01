"""Watches the exchange of a service in this process, and tells its calls as steps of a ladder."""

from offhook.cli.ladder import Step
from offhook.engine.exchange import effects as out
from offhook.engine.exchange import inputs as put

CLOUD = "cloud"


class CallTrace:
    """Give `observe` to the service's shell. `names` says who is behind a line, by person id.

    Without `with_negotiation` the offers and answers of the audio are left out.
    """

    def __init__(self, names: dict[str, str], *, with_negotiation: bool = True) -> None:
        self._names = names
        self._with_negotiation = with_negotiation
        self._lines: dict[str, str] = {}
        self._calls: dict[str, str] = {}
        self._start: float | None = None
        self.steps: list[Step] = []
        self.tracking_ids: set[str] = set()

    def observe(self, at: float, what: put.Input | out.Effect) -> None:
        """An input or effect of the exchange at Unix time `at`."""
        match what:
            case put.LineRegistered(line_id=line_id, party=party):
                self._lines[line_id] = self._names.get(party.person_id, party.name)
            case put.Place():
                self._start = at if self._start is None else self._start
                self.tracking_ids.add(what.tracking_id)
                self._calls[what.call_id] = self._lines[what.line_id]
                offer = f", OFFER {what.offer.seq}" if self._with_negotiation else ""
                self._from(at, what.line_id, f"calls {what.dialled}{offer}")
            case put.Alert():
                self._from(at, what.line_id, "rings")
            case put.Answer():
                self._from(at, what.line_id, "answers")
            case put.Roap() if self._with_negotiation:
                self._from(at, what.line_id, f"{what.message.messageType} {what.message.seq}")
            case put.Hold():
                self._from(at, what.line_id, "hold")
            case put.Resume():
                self._from(at, what.line_id, "resume")
            case put.End():
                self._from(at, what.line_id, "hangs up")
            case put.ConsultTransfer():
                self._from(at, what.line_id, "connect the two others")
            case put.Control(person_id=person_id, action=put.ConferenceViews()):
                self._step(at, self._names.get(person_id, "?"), CLOUD, "join the two calls")
            case put.LegConnected() if self._with_negotiation:
                self._note(at, f"audio path to {self._calls[what.call_id]} is up")
            case out.Tell(news=out.Negotiate()) if not self._with_negotiation:
                pass
            case out.Tell():
                self.tracking_ids.add(what.tracking_id)
                self._calls[what.call_id] = self._lines[what.line_id]
                self._step(at, CLOUD, self._lines[what.line_id], _said(what.news))
            case out.JoinLegs() if self._with_negotiation:
                self._note(at, "joins the two audio paths")
            case out.JoinLegs():
                self._note(at, f"{self._both(what.call_id, what.other_call_id)} hear each other")
            case out.MixLegs() if len(what.call_ids) > 1:
                self._note(at, f"mixes {self._both(*what.call_ids)}")
            case out.PlaySound() if what.sound is out.Sound.MUSIC_ON_HOLD:
                self._note(at, f"music for {self._calls[what.call_id]}")
            case _:
                pass

    def _both(self, *call_ids: str) -> str:
        return ", ".join(self._calls[call_id] for call_id in call_ids)

    def message(self, at: float, source: str, target: str, label: str) -> None:
        """A message between two parties that the exchange does not see."""
        self._step(at, source, target, label)

    def note(self, at: float, who: str, text: str) -> None:
        """Something that one party noticed."""
        self._step(at, who, who, text)

    def _from(self, at: float, line_id: str, label: str) -> None:
        self._step(at, self._lines.get(line_id, "?"), CLOUD, label)

    def _note(self, at: float, label: str) -> None:
        self._step(at, CLOUD, CLOUD, label)

    def _step(self, at: float, source: str, target: str, label: str) -> None:
        if self._start is not None:
            self.steps.append(Step(at - self._start, source, target, label))


def _said(news: out.News) -> str:
    match news:
        case out.Incoming(caller=caller):
            return f"{caller.name} calls"
        case out.Progress():
            return "it rings"
        case out.Connected():
            return "answered"
        case out.Negotiate(message=message):
            return f"{message.messageType} {message.seq}"
        case out.Held():
            return "held"
        case out.Resumed():
            return "resumed"
        case out.InfoChanged():
            return "another party"
        case out.Participants(participants=participants):
            held = ", ".join(each.party.name for each in participants if each.held)
            return f"{len(participants)} in the call" + (f", on hold: {held}" if held else "")
        case out.ActiveSpeaker():
            return "somebody else speaks"
        case out.AnswerRequested():
            return "asked to answer"
        case out.Muted(muted=muted):
            return "muted" if muted else "unmuted"
        case out.Disconnected(reason=reason):
            return f"ended: {reason}"
