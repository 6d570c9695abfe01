"""An administrator reads what calls there were."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from wxc_sdk.cdr import CDR, CDRDirection

from offhook.engine.exchange.model import CallRecord, EndReason, Party
from service.running import PEOPLE, Answer, Cloud, is_webex_error

MIDNIGHT = 1_767_225_600.0
ALICE, BOB = (PEOPLE[name].entry().party for name in ("alice", "bob"))
ANSWERED = CallRecord(
    "answered",
    "t1",
    ALICE,
    BOB,
    "1002",
    MIDNIGHT,
    MIDNIGHT + 4,
    MIDNIGHT + 64.5,
    EndReason.HANGUP,
    "callee",
)
MISSED = replace(
    ANSWERED,
    session_id="missed",
    placed=MIDNIGHT + 100,
    answered=None,
    ended=MIDNIGHT + 145,
    reason=EndReason.NO_ANSWER,
)


async def history(cloud: Cloud, who: str = "ada", **values: Any) -> Answer:
    asked = {"startTime": "2026-01-01T00:00:00.000Z", "endTime": "2026-01-01T02:00:00Z", **values}
    return await cloud.get(f"/v1/cdr_feed?{urlencode(asked)}", token=await cloud.token(who))


async def test_each_side_of_each_call_is_told_as_official_clients_read_it(cloud: Cloud) -> None:
    for record in (ANSWERED, MISSED):
        await cloud.service.records.keep(record)
    answer = await history(cloud)
    assert answer.status == 200
    sides = [CDR.model_validate(each) for each in answer.json["items"]]
    assert [(each.user, each.direction, each.answered, each.duration) for each in sides] == [
        ("Alice Adams", CDRDirection.originating, True, 60),
        ("Bob Brown", CDRDirection.terminating, True, 60),
        ("Alice Adams", CDRDirection.originating, False, 0),
        ("Bob Brown", CDRDirection.terminating, False, 0),
    ]
    assert sides[3].start_time is not None
    assert sides[3].start_time.timestamp() == MIDNIGHT + 100
    assert sides[3].answer_time is None
    assert sides[3].user_uuid == BOB.person_id
    assert (sides[3].call_outcome, sides[3].correlation_id) == ("Success", "missed")
    assert sides[2].dialed_digits == "1002"
    assert len({each.report_id for each in sides}) == 4


async def test_a_call_that_was_sent_on_was_missed_by_who_was_called_first(cloud: Cloud) -> None:
    sent_on = replace(MISSED, session_id="one", sent_on=1, ended=MIDNIGHT + 112)
    to_carol = replace(MISSED, session_id="one", callee=PEOPLE["carol"].entry().party)
    for record in (sent_on, to_carol):
        await cloud.service.records.keep(record)
    answer = await history(cloud)
    sides = [CDR.model_validate(each) for each in answer.json["items"]]
    assert [(each.user, each.direction, each.correlation_id) for each in sides] == [
        ("Bob Brown", CDRDirection.terminating, "one"),
        ("Alice Adams", CDRDirection.originating, "one"),
        ("Carol Clark", CDRDirection.terminating, "one"),
    ]
    assert len({each.report_id for each in sides}) == 3


async def test_calls_are_found_by_when_they_ended(cloud: Cloud) -> None:
    for record in (ANSWERED, MISSED):
        await cloud.service.records.keep(record)
    answer = await history(cloud, startTime="2026-01-01T00:01:04.500Z", endTime="2026-01-01T00:02Z")
    assert {each["Correlation ID"] for each in answer.json["items"]} == {"answered"}


async def test_a_long_history_comes_in_pages(any_cloud: Cloud) -> None:
    cloud = any_cloud
    for number in range(5):
        await cloud.service.records.keep(
            replace(MISSED, session_id=f"call {number}", ended=MIDNIGHT + 200 + number)
        )
    token = await cloud.token("ada")
    answer = await history(cloud, max=2)
    seen = []
    while True:
        seen += [each["Correlation ID"] for each in answer.json["items"]]
        if "link" not in answer.headers:
            break
        answer = await cloud.get(answer.headers["link"].split(">")[0][1:], token=token)
    assert seen == [f"call {number}" for number in range(5) for _ in "xy"]


async def test_only_people_of_the_organisation_have_a_side(cloud: Cloud) -> None:
    echo = replace(ANSWERED, session_id="echo", callee=Party("Echo", "8001"), ended=MIDNIGHT + 1)
    await cloud.service.records.keep(echo)
    stranger = Party("Eve", "+12025550199", "0e5c1b3a-0000-4000-8000-000000000000")
    await cloud.service.records.keep(replace(ANSWERED, caller=stranger, callee=stranger))
    await cloud.service.records.keep(replace(MISSED, caller=stranger))
    answer = await history(cloud)
    assert [each["User"] for each in answer.json["items"]] == ["Alice Adams", "Bob Brown"]


async def test_only_administrators_read_it_and_they_are_told_what_cannot_be_asked(
    cloud: Cloud,
) -> None:
    assert is_webex_error(await history(cloud, who="bob"), 403)
    for wrong in (
        {"startTime": "yesterday"},
        {"endTime": ""},
        {"endTime": "2026-01-01T00:00:00.000Z"},
        {"endTime": "2026-01-01T12:00:01.000Z"},
        {"max": "many"},
    ):
        assert is_webex_error(await history(cloud, **wrong), 400), wrong
