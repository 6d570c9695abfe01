"""What is done about the webhooks that are found, so that calls reach the backend."""

from __future__ import annotations

from typing import Any

import pytest

from offhook.engine.firehose_link import (
    Action,
    Change,
    Concern,
    Create,
    Delete,
    LeaveAlone,
    Refuse,
    Repair,
    Wanted,
    Warn,
    concerns_of_new,
    plan,
    same_target,
    shown,
    update_of,
)
from offhook.wire.webhooks import Webhook, WebhookOwner, WebhookStatus

TARGET = "https://push.example.org/webhook"
OTHER = "https://old.example.org/webhook"


def webhook(name: str = "Offhook push", **values: Any) -> Webhook:
    """The organisation's firehose webhook, as ada made it."""
    return Webhook(
        **{
            "id": f"id of {name}",
            "name": name,
            "targetUrl": TARGET,
            "resource": "telephony_push",
            "event": "updated",
            "secret": "a secret",
            "createdBy": "ada",
            "ownedBy": WebhookOwner.ORG,
            **values,
        }
    )


def wanted(**values: Any) -> Wanted:
    return Wanted(**{"target": TARGET, "me": "ada", **values})


def main_action(actions: list[Action]) -> Action:
    (main,) = [each for each in actions if not isinstance(each, (Warn, Delete))]
    return main


def warnings(actions: list[Action]) -> list[tuple[Concern, str]]:
    return [(each.concern, each.webhook.name) for each in actions if isinstance(each, Warn)]


def test_nothing_is_there_so_it_is_made() -> None:
    assert plan([], wanted()) == [Create()]


def test_webhooks_about_other_things_do_not_count() -> None:
    others = [webhook(resource="messages", event="created"), webhook(event="deleted")]
    assert plan(others, wanted()) == [Create()]


def test_what_is_as_it_should_be_is_left_alone() -> None:
    there = webhook()
    assert plan([there], wanted()) == [LeaveAlone(there)]
    assert plan([there], wanted(secret="a secret")) == [LeaveAlone(there)]


def test_ids_are_the_same_with_and_without_padding() -> None:
    assert warnings(plan([webhook(createdBy="YWRh==")], wanted(me="YWRh"))) == []


def test_a_disabled_one_is_set_active_and_keeps_its_secret() -> None:
    there = webhook(status=WebhookStatus.INACTIVE)
    action = main_action(plan([there], wanted()))
    assert action == Repair(there, frozenset({Change.STATUS}))
    body = update_of(there, wanted(), action.changes)
    assert (body.name, body.targetUrl) == ("Offhook push", TARGET)
    assert (body.status, body.secret) == ("active", "a secret")


def test_an_active_one_is_not_activated_again_by_a_repair() -> None:
    there = webhook()
    body = update_of(there, wanted(secret="new"), frozenset({Change.SECRET}))
    assert (body.status, body.secret) == (None, "new")


@pytest.mark.parametrize("known", ["another secret", None])
def test_another_secret_is_set_anew(known: str | None) -> None:
    there = webhook(secret=known)
    actions = plan([there], wanted(secret="the backend's"))
    assert actions == [Repair(there, frozenset({Change.SECRET}))]


def test_our_own_webhook_follows_when_the_backend_moves() -> None:
    there = webhook(targetUrl=OTHER)
    action = main_action(plan([there], wanted()))
    assert action == Repair(there, frozenset({Change.TARGET}))
    assert update_of(there, wanted(), action.changes).targetUrl == TARGET


def test_somebody_elses_org_wide_webhook_is_not_touched() -> None:
    theirs = webhook("Their backend", targetUrl=OTHER)
    assert plan([theirs], wanted()) == [Refuse(theirs)]


def test_it_is_retargeted_if_the_administrator_says_so() -> None:
    theirs = webhook("Their backend", targetUrl=OTHER)
    actions = plan([theirs], wanted(replace=True))
    assert actions == [Repair(theirs, frozenset({Change.TARGET}))]


def test_a_personal_webhook_that_points_elsewhere_is_only_mentioned() -> None:
    theirs = webhook("Their backend", targetUrl=OTHER, ownedBy=WebhookOwner.CREATOR)
    assert plan([theirs], wanted()) == [Create(), Warn(Concern.ELSEWHERE, theirs)]


def test_of_two_to_the_same_target_the_organisations_is_kept_and_the_other_mentioned() -> None:
    mine = webhook("mine", ownedBy=WebhookOwner.CREATOR)
    everybodys = webhook("everybody's")
    actions = plan([mine, everybodys], wanted())
    assert main_action(actions) == LeaveAlone(everybodys)
    assert warnings(actions) == [(Concern.DUPLICATE, "mine")]


def test_an_active_one_is_kept_rather_than_a_disabled_one() -> None:
    disabled = webhook("disabled", status=WebhookStatus.INACTIVE, ownedBy=WebhookOwner.CREATOR)
    active = webhook("active", ownedBy=WebhookOwner.CREATOR)
    assert main_action(plan([disabled, active], wanted())) == LeaveAlone(active)


@pytest.mark.parametrize(
    "worse",
    [{"createdBy": "bob", "created": "2026-01-01"}, {"created": "2026-01-03"}],
    ids=["somebody else's", "younger"],
)
def test_of_two_alike_ones_own_is_kept_and_then_the_older(worse: dict[str, str]) -> None:
    mine = webhook("mine", ownedBy=WebhookOwner.CREATOR, created="2026-01-02")
    other = webhook("other", **{"ownedBy": WebhookOwner.CREATOR, **worse})
    for found in ([mine, other], [other, mine]):
        assert main_action(plan(found, wanted())) == LeaveAlone(mine)


def test_a_personal_one_is_kept_with_a_warning() -> None:
    mine = webhook(ownedBy=WebhookOwner.CREATOR)
    actions = plan([mine], wanted())
    assert main_action(actions) == LeaveAlone(mine)
    assert warnings(actions) == [(Concern.PERSONAL, "Offhook push")]
    assert concerns_of_new(mine) == [Warn(Concern.PERSONAL, mine)]
    assert concerns_of_new(webhook()) == []


def test_one_that_another_administrator_made_lasts_only_as_long_as_they_stay() -> None:
    actions = plan([webhook(createdBy="bob")], wanted())
    assert warnings(actions) == [(Concern.SOMEBODY_ELSES, "Offhook push")]


def test_an_unsigned_one_is_mentioned_but_not_given_a_secret_that_nobody_knows() -> None:
    actions = plan([webhook(secret=None)], wanted())
    assert isinstance(main_action(actions), LeaveAlone)
    assert warnings(actions) == [(Concern.UNSIGNED, "Offhook push")]


def test_one_with_a_filter_does_not_do() -> None:
    part = webhook("part", filter="personId=bob")
    actions = plan([part], wanted())
    assert main_action(actions) == Create()
    assert warnings(actions) == [(Concern.FILTERED, "part")]


def test_replacing_leaves_one_org_wide_webhook() -> None:
    mine = webhook("mine", ownedBy=WebhookOwner.CREATOR)
    elsewhere = webhook("elsewhere", targetUrl=OTHER, ownedBy=WebhookOwner.CREATOR)
    part = webhook("part", filter="personId=bob")
    messages = webhook("messages", resource="messages")
    actions = plan([mine, elsewhere, part, messages], wanted(replace=True))
    assert actions == [Delete(mine), Delete(elsewhere), Delete(part), Create()]
    everybodys = webhook("everybody's")
    actions = plan([mine, everybodys], wanted(replace=True))
    assert actions == [Delete(mine), LeaveAlone(everybodys)]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://push.example.org", "https://PUSH.example.org:443/", True),
        ("http://push.example.org:80/webhook", "HTTP://push.example.org/webhook", True),
        ("https://push.example.org/webhook", "https://push.example.org/webhook/", False),
        ("https://push.example.org/webhook", "https://push.example.org/Webhook", False),
        ("https://push.example.org/webhook", "http://push.example.org/webhook", False),
        ("https://push.example.org/?a=1", "https://push.example.org/?a=2", False),
        ("https://push.example.org/", "https://[push.example.org", False),
    ],
)
def test_targets_are_compared_as_browsers_do(one: str, other: str, same: bool) -> None:
    assert same_target(one, other) is same


def test_a_password_in_a_target_is_not_shown() -> None:
    assert shown("https://user:word@push.example.org/a?key=word") == "https://push.example.org/a"
    assert "word" not in shown("https://[word")
