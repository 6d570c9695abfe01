"""What a key means on the terminal, key by key: the offered ones, a number being typed, the end.

Keys have the names of `key_names`. No terminal is known here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from offhook.cli.desk import commands as do
from offhook.cli.desk.choices import (
    NEED_A_NUMBER,
    BadInputError,
    RefusedError,
    Verb,
    decide,
    joined,
    possible,
)
from offhook.cli.desk.view import PhoneView, State

BACKSPACE, ENTER, ESCAPE, TAB, UP, DOWN = "backspace", "enter", "escape", "tab", "up", "down"
_TONES = "0123456789*#"
_MOST_TYPED = 64


class Way(StrEnum):
    """How a call is transferred."""

    AT_ONCE = "at once"
    WHEN_ANSWERED = "when they answer"
    TALK_FIRST = "after a talk with them"


_WAYS = {
    Way.AT_ONCE: Verb.TRANSFER,
    Way.WHEN_ANSWERED: Verb.TRANSFER_WHEN_ANSWERED,
    Way.TALK_FIRST: Verb.CONSULT,
}


@dataclass(frozen=True, slots=True)
class Resting:
    """Each key is a wish."""


@dataclass(frozen=True, slots=True)
class Typing:
    """A number is being typed, to dial it, to add it, or to transfer to it in this `way`."""

    verb: Verb
    text: str = ""
    way: Way = Way.AT_ONCE

    @property
    def wish(self) -> Verb:
        """What Enter means."""
        return _WAYS[self.way] if self.verb is Verb.TRANSFER else self.verb


@dataclass(frozen=True, slots=True)
class Leaving:
    """Calls would end: is that meant?"""


Mode = Resting | Typing | Leaving


@dataclass(frozen=True, slots=True)
class Pressed:
    """What came of a key: the mode from now on, a command, a sentence; each may be missing."""

    mode: Mode
    command: do.Command | None = None
    said: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """A key that makes sense now, and what for, in a word."""

    key: str
    word: str


_LETTERS = {
    "a": Verb.ANSWER,
    "r": Verb.DECLINE,
    "h": Verb.HANG_UP,
    "s": Verb.SWAP,
    "t": Verb.TRANSFER,
    "+": Verb.ADD,
    "j": Verb.JOIN,
    "c": Verb.COMPLETE,
    "b": Verb.BACK,
    "d": Verb.DIAL,
    "q": Verb.QUIT,
}


def offers(view: PhoneView) -> tuple[Offer, ...]:
    """The keys that make sense now."""
    return tuple(_offers(view))


def _offers(view: PhoneView) -> Iterator[Offer]:
    selected = view.selected_call
    if possible(view, Verb.ANSWER):
        yield Offer("a", "answer")
        yield Offer("r", "decline")
    if possible(view, Verb.BACK):
        yield Offer("b", "take back")
    if selected is not None and possible(view, Verb.HANG_UP):
        up = "leave" if selected.is_conference else "hang up"
        yield Offer("h", up if selected.is_up else "cancel")
    if possible(view, Verb.HOLD):
        yield Offer("p", "hold")
    if possible(view, Verb.RESUME):
        yield Offer("p", "resume")
    if possible(view, Verb.SWAP):
        yield Offer("s", "swap")
    if view.active is not None:
        yield Offer("m", "unmute" if view.active.is_muted else "mute")
    if possible(view, Verb.JOIN):
        yield Offer("j", "join" + _which(view))
    if possible(view, Verb.COMPLETE):
        yield Offer("c", "complete" + _which(view))
    if possible(view, Verb.ADD):
        yield Offer("+", "add")
    if possible(view, Verb.TRANSFER):
        yield Offer("t", "transfer")
    if view.active is not None:
        yield Offer("0-9*#", "tones")
    if len(view.calls) > 1:
        yield Offer("Tab", "select")
    if possible(view, Verb.DIAL):
        yield Offer("d", "dial")
    yield Offer("q", "quit")


def _which(view: PhoneView) -> str:
    """Which two, where there are three."""
    pair = joined(view)
    return f" {pair[0]} and {pair[1]}" if pair is not None and len(view.calls) > 2 else ""


def press(mode: Mode, view: PhoneView, key: str) -> Pressed:
    """What `key` means in this mode. What makes no sense is a sentence, and changes nothing."""
    try:
        match mode:
            case Typing():
                return _typed(mode, view, key)
            case Leaving():
                return Pressed(Resting(), do.Quit()) if key == "q" else Pressed(Resting())
            case Resting():
                return _wished(mode, view, key)
    except BadInputError as bad:
        return Pressed(mode, said=str(bad))
    except RefusedError as refusal:
        return Pressed(Resting(), said=str(refusal))


def _wished(mode: Resting, view: PhoneView, key: str) -> Pressed:
    if key == "q" and view.calls:
        return Pressed(Leaving())
    if len(key) == 1 and key in _TONES:
        if view.active is None and (not view.calls or possible(view, Verb.DIAL)):
            decide(view, Verb.DIAL, "0")  # says why, if that cannot be
            return Pressed(Typing(Verb.DIAL, key))
        return Pressed(mode, decide(view, Verb.TONES, key))
    if key in (TAB, DOWN, UP):
        return Pressed(mode, _selected(view, back=key == UP))
    if key == "p":
        held = view.selected_call is not None and view.selected_call.state is State.ON_HOLD
        return Pressed(mode, decide(view, Verb.RESUME if held else Verb.HOLD))
    if key == "m":
        muted = view.active is not None and view.active.is_muted
        return Pressed(mode, decide(view, Verb.UNMUTE if muted else Verb.MUTE))
    if key == ESCAPE:
        return Pressed(mode, decide(view, Verb.BACK) if possible(view, Verb.BACK) else None)
    if key == ENTER:
        return Pressed(mode)
    verb = _LETTERS.get(key)
    if verb is None:
        return Pressed(mode, said=f"{_shown(key)} means nothing here.")
    if verb in NEED_A_NUMBER:
        decide(view, verb, "0")  # says why, if that cannot be
        return Pressed(Typing(verb))
    return Pressed(mode, decide(view, verb))


def _selected(view: PhoneView, *, back: bool) -> do.Command:
    if not back or len(view.calls) < 2:
        return decide(view, Verb.SELECT)
    slots = [call.slot for call in view.calls]
    here = slots.index(view.selected) if view.selected in slots else 0
    return decide(view, Verb.SELECT, str(slots[here - 1]))


def _typed(mode: Typing, view: PhoneView, key: str) -> Pressed:
    match key:
        case "escape":
            return Pressed(Resting())
        case "enter":
            return Pressed(Resting(), decide(view, mode.wish, mode.text))
        case "backspace":
            return Pressed(replace(mode, text=mode.text[:-1]))
        case "tab" | "up" | "down" if mode.verb is Verb.TRANSFER:
            ways = list(Way)
            step = -1 if key == UP else 1
            way = ways[(ways.index(mode.way) + step) % len(ways)]
            return Pressed(replace(mode, way=way))
        case _ if len(key) == 1 and key.isprintable() and len(mode.text) < _MOST_TYPED:
            return Pressed(replace(mode, text=mode.text + key))
        case _:
            return Pressed(mode)


def _shown(key: str) -> str:
    return "The space bar" if key == " " else key.capitalize() if len(key) > 1 else key
