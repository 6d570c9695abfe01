"""Hunt groups between the directory and Webex's bodies."""

from collections.abc import Mapping
from dataclasses import replace

from offhook.engine.exchange.model import HuntPolicy
from offhook.service.directory.entries import Forwarding, HuntGroup, PersonEntry
from offhook.service.directory.forwarding_body import (
    changed_rule,
    must_be_off,
    rings_of,
    seconds_of,
    shown_rule,
)
from offhook.serving.errors import ApiError
from offhook.wire.hunt_groups import Agent, GroupNoAnswer, GroupPolicies, HuntGroupBody
from offhook.wire.ids import ResourceKind, encode_id
from offhook.wire.person_settings import MOST_RINGS, ForwardingRule

#: Rings of those who said nothing else.
_MEMBER_RINGS, _GROUP_RINGS = 5, 15
_NOT_OFFERED = "this service does not offer that."


def shown_group(group: HuntGroup, people: Mapping[str, PersonEntry]) -> HuntGroupBody:
    """A group with its members, who are looked up in `people` by id."""
    seconds, forwarding = group.member_seconds, group.forwarding
    no_answer = GroupNoAnswer(
        nextAgentEnabled=seconds is not None,
        nextAgentRings=_MEMBER_RINGS if seconds is None else rings_of(seconds),
        forwardEnabled=forwarding.no_answer.enabled,
        destination=forwarding.no_answer.destination,
        numberOfRings=_GROUP_RINGS
        if forwarding.no_answer_seconds is None
        else rings_of(forwarding.no_answer_seconds),
        systemMaxNumberOfRings=MOST_RINGS,
        destinationVoicemailEnabled=False,
    )
    return HuntGroupBody(
        id=group_rest_id(group),
        name=group.name,
        enabled=group.enabled,
        phoneNumber=group.number or None,
        extension=group.extension or None,
        callPolicies=GroupPolicies(
            policy=group.policy.value,
            waitingEnabled=False,
            groupBusyEnabled=False,
            allowMembersToControlGroupBusyEnabled=False,
            noAnswer=no_answer,
            busyRedirect=shown_rule(forwarding.busy),
            businessContinuityRedirect=ForwardingRule(
                enabled=False, destination="", destinationVoicemailEnabled=False
            ),
        ),
        agents=[_agent(people[each]) for each in group.members if each in people],
        alternateNumbers=[],
    )


def group_rest_id(group: HuntGroup) -> str:
    """The id by which REST knows the group."""
    return encode_id(ResourceKind.HUNT_GROUP, group.group_id)


def with_policies(group: HuntGroup, policies: GroupPolicies) -> HuntGroup:
    """The group with what a body says of its policies. Raises ApiError."""
    for name in ("waitingEnabled", "groupBusyEnabled", "allowMembersToControlGroupBusyEnabled"):
        if getattr(policies, name):
            raise ApiError(400, f"callPolicies: {name}: {_NOT_OFFERED}")
    must_be_off(
        "callPolicies: businessContinuityRedirect",
        policies.businessContinuityRedirect,
        _NOT_OFFERED,
    )
    forwarding = group.forwarding
    if policies.busyRedirect is not None:
        busy = changed_rule("busyRedirect", forwarding.busy, policies.busyRedirect)
        forwarding = replace(forwarding, busy=busy)
    seconds = group.member_seconds
    if policies.noAnswer is not None:
        forwarding = _with_no_answer(forwarding, policies.noAnswer)
        seconds = _member_seconds(seconds, policies.noAnswer)
    policy = group.policy if policies.policy is None else _policy(policies.policy)
    return replace(group, policy=policy, member_seconds=seconds, forwarding=forwarding)


def _with_no_answer(forwarding: Forwarding, body: GroupNoAnswer) -> Forwarding:
    rule = ForwardingRule(
        enabled=body.forwardEnabled,
        destination=body.destination,
        destinationVoicemailEnabled=body.destinationVoicemailEnabled,
    )
    forwarding = replace(forwarding, no_answer=changed_rule("noAnswer", forwarding.no_answer, rule))
    if body.numberOfRings is None:
        return forwarding
    seconds = seconds_of("noAnswer: numberOfRings", body.numberOfRings)
    return replace(forwarding, no_answer_seconds=seconds)


def _member_seconds(seconds: float | None, body: GroupNoAnswer) -> float | None:
    if body.nextAgentEnabled is False:
        return None
    if body.nextAgentRings is None:
        return seconds
    asked = seconds_of("noAnswer: nextAgentRings", body.nextAgentRings)
    # Rings of members who do not take turns, and shall not: they have no meaning.
    return asked if body.nextAgentEnabled or seconds is not None else None


def _policy(text: str) -> HuntPolicy:
    try:
        return HuntPolicy(text)
    except ValueError:
        known = ", ".join(HuntPolicy)
        raise ApiError(400, f"callPolicies: policy may be {known}.") from None


def _agent(person: PersonEntry) -> Agent:
    return Agent(
        id=encode_id(ResourceKind.PEOPLE, person.person_id),
        firstName=person.first_name,
        lastName=person.last_name,
        type="PEOPLE",
        phoneNumber=person.number or None,
        extension=person.extension or None,
    )
