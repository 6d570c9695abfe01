"""A person signs in to an app: the page, the code, the tokens."""

import asyncio
from pathlib import Path
from urllib.parse import urlencode

import pytest

from offhook.service.directory.demo import DEMO_ORG_ID
from offhook.service.identity.clients import Client
from service.running import CALLBACK, PEOPLE, App, Cloud, form_fields, is_webex_error, redirected


async def test_somebody_signs_in_and_the_app_acts_as_them(cloud: Cloud) -> None:
    app = App(cloud)
    page = await app.open_page()
    assert page.status == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert "Offhook demo app" in page.body.decode()
    back = await app.submit(page, PEOPLE["alice"])
    assert back.status == 302
    assert back.headers["Location"].startswith(CALLBACK + "?")
    assert redirected(back)["state"] == app.state
    tokens = (await app.exchange(redirected(back)["code"])).json
    assert tokens["token_type"] == "Bearer"
    assert tokens["scope"] == "spark:all"
    assert tokens["expires_in"] == 14 * 86400 - 1
    assert tokens["refresh_token_expires_in"] == 90 * 86400 - 1
    me = await cloud.get("/v1/people/me", token=tokens["access_token"])
    assert me.json["emails"] == [PEOPLE["alice"].email]


async def test_an_access_token_names_the_organisation_in_the_third_of_its_three_sections(
    cloud: Cloud,
) -> None:
    tokens = [(await App(cloud).sign_in())["access_token"], await cloud.token("bob")]
    for token in tokens:
        sections = token.split("_")
        assert len(sections) == 3
        assert sections[2] == DEMO_ORG_ID
        assert int(sections[0], 16).bit_length() > 128


async def test_no_token_can_be_read_from_the_database(cloud: Cloud) -> None:
    tokens = await App(cloud).sign_in()
    await cloud.service.stop()
    files = await asyncio.to_thread(all_files, Path(cloud.service.config.data))
    assert files
    for secret in (tokens["access_token"], tokens["refresh_token"], PEOPLE["alice"].password):
        assert not any(secret.split("_")[0].encode() in content for content in files)


async def test_a_wrong_password_is_said_on_the_page_which_keeps_the_address(cloud: Cloud) -> None:
    app = App(cloud)
    page = await app.submit(await app.open_page(), PEOPLE["alice"], "wrong")
    assert page.status == 401
    assert 'role="alert"' in page.body.decode()
    assert PEOPLE["alice"].email in page.body.decode()
    assert "wrong</" not in page.body.decode()
    again = await app.submit(page, PEOPLE["alice"])
    assert again.status == 302


async def test_an_unknown_address_is_answered_exactly_like_a_wrong_password(cloud: Cloud) -> None:
    app = App(cloud)
    page = await app.open_page()
    fields = form_fields(page)
    answers = [
        await cloud.post("/v1/authorize", data=fields | {"email": email, "password": "wrong"})
        for email in (PEOPLE["alice"].email, "nobody@example.org")
    ]
    known, unknown = (
        answer.body.decode().replace(email, "")
        for answer, email in zip(
            answers, (PEOPLE["alice"].email, "nobody@example.org"), strict=True
        )
    )
    assert known == unknown
    assert [answer.status for answer in answers] == [401, 401]


async def test_a_form_from_another_site_is_not_taken(cloud: Cloud) -> None:
    app = App(cloud)
    fields = form_fields(await app.open_page())
    cloud.http.cookie_jar.clear()
    alice = PEOPLE["alice"]
    filled = {"email": alice.email, "password": alice.password}
    for forged in (fields, app.asked, fields | {"csrf": "ä"}):
        answer = await cloud.post("/v1/authorize", data=forged | filled)
        assert answer.status == 400
        assert "Location" not in answer.headers


async def test_two_pages_of_one_browser_can_both_be_used(cloud: Cloud) -> None:
    one, other = App(cloud), App(cloud)
    first, second = await one.open_page(), await other.open_page()
    assert (await one.submit(first, PEOPLE["alice"])).status == 302
    assert (await other.submit(second, PEOPLE["bob"])).status == 302


async def test_the_page_runs_nothing_loads_nothing_and_stays_out_of_frames(cloud: Cloud) -> None:
    page = await App(cloud).open_page()
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' http://127.0.0.1:49152" in policy
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Cache-Control"] == "no-store"
    assert "<script" not in page.body.decode()
    assert "HttpOnly" in page.headers["Set-Cookie"]


async def test_what_an_app_sends_cannot_break_out_of_the_page(cloud: Cloud) -> None:
    app = App(cloud, state='"><script>alert(1)</script>')
    page = await app.open_page(login_hint='"><img src=x>')
    assert "<script" not in page.body.decode()
    assert "<img" not in page.body.decode()
    back = await app.submit(page, PEOPLE["alice"])
    assert redirected(back)["state"] == app.state


async def test_who_does_not_want_to_goes_back_by_a_link(cloud: Cloud) -> None:
    page = await App(cloud, state="abc").open_page()
    assert f'href="{CALLBACK}?error=access_denied&amp;state=abc"' in page.body.decode()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"client_id": "unknown"}, "not registered"),
        ({"redirect_uri": "https://evil.example/callback"}, "not its own"),
        ({"redirect_uri": "http://127.0.0.1:80@evil.example/callback"}, "not its own"),
        ({"redirect_uri": "http://127.0.0.1:1/callback/../elsewhere"}, "not its own"),
        ({"redirect_uri": ""}, "not its own"),
    ],
)
async def test_an_app_that_is_not_who_it_says_is_never_redirected_to(
    cloud: Cloud, changes: dict[str, str], why: str
) -> None:
    page = await App(cloud).open_page(**changes)
    assert page.status == 400
    assert why in page.body.decode()
    assert "Location" not in page.headers
    assert page.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "ä" * 43}, "invalid_request"),
        ({"scope": "a\nb"}, "invalid_scope"),
    ],
)
async def test_an_app_hears_what_it_does_wrong(
    cloud: Cloud, changes: dict[str, str], error: str
) -> None:
    answer = await App(cloud).open_page(**changes)
    assert answer.status == 302
    assert redirected(answer)["error"] == error
    assert redirected(answer)["state"] == "a state & more"


def all_files(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.iterdir() if path.is_file()]


# --- codes --------------------------------------------------------------------------------------


async def test_a_code_that_is_used_twice_revokes_what_it_gave(cloud: Cloud) -> None:
    app = App(cloud)
    code = await app.code()
    first = (await app.exchange(code)).json
    second = await app.exchange(code)
    assert is_webex_error(second, 400)
    assert second.json["error"] == "invalid_grant"
    assert (await cloud.get("/v1/people/me", token=first["access_token"])).status == 401
    assert (await app.refresh(first["refresh_token"])).status == 400


async def test_of_many_who_come_with_one_code_at_once_nobody_keeps_a_token(cloud: Cloud) -> None:
    app = App(cloud)
    code = await app.code()
    answers = await asyncio.gather(*(app.exchange(code) for _ in range(8)))
    given = [answer.json for answer in answers if answer.status == 200]
    assert len(given) == 1
    assert (await cloud.get("/v1/people/me", token=given[0]["access_token"])).status == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "x" * 43},
        {"code_verifier": ""},
        {"code_verifier": "ä" * 43},
        {"redirect_uri": "http://127.0.0.1:1/callback"},
        {"code": "unknown"},
    ],
)
async def test_a_stolen_code_is_of_no_use(cloud: Cloud, changes: dict[str, str]) -> None:
    app = App(cloud)
    answer = await app.exchange(await app.code(), **changes)
    assert is_webex_error(answer, 400)
    assert answer.json["error"] == "invalid_grant"


async def test_a_code_of_one_app_is_of_no_use_to_another(cloud: Cloud) -> None:
    other = Client("other", "Other", None, frozenset({CALLBACK}))
    await cloud.service.identity.clients.register(other)
    app = App(cloud)
    answer = await app.exchange(await app.code(), client_id="other")
    assert answer.json["error"] == "invalid_grant"


async def test_an_app_with_a_secret_proves_it_in_either_way(cloud: Cloud) -> None:
    secretive = Client("secretive", "Secretive", "s3cret", frozenset({CALLBACK}))
    await cloud.service.identity.clients.register(secretive)
    app = App(cloud, client_id="secretive")
    without = await app.exchange(await app.code())
    assert (without.status, without.json["error"]) == (401, "invalid_client")
    wrong = await app.exchange(await app.code(), client_secret="wrong")
    assert wrong.json["error"] == "invalid_client"
    assert (await app.exchange(await app.code(), client_secret="s3cret")).status == 200
    form = {
        "grant_type": "authorization_code",
        "code": await app.code(),
        "redirect_uri": CALLBACK,
        "code_verifier": app.verifier,
    }
    basic = {"Authorization": "Basic c2VjcmV0aXZlOnMzY3JldA=="}
    answer = await cloud.post("/v1/access_token", data=form, headers=basic)
    assert answer.status == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "client_id": "offhook-demo"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_client"),
    ],
)
async def test_the_token_endpoint_says_what_is_wrong(
    cloud: Cloud, form: dict[str, str], error: str
) -> None:
    answer = await cloud.post("/v1/access_token", data=form)
    assert is_webex_error(answer, 401 if error == "invalid_client" else 400)
    assert answer.json["error"] == error
    assert answer.json["error_description"]


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"a=1&" * 100, b"grant_type=%00", urlencode({"x": "y" * 10}).encode()]
)
async def test_a_form_that_cannot_be_is_an_error_and_no_fault(cloud: Cloud, body: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert is_webex_error(await cloud.post("/v1/access_token", data=body, headers=headers), 400)


# --- afterwards ---------------------------------------------------------------------------------


async def test_refreshing_gives_new_tokens_and_uses_up_the_old_one(cloud: Cloud) -> None:
    app = App(cloud)
    old = await app.sign_in()
    new = (await app.refresh(old["refresh_token"])).json
    assert new["refresh_token"] != old["refresh_token"]
    assert (await cloud.get("/v1/people/me", token=new["access_token"])).status == 200
    assert (await cloud.get("/v1/people/me", token=old["access_token"])).status == 200


async def test_a_refresh_token_that_comes_twice_ends_the_whole_sign_in(cloud: Cloud) -> None:
    app, other_sign_in = App(cloud), await App(cloud).sign_in()
    old = await app.sign_in()
    new = (await app.refresh(old["refresh_token"])).json
    reused = await app.refresh(old["refresh_token"])
    assert is_webex_error(reused, 400)
    assert reused.json["error"] == "invalid_grant"
    for token in (old["access_token"], new["access_token"]):
        assert (await cloud.get("/v1/people/me", token=token)).status == 401
    assert (await app.refresh(new["refresh_token"])).status == 400
    assert (await cloud.get("/v1/people/me", token=other_sign_in["access_token"])).status == 200


async def test_of_many_who_refresh_with_one_token_at_once_nobody_keeps_one(cloud: Cloud) -> None:
    app = App(cloud)
    tokens = await app.sign_in()
    answers = await asyncio.gather(*(app.refresh(tokens["refresh_token"]) for _ in range(8)))
    given = [answer.json for answer in answers if answer.status == 200]
    assert len(given) == 1
    assert (await cloud.get("/v1/people/me", token=given[0]["access_token"])).status == 401
    assert (await app.refresh(given[0]["refresh_token"])).status == 400


@pytest.mark.parametrize("path", ["/v1/revoke", "/v1/tokens/revoke"])
@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
async def test_a_revoked_sign_in_is_over_at_once(cloud: Cloud, path: str, which: str) -> None:
    app = App(cloud)
    tokens = await app.sign_in()
    assert (await cloud.get("/v1/people/me", token=tokens["access_token"])).status == 200
    assert (await cloud.post(path, data={"token": tokens[which]})).status == 200
    refused = await cloud.get("/v1/people/me", token=tokens["access_token"])
    assert is_webex_error(refused, 401)
    assert (await app.refresh(tokens["refresh_token"])).status == 400
    assert (await cloud.post(path, data={"token": "unknown"})).status == 200


async def test_a_refresh_token_is_no_access_token(cloud: Cloud) -> None:
    tokens = await App(cloud).sign_in()
    assert (await cloud.get("/v1/people/me", token=tokens["refresh_token"])).status == 401


async def test_apps_that_know_the_other_paths_sign_in_there(cloud: Cloud) -> None:
    app = App(cloud)
    page = await cloud.get(f"/idb/oauth2/v1/authorize?{urlencode(app.asked)}")
    alice = PEOPLE["alice"]
    filled = form_fields(page) | {"email": alice.email, "password": alice.password}
    back = await cloud.post("/idb/oauth2/v1/authorize", data=filled)
    form = {
        "grant_type": "authorization_code",
        "code": redirected(back)["code"],
        "redirect_uri": CALLBACK,
        "client_id": app.client_id,
        "code_verifier": app.verifier,
    }
    answer = await cloud.post("/idb/oauth2/v1/access_token", data=form)
    assert answer.status == 200


async def test_an_app_finds_the_endpoints_and_who_signed_in(cloud: Cloud) -> None:
    metadata = (await cloud.get("/.well-known/oauth-authorization-server")).json
    assert metadata["token_endpoint"] == f"{cloud.service.http_url}/v1/access_token"
    userinfo = await cloud.get(metadata["userinfo_endpoint"], token=await cloud.token("alice"))
    assert userinfo.json["email"] == PEOPLE["alice"].email
