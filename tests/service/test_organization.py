"""A production service has the people and apps that its configuration file names."""

from pathlib import Path

import pytest

from offhook.engine.exchange.model import PersonTarget, ServiceTarget
from offhook.service.config import ServiceConfig, load
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
