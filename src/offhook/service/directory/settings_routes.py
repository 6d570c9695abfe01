"""A person's forwarding, do-not-disturb and call waiting over REST, for them and administrators.

Each is at two addresses: the person's, and that of whoever asks.
"""

from dataclasses import replace
from typing import Any

from litestar import Request, get, put
from litestar.handlers import HTTPRouteHandler

from offhook.engine.exchange.model import PersonTarget
from offhook.service.directory.access import must_be_own, own_or_administered
from offhook.service.directory.directory import Directory
from offhook.service.directory.entries import Forwarding, PersonEntry
from offhook.service.directory.forwarding_body import (
    changed_rule,
    must_be_off,
    rings_of,
    seconds_of,
    shown_rule,
)
from offhook.service.identity.principal import Principal, SignedIn
from offhook.serving.errors import ApiError
from offhook.wire.body import read_body
from offhook.wire.person_settings import (
    MOST_RINGS,
    CallForwarding,
    CallWaiting,
    DoNotDisturb,
    ForwardingRule,
    PersonForwarding,
)

AnyRequest = Request[Any, Any, Any]


def routes(directory: Directory, ring_seconds: float) -> list[HTTPRouteHandler]:
    """`ring_seconds` is how long the phones of those ring who decided nothing."""

    async def about(request: AnyRequest, principal: Principal) -> PersonEntry:
        must_be_own(principal, request.query_params.get("orgId"))
        person_id = request.path_params.get("person_id", principal.person_id)
        return await own_or_administered(directory, principal, str(person_id))

    @get(_both("callForwarding"))
    async def forwarding(request: AnyRequest, principal: SignedIn) -> PersonForwarding:
        person = await about(request, principal)
        settings = await directory.settings.of(person.person_id)
        return _shown(settings.forwarding, ring_seconds)

    @put(_both("callForwarding"), status_code=204)
    async def set_forwarding(request: AnyRequest, principal: SignedIn) -> None:
        person = await about(request, principal)
        body = read_body(await request.body(), PersonForwarding)
        settings = await directory.settings.of(person.person_id)
        changed = _changed(settings.forwarding, body)
        for rule in (changed.always, changed.busy, changed.no_answer):
            if rule.enabled:
                target = await directory.resolve(person.org_id, rule.destination)
                if isinstance(target, PersonTarget) and target.party == person.party:
                    raise ApiError(400, "Calls cannot be forwarded to the person they are for.")
        await directory.settings.set(person.person_id, replace(settings, forwarding=changed))

    @get(_both("doNotDisturb"))
    async def do_not_disturb(request: AnyRequest, principal: SignedIn) -> DoNotDisturb:
        person = await about(request, principal)
        settings = await directory.settings.of(person.person_id)
        return DoNotDisturb(
            settings.do_not_disturb, ringSplashEnabled=False, webexGoOverrideEnabled=False
        )

    @put(_both("doNotDisturb"), status_code=204)
    async def set_do_not_disturb(request: AnyRequest, principal: SignedIn) -> None:
        person = await about(request, principal)
        body = read_body(await request.body(), DoNotDisturb)
        settings = await directory.settings.of(person.person_id)
        if body.enabled is not None:
            changed = replace(settings, do_not_disturb=body.enabled)
            await directory.settings.set(person.person_id, changed)

    @get(_both("callWaiting"))
    async def call_waiting(request: AnyRequest, principal: SignedIn) -> CallWaiting:
        await about(request, principal)
        return CallWaiting(True)

    @put(_both("callWaiting"), status_code=204)
    async def set_call_waiting(request: AnyRequest, principal: SignedIn) -> None:
        await about(request, principal)
        if not read_body(await request.body(), CallWaiting).enabled:
            raise ApiError(400, "A second call always rings here; use do-not-disturb instead.")

    return [
        forwarding,
        set_forwarding,
        do_not_disturb,
        set_do_not_disturb,
        call_waiting,
        set_call_waiting,
    ]


def _both(feature: str) -> list[str]:
    return [
        f"/v1/people/{{person_id:str}}/features/{feature}",
        f"/v1/telephony/config/people/me/settings/{feature}",
    ]


def _shown(forwarding: Forwarding, ring_seconds: float) -> PersonForwarding:
    always, busy, no_answer = (
        shown_rule(rule) for rule in (forwarding.always, forwarding.busy, forwarding.no_answer)
    )
    always.ringReminderEnabled = False
    no_answer.numberOfRings = rings_of(forwarding.no_answer_seconds or ring_seconds)
    no_answer.systemMaxNumberOfRings = MOST_RINGS
    return PersonForwarding(
        CallForwarding(always, busy, no_answer),
        ForwardingRule(enabled=False, destination="", destinationVoicemailEnabled=False),
    )


def _changed(forwarding: Forwarding, body: PersonForwarding) -> Forwarding:
    must_be_off(
        "businessContinuity",
        body.businessContinuity,
        "phones that cannot be reached are woken here; use noAnswer instead.",
    )
    rules = body.callForwarding
    rings = rules.noAnswer.numberOfRings
    return Forwarding(
        changed_rule("always", forwarding.always, rules.always),
        changed_rule("busy", forwarding.busy, rules.busy),
        changed_rule("noAnswer", forwarding.no_answer, rules.noAnswer),
        forwarding.no_answer_seconds
        if rings is None
        else seconds_of("noAnswer: numberOfRings", rings),
    )
