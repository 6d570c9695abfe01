"""People decide what becomes of their calls: with wxc-sdk, and as the browser client does it."""

from typing import Any

import pytest
from wxc_sdk import WebexSimpleApi
from wxc_sdk.person_settings.dnd import DND
from wxc_sdk.person_settings.forwarding import (
    CallForwardingAlways,
    CallForwardingCommon,
    CallForwardingNoAnswer,
)
from wxc_sdk.rest import RestError

from offhook.engine.exchange.model import PersonTarget, Rules
from offhook.service.directory.demo import DEMO_ORG_ID
from offhook.wire.ids import ResourceKind, encode_id
from service.running import PEOPLE, Cloud, is_webex_error
from service.wxc import with_wxc_sdk

BOB = encode_id(ResourceKind.PEOPLE, PEOPLE["bob"].entry().person_id)
ORG = encode_id(ResourceKind.ORGANIZATION, DEMO_ORG_ID)
FORWARDING = f"/v1/people/{BOB}/features/callForwarding"
DO_NOT_DISTURB = f"/v1/people/{BOB}/features/doNotDisturb"


async def rules(cloud: Cloud, name: str = "bob") -> Rules:
    """What a call to somebody goes by."""
    target = await cloud.service.directory.resolve(DEMO_ORG_ID, PEOPLE[name].extension)
    assert isinstance(target, PersonTarget)
    return target.rules


async def test_wxc_sdk_reads_and_changes_somebodys_own_forwarding(cloud: Cloud) -> None:
    def story(api: WebexSimpleApi) -> tuple[Any, ...]:
        forwarding = api.person_settings.forwarding
        before = forwarding.read(BOB)
        before.call_forwarding.busy = CallForwardingCommon(enabled=True, destination="1003")
        before.call_forwarding.no_answer = CallForwardingNoAnswer(
            enabled=True, destination="+1 (202) 555-0104", number_of_rings=3
        )
        forwarding.configure(BOB, before)
        return before, forwarding.read(BOB), api.me.forwarding.settings()

    before, after, mine = await with_wxc_sdk(cloud, await cloud.token("bob"), story)
    assert before.business_continuity.enabled is False
    assert after.call_forwarding.always.enabled is False
    assert after.call_forwarding.busy.destination == "1003"
    assert after.call_forwarding.no_answer.number_of_rings == 3
    assert after.call_forwarding.no_answer.system_max_number_of_rings == 20
    assert mine == after
    decided = await rules(cloud)
    assert decided.busy is not None
    assert decided.no_answer is not None
    assert isinstance(decided.busy.target, PersonTarget)
    assert isinstance(decided.no_answer.target, PersonTarget)
    assert decided.busy.target.party.name == "Carol Clark"
    assert decided.no_answer.target.party.name == "Dave Davis"
    assert decided.no_answer_seconds == 18


async def test_an_administrator_does_it_for_somebody_with_wxc_sdk(cloud: Cloud) -> None:
    def story(api: WebexSimpleApi) -> tuple[bool | None, bool | None]:
        forwarding = api.person_settings.forwarding.read(BOB, org_id=ORG)
        forwarding.call_forwarding.always = CallForwardingAlways(
            enabled=True, destination="1004", ring_reminder_enabled=False
        )
        api.person_settings.forwarding.configure(BOB, forwarding, org_id=ORG)
        before = api.person_settings.dnd.read(BOB)
        api.person_settings.dnd.configure(BOB, DND(enabled=True))
        return before.enabled, api.person_settings.dnd.read(BOB).enabled

    assert await with_wxc_sdk(cloud, await cloud.token("ada"), story) == (False, True)
    decided = await rules(cloud)
    assert decided.do_not_disturb
    assert decided.always is not None
    assert decided.always.dialled == "1004"


async def test_wxc_sdk_switches_ones_own_do_not_disturb_and_reads_call_waiting(
    cloud: Cloud,
) -> None:
    def story(api: WebexSimpleApi) -> tuple[bool | None, bool, bool]:
        api.me.dnd.configure(DND(enabled=True, ring_splash_enabled=False))
        api.person_settings.call_waiting.configure(BOB, True)
        with pytest.raises(RestError, match="do-not-disturb"):
            api.person_settings.call_waiting.configure(BOB, False)
        waiting = api.person_settings.call_waiting.read(BOB), api.me.call_waiting.get()
        return api.me.dnd.settings().enabled, *waiting

    assert await with_wxc_sdk(cloud, await cloud.token("bob"), story) == (True, True, True)
    assert (await rules(cloud)).do_not_disturb
    assert not (await rules(cloud, "alice")).do_not_disturb


async def test_the_browser_client_switches_do_not_disturb(cloud: Cloud) -> None:
    token = await cloud.token("bob")
    path = f"{DO_NOT_DISTURB}?orgId={ORG}"
    body = {"enabled": True, "ringSplashEnabled": False}
    assert (await cloud.request("PUT", path, token=token, json=body)).status == 204
    answer = await cloud.get(path, token=token)
    assert answer.json == body | {"webexGoOverrideEnabled": False}


async def test_what_a_body_does_not_mention_stays(cloud: Cloud) -> None:
    token = await cloud.token("bob")
    for rule in (
        {"busy": {"enabled": True, "destination": "1003"}},
        {"always": {"enabled": False, "destination": "1004"}},
        {"busy": {"enabled": False}},
        {"noAnswer": {"numberOfRings": 7}},
    ):
        changed = await cloud.request("PUT", FORWARDING, token=token, json={"callForwarding": rule})
        assert changed.status == 204
    shown = (await cloud.get(FORWARDING, token=token)).json["callForwarding"]
    assert (shown["busy"]["enabled"], shown["busy"]["destination"]) == (False, "1003")
    assert shown["always"]["destination"] == "1004"
    assert shown["noAnswer"]["numberOfRings"] == 7


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"callForwarding": {"always": {"enabled": True}}}, "always: say where"),
        ({"callForwarding": {"busy": {"destination": "the boss"}}}, "busy: destination"),
        (
            {"callForwarding": {"busy": {"enabled": True, "destination": "1002"}}},
            "to the person they are for",
        ),
        ({"callForwarding": {"noAnswer": {"numberOfRings": 0}}}, "numberOfRings must be 1 to 20"),
        (
            {
                "callForwarding": {
                    "always": {
                        "enabled": True,
                        "destination": "1003",
                        "destinationVoicemailEnabled": True,
                    }
                }
            },
            "voicemail",
        ),
        ({"businessContinuity": {"enabled": True, "destination": "1003"}}, "businessContinuity"),
        ({"callForwarding": "yes"}, "cannot be read"),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_changes(
    cloud: Cloud, body: object, said: str
) -> None:
    token = await cloud.token("bob")
    refused = await cloud.request("PUT", FORWARDING, token=token, json=body)
    assert is_webex_error(refused, 400)
    assert said in refused.json["message"]
    assert await rules(cloud) == Rules()


async def test_nobody_decides_for_somebody_else(cloud: Cloud) -> None:
    token = await cloud.token("alice")
    for path in (FORWARDING, DO_NOT_DISTURB):
        assert is_webex_error(await cloud.get(path, token=token), 403)
        refused = await cloud.request("PUT", path, token=token, json={"enabled": True})
        assert is_webex_error(refused, 403)
    nobody = FORWARDING.replace(BOB, ORG)
    admin = await cloud.token("ada")
    assert is_webex_error(await cloud.get(nobody, token=admin), 404)
    assert is_webex_error(await cloud.get(f"{FORWARDING}?orgId={BOB}", token=admin), 403)
    assert (await cloud.get(FORWARDING)).status == 401
    assert await rules(cloud) == Rules()
