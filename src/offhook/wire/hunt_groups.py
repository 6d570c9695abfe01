"""Hunt groups, and the locations that they are in: ``/telephony/config`` and ``/locations``.

What is read of a body is what it has; who writes one fills in what there is.

Source: developer.webex.com, "Features: Hunt Group" and "Locations"; wxc-sdk, `telephony.huntgroup`.
"""

from typing import Annotated

import msgspec

from offhook.wire.person_settings import ForwardingRule


class GroupNoAnswer(msgspec.Struct, omit_defaults=True):
    """When nobody answers: on to the next one after some rings, and on to a number after more."""

    nextAgentEnabled: bool | None = None
    nextAgentRings: int | None = None
    forwardEnabled: bool | None = None
    destination: str | None = None
    numberOfRings: int | None = None
    systemMaxNumberOfRings: int | None = None
    destinationVoicemailEnabled: bool | None = None


class GroupPolicies(msgspec.Struct, omit_defaults=True):
    """Who is rung. `policy` is CIRCULAR, REGULAR, SIMULTANEOUS, UNIFORM or WEIGHTED."""

    policy: str | None = None
    waitingEnabled: bool | None = None
    groupBusyEnabled: bool | None = None
    allowMembersToControlGroupBusyEnabled: bool | None = None
    noAnswer: GroupNoAnswer | None = None
    busyRedirect: ForwardingRule | None = None
    businessContinuityRedirect: ForwardingRule | None = None


class Agent(msgspec.Struct, omit_defaults=True):
    """A member of a group, by the id of a person."""

    id: str
    firstName: str | None = None
    lastName: str | None = None
    type: str | None = None
    phoneNumber: str | None = None
    extension: str | None = None
    weight: str | None = None


class HuntGroupBody(msgspec.Struct, omit_defaults=True):
    """A group, as it is created, changed and shown. An empty number takes the number away."""

    id: str | None = None
    name: str | None = None
    enabled: bool | None = None
    phoneNumber: str | None = None
    extension: str | None = None
    callPolicies: GroupPolicies | None = None
    agents: list[Agent] | None = None
    alternateNumbers: list[msgspec.Raw] | None = None


class HuntGroupSummary(msgspec.Struct, omit_defaults=True):
    """A group in the list of all."""

    id: str
    name: str
    locationId: str
    locationName: str
    enabled: bool
    phoneNumber: str | None = None
    extension: str | None = None


class HuntGroupList(msgspec.Struct):
    """A page of groups; the next page is in the ``Link`` header."""

    huntGroups: list[HuntGroupSummary]


class HuntGroupQuery(msgspec.Struct):
    """The parameters of GET ``/telephony/config/huntGroups``."""

    orgId: str | None = None
    locationId: str | None = None
    name: str | None = None
    phoneNumber: str | None = None
    max: Annotated[int, msgspec.Meta(ge=1, le=2000)] = 2000
    start: Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)] = 0


class GroupForwardingRules(msgspec.Struct):
    """`selective` forwarding by rules is not offered: it is off, and there are no rules."""

    always: ForwardingRule = msgspec.field(default_factory=ForwardingRule)
    selective: ForwardingRule = msgspec.field(default_factory=ForwardingRule)
    rules: list[msgspec.Raw] = []


class GroupForwarding(msgspec.Struct):
    """``/telephony/config/locations/{id}/huntGroups/{id}/callForwarding``."""

    callForwarding: GroupForwardingRules


class CreatedId(msgspec.Struct):
    """The id of what was created."""

    id: str


class Address(msgspec.Struct):
    """Where a location is; `country` in two letters."""

    country: str


class Location(msgspec.Struct):
    """A location. There is one for each organisation, under the organisation's name."""

    id: str
    name: str
    orgId: str
    address: Address


class LocationList(msgspec.Struct):
    """All locations."""

    items: list[Location]
