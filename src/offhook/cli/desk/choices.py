"""What can be done at this moment, and what exactly it means.

`decide` turns a wish into a command, or refuses it in a sentence; `possible` tells whether it
would. So what the phone offers and what it then does can never differ.
"""

from enum import StrEnum
from typing import assert_never

from offhook.cli.desk import commands as do
from offhook.cli.desk.view import CallView, PhoneView, Services, State
from offhook.wire.phone_number import NotAPhoneNumberError, parse_dial_string

#: Calls at a time; one more is allowed while it is begun from one of them.
MOST_CALLS = 2


class Verb(StrEnum):
    """What somebody may wish."""

    ANSWER = "answer"
    DECLINE = "decline"
    HANG_UP = "hangup"
    HOLD = "hold"
    RESUME = "resume"
    SWAP = "swap"
    MUTE = "mute"
    UNMUTE = "unmute"
    TONES = "tones"
    SELECT = "select"
    DIAL = "dial"
    ADD = "add"
    CONSULT = "consult"
    TRANSFER = "transfer"
    TRANSFER_WHEN_ANSWERED = "transfer-when-answered"
    BACK = "back"
    JOIN = "join"
    COMPLETE = "complete"
    QUIT = "quit"


#: Verbs whose argument is a number to call. That of `TONES` is digits, of the others a slot.
NEED_A_NUMBER = frozenset(
    {Verb.DIAL, Verb.ADD, Verb.CONSULT, Verb.TRANSFER, Verb.TRANSFER_WHEN_ANSWERED}
)


class RefusedError(Exception):
    """It cannot be done now. The message is a sentence that says why; nothing has changed."""

    def __init__(self, message: str) -> None:
        super().__init__(message[:1].upper() + message[1:])


class BadInputError(RefusedError):
    """What was typed is not what is needed here."""


def possible(view: PhoneView, verb: Verb) -> bool:
    """Whether `verb` can be done now, given what it needs."""
    try:
        _targets(view, verb, "")
    except RefusedError:
        return False
    return True


def decide(view: PhoneView, verb: Verb, argument: str = "") -> do.Command:
    """What `verb` means now. Raises `RefusedError`.

    `argument` is the number to call, the digits to press, or the slot of a call; without one it is
    about the call that is selected, or the only one that it can be about.
    """
    has_slot = verb not in NEED_A_NUMBER and verb is not Verb.TONES
    targets = _targets(view, verb, argument if has_slot else "")
    slot = targets[0].slot if targets else 0
    match verb:
        case Verb.ANSWER:
            return do.Answer(slot)
        case Verb.DECLINE:
            return do.Decline(slot)
        case Verb.HANG_UP:
            return do.HangUp(slot)
        case Verb.HOLD:
            return do.Hold(slot)
        case Verb.RESUME | Verb.SWAP:
            return do.Resume(slot)
        case Verb.MUTE | Verb.UNMUTE:
            return do.Mute(slot, muted=verb is Verb.MUTE)
        case Verb.TONES:
            return do.Press(slot, _digits(argument))
        case Verb.SELECT:
            return do.Select(slot)
        case Verb.DIAL:
            return do.Dial(_address(argument))
        case Verb.ADD:
            return do.Consult(slot, _number(argument), do.Purpose.ADD)
        case Verb.CONSULT:
            return do.Consult(slot, _number(argument), do.Purpose.TRANSFER)
        case Verb.TRANSFER | Verb.TRANSFER_WHEN_ANSWERED:
            wait = verb is Verb.TRANSFER_WHEN_ANSWERED
            return do.SendOn(slot, _number(argument), wait)
        case Verb.BACK:
            return do.TakeBack(slot)
        case Verb.JOIN:
            return do.Join(new=targets[0].slot, old=targets[1].slot)
        case Verb.COMPLETE:
            return do.Complete(old=targets[1].slot, new=targets[0].slot)
        case Verb.QUIT:
            return do.Quit()
        case _:
            assert_never(verb)


def joined(view: PhoneView) -> tuple[int, int] | None:
    """The slots of the two calls that `JOIN` or `COMPLETE` would be about, older one first."""
    try:
        new, old = _pair(view)
    except RefusedError:
        return None
    return old.slot, new.slot


# --- whom it is about ---------------------------------------------------------------------------


def _targets(view: PhoneView, verb: Verb, slot: str) -> tuple[CallView, ...]:
    """The calls that `verb` is about. Raises `RefusedError`."""
    match verb:
        case Verb.QUIT:
            return ()
        case Verb.DIAL:
            _refuse_unless_ready(view)
            if len(view.calls) >= MOST_CALLS:
                raise RefusedError("There are two calls already; hang one up first.")
            return ()
        case Verb.ANSWER | Verb.DECLINE:
            return (_idle(_ringing_here(view, slot)),)
        case Verb.HANG_UP:
            call = _chosen(view, slot)
            if call.state is State.RINGING_HERE:
                raise RefusedError(f"{call.name} is ringing; decline the call instead.")
            return (call,)
        case Verb.HOLD:
            call = _idle(_up(view, slot))
            if call.state is State.ON_HOLD:
                raise RefusedError(f"{call.name} is on hold already.")
            return (call,)
        case Verb.RESUME:
            call = _idle(_up(view, slot))
            if call.state is State.CONNECTED:
                raise RefusedError(f"You are talking with {call.name} already.")
            return (call,)
        case Verb.SWAP:
            return (_idle(_other_to_talk_with(view)),)
        case Verb.MUTE | Verb.UNMUTE:
            call = _heard(view)
            if call.is_muted is (verb is Verb.MUTE):
                raise RefusedError(
                    "You are muted already." if call.is_muted else "You are not muted."
                )
            return (call,)
        case Verb.TONES:
            return (_heard(view),)
        case Verb.SELECT:
            return (_chosen(view, slot) if slot else _next(view),)
        case Verb.ADD:
            return (_consulting(view, adds=True),)
        case Verb.CONSULT:
            return (_consulting(view, adds=False),)
        case Verb.TRANSFER | Verb.TRANSFER_WHEN_ANSWERED:
            return (_transferable(_up(view, "")),)
        case Verb.BACK:
            for call in view.calls:
                if call.can_be_taken_back:
                    return (call,)
            raise RefusedError("No call is being transferred.")
        case Verb.JOIN:
            new, old = _pair(view)
            for call in (old, new):
                if not call.is_up:
                    raise RefusedError(f"{call.name} has not answered yet.")
                if not call.may_add:
                    raise RefusedError(f"The call with {call.name} cannot be joined with another.")
            return _idle(new), _idle(old)
        case Verb.COMPLETE:
            new, old = _pair(view)
            return _idle(_transferable(new) if new.is_up else new), _idle(_transferable(old))
        case _:
            assert_never(verb)


def _chosen(view: PhoneView, slot: str) -> CallView:
    if slot and not slot.isdecimal():
        raise BadInputError("Say which call by its number: 1, 2 or 3.")
    call = view.at(int(slot)) if slot else view.selected_call
    if call is None:
        raise RefusedError(f"There is no call {slot}." if slot else "There is no call.")
    return call


def _up(view: PhoneView, slot: str) -> CallView:
    call = _chosen(view, slot)
    if not call.is_up:
        raise RefusedError(f"The call with {call.name} is not connected yet.")
    return call


def _heard(view: PhoneView) -> CallView:
    if view.active is None:
        raise RefusedError("You are not talking with anybody.")
    return view.active


def _ringing_here(view: PhoneView, slot: str) -> CallView:
    ringing = [call for call in view.calls if call.state is State.RINGING_HERE]
    if slot:
        ringing = [call for call in ringing if call is _chosen(view, slot)]
    if not ringing:
        raise RefusedError("Nobody is calling.")
    return next((call for call in ringing if call.slot == view.selected), ringing[0])


def _other_to_talk_with(view: PhoneView) -> CallView:
    held = [call for call in view.calls if call.state is State.ON_HOLD]
    if view.active is None or not held:
        raise RefusedError("Swapping needs two calls, one of them on hold.")
    chosen = view.selected_call
    if chosen in held:
        return chosen
    wanted = view.active.consults_for
    return next((call for call in held if call.slot == wanted), held[0])


def _next(view: PhoneView) -> CallView:
    if not view.calls:
        raise RefusedError("There is no call.")
    later = [call for call in view.calls if call.slot > view.selected]
    return (later or list(view.calls))[0]


def _consulting(view: PhoneView, *, adds: bool) -> CallView:
    _refuse_unless_ready(view)
    call = _up(view, "")
    if adds and not call.may_add:
        raise RefusedError("Nobody can be added to this call now.")
    if not adds:
        _transferable(call)
    if len(view.calls) > MOST_CALLS:
        raise RefusedError("There are three calls already; join or hang up first.")
    return _idle(call)


def _transferable(call: CallView) -> CallView:
    if call.is_conference:
        raise RefusedError("A conference cannot be transferred; leave it, and the others go on.")
    if not call.may_transfer:
        raise RefusedError(f"The call with {call.name} cannot be transferred now.")
    return _idle(call)


def _pair(view: PhoneView) -> tuple[CallView, CallView]:
    """The new one of two calls, and the old one. The new one may still ring there."""
    usable = [call for call in view.calls if call.is_up or call.state is State.RINGING_THERE]
    for call in sorted(usable, key=lambda each: each.slot != view.selected):
        origin = view.at(call.consults_for)
        if origin is not None and origin.is_up:
            return call, origin
    if len(usable) > MOST_CALLS and view.active is not None:
        usable = [call for call in usable if call.slot in (view.active.slot, view.selected)]
        if len(usable) < 2:
            raise RefusedError("Select the call that is meant beside the one you talk on.")
    if len(usable) != 2:
        raise RefusedError("This needs two calls.")
    old, new = sorted(usable, key=lambda call: (not call.is_up, call.order))
    if not old.is_up:
        raise RefusedError(f"{old.name} has not answered yet.")
    return new, old


def _idle(call: CallView) -> CallView:
    if call.busy:
        raise RefusedError(f"One moment, {call.name}: still {call.busy}.")
    return call


def _refuse_unless_ready(view: PhoneView) -> None:
    match view.services:
        case Services.READY:
            return
        case Services.ASLEEP | Services.WAKING:
            raise RefusedError("The phone is asleep; only a call wakes it.")
        case _:
            raise RefusedError("The phone services are not connected; one moment.")


# --- what was typed -----------------------------------------------------------------------------


def _number(text: str) -> str:
    if not text.strip():
        raise BadInputError("Type a number first.")
    try:
        parse_dial_string(text)
    except NotAPhoneNumberError as error:
        raise BadInputError(f"This is not a phone number. {error}") from error
    return text.strip()


def _address(text: str) -> str:
    plain = text.strip()
    if "@" not in plain:
        return _number(text)
    user, _, domain = plain.removeprefix("sip:").partition("@")
    if not user or not domain or any(character.isspace() for character in plain):
        raise BadInputError("This is neither a phone number nor an e-mail address.")
    return plain


def _digits(text: str) -> str:
    digits = "".join(text.split())
    if not digits or set(digits.upper()) - set("0123456789*#ABCD"):
        raise BadInputError("Tones are 0-9, * and #.")
    return digits
