"""Who guesses passwords is slowed down; who signs in correctly is not."""

from pathlib import Path

import pytest

from offhook.service.config import Limits
from service.running import PEOPLE, App, Cloud, config, is_webex_error, started

THREE = Limits(sign_ins=3, sign_in_seconds=600)


@pytest.fixture
async def strict(demo_data: Path):
    async with started(config(demo_data, limits=THREE)) as cloud:
        yield cloud


async def test_after_some_wrong_passwords_even_the_right_one_has_to_wait(strict: Cloud) -> None:
    app = App(strict)
    page = await app.open_page()
    for _ in range(3):
        assert (await app.submit(page, PEOPLE["alice"], "wrong")).status == 401
    refused = await app.submit(page, PEOPLE["alice"])
    assert refused.status == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 200
    assert "Too many attempts" in refused.body.decode()


async def test_wrong_passwords_for_many_people_from_one_address_count_together(
    strict: Cloud,
) -> None:
    app = App(strict)
    page = await app.open_page()
    for name in ("alice", "bob", "carol"):
        assert (await app.submit(page, PEOPLE[name], "wrong")).status == 401
    assert (await app.submit(page, PEOPLE["dave"])).status == 429


async def test_signing_in_correctly_is_never_too_often(strict: Cloud) -> None:
    for _ in range(8):
        tokens = await App(strict).sign_in()
        assert (await App(strict).refresh(tokens["refresh_token"])).status == 200


@pytest.mark.parametrize("form", [{"grant_type": "refresh_token", "refresh_token": "x"}])
async def test_guessing_tokens_is_slowed_down(strict: Cloud, form: dict[str, str]) -> None:
    answers = [await strict.post("/v1/access_token", data=form) for _ in range(4)]
    assert [answer.status for answer in answers] == [401, 401, 401, 429]
    assert is_webex_error(answers[3], 429)
    assert int(answers[3].headers["Retry-After"]) > 0
    login = await strict.post("/v1/jwt/login", headers={"Authorization": "x"})
    assert is_webex_error(login, 429)


async def test_a_client_cannot_pretend_to_come_from_elsewhere(strict: Cloud) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    statuses = [
        (
            await strict.post(
                "/v1/access_token", data=form, headers={"X-Forwarded-For": f"192.0.2.{number}"}
            )
        ).status
        for number in range(4)
    ]
    assert statuses[-1] == 429


async def test_a_trusted_proxy_is_believed_about_whom_it_speaks_for(demo_data: Path) -> None:
    settings = config(demo_data, limits=THREE, proxies=["127.0.0.1"])
    async with started(settings) as cloud:
        form = {"grant_type": "refresh_token", "refresh_token": "x"}
        for number in range(6):
            headers = {"X-Forwarded-For": f"192.0.2.{number}"}
            answer = await cloud.post("/v1/access_token", data=form, headers=headers)
            assert answer.status == 401
