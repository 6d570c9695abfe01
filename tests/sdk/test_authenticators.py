"""Signing in: with a browser, as a guest, with a token; and staying signed in."""

import asyncio
import base64
import os
import stat
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import jwt
import pytest

from offhook import (
    FileTokenStorage,
    InitializationError,
    InvalidApiError,
    JWTAuthenticator,
    NetworkError,
    NotAuthorizedError,
    OAuthAuthenticator,
    SignInError,
    StoredSignIn,
    TokenAuthenticator,
    Webex,
    WebexErrorCode,
)
from offhook.service.directory.demo import DEMO_APP, DEMO_GUEST_ISSUER, DEMO_GUEST_SECRET
from sdk.clouds import PATIENCE, PEOPLE, RunningCloud
from sdk.small_cloud import SmallCloud
from service.running import CALLBACK, Answer, form_fields


def app(storage: Path | FileTokenStorage | None = None) -> OAuthAuthenticator:
    return OAuthAuthenticator(DEMO_APP.client_id, redirect_uri=CALLBACK, storage=storage)


async def browse(url: str, name: str = "alice") -> str:
    """What a browser does: open the page, fill in the form; returns where it is sent to."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        async with http.get(url) as page:
            assert page.status == 200, await page.text()
            fields = form_fields(Answer(page.status, page.headers, await page.read(), None))
        fields |= {"email": PEOPLE[name].email, "password": PEOPLE[name].password}
        target = url.partition("?")[0]
        async with http.post(target, data=fields, allow_redirects=False) as sent:
            assert sent.status == 302, await sent.text()
            return sent.headers["location"]


# --- OAuth --------------------------------------------------------------------------------------


async def test_a_person_signs_in_through_a_browser_and_phone_services_follow(cloud: RunningCloud):
    oauth = app()
    async with Webex(oauth, cloud=cloud.url) as webex:
        assert not oauth.is_authorized
        with pytest.raises(NotAuthorizedError):
            await webex.phone.ready()
        with pytest.raises(NotAuthorizedError):
            await oauth.token()
        await oauth.authorize(await browse(oauth.authorization_url))
        assert oauth.is_authorized
        await webex.phone.ready(PATIENCE)
        assert (await webex.people.get_me()).display_name == "Alice Adams"


async def test_the_bare_code_will_do(cloud: RunningCloud):
    oauth = app()
    async with Webex(oauth, cloud=cloud.url):
        answer = parse_qs(urlsplit(await browse(oauth.authorization_url)).query)
        await oauth.authorize(answer["code"][0], answer["state"][0])
        assert oauth.is_authorized


async def test_the_authorization_url_asks_with_pkce_and_a_state_and_stays_the_same():
    oauth = OAuthAuthenticator(
        "app", "secret", "spark:calls_read", "https://app.example/cb", "alice@example.org"
    )
    with pytest.raises(InitializationError):
        _ = oauth.authorization_url
    Webex(oauth, cloud="https://cloud.example")
    url = oauth.authorization_url
    assert url == oauth.authorization_url
    assert url.startswith("https://cloud.example/v1/authorize?")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked["client_id"] == "app"
    assert asked["redirect_uri"] == "https://app.example/cb"
    assert asked["scope"] == "spark:calls_read"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert len(asked["state"]) >= 24
    assert "secret" not in url


async def test_without_a_cloud_it_is_webex_itself_that_is_asked():
    oauth = OAuthAuthenticator("app", redirect_uri="https://app.example/cb")
    Webex(oauth)
    assert oauth.authorization_url.startswith("https://webexapis.com/v1/authorize?")


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("code=x&state=wrong", ""),
        ("code=x", ""),
        ("error=access_denied&error_description=No&state=s", "access_denied"),
        ("nothing=here", ""),
    ],
)
async def test_an_answer_that_is_not_to_our_question_is_refused(cloud: RunningCloud, query, error):
    oauth = app()
    async with Webex(oauth, cloud=cloud.url):
        with pytest.raises(SignInError) as refused:
            await oauth.authorize(f"{CALLBACK}?{query}")
        assert refused.value.error == error
        assert refused.value.code is WebexErrorCode.UNAUTHORIZED
        assert not oauth.is_authorized


async def test_a_code_that_the_cloud_does_not_know_is_refused(cloud: RunningCloud):
    oauth = app()
    async with Webex(oauth, cloud=cloud.url):
        with pytest.raises(SignInError) as refused:
            await oauth.authorize("made-up")
        assert refused.value.error == "invalid_grant"
        # The sign-in can go on with the same address.
        await oauth.authorize(await browse(oauth.authorization_url))


async def test_a_sign_in_survives_a_restart_of_the_app(cloud: RunningCloud, tmp_path: Path):
    file = tmp_path / "state" / "sign-in.json"
    first = app(file)
    async with Webex(first, cloud=cloud.url):
        await first.authorize(await browse(first.authorization_url))
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == [file.name]

    second = app(file)
    async with Webex(second, cloud=cloud.url) as webex:
        assert second.is_authorized
        await webex.phone.ready(PATIENCE)
        await second.deauthorize()
        assert not second.is_authorized
    assert not file.exists()


async def test_a_damaged_or_foreign_file_counts_as_not_signed_in(tmp_path: Path):
    file = tmp_path / "sign-in.json"
    for content in (b"", b"{", b'{"a": 1}', b"\xff\xfe"):
        file.write_bytes(content)
        assert await FileTokenStorage(file).load() is None
    await FileTokenStorage(file).save(StoredSignIn("another-app", "t", 2**33))
    oauth = app(file)
    async with Webex(oauth, cloud="http://127.0.0.1:9"):
        assert not oauth.is_authorized


async def test_a_token_that_runs_out_is_refreshed_and_the_new_one_kept(
    cloud: RunningCloud, tmp_path: Path
):
    oauth = app(tmp_path / "sign-in.json")
    async with Webex(oauth, cloud=cloud.url) as webex:
        await oauth.authorize(await browse(oauth.authorization_url))
        await webex.phone.ready(PATIENCE)
        before = await oauth.token()
        stored = await FileTokenStorage(tmp_path / "sign-in.json").load()
        # Two weeks later; everybody asks at once, and the cloud is asked once.
        oauth._clock = lambda: time.time() + 15 * 24 * 3600
        tokens = await asyncio.gather(*(oauth.token() for _ in range(5)))
        assert len(set(tokens)) == 1
        assert tokens[0] != before
        renewed = await FileTokenStorage(tmp_path / "sign-in.json").load()
        assert renewed.access_token == tokens[0]
        assert renewed.refresh_token != stored.refresh_token
        # Whose request was refused with the old one is given the new one.
        assert await oauth.renew(before) == tokens[0]


async def test_a_refresh_outlives_whoever_asked_for_it(cloud: RunningCloud, tmp_path: Path):
    """A refresh token is good once: an answer that got lost would be the end of the sign-in."""
    storage = FileTokenStorage(tmp_path / "sign-in.json")
    oauth = app(storage)
    async with Webex(oauth, cloud=cloud.url):
        await oauth.authorize(await browse(oauth.authorization_url))
        before = await storage.load()
        asking = asyncio.create_task(oauth.renew(before.access_token))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])
    after = await storage.load()
    assert after.access_token != before.access_token
    assert after.refresh_token != before.refresh_token


async def test_a_sign_in_that_was_revoked_is_over(cloud: RunningCloud, tmp_path: Path):
    oauth = app(tmp_path / "sign-in.json")
    async with Webex(oauth, cloud=cloud.url) as webex:
        await oauth.authorize(await browse(oauth.authorization_url))
        stored = await FileTokenStorage(tmp_path / "sign-in.json").load()
        await cloud.service.identity.tokens.revoke(stored.refresh_token)
        with pytest.raises(NotAuthorizedError):
            await webex.people.get_me()
        assert not oauth.is_authorized
    assert not (tmp_path / "sign-in.json").exists()


async def test_a_cloud_that_is_away_is_no_reason_to_forget_the_sign_in(tmp_path: Path):
    storage = FileTokenStorage(tmp_path / "sign-in.json")
    await storage.save(StoredSignIn(DEMO_APP.client_id, "old", 1.0, "refresh", 2**33))
    oauth = app(storage)
    async with Webex(oauth, cloud="http://127.0.0.1:9"):
        with pytest.raises(NetworkError):
            await oauth.token()
        assert oauth.is_authorized
    assert await storage.load() is not None


def test_an_app_needs_an_id_and_an_address():
    with pytest.raises(InvalidApiError):
        OAuthAuthenticator("", redirect_uri="x")
    with pytest.raises(InvalidApiError):
        OAuthAuthenticator("app")


# --- guests -------------------------------------------------------------------------------------


def guest(seconds: float = 60, **claims: object) -> str:
    values = {"sub": "g", "name": "Grace", "iss": DEMO_GUEST_ISSUER, "exp": time.time() + seconds}
    key = base64.b64decode(DEMO_GUEST_SECRET)
    return jwt.encode(values | claims, key, algorithm="HS256")


async def test_a_guest_signs_in_and_gets_fresh_tokens(cloud: RunningCloud):
    authenticator = JWTAuthenticator()
    async with Webex(authenticator, cloud=cloud.url) as webex:
        assert not authenticator.is_authorized
        assert authenticator.expiration is None
        await authenticator.authorize(guest(60))
        assert authenticator.is_authorized
        left = authenticator.expiration - datetime.now(UTC)
        assert 50 < left.total_seconds() <= 60
        await webex.phone.ready(PATIENCE)
        assert (await webex.people.get_me()).display_name == "Grace"
        before = await authenticator.token()
        assert await authenticator.refresh_token() != before
        await authenticator.deauthorize()
        with pytest.raises(NotAuthorizedError):
            await authenticator.token()


async def test_a_guest_gets_a_new_token_when_the_old_one_ends_and_is_out_when_the_jwt_does(
    cloud: RunningCloud,
):
    authenticator = JWTAuthenticator()
    async with Webex(authenticator, cloud=cloud.url) as webex:
        await authenticator.authorize(guest(30 * 24 * 3600))
        await webex.phone.ready(PATIENCE)  # nothing of it asks for a token in between
        before = await authenticator.token()
        later = 15 * 24 * 3600
        authenticator._clock = lambda: time.time() + later
        assert await authenticator.token() != before
        assert authenticator.is_authorized
        later = 31 * 24 * 3600
        assert not authenticator.is_authorized
        # The cloud has the last word: it does not take the JWT of somebody else's clock either.
        await cloud.service.identity.tokens.revoke(await _current(authenticator))
        authenticator._jwt = guest(-5)
        with pytest.raises(NotAuthorizedError):
            await webex.people.get_me()
        assert authenticator.expiration is None


async def _current(authenticator: JWTAuthenticator) -> str:
    assert authenticator._token is not None
    return authenticator._token


async def test_a_guest_that_the_cloud_does_not_know_is_refused(cloud: RunningCloud):
    authenticator = JWTAuthenticator()
    async with Webex(authenticator, cloud=cloud.url):
        with pytest.raises(SignInError):
            await authenticator.authorize(guest(iss="somebody"))
        assert not authenticator.is_authorized


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "x.eyJhIjoxfQ.y"])
async def test_what_is_no_jwt_with_an_end_is_refused_at_once(token):
    with pytest.raises(InvalidApiError):
        await JWTAuthenticator().authorize(token)


async def test_a_jwt_that_has_ended_is_refused_at_once():
    with pytest.raises(InvalidApiError, match="expired"):
        await JWTAuthenticator().authorize(guest(-5))


# --- tokens -------------------------------------------------------------------------------------


async def test_a_token_with_an_expiry_ends_then_and_says_so():
    async with SmallCloud() as small:
        authenticator = TokenAuthenticator()
        ended: list[bool] = []
        authenticator.on_token_expired = lambda: ended.append(authenticator.is_authorized)
        async with Webex(authenticator, cloud=small.url) as webex:
            await authenticator.authorize("a_b_org", expiry_in_seconds=3600)
            await webex.phone.ready(PATIENCE)
            authenticator._clock = lambda: time.time() + 3601
            assert not authenticator.is_authorized
            with pytest.raises(NotAuthorizedError, match="expired"):
                await webex.people.get_me()
            assert ended == [False]


async def test_a_token_that_is_nothing_is_refused_at_once():
    for bad in ("", "  "):
        with pytest.raises(InvalidApiError):
            TokenAuthenticator(bad)
    with pytest.raises(InvalidApiError):
        await TokenAuthenticator().authorize("a_b_c", expiry_in_seconds=0)


async def test_authorizing_after_initialise_connects_phone_services():
    async with SmallCloud() as small:
        authenticator = TokenAuthenticator()
        async with Webex(authenticator, cloud=small.url) as webex:
            await authenticator.authorize("a_b_org")
            await webex.phone.ready(PATIENCE)


async def test_a_stored_sign_in_does_not_show_its_tokens():
    assert "secret" not in repr(StoredSignIn("app", "secret-token", 1.0, "secret-refresh"))
