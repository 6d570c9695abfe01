"""A production service has the people and apps that its configuration file names."""

from dataclasses import replace
from pathlib import Path

import pytest

from offhook.engine.exchange.model import (
    GroupTarget,
    HuntPolicy,
    PersonTarget,
    Rules,
    ServiceTarget,
)
from offhook.service.config import ServiceConfig, load
from offhook.service.directory import CallSettings
from offhook.service.organization import organization_id
from offhook.serving.address import ConfigError
from service.running import CALLBACK, App, Cloud, form_fields, redirected, started

FILE = """
data = "{data}"
http = "127.0.0.1:0"
https = ""

[organization]
name = "Example"
test_numbers = {{ echo = "8001" }}

[[organization.people]]
name = "Erin Example"
email = "Erin@example.org"
number = "+12025550123"
extension = "2001"
password = "a long one"
admin = true

[[organization.people]]
name = "Lobby"
email = "lobby@example.org"
extension = "2002"

[[organization.apps]]
id = "reception"
name = "Reception"
redirect_uris = ["http://127.0.0.1:49152/callback"]
"""


def settings(tmp_path: Path, text: str = FILE) -> ServiceConfig:
    path = tmp_path / "offhook.toml"
    path.write_text(text.format(data=tmp_path / "data"))
    return load(path)


async def signed_in(cloud: Cloud, email: str, password: str) -> int:
    app = App(cloud, client_id="reception")
    page = await app.open_page()
    filled = form_fields(page) | {"email": email, "password": password}
    answer = await cloud.post("/v1/authorize", data=filled)
    if answer.status == 302:
        assert answer.headers["Location"].startswith(CALLBACK)
        assert (await app.exchange(redirected(answer)["code"])).status == 200
    return answer.status


async def test_whom_the_file_names_can_sign_in_and_be_called(tmp_path: Path) -> None:
    async with started(settings(tmp_path)) as cloud:
        assert await signed_in(cloud, "erin@example.org", "a long one") == 302
        org = organization_id("Example")
        erin = await cloud.service.directory.find_by_email("erin@example.org")
        assert erin is not None
        assert (erin.is_admin, erin.first_name, erin.last_name) == (True, "Erin", "Example")
        for dialled in ("2001", "+12025550123"):
            target = await cloud.service.directory.resolve(org, dialled)
            assert isinstance(target, PersonTarget)
            assert target.party.person_id == erin.person_id
        assert isinstance(await cloud.service.directory.resolve(org, "8001"), ServiceTarget)


@pytest.mark.parametrize("password", ["", "None", "a long one"])
async def test_who_has_no_password_cannot_sign_in_with_one(tmp_path: Path, password: str) -> None:
    async with started(settings(tmp_path)) as cloud:
        assert await signed_in(cloud, "lobby@example.org", password) == 401


async def test_the_next_start_adds_the_new_and_leaves_the_others_alone(tmp_path: Path) -> None:
    async with started(settings(tmp_path)):
        pass
    more = FILE.replace('"a long one"', '"another"') + (
        '[[organization.people]]\nname = "New"\nemail = "new@example.org"\npassword = "new one"\n'
    )
    async with started(settings(tmp_path, more)) as cloud:
        assert await signed_in(cloud, "erin@example.org", "a long one") == 302
        assert await signed_in(cloud, "erin@example.org", "another") == 401
        assert await signed_in(cloud, "new@example.org", "new one") == 302


async def test_two_with_one_number_are_refused_by_name(tmp_path: Path) -> None:
    clash = FILE.replace('extension = "2002"', 'extension = "2001"')
    with pytest.raises(ConfigError, match=r"extension of lobby@example\.org"):
        async with started(settings(tmp_path, clash)):
            pytest.fail("it started")


GROUPS = """
[[organization.people]]
name = "Frank Far"
email = "frank@example.org"
extension = "2003"
do_not_disturb = true
forwarding = { busy = "2001", no_answer = "lobby@example.org", no_answer_seconds = 20 }

[[organization.groups]]
name = "Reception"
extension = "2100"
number = "+12025550150"
policy = "longest_idle"
members = ["lobby@example.org", "ERIN@example.org"]
member_seconds = 12
forwarding = { no_answer = "2001", no_answer_seconds = 40 }
"""


async def test_calls_go_where_the_file_says(tmp_path: Path) -> None:
    async with started(settings(tmp_path, FILE + GROUPS.replace("{", "{{").replace("}", "}}"))) as (
        cloud
    ):
        directory, org = cloud.service.directory, organization_id("Example")
        frank = await directory.resolve(org, "2003")
        assert isinstance(frank, PersonTarget)
        assert frank.rules.do_not_disturb
        assert frank.rules.busy is not None
        assert frank.rules.no_answer is not None
        assert frank.rules.no_answer_seconds == 20
        assert frank.rules.busy.target == await directory.resolve(org, "2001")
        assert frank.rules.no_answer.target == await directory.resolve(org, "2002")
        group = await directory.resolve(org, "+12025550150")
        assert isinstance(group, GroupTarget)
        assert (group.party.name, group.policy) == ("Reception", HuntPolicy.LONGEST_IDLE)
        assert [each.party.name for each in group.members] == ["Lobby", "Erin Example"]
        assert group.member_seconds == 12
        assert group.rules.no_answer_seconds == 40


async def test_what_people_and_administrators_changed_outlives_the_next_start(
    tmp_path: Path,
) -> None:
    text = FILE + GROUPS.replace("{", "{{").replace("}", "}}")
    org = organization_id("Example")
    async with started(settings(tmp_path, text)) as cloud:
        directory = cloud.service.directory
        frank = await directory.find_by_email("frank@example.org")
        assert frank is not None
        await directory.settings.set(frank.person_id, CallSettings())
        (group,) = await directory.groups.of_org(org)
        await directory.groups.change(replace(group, members=(frank.person_id,)))
    async with started(settings(tmp_path, text)) as cloud:
        target = await cloud.service.directory.resolve(org, "2003")
        assert isinstance(target, PersonTarget)
        assert target.rules == Rules()
        (group,) = await cloud.service.directory.groups.of_org(org)
        assert group.members == (frank.person_id,)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('lobby@example.org", "ERIN', 'nobody@example.org", "ERIN', "nobody@example.org"),
        ('"2100"', '"2003"', "extension of Reception"),
    ],
)
async def test_a_group_that_cannot_be_is_refused_by_name(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in GROUPS
    text = FILE + GROUPS.replace(old, new).replace("{", "{{").replace("}", "}}")
    with pytest.raises(ConfigError, match=said):
        async with started(settings(tmp_path, text)):
            pytest.fail("it started")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('busy = "2001"', 'busy = "the boss"', "'the boss' cannot be dialled"),
        ('busy = "2001"', 'bsy = "2001"', "bsy"),
        ("no_answer_seconds = 20", "no_answer_seconds = 60", "1 to 55"),
        ("no_answer_seconds = 40", "no_answer_seconds = nan", "1 to 300"),
        ("member_seconds = 12", "member_seconds = 0", "member_seconds must be 1 to 55"),
        ('"longest_idle"', '"fairest"', "fairest"),
        ('name = "Reception"', 'name = " "', "name"),
        ('"ERIN@example.org"', '"LOBBY@example.org"', "named twice"),
        ('extension = "2100"\nnumber = "+12025550150"\n', "", "a number, an extension"),
        ('"+12025550150"', '"12025550150"', "+12025550101"),
        ('extension = "2100"', 'extension = "x"', "extension"),
        ("do_not_disturb = true", 'do_not_disturb = "yes"', "do_not_disturb"),
    ],
)
def test_what_is_wrong_with_groups_and_forwarding_is_said(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in GROUPS
    text = FILE + GROUPS.replace(old, new).replace("{", "{{").replace("}", "}}")
    with pytest.raises(ConfigError) as refused:
        settings(tmp_path, text)
    assert said in str(refused.value)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Erin@example.org", "erin", "e-mail address"),
        ("+12025550123", "2025550123", "+12025550101"),
        ('"2001"', '"x2001"', "extension"),
        ("echo =", "laughter =", "laughter"),
        ('name = "Reception"', "", "name"),
    ],
)
def test_what_is_wrong_in_it_is_said(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in FILE
    with pytest.raises(ConfigError) as refused:
        settings(tmp_path, FILE.replace(old, new))
    assert said in str(refused.value)
