"""How the calls are counted that nobody was woken for, on a clock that is passed in."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from offhook.engine.missed_calls import (
    OLDEST,
    PAUSE,
    RETRY_PAUSE,
    MissedCalls,
    Query,
    missed_in,
)
from offhook.wire.call_history import AVAILABLE_AFTER, LONGEST_QUERY, CallSide

MIDNIGHT = 1_767_225_600.0
HOUR = 3600.0


def at(seconds: float) -> str:
    return datetime.fromtimestamp(MIDNIGHT + seconds, UTC).isoformat().replace("+00:00", "Z")


def side(began: float = 10.0, **values: Any) -> CallSide:
    """A call to bob that nobody answered."""
    return CallSide(
        **{
            "start_time": at(began),
            "answered": "false",
            "direction": "TERMINATING",
            "user_uuid": "bob",
            "user_type": "User",
            "correlation_id": f"call at {began}",
            **values,
        }
    )


def due_query(missed: MissedCalls) -> Query:
    due = missed.due
    assert due is not None
    assert missed.query(due - 1) is None
    query = missed.query(due)
    assert query is not None
    return query


def test_the_history_is_asked_once_it_knows_of_the_last_call_of_the_window() -> None:
    missed = MissedCalls()
    assert missed.due is None
    missed.add(MIDNIGHT, MIDNIGHT + 60)
    query = due_query(missed)
    assert (query.since, query.until) == (MIDNIGHT, MIDNIGHT + 60)
    assert query.due > query.ended_before + AVAILABLE_AFTER
    assert missed.counted(query, [side(10), side(20)], query.due) == 2
    assert (missed.calls, missed.windows, missed.due) == (2, 1, None)


def test_several_windows_add_up_and_are_asked_for_one_after_the_other() -> None:
    missed = MissedCalls()
    missed.add(MIDNIGHT, MIDNIGHT + 60)
    missed.add(MIDNIGHT + 70, MIDNIGHT + 75)
    first = due_query(missed)
    missed.counted(first, [side(10)], first.due)
    second = due_query(missed)
    assert second.due - first.due == PAUSE
    missed.counted(second, [side(72)], second.due)
    assert (missed.calls, missed.windows) == (2, 2)


def test_a_long_window_is_asked_for_in_parts_without_a_gap_and_what_is_too_old_is_not() -> None:
    missed = MissedCalls()
    missed.add(MIDNIGHT - OLDEST - HOUR, MIDNIGHT)
    assert missed.uncounted == HOUR
    parts = []
    while missed.due is not None:
        query = due_query(missed)
        parts.append(query)
        assert query.ended_before - query.since <= LONGEST_QUERY
        missed.counted(query, [], query.due)
    assert parts[0].since == MIDNIGHT - OLDEST
    assert parts[-1].until == MIDNIGHT
    assert all(one.until == other.since for one, other in pairwise(parts))
    dues = [each.due for each in parts]
    assert all(later - sooner >= PAUSE for sooner, later in pairwise(dues))


def test_a_history_that_does_not_answer_is_asked_three_times() -> None:
    missed = MissedCalls()
    missed.add(MIDNIGHT, MIDNIGHT + 60)
    missed.add(MIDNIGHT + 61, MIDNIGHT + 62)
    now = due_query(missed).due
    for _ in range(2):
        assert missed.failed(due_query(missed), now) is False
        assert missed.due == now + RETRY_PAUSE
        now = due_query(missed).due
    assert missed.failed(due_query(missed), now) is True
    assert missed.uncounted == 60
    assert missed.due == now + PAUSE


def test_a_history_that_asks_to_wait_is_obeyed_and_one_that_refuses_is_left_alone() -> None:
    missed = MissedCalls()
    missed.add(MIDNIGHT, MIDNIGHT + 60)
    now = due_query(missed).due
    missed.failed(due_query(missed), now, retry_after=600.0)
    assert missed.due == now + 600
    assert missed.failed(due_query(missed), now, hopeless=True) is True
    assert (missed.due, missed.uncounted, missed.calls) == (None, 60.0, 0)


def test_an_empty_window_is_none() -> None:
    missed = MissedCalls()
    missed.add(MIDNIGHT, MIDNIGHT)
    assert (missed.due, missed.windows) == (None, 0)


@pytest.mark.parametrize(
    ("sides", "count"),
    [
        ([side(0)], 1),
        ([side(-1)], 0),  # before the window
        ([side(60)], 0),  # after it
        ([side(answered="true")], 0),
        ([side(answered=True)], 0),
        ([side(direction="ORIGINATING")], 0),
        ([side(user_type="HuntGroup")], 0),
        ([side(user_type="")], 1),
        ([side(start_time="soon")], 0),
        ([side(), side()], 1),  # two phones of the same person
        ([side(), side(answered="true")], 0),  # the other one answered
        ([side(), side(user_uuid="carol")], 2),
        ([side(correlation_id=""), side(correlation_id="")], 2),
    ],
)
def test_a_missed_call_began_in_the_window_and_no_phone_of_the_person_answered(
    sides: list[CallSide], count: int
) -> None:
    assert missed_in(sides, MIDNIGHT, MIDNIGHT + 60) == count
