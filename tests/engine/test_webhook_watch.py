"""How the webhook is looked after, on a clock that is passed in."""

from __future__ import annotations

from typing import Any

from offhook.engine.webhook_watch import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    PROBATION,
    PROBATION_PAUSE,
    Activate,
    News,
    Tell,
    WebhookWatch,
)
from offhook.wire.webhooks import Webhook, WebhookOwner, WebhookStatus

TARGET = "https://push.example.org/webhook"
START = 1_000.0


def webhook(status: WebhookStatus = WebhookStatus.ACTIVE, **values: Any) -> Webhook:
    return Webhook(
        **{
            "id": "the id",
            "name": "Offhook push",
            "targetUrl": TARGET,
            "resource": "telephony_push",
            "event": "updated",
            "ownedBy": WebhookOwner.ORG,
            "status": status,
            **values,
        }
    )


ACTIVE, INACTIVE = webhook(), webhook(WebhookStatus.INACTIVE)


def watch() -> WebhookWatch:
    return WebhookWatch(TARGET, 60.0, START)


def test_it_looks_at_once_and_then_every_minute() -> None:
    watched = watch()
    assert watched.due == START
    assert watched.looked([ACTIVE], START) == [Tell(News.CONNECTED)]
    assert watched.due == START + 60
    assert watched.looked([ACTIVE], START + 60) == []
    assert watched.due == START + 120
    assert watched.tally.looks == 2


def test_a_disabled_webhook_is_set_active_and_the_silence_is_counted_as_a_range() -> None:
    watched = watch()
    watched.looked([ACTIVE], START)
    effects = watched.looked([INACTIVE], START + 60)
    assert effects == [Tell(News.DISABLED, most=60.0), Activate(INACTIVE)]
    assert watched.seconds_without(START + 62) == (2.0, 62.0)
    assert watched.activated(START + 62) == [Tell(News.ACTIVE_AGAIN, 2.0, 62.0)]
    assert watched.seconds_without(START + 500) == (2.0, 62.0)
    assert (watched.tally.disabled, watched.tally.activated) == (1, 1)


def test_after_that_it_is_looked_at_more_often_for_five_minutes() -> None:
    watched = watch()
    watched.looked([INACTIVE], START)
    watched.activated(now := START)
    looks = []
    while now < START + PROBATION + 120:
        now = watched.due
        looks.append(now - START)
        watched.looked([ACTIVE], now)
    assert looks[:3] == [PROBATION_PAUSE, 2 * PROBATION_PAUSE, 3 * PROBATION_PAUSE]
    assert looks[-2:] == [PROBATION + 60, PROBATION + 120]


def test_one_that_is_disabled_again_and_again_is_told_as_such_and_tried_less_often() -> None:
    watched = watch()
    watched.looked([ACTIVE], now := START)
    pauses, news = [], []
    for _ in range(5):
        now = watched.due
        news += [each.news for each in watched.looked([INACTIVE], now) if isinstance(each, Tell)]
        watched.activated(now)
        pauses.append(watched.due - now)
    assert pauses == [15.0, 30.0, 60.0, 60.0, 60.0]
    assert news == [News.DISABLED, *[News.DISABLED_AGAIN] * 4]
    assert watched.tally.disabled == 5


def test_a_quiet_time_ends_the_suspicion() -> None:
    watched = watch()
    watched.looked([INACTIVE], START)
    watched.activated(START)
    watched.looked([ACTIVE], START + PROBATION)
    effects = watched.looked([INACTIVE], START + PROBATION + 60)
    assert Tell(News.DISABLED, most=60.0) in effects


def test_it_asks_for_activation_until_it_succeeds_but_counts_one_silence() -> None:
    watched = watch()
    watched.looked([ACTIVE], START)
    assert Activate(INACTIVE) in watched.looked([INACTIVE], START + 60)
    watched.failed(START + 60)
    assert watched.looked([INACTIVE], START + 65) == [Activate(INACTIVE)]
    watched.activated(START + 66)
    assert watched.tally.disabled == 1
    assert watched.seconds_without(START + 70) == (6.0, 66.0)


def test_somebody_else_may_set_it_active() -> None:
    watched = watch()
    watched.looked([INACTIVE], START)
    watched.failed(START)
    assert watched.looked([ACTIVE], START + 5) == [Tell(News.ACTIVE_AGAIN, 5.0, 5.0)]
    assert watched.tally.activated == 0


def test_a_webhook_that_is_gone_is_told_once_and_not_made_anew() -> None:
    watched = watch()
    watched.looked([ACTIVE], START)
    elsewhere = webhook(targetUrl="https://old.example.org/webhook")
    assert watched.looked([elsewhere], START + 60) == [Tell(News.MISSING, most=60.0)]
    assert watched.looked([], START + 120) == []
    assert watched.looked([ACTIVE], START + 180) == [Tell(News.ACTIVE_AGAIN, 120.0, 180.0)]
    assert watched.tally.missing == 1


def test_of_two_webhooks_the_organisations_counts() -> None:
    mine = webhook(ownedBy=WebhookOwner.CREATOR)
    assert Activate(INACTIVE) in watch().looked([mine, INACTIVE], START)


def test_a_webhook_for_a_part_of_the_calls_is_not_the_one() -> None:
    part = webhook(filter="personId=bob")
    assert watch().looked([part], START) == [Tell(News.MISSING)]


def test_one_that_comes_back_disabled_is_activated_and_counted_as_one_silence() -> None:
    watched = watch()
    watched.looked([ACTIVE], START)
    watched.looked([], START + 60)
    effects = watched.looked([INACTIVE], START + 120)
    assert effects == [Tell(News.DISABLED, most=120.0), Activate(INACTIVE)]
    assert watched.looked([INACTIVE], START + 180) == [Activate(INACTIVE)]
    assert watched.activated(START + 180) == [Tell(News.ACTIVE_AGAIN, 120.0, 180.0)]


def test_failures_are_repeated_with_longer_pauses_and_told_once() -> None:
    watched = watch()
    now, pauses, told = START, [], []
    for _ in range(9):
        told.append(watched.failed(now))
        pauses.append(watched.due - now)
        now = watched.due
    assert pauses == [5, 10, 20, 40, 80, 160, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    assert told == [[], [], [Tell(News.CANNOT_LOOK)], [], [], [], [], [], []]
    assert watched.looked([ACTIVE], now) == [Tell(News.SEES_AGAIN), Tell(News.CONNECTED)]
    watched.failed(now)
    assert watched.due == now + FIRST_PAUSE


def test_a_cloud_that_asks_for_patience_gets_it() -> None:
    watched = watch()
    watched.failed(START, retry_after=90.0)
    assert watched.due == START + 90


def test_a_token_that_is_refused_is_told_at_once_and_not_tried_every_few_seconds() -> None:
    watched = watch()
    assert watched.failed(START, hopeless=True) == [Tell(News.CANNOT_LOOK)]
    assert watched.due == START + LONGEST_PAUSE


def test_years_of_failures_do_not_overflow() -> None:
    watched = watch()
    for _ in range(5_000):
        watched.failed(START)
    assert watched.due == START + LONGEST_PAUSE


def test_what_was_never_seen_active_is_counted_from_the_start() -> None:
    watched = watch()
    watched.failed(START)
    watched.looked([INACTIVE], START + 5)
    watched.activated(START + 6)
    assert watched.seconds_without(START + 6) == (1.0, 6.0)


def test_what_an_earlier_watch_saw_tells_how_long_nothing_came_before_the_start() -> None:
    watched = watch()
    watched.was_active(START - 600)
    assert watched.due == START
    assert Tell(News.DISABLED, most=601.0) in watched.looked([INACTIVE], START + 1)
    watched.activated(START + 2)
    assert watched.seconds_without(START + 2) == (1.0, 602.0)
    watched.was_active(START - 9_000)
    assert watched.seconds_without(START + 3) == (1.0, 602.0)
