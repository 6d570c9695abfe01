"""Forwarding between the directory, which counts seconds, and Webex's bodies, which count rings."""

from offhook.service.directory.directory import can_be_dialled
from offhook.service.directory.entries import ForwardingRule
from offhook.serving.errors import ApiError
from offhook.wire import person_settings as wire
from offhook.wire.person_settings import MOST_RINGS, SECONDS_PER_RING


def shown_rule(rule: ForwardingRule) -> wire.ForwardingRule:
    """A rule as a body has it."""
    return wire.ForwardingRule(rule.enabled, rule.destination, destinationVoicemailEnabled=False)


def changed_rule(name: str, rule: ForwardingRule, body: wire.ForwardingRule) -> ForwardingRule:
    """The rule with what a body says of it. Raises ApiError, naming the rule by `name`."""
    enabled = rule.enabled if body.enabled is None else body.enabled
    destination = rule.destination if body.destination is None else body.destination.strip()
    if enabled and body.destinationVoicemailEnabled:
        raise ApiError(400, f"{name}: this service has no voicemail that calls could go to.")
    if enabled and not destination:
        raise ApiError(400, f"{name}: say where calls go; destination is missing.")
    if destination and not can_be_dialled(destination):
        raise ApiError(400, f"{name}: destination is no number, extension or address.")
    return ForwardingRule(enabled, destination)


def must_be_off(name: str, rule: wire.ForwardingRule | None, why: str) -> None:
    """Raises ApiError if a body switches on what is not offered."""
    if rule is not None and rule.enabled:
        raise ApiError(400, f"{name}: {why}")


def rings_of(seconds: float) -> int:
    """About so many rings."""
    return min(max(round(seconds / SECONDS_PER_RING), 1), MOST_RINGS)


def seconds_of(name: str, rings: int) -> float:
    """How long so many rings last. Raises ApiError, naming what they are by `name`."""
    if not 1 <= rings <= MOST_RINGS:
        raise ApiError(400, f"{name} must be 1 to {MOST_RINGS}.")
    return rings * SECONDS_PER_RING
