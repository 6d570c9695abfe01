"""Connect a cloud to a push backend: look, decide (`engine.firehose_link`), act, say so."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import assert_never

from offhook.engine.firehose_link import (
    Action,
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
    update_of,
)
from offhook.errors import ServiceError
from offhook.push import connect_words
from offhook.push.cloud_errors import NotAllowedError, WebhookRefusedError, WebhookTakenError
from offhook.push.webhook_client import WebhookClient
from offhook.wire.webhooks import Webhook, WebhookOwner, WebhookStatus


@dataclass(frozen=True, slots=True)
class Step:
    """Something that was found or done. `kind` is a word for programs, `text` for people."""

    kind: str
    text: str
    webhook: Webhook | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """How it ended. `webhook` is the one that leads to the target, as it is now."""

    is_connected: bool
    webhook: Webhook | None


async def connect(
    client: WebhookClient,
    wanted: Wanted,
    *,
    check: bool = False,
    tell: Callable[[Step], None],
    new_secret: Callable[[], str],
) -> Connection:
    """Make or repair the webhook, or with `check` only say what there is to do.

    `new_secret` is asked if a webhook is made and no secret is wanted. Raises what the client
    raises; what was done before is told by then.
    """
    wanted = replace(wanted, me=await _me(client))
    seen = await client.firehoses()
    for webhook in seen.webhooks:
        tell(Step("found", connect_words.found(webhook), webhook))
    if not seen.webhooks:
        tell(Step("found", "There is no webhook for calls."))
    if not seen.sees_all:
        tell(Step("warning", "This token does not see the organisation's webhooks."))
    actions = plan(seen.webhooks, wanted)
    if check:
        return _checked(actions, wanted, tell)
    return await _Doing(client, wanted, tell, new_secret).all_of(actions)


def _checked(actions: list[Action], wanted: Wanted, tell: Callable[[Step], None]) -> Connection:
    for action in actions:
        tell(Step(f"check-{_kind(action)}", connect_words.planned(action, wanted), _of(action)))
    left = next((each.webhook for each in actions if isinstance(each, LeaveAlone)), None)
    is_connected = all(isinstance(each, LeaveAlone | Warn) for each in actions)
    return Connection(is_connected, left)


class _Doing:
    """Carries the actions out, in order."""

    def __init__(
        self,
        client: WebhookClient,
        wanted: Wanted,
        tell: Callable[[Step], None],
        new_secret: Callable[[], str],
    ) -> None:
        self._client = client
        self._wanted = wanted
        self._tell = tell
        self._new_secret = new_secret

    async def all_of(self, actions: list[Action]) -> Connection:
        connected: Webhook | None = None
        for action in actions:
            match action:
                case Create():
                    connected = await self._create()
                    self._say(action, connected)
                    for concern in concerns_of_new(connected):
                        self._say(concern, connected)
                case Repair(webhook, changes):
                    update = update_of(webhook, self._wanted, changes)
                    connected = await self._client.update(webhook.id, update)
                    self._verify(connected)
                    self._say(action, connected)
                case LeaveAlone(webhook):
                    connected = webhook
                    self._say(action, connected)
                case Delete(webhook):
                    await self._client.delete(webhook.id)
                    self._say(action, webhook)
                case Refuse(webhook) | Warn(_, webhook):
                    self._say(action, webhook)
                case _ as never:
                    assert_never(never)
        return Connection(connected is not None, connected)

    async def _create(self) -> Webhook:
        if self._wanted.secret is None:
            self._wanted = replace(self._wanted, secret=self._new_secret())
        try:
            try:
                made = await self._client.create(self._wanted.creation(WebhookOwner.ORG))
            except WebhookRefusedError:
                # Webex's guide makes it without an owner; nothing says that it takes one.
                made = await self._client.create(self._wanted.creation(None))
        except WebhookTakenError as error:
            raise WebhookTakenError(
                "The cloud says that there is a webhook like this already, but this token does not "
                "see it: another administrator made it. Use their token, or let them remove it.",
                error.status,
                tracking_id=error.tracking_id,
            ) from error
        self._verify(made)
        return made

    def _verify(self, webhook: Webhook) -> None:
        """The cloud's answer is believed for what it says, not for its status alone."""
        is_there = same_target(webhook.targetUrl, self._wanted.target)
        if not is_there or webhook.status is not WebhookStatus.ACTIVE:
            raise ServiceError(
                "The cloud took the change and did not make it: " + connect_words.found(webhook),
                200,
            )

    def _say(self, action: Action, webhook: Webhook) -> None:
        self._tell(Step(_kind(action), connect_words.done(action, self._wanted), webhook))


async def _me(client: WebhookClient) -> str:
    """The person's id; empty if the token may not ask, which is no reason to stop."""
    try:
        return (await client.me()).id
    except NotAllowedError:
        return ""


def _kind(action: Action) -> str:
    match action:
        case Create():
            return "create"
        case Repair():
            return "repair"
        case LeaveAlone():
            return "unchanged"
        case Delete():
            return "delete"
        case Refuse():
            return "refused"
        case Warn(concern):
            return f"warning-{concern}"
        case _ as never:
            assert_never(never)


def _of(action: Action) -> Webhook | None:
    return None if isinstance(action, Create) else action.webhook
