"""The picture, as somebody sees it on 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from cli.desk.phones import BOB, CAROL, CONFERENCE, DAVE_CALLS, held, phone, ringing_there
from offhook.cli.desk.choices import Verb
from offhook.cli.desk.drawing import LEAST_HEIGHT, LEAST_WIDTH, Note, draw
from offhook.cli.desk.keypad import Leaving, Mode, Resting, Typing, Way
from offhook.cli.desk.view import ParticipantView, PhoneView, Services

RULE = "─" * 80


def picture(
    view: PhoneView,
    mode: Mode | None = None,
    notes: Sequence[Note] = (),
    *,
    width: int = 80,
    height: int = 24,
) -> list[str]:
    lines = draw(view, mode or Resting(), notes, width=width, height=height)
    assert len(lines) == height
    assert all(line.cell_len <= width for line in lines)
    return [line.plain.rstrip() for line in lines]


def calls(view: PhoneView) -> str:
    """What stands between the two upper rules."""
    lines = picture(view)
    return "\n" + "\n".join(lines[2 : lines.index(RULE, 2)]) + "\n"


def keys(view: PhoneView, mode: Mode | None = None) -> list[str]:
    """What stands below the last rule."""
    lines = picture(view, mode)
    last = max(number for number, line in enumerate(lines) if line == RULE)
    return lines[last + 1 :]


def test_both_slots_are_in_view_while_there_is_no_call() -> None:
    lines = picture(phone())
    assert lines[0] == (
        " Alice Adams  1001 · +1 202-555-0101                                    ● ready"
    )
    assert lines[1] == RULE
    assert [line.strip() for line in lines if "free" in line] == ["1  free", "2  free"]
    assert lines[-1] == " d dial   q quit"


def test_two_calls_say_who_whence_how_and_how_long() -> None:
    group = replace(BOB, group="Sales", level=-20.0, tones=(440,))
    second = replace(held(CAROL), is_muted=True, consults_for=1)
    assert (
        calls(phone(group, second, selected=1))
        == """

▌1  Bob Brown                                                connected    02:13
▌   1002 · incoming · through Sales                               440 Hz  ▮▮▮▮▯

 2  Carol Clark                                                on hold    00:41
    1003 · outgoing · called from 1   muted

"""
    )


def test_a_call_that_is_waiting_is_seen_beside_the_first() -> None:
    assert (
        calls(phone(BOB, DAVE_CALLS))
        == """

▌1  Bob Brown                                                connected    02:13
▌   1002 · incoming

 2  Dave Davis                                            ringing here    00:04
    1004 · incoming

"""
    )


def test_a_third_call_is_seen_below_the_two() -> None:
    third = ringing_there(replace(CAROL, slot=3, name="Dave Davis", number="1004", consults_for=2))
    assert (
        calls(phone(held(BOB), held(CAROL), third, selected=3))
        == """

 1  Bob Brown                                                  on hold    02:13
    1002 · incoming

 2  Carol Clark                                                on hold    00:41
    1003 · outgoing

▌3  Dave Davis                                           ringing there    00:02
▌   1004 · outgoing · called from 2

"""
    )


def test_a_conference_says_who_is_in_it_who_holds_is_muted_and_speaks() -> None:
    assert (
        calls(phone(replace(CONFERENCE, level=-12.0)))
        == """

▌1  Conference                                               connected    05:13
▌   3 people                                                              ▮▮▮▮▮
▌      Alice Adams                 1001                host, you, muted
▌      Bob Brown                   1002                                  speaks
▌      Carol Clark                 1003                on hold

  2  free


"""
    )


def test_a_crowd_leaves_room_for_the_other_call_and_the_keys() -> None:
    crowd = tuple(ParticipantView(f"Person {n}", str(n)) for n in range(40))
    lines = picture(phone(replace(CONFERENCE, participants=crowd), DAVE_CALLS))
    assert any("Dave Davis" in line for line in lines)
    assert any("a answer" in line for line in lines)
    shown = sum(" Person " in line for line in lines)
    assert any(f"and {40 - shown} more" in line for line in lines)


def test_the_other_side_that_holds_and_what_is_being_done_are_said() -> None:
    assert "   you are on hold" in calls(phone(replace(BOB, held_there=True)))
    text = calls(phone(replace(BOB, busy="transferring to 1003", is_muted_by_service=True)))
    assert "   transferring to 1003, muted by the service" in text


def test_the_newest_note_stands_above_the_keys_and_long_ones_are_whole() -> None:
    notes = [
        Note("11:07:50", "Bob Brown calls"),
        Note("11:07:51", "word " * 25 + "end.", is_trouble=True),
    ]
    lines = picture(phone(BOB), notes=notes)
    last = max(number for number, line in enumerate(lines) if line == RULE)
    assert lines[last - 1].endswith("end.")
    assert lines[last - 1].startswith("           ")
    assert lines[last - 3] == " 11:07:50  Bob Brown calls"


def test_the_number_that_is_typed_and_the_way_of_a_transfer_are_in_view() -> None:
    assert keys(phone(), Typing(Verb.DIAL, "10")) == [" Dial: 10▏", " Enter call   Esc back"]
    assert keys(phone(BOB), Typing(Verb.ADD, "10"))[0] == " Add to the call with Bob Brown: 10▏"
    assert keys(phone(CONFERENCE), Typing(Verb.ADD))[0] == " Add to the conference: ▏"
    assert keys(phone(BOB), Typing(Verb.TRANSFER, "1003", Way.WHEN_ANSWERED)) == [
        " Transfer Bob Brown to: 1003▏",
        " ( ) at once   (•) when they answer   ( ) after a talk with them",
        " Enter transfer   Tab another way   Esc back",
    ]


def test_who_calls_while_a_number_is_typed_is_in_view() -> None:
    ringing = phone(BOB, DAVE_CALLS)
    assert keys(ringing, Typing(Verb.TRANSFER))[0] == " Dave Davis is calling: Esc, then a or r"


def test_quitting_says_what_would_end() -> None:
    assert keys(phone(BOB), Leaving()) == [" The call would end. Quit?", " q quit   any other stay"]
    assert keys(phone(held(BOB), CAROL), Leaving())[0] == " 2 calls would end. Quit?"


def test_a_phone_that_could_not_be_called_does_not_say_ready() -> None:
    for services in set(Services) - {Services.READY}:
        assert picture(phone(services=services))[0].endswith(f"● {services}")


@pytest.mark.parametrize("width", [LEAST_WIDTH, 80, 120, 200])
@pytest.mark.parametrize("height", [LEAST_HEIGHT, 24, 40])
def test_it_fits_whatever_the_terminal_has(width: int, height: int) -> None:
    wide = replace(BOB, name="佐藤" * 40, number="+81 3-1234-5678", group="営業" * 20)
    third = replace(CAROL, slot=3, name="Z" * 300)
    for view in (phone(), phone(wide, held(CAROL), third), phone(CONFERENCE, DAVE_CALLS)):
        for mode in (Resting(), Typing(Verb.TRANSFER, "1" * 64), Leaving()):
            lines = picture(
                view, mode, [Note("11:07:50", "x " * 99)] * 9, width=width, height=height
            )
            assert any(
                line.startswith(" q quit") or "q quit" in line or "Esc" in line for line in lines
            )


def test_a_terminal_that_is_too_small_says_what_it_takes() -> None:
    text = " ".join(picture(phone(BOB), width=50, height=10)).strip()
    assert text.startswith("This needs 60 columns and 16 rows; make the window larger.")
