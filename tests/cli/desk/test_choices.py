"""What can be done with which calls, and what exactly that is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cli.desk.phones import BOB, CAROL, CONFERENCE, DAVE_CALLS, held, phone, ringing_there
from offhook.cli.desk import commands as do
from offhook.cli.desk.choices import BadInputError, RefusedError, Verb, decide, possible
from offhook.cli.desk.view import PhoneView, Services


def refusal(view: PhoneView, verb: Verb, argument: str = "") -> str:
    with pytest.raises(RefusedError) as refused:
        decide(view, verb, argument)
    return str(refused.value)


def can(view: PhoneView) -> set[str]:
    return {str(verb) for verb in Verb if possible(view, verb)}


# --- one call -----------------------------------------------------------------------------------


def test_a_phone_at_rest_can_dial_and_nothing_else() -> None:
    assert can(phone()) == {"dial", "quit"}
    assert decide(phone(), Verb.DIAL, " +1 (202) 555-0102 ") == do.Dial("+1 (202) 555-0102")
    assert decide(phone(), Verb.DIAL, "bob@demo.example") == do.Dial("bob@demo.example")


@pytest.mark.parametrize("text", ["bob", "", "12+3", "@demo.example", "bo b@demo.example"])
def test_what_is_no_number_is_refused_before_anybody_is_called(text: str) -> None:
    with pytest.raises(BadInputError):
        decide(phone(), Verb.DIAL, text)


def test_without_phone_services_nobody_is_called_and_it_says_so() -> None:
    away = phone(services=Services.CONNECTING)
    assert refusal(away, Verb.DIAL, "1002") == "The phone services are not connected; one moment."
    asleep = phone(services=Services.ASLEEP)
    assert refusal(asleep, Verb.DIAL, "1002") == "The phone is asleep; only a call wakes it."


def test_a_call_that_rings_is_answered_or_declined_and_not_hung_up() -> None:
    ringing = phone(replace(DAVE_CALLS, slot=1))
    assert decide(ringing, Verb.ANSWER) == do.Answer(1)
    assert decide(ringing, Verb.DECLINE) == do.Decline(1)
    assert refusal(ringing, Verb.HANG_UP) == "Dave Davis is ringing; decline the call instead."
    assert refusal(ringing, Verb.HOLD) == "The call with Dave Davis is not connected yet."


def test_hold_and_resume_say_when_it_is_so_already() -> None:
    assert decide(phone(BOB), Verb.HOLD) == do.Hold(1)
    assert refusal(phone(BOB), Verb.RESUME) == "You are talking with Bob Brown already."
    assert decide(phone(held(BOB)), Verb.RESUME) == do.Resume(1)
    assert refusal(phone(held(BOB)), Verb.HOLD) == "Bob Brown is on hold already."


def test_tones_and_mute_are_for_the_call_that_is_heard() -> None:
    two = phone(held(BOB), CAROL, selected=1)
    assert decide(two, Verb.TONES, "1 2#") == do.Press(2, "12#")
    assert decide(two, Verb.MUTE) == do.Mute(2, muted=True)
    assert refusal(two, Verb.UNMUTE) == "You are not muted."
    assert refusal(two, Verb.TONES, "12x") == "Tones are 0-9, * and #."
    assert refusal(phone(held(BOB)), Verb.TONES, "1") == "You are not talking with anybody."


def test_while_something_is_done_with_a_call_only_its_end_can_be_wished() -> None:
    busy = phone(replace(BOB, busy="holding"))
    assert refusal(busy, Verb.HOLD) == "One moment, Bob Brown: still holding."
    assert decide(busy, Verb.HANG_UP) == do.HangUp(1)


# --- two calls ----------------------------------------------------------------------------------


def test_a_second_call_that_comes_in_leaves_the_keys_with_the_first() -> None:
    before = phone(BOB)
    waiting = before.showing((BOB, DAVE_CALLS))
    assert waiting.selected == 1
    assert decide(waiting, Verb.ANSWER) == do.Answer(2)
    assert decide(waiting, Verb.HANG_UP) == do.HangUp(1)


def test_the_call_that_one_turns_to_is_selected() -> None:
    answered = phone(BOB).showing((BOB, DAVE_CALLS)).showing((held(BOB), CAROL))
    assert answered.selected == 2
    swapped = answered.showing((BOB, held(CAROL)))
    assert swapped.selected == 1
    assert swapped.showing((held(CAROL),)).selected == 2
    assert swapped.showing(()).selected == 0


def test_a_call_that_is_dialled_is_selected_at_once() -> None:
    assert phone(held(BOB)).showing((held(BOB), ringing_there(CAROL))).selected == 2


def test_swapping_resumes_the_one_on_hold() -> None:
    assert decide(phone(held(BOB), CAROL), Verb.SWAP) == do.Resume(1)
    assert refusal(phone(BOB), Verb.SWAP) == "Swapping needs two calls, one of them on hold."


def test_a_third_number_is_not_dialled_beside_two_calls() -> None:
    two = phone(held(BOB), CAROL)
    assert refusal(two, Verb.DIAL, "1004") == "There are two calls already; hang one up first."
    assert decide(two, Verb.ADD, "1004") == do.Consult(2, "1004", do.Purpose.ADD)


def test_two_calls_are_joined_new_with_old_and_completed_old_to_new() -> None:
    two = phone(held(BOB), CAROL)
    assert decide(two, Verb.JOIN) == do.Join(new=2, old=1)
    assert decide(two, Verb.COMPLETE) == do.Complete(old=1, new=2)


def test_it_is_the_age_of_the_calls_that_counts_and_not_their_slots() -> None:
    two = phone(replace(BOB, order=7), held(CAROL))
    assert decide(two, Verb.JOIN) == do.Join(new=1, old=2)


def test_a_transfer_may_be_completed_while_it_rings_there_but_nothing_is_joined_yet() -> None:
    two = phone(held(BOB), ringing_there(CAROL))
    assert decide(two, Verb.COMPLETE) == do.Complete(old=1, new=2)
    assert refusal(two, Verb.JOIN) == "Carol Clark has not answered yet."


def test_a_call_that_is_waiting_is_not_taken_for_the_second_one() -> None:
    waiting = phone(BOB, DAVE_CALLS)
    assert refusal(waiting, Verb.JOIN) == "This needs two calls."
    assert refusal(waiting, Verb.COMPLETE) == "This needs two calls."


# --- three calls, conferences -------------------------------------------------------------------


def test_of_three_calls_the_consultation_goes_with_the_one_it_was_begun_from() -> None:
    consultation = replace(CAROL, slot=3, name="Dave Davis", order=3, consults_for=1)
    three = phone(held(BOB), held(CAROL), consultation)
    assert decide(three, Verb.JOIN) == do.Join(new=3, old=1)
    assert decide(three, Verb.SWAP) == do.Resume(1)
    assert refusal(three, Verb.ADD, "1") == (
        "There are three calls already; join or hang up first."
    )


def test_of_three_calls_without_a_consultation_the_selected_one_is_meant() -> None:
    third = replace(CAROL, slot=3, name="Dave Davis", order=3)
    calls = (held(BOB), held(CAROL), third)
    assert decide(phone(*calls, selected=2), Verb.COMPLETE) == do.Complete(old=2, new=3)
    assert refusal(phone(*calls, selected=3), Verb.JOIN) == (
        "Select the call that is meant beside the one you talk on."
    )


def test_a_conference_is_added_to_and_left_but_not_transferred() -> None:
    conference = phone(CONFERENCE)
    assert decide(conference, Verb.ADD, "1004") == do.Consult(1, "1004", do.Purpose.ADD)
    assert decide(conference, Verb.HANG_UP) == do.HangUp(1)
    assert refusal(conference, Verb.TRANSFER, "1004") == (
        "A conference cannot be transferred; leave it, and the others go on."
    )


def test_a_transfer_goes_at_once_or_waits_and_can_be_taken_back_meanwhile() -> None:
    assert decide(phone(BOB), Verb.TRANSFER, "1003") == do.SendOn(1, "1003", wait=False)
    wait = decide(phone(BOB), Verb.TRANSFER_WHEN_ANSWERED, "1003")
    assert wait == do.SendOn(1, "1003", wait=True)
    under_way = phone(replace(BOB, busy="transferring to 1003", can_be_taken_back=True))
    assert decide(under_way, Verb.BACK) == do.TakeBack(1)
    assert refusal(phone(BOB), Verb.BACK) == "No call is being transferred."


# --- which call ---------------------------------------------------------------------------------


def test_a_call_is_named_by_its_slot() -> None:
    two = phone(held(BOB), CAROL)
    assert decide(two, Verb.HANG_UP, "1") == do.HangUp(1)
    assert decide(two, Verb.SELECT, "1") == do.Select(1)
    assert decide(two, Verb.SELECT) == do.Select(1)  # the next one, round and round
    assert refusal(two, Verb.HANG_UP, "3") == "There is no call 3."
    assert refusal(two, Verb.HANG_UP, "bob") == "Say which call by its number: 1, 2 or 3."
