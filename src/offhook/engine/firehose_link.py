"""What to do so that one firehose webhook of the cloud leads to a push backend.

Pure: what was found and what is wanted go in, actions come out. An organisation has one org-wide
webhook a resource and filter, so what points elsewhere may be in the way; it is only touched if it
is ours by name, or if the administrator says so.

Source: mobile-sdk 3.1, 3.2; wire, 7.2.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from offhook.wire.webhooks import (
    TELEPHONY_PUSH,
    CreateWebhook,
    UpdateWebhook,
    Webhook,
    WebhookEventType,
    WebhookOwner,
    WebhookStatus,
)

DEFAULT_NAME = "Offhook push"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The webhook as it should be.

    `me` is the encoded id of who asks, empty if unknown. Without a `secret` the webhook keeps the
    one it has. `replace`: every other webhook for calls that can be seen gives way.
    """

    target: str
    name: str = DEFAULT_NAME
    secret: str | None = None
    me: str = ""
    replace: bool = False

    def creation(self, owner: WebhookOwner | None) -> CreateWebhook:
        """The body that makes it. The guide's own has no owner, so None must be possible."""
        return CreateWebhook(
            name=self.name,
            targetUrl=self.target,
            resource=TELEPHONY_PUSH,
            event=WebhookEventType.UPDATED,
            secret=self.secret,
            ownedBy=owner,
        )


class Change(StrEnum):
    """What a repair sets right."""

    TARGET = "target"
    SECRET = "secret"  # noqa: S105 - a word, not a secret
    STATUS = "status"


class Concern(StrEnum):
    """What an administrator should know, though nothing was done about it."""

    DUPLICATE = "duplicate"  # a second one to the same target: each call comes twice
    ELSEWHERE = "elsewhere"  # calls are told to somebody else, too
    PERSONAL = "personal"  # its creator's, so perhaps for the creator's own calls only
    SOMEBODY_ELSES = "somebody-elses"  # lasts as long as who made it is in the organisation
    FILTERED = "filtered"  # to the same target, but for a part of the calls
    UNSIGNED = "unsigned"  # no secret that we can see


@dataclass(frozen=True, slots=True)
class Create:
    """Make it: owned by the organisation, or without an owner where the cloud wants none."""


@dataclass(frozen=True, slots=True)
class Repair:
    """Set `changes` right."""

    webhook: Webhook
    changes: frozenset[Change]


@dataclass(frozen=True, slots=True)
class LeaveAlone:
    """It is as it should be."""

    webhook: Webhook


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove one that has to give way."""

    webhook: Webhook


@dataclass(frozen=True, slots=True)
class Refuse:
    """Nothing can be done: this webhook has the organisation's only place."""

    webhook: Webhook


@dataclass(frozen=True, slots=True)
class Warn:
    """Say `concern` about `webhook`."""

    concern: Concern
    webhook: Webhook


Action = Create | Repair | LeaveAlone | Delete | Refuse | Warn


def plan(found: Iterable[Webhook], wanted: Wanted) -> list[Action]:
    """The actions, in the order in which they have to be taken.

    Deletions come first since they make room; at most one of `Create`, `Repair`, `LeaveAlone` and
    `Refuse` follows, then the warnings.
    """
    calls = [each for each in found if is_firehose(each.resource, each.event)]
    whole = [each for each in calls if not each.filter]
    kept = _kept(whole, wanted)
    others = [each for each in calls if each is not kept]
    if wanted.replace:
        main = _repair(kept, wanted) if kept is not None else Create()
        gone: list[Action] = [Delete(each) for each in others]
        return [*gone, main, *_about(kept, wanted)]
    in_the_way = next((each for each in whole if _has_our_place(each)), None)
    if kept is not None:
        main = _repair(kept, wanted)
    elif in_the_way is not None:
        return [Refuse(in_the_way), *_about_others(others, wanted, but=in_the_way)]
    else:
        main = Create()
    return [main, *_about(kept, wanted), *_about_others(others, wanted)]


def concerns_of_new(made: Webhook) -> list[Action]:
    """What to say about the webhook that was just made."""
    return [Warn(Concern.PERSONAL, made)] if made.ownedBy is WebhookOwner.CREATOR else []


def is_firehose(resource: str, event: str) -> bool:
    """Whether a webhook for these tells of calls that are to wake a phone."""
    return resource == TELEPHONY_PUSH and event in (
        WebhookEventType.UPDATED,
        WebhookEventType.ALL,
    )


def update_of(webhook: Webhook, wanted: Wanted, changes: frozenset[Change]) -> UpdateWebhook:
    """The body that repairs it.

    Name and target must be there. The secret is sent along whenever it is known: nothing says that
    a cloud keeps what a PUT leaves out.
    """
    return UpdateWebhook(
        name=webhook.name,
        targetUrl=wanted.target if Change.TARGET in changes else webhook.targetUrl,
        secret=webhook.secret if wanted.secret is None else wanted.secret,
        status=WebhookStatus.ACTIVE if Change.STATUS in changes else None,
    )


def same_target(one: str, other: str) -> bool:
    """Whether two addresses lead to the same place, however host and port are written."""
    return _normal(one) == _normal(other)


def shown(target: str) -> str:
    """An address for people: without what might be a password in it."""
    try:
        parts = urlsplit(target)
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def at_target(found: Iterable[Webhook], target: str, me: str = "") -> list[Webhook]:
    """The webhooks for all calls that lead to `target`, the one to keep first."""
    there = [
        each
        for each in found
        if is_firehose(each.resource, each.event)
        and not each.filter
        and same_target(each.targetUrl, target)
    ]
    return sorted(
        there,
        key=lambda each: (
            each.ownedBy is not WebhookOwner.ORG,
            each.status is not WebhookStatus.ACTIVE,
            not _made_by(each, me),
            each.created,
        ),
    )


def _kept(whole: Sequence[Webhook], wanted: Wanted) -> Webhook | None:
    """The webhook that is to be ours: who leads to the target already, or has our name."""
    there = at_target(whole, wanted.target, wanted.me)
    if wanted.replace:
        there = [each for each in there if each.ownedBy is WebhookOwner.ORG]
        there += [each for each in whole if each.ownedBy is WebhookOwner.ORG]
    else:
        there += [each for each in whole if each.name == wanted.name]
    return there[0] if there else None


def _has_our_place(webhook: Webhook) -> bool:
    """Whether the cloud takes no other one beside it."""
    return webhook.ownedBy is WebhookOwner.ORG and webhook.event == WebhookEventType.UPDATED


def _repair(webhook: Webhook, wanted: Wanted) -> Action:
    changes = set()
    if not same_target(webhook.targetUrl, wanted.target):
        changes.add(Change.TARGET)
    if wanted.secret is not None and webhook.secret != wanted.secret:
        changes.add(Change.SECRET)
    if webhook.status is not WebhookStatus.ACTIVE:
        changes.add(Change.STATUS)
    return Repair(webhook, frozenset(changes)) if changes else LeaveAlone(webhook)


def _about(kept: Webhook | None, wanted: Wanted) -> list[Action]:
    if kept is None:
        return []
    concerns = []
    if kept.ownedBy is not WebhookOwner.ORG:
        concerns.append(Concern.PERSONAL)
    if wanted.me and not _made_by(kept, wanted.me):
        concerns.append(Concern.SOMEBODY_ELSES)
    if not kept.secret and wanted.secret is None:
        concerns.append(Concern.UNSIGNED)
    return [Warn(each, kept) for each in concerns]


def _about_others(
    others: Iterable[Webhook], wanted: Wanted, but: Webhook | None = None
) -> list[Action]:
    return [Warn(_other_concern(each, wanted), each) for each in others if each is not but]


def _other_concern(other: Webhook, wanted: Wanted) -> Concern:
    if not same_target(other.targetUrl, wanted.target):
        return Concern.ELSEWHERE
    return Concern.FILTERED if other.filter else Concern.DUPLICATE


def _made_by(webhook: Webhook, person: str) -> bool:
    return webhook.createdBy.rstrip("=") == person.rstrip("=")


_DEFAULT_PORTS = {"http": 80, "https": 443}


def _normal(target: str) -> tuple[str, str, int | None, str]:
    try:
        parts = urlsplit(target.strip())
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:  # somebody else's webhook may have any text as its target
        return ("", "", None, target)
    return (parts.scheme, parts.hostname or "", port, f"{parts.path or '/'}?{parts.query}")
