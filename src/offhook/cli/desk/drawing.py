"""The phone as a picture of text: what is seen of a `PhoneView` on so many columns and rows.

::

     Alice Adams  1001                                                       ● ready
    ─────────────────────────────────────────────────────────────────────────────────
    ▌1  Bob Brown                                                  connected    02:13
    ▌   1002 · incoming · through Sales                               ▮▮▮▯▯  440 Hz
"""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

from rich.cells import set_cell_size
from rich.text import Text

from offhook.cli.desk.choices import Verb
from offhook.cli.desk.keypad import Leaving, Mode, Offer, Typing, Way, offers
from offhook.cli.desk.view import CallView, ParticipantView, PhoneView, Services, State

#: What the picture needs at least.
LEAST_WIDTH, LEAST_HEIGHT = 60, 16
#: Slots that are always in view, with or without a call.
_SLOTS = 2
_METER = 5
_FLOOR, _STEP = -50.0, 9.0  # dBFS: silence, and how much more each cell of the meter needs

_STYLES = {
    State.CALLING: "cyan",
    State.RINGING_THERE: "cyan",
    State.RINGING_HERE: "bold cyan",
    State.CONNECTED: "green",
    State.ON_HOLD: "yellow",
}


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was said: `at` as it is shown, `is_trouble` for what could not be done."""

    at: str
    text: str
    is_trouble: bool = False


def draw(
    view: PhoneView, mode: Mode, notes: Sequence[Note], *, width: int, height: int
) -> list[Text]:
    """Exactly `height` lines of at most `width` cells. The newest note stands last."""
    if width < LEAST_WIDTH or height < LEAST_HEIGHT:
        text = f"This needs {LEAST_WIDTH} columns and {LEAST_HEIGHT} rows; make the window larger."
        return _filled([Text(line) for line in wrap(text, max(width, 1))], width, height)
    rule = Text("─" * width, style="dim")
    bottom = _bottom(view, mode, width)
    top = [_header(view, width), rule]
    room = height - len(top) - len(bottom) - 3  # two rules, and a note at least
    calls = _calls(view, width, room)
    left = height - len(top) - len(calls) - len(bottom) - 2
    said = _said(notes, width)[-left:]
    said = [Text()] * (left - len(said)) + said
    return _filled([*top, *calls, rule, *said, rule, *bottom], width, height)


# --- parts --------------------------------------------------------------------------------------


def _header(view: PhoneView, width: int) -> Text:
    who = Text.assemble((view.owner or "Offhook", "bold"), ("  " + view.number, "dim"))
    style = {Services.READY: "green", Services.FAILED: "red"}.get(view.services, "yellow")
    return _spread(Text(" ") + who, Text.assemble(("● ", style), str(view.services), " "), width)


def _calls(view: PhoneView, width: int, room: int) -> list[Text]:
    slots = max([_SLOTS, *(call.slot for call in view.calls)])
    spare = room - 2 * slots
    crowd = sum(len(call.participants) for call in view.calls)
    spaced = spare >= min(crowd, slots) + slots + 1
    spare -= slots + 1 if spaced else 0
    lines: list[Text] = [Text()] if spaced else []
    for slot in range(1, slots + 1):
        call = view.at(slot)
        is_selected = slot == view.selected and len(view.calls) > 0
        if call is None:
            block = [_spread(Text(f" {slot}  free", style="dim"), Text(), width)]
            block += [Text()]
        else:
            share = spare * len(call.participants) // crowd if crowd else 0
            block = _call(call, width, share)
        mark = Text("▌", style="bold") if is_selected else Text(" ")
        lines += [mark + line for line in block]
        if spaced:
            lines.append(Text())
    return lines


def _call(call: CallView, width: int, room: int) -> list[Text]:
    width -= 1  # the mark in front
    title = "Conference" if call.is_conference else call.name
    left = Text.assemble(f"{call.slot}  ", (title, "bold"))
    clock = _clock(call.seconds)
    right = Text.assemble((str(call.state), _STYLES[call.state]), f"{clock:>9} ")
    return [_spread(left, right, width), *_details(call, width, room)]


def _details(call: CallView, width: int, room: int) -> list[Text]:
    facts = [] if call.is_conference or call.number == call.name else [call.number]
    facts += [f"{len(call.participants)} people"] if call.is_conference else []
    facts += ["incoming" if call.is_incoming else "outgoing"] if not call.is_conference else []
    facts += [f"through {call.group}"] if call.group else []
    facts += [f"called from {call.consults_for}"] if call.consults_for else []
    plain = Text("   " + " · ".join(filter(None, facts)), style="dim")
    loud = [call.busy]
    loud += ["muted"] if call.is_muted else []
    loud += ["muted by the service"] if call.is_muted_by_service else []
    loud += ["you are on hold"] if call.held_there else []
    told = ", ".join(filter(None, loud))
    left = plain + Text("   " + told, style="yellow") if told else plain
    right = _hearing(call, with_tones=True)
    if left.cell_len + right.cell_len >= width:
        right = _hearing(call, with_tones=False)
    lines = [_spread(left, right, width)]
    people = [_participant(each, width) for each in call.participants]
    if len(people) <= room or room < 1:
        return lines + people[:room]
    more = len(people) - room + 1
    return [*lines, *people[: room - 1], Text(f"      and {more} more", style="dim")]


def _participant(who: ParticipantView, width: int) -> Text:
    does = ["host"] if who.is_host else []
    does += ["you"] if who.is_self else []
    trouble = (["on hold"] if who.is_on_hold else []) + (["muted"] if who.is_muted else [])
    name = set_cell_size(who.name, min(28, width // 3))
    line = Text.assemble("      ", name, "  ", (set_cell_size(who.number, 18), "dim"), "  ")
    line.append(", ".join(does), style="dim")
    line.append((", " if does and trouble else "") + ", ".join(trouble), style="yellow")
    return _spread(line, Text("speaks " if who.speaks else "", style="green"), width)


def _hearing(call: CallView, *, with_tones: bool) -> Text:
    if call.level is None:
        return Text()
    full = min(max(int((call.level - _FLOOR) / _STEP) + 1, 0), _METER)
    tones = " + ".join(str(tone) for tone in call.tones)
    text = Text(f"{tones} Hz  " if tones and with_tones else "", style="dim")
    text.append("▮" * full, style="green")
    return text.append("▯" * (_METER - full) + " ", style="dim")


def _said(notes: Sequence[Note], width: int) -> list[Text]:
    """The notes, each in as many lines as it needs."""
    lines: list[Text] = []
    for note in notes:
        style = ("" if note is notes[-1] else "dim ") + ("yellow" if note.is_trouble else "")
        stamp = f" {note.at}  "
        pieces = wrap(note.text, width - len(stamp) - 1) or [""]
        for number, piece in enumerate(pieces):
            start = " " * len(stamp) if number else stamp
            lines.append(Text.assemble((start, "dim"), (piece, style.strip())))
    return lines


def _bottom(view: PhoneView, mode: Mode, width: int) -> list[Text]:
    match mode:
        case Typing():
            return _typing(view, mode, width)
        case Leaving():
            count = len(view.calls)
            question = "The call would end." if count == 1 else f"{count} calls would end."
            return [
                Text(f" {question} Quit?"),
                *_keys((Offer("q", "quit"), Offer("any other", "stay")), width),
            ]
        case _:
            return _keys(offers(view), width)


def _typing(view: PhoneView, mode: Typing, width: int) -> list[Text]:
    selected = view.selected_call
    who = selected.name if selected is not None else "nobody"
    what = who if selected is not None and selected.is_conference else f"the call with {who}"
    label = {
        Verb.ADD: f"Add to {what}:",
        Verb.TRANSFER: f"Transfer {who} to:",
    }.get(mode.verb, "Dial:")
    lines = [Text.assemble(f" {label} ", (mode.text, "bold"), ("▏", "bold"))]
    keys = [Offer("Enter", "call"), Offer("Esc", "back")]
    if mode.verb is Verb.TRANSFER:
        ways = Text(" ")
        for way in Way:
            chosen = way is mode.way
            ways.append(f"{'(•)' if chosen else '( )'} {way}   ", style="" if chosen else "dim")
        lines.append(ways)
        enter = "call" if mode.way is Way.TALK_FIRST else "transfer"
        keys = [Offer("Enter", enter), Offer("Tab", "another way"), Offer("Esc", "back")]
    ringing = next((call for call in view.calls if call.state is State.RINGING_HERE), None)
    if ringing is not None:
        lines.insert(0, Text(f" {ringing.name} is calling: Esc, then a or r", style="bold cyan"))
    return [*lines, *_keys(keys, width)]


def _keys(keys: Sequence[Offer], width: int) -> list[Text]:
    """The keys in as many lines as they need, none of them broken."""
    lines = [Text(" ")]
    for offer in keys:
        item = Text.assemble((offer.key, "bold"), " ", (offer.word, "dim"), "   ")
        if lines[-1].cell_len + item.cell_len - 3 > width:
            lines.append(Text(" "))
        lines[-1].append_text(item)
    return lines


# --- small things -------------------------------------------------------------------------------


def _spread(left: Text, right: Text, width: int) -> Text:
    """`left` and `right` at the two ends of a line; `left` gives way."""
    room = width - right.cell_len
    left = left.copy()
    if left.cell_len > room - 1:
        left.truncate(room - 1, overflow="ellipsis")
    return left + Text(" " * (room - left.cell_len)) + right


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(int(seconds), 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def _filled(lines: list[Text], width: int, height: int) -> list[Text]:
    whole = lines[:height] + [Text()] * (height - len(lines))
    for line in whole:
        line.no_wrap = True
        if line.cell_len > width:
            line.truncate(width)
    return whole
