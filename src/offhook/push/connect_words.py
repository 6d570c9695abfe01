"""What `offhook push connect` found and did, in sentences. No secret and no token is in any."""

from typing import assert_never

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
    shown,
)
from offhook.wire.webhooks import Webhook, WebhookOwner, WebhookStatus

_CONCERNS = {
    Concern.DUPLICATE: (
        "{it} leads to the same target, so each call comes twice. The backend sends one push all "
        "the same. --replace removes it."
    ),
    Concern.ELSEWHERE: "{it} tells another backend of calls, too, at {target}.",
    Concern.PERSONAL: (
        "{it} belongs to its creator and not to the organisation. If only the creator's own calls "
        "come, make it with an account that may own organisation-wide webhooks."
    ),
    Concern.SOMEBODY_ELSES: (
        "{it} was made by another account. The cloud disables it when that account leaves the "
        "organisation, and only that account may be able to change it."
    ),
    Concern.FILTERED: (
        "{it} leads to the same target, but only for a part of the calls; those come twice. "
        "--replace removes it."
    ),
    Concern.UNSIGNED: (
        "{it} has no secret that this token can see. A backend that checks signatures refuses "
        "unsigned events; set one with --secret-file FILE."
    ),
}


def named(webhook: Webhook) -> str:
    """``The webhook "Offhook push"``. Others choose names: what a terminal obeys is left out."""
    name = "".join(each for each in webhook.name if each.isprintable())
    return f'The webhook "{name}"'


def found(webhook: Webhook) -> str:
    """A webhook that is there."""
    owner = "the organisation" if webhook.ownedBy is WebhookOwner.ORG else "its creator"
    state = "active" if webhook.status is WebhookStatus.ACTIVE else "disabled by the cloud"
    part = f", for {webhook.filter} only" if webhook.filter else ""
    return f"{named(webhook)} leads to {shown(webhook.targetUrl)}, owned by {owner}{part}; {state}."


def planned(action: Action, wanted: Wanted) -> str:
    """What would be done, for `--check`; a warning is what it is."""
    match action:
        case Create():
            return f"A webhook to {shown(wanted.target)} has to be made."
        case Repair(webhook, changes):
            return f"{named(webhook)} has to be repaired: {_reasons(webhook, changes)}."
        case Delete(webhook):
            return f"{named(webhook)} would be removed."
        case LeaveAlone() | Refuse() | Warn():
            return done(action, wanted)
        case _ as never:
            assert_never(never)


def done(action: Action, wanted: Wanted) -> str:
    """What was done."""
    match action:
        case Create():
            return f"Made a webhook to {shown(wanted.target)}."
        case Repair(webhook, changes):
            return f"Repaired {_lower(named(webhook))}: {_reasons(webhook, changes)}."
        case LeaveAlone(webhook):
            return f"{named(webhook)} is as it should be; nothing was changed."
        case Delete(webhook):
            return f"Removed {_lower(named(webhook))}, which led to {shown(webhook.targetUrl)}."
        case Refuse(webhook):
            return (
                f"{named(webhook)} has the organisation's only place for a webhook like this and "
                f"leads to {shown(webhook.targetUrl)}. If that is not in use any more, "
                "take it over with --replace."
            )
        case Warn(concern, webhook):
            sentence = _CONCERNS[concern]
            return sentence.format(it=named(webhook), target=shown(webhook.targetUrl))
        case _ as never:
            assert_never(never)


def _reasons(webhook: Webhook, changes: frozenset[Change]) -> str:
    sentences = {
        Change.STATUS: "the cloud had disabled it, as it does when too many deliveries fail",
        Change.TARGET: f"it led to {shown(webhook.targetUrl)}",
        Change.SECRET: "its secret was another one, or could not be seen",
    }
    return "; ".join(text for change, text in sentences.items() if change in changes)


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]
