"""Keys: what is offered is what works, what is typed is kept, what makes no sense is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cli.desk.phones import BOB, CAROL, CONFERENCE, DAVE_CALLS, held, phone, ringing_there
from offhook.cli.desk import commands as do
from offhook.cli.desk.choices import Verb
from offhook.cli.desk.key_names import keys_in
from offhook.cli.desk.keypad import Leaving, Mode, Pressed, Resting, Typing, Way, offers, press
from offhook.cli.desk.view import PhoneView, Services


def offered(view: PhoneView) -> str:
    return "  ".join(f"{offer.key} {offer.word}" for offer in offers(view))


def typed(view: PhoneView, *keys: str) -> tuple[list[do.Command], Pressed]:
    mode: Mode = Resting()
    commands = []
    last = Pressed(mode)
    for key in keys:
        last = press(mode, view, key)
        mode = last.mode
        if last.command is not None:
            commands.append(last.command)
    return commands, last


@pytest.mark.parametrize(
    ("view", "keys"),
    [
        (phone(), "d dial  q quit"),
        (phone(services=Services.ASLEEP), "q quit"),
        (phone(replace(DAVE_CALLS, slot=1)), "a answer  r decline  d dial  q quit"),
        (phone(ringing_there(replace(CAROL, slot=1))), "h cancel  d dial  q quit"),
        (
            phone(BOB),
            "h hang up  p hold  m mute  + add  t transfer  0-9*# tones  d dial  q quit",
        ),
        (phone(held(BOB)), "h hang up  p resume  + add  t transfer  d dial  q quit"),
        (
            phone(BOB, DAVE_CALLS),
            (
                "a answer  r decline  h hang up  p hold  m mute  + add  t transfer  0-9*# tones"
                "  Tab select  q quit"
            ),
        ),
        (
            phone(held(BOB), CAROL),
            (
                "h hang up  p hold  s swap  m mute  j join  c complete  + add  t transfer"
                "  0-9*# tones  Tab select  q quit"
            ),
        ),
        (
            phone(held(BOB), ringing_there(CAROL)),
            "h cancel  c complete  Tab select  q quit",
        ),
        (phone(CONFERENCE), "h leave  p hold  m mute  + add  0-9*# tones  d dial  q quit"),
        (
            phone(replace(BOB, busy="transferring to 1003", can_be_taken_back=True)),
            "b take back  h hang up  m mute  0-9*# tones  d dial  q quit",
        ),
    ],
)
def test_the_keys_that_make_sense_are_offered(view: PhoneView, keys: str) -> None:
    assert offered(view) == keys


@pytest.mark.parametrize(
    "view",
    [phone(), phone(BOB), phone(held(BOB), CAROL), phone(BOB, DAVE_CALLS), phone(CONFERENCE)],
)
def test_whatever_is_offered_is_done_and_whatever_is_not_says_why(view: PhoneView) -> None:
    single = {offer.key for offer in offers(view)} - {"0-9*#", "Tab"}
    for key in "arhpsmjc+tbdq":
        came = press(Resting(), view, key)
        assert bool(came.said) is (key not in single), key
        assert (came.command is not None or came.mode != Resting()) is (key in single), key


def test_a_number_is_typed_corrected_and_called() -> None:
    commands, last = typed(phone(), "d", "1", "0", "9", "backspace", "0", "2", "enter")
    assert commands == [do.Dial("1002")]
    assert last.mode == Resting()


def test_on_a_phone_at_rest_a_digit_begins_a_number() -> None:
    _, last = typed(phone(), "1")
    assert last.mode == Typing(Verb.DIAL, "1")


def test_what_is_no_number_stays_to_be_corrected() -> None:
    commands, last = typed(phone(), "d", "b", "o", "b", "enter")
    assert commands == []
    assert last.said.startswith("This is not a phone number.")
    assert isinstance(last.mode, Typing)
    assert last.mode.text == "bob"


def test_escape_gives_up_what_is_typed() -> None:
    commands, last = typed(phone(BOB), "t", "1", "escape")
    assert (commands, last.mode) == ([], Resting())


@pytest.mark.parametrize(
    ("tabs", "command"),
    [
        (0, do.SendOn(1, "1003", wait=False)),
        (1, do.SendOn(1, "1003", wait=True)),
        (2, do.Consult(1, "1003", do.Purpose.TRANSFER)),
        (3, do.SendOn(1, "1003", wait=False)),
    ],
)
def test_a_transfer_goes_in_one_of_three_ways(tabs: int, command: do.Command) -> None:
    commands, _ = typed(phone(BOB), "t", *"1003", *["tab"] * tabs, "enter")
    assert commands == [command]


def test_the_way_is_in_view_while_it_is_chosen() -> None:
    _, last = typed(phone(BOB), "t", "tab")
    assert isinstance(last.mode, Typing)
    assert last.mode.way is Way.WHEN_ANSWERED


def test_digits_are_tones_while_one_talks_and_one_key_each() -> None:
    commands, _ = typed(phone(BOB), "1", "#")
    assert commands == [do.Press(1, "1"), do.Press(1, "#")]


def test_the_call_that_ended_while_a_number_was_typed_is_not_transferred() -> None:
    mode = typed(phone(BOB), "t", *"1003")[1].mode
    came = press(mode, phone(), "enter")
    assert came == Pressed(Resting(), said="There is no call.")


def test_the_selection_goes_round_both_ways() -> None:
    two = phone(held(BOB), CAROL)
    assert typed(two, "tab")[0] == [do.Select(1)]
    assert typed(two, "up")[0] == [do.Select(1)]
    assert typed(phone(held(BOB), CAROL, selected=1), "up")[0] == [do.Select(2)]


def test_quitting_asks_while_there_are_calls() -> None:
    assert typed(phone(), "q")[0] == [do.Quit()]
    assert typed(phone(BOB), "q")[1].mode == Leaving()
    assert typed(phone(BOB), "q", "q")[0] == [do.Quit()]
    assert typed(phone(BOB), "q", "x") == ([], Pressed(Resting()))


def test_a_key_that_means_nothing_is_said_and_enter_is_not() -> None:
    assert typed(phone(BOB), "x")[1].said == "x means nothing here."
    assert typed(phone(BOB), "enter")[1] == Pressed(Resting())


def test_the_keys_of_a_terminal_have_names() -> None:
    text = "a\x1b[A\x1b[B\x1b[3~\x1b[1;5C\r\t\x7f+é\x1b"
    assert list(keys_in(text)) == [
        "a",
        "up",
        "down",
        "enter",
        "tab",
        "backspace",
        "+",
        "é",
        "escape",
    ]
