"""Guests sign in with a JWT that an app vouches for them with."""

import base64
import time
from typing import Any

import jwt
import pytest

from offhook.service.directory.demo import DEMO_GUEST_ISSUER, DEMO_GUEST_SECRET, DEMO_ORG_ID
from service.running import Cloud, is_webex_error

KEY = base64.b64decode(DEMO_GUEST_SECRET)


def guest(key: bytes | str = KEY, algorithm: str = "HS256", **claims: Any) -> str:
    values = {
        "sub": "guest-7",
        "name": "Grace Guest",
        "iss": DEMO_GUEST_ISSUER,
        "exp": int(time.time()) + 60,
    }
    chosen = {name: value for name, value in (values | claims).items() if value is not None}
    return jwt.encode(chosen, key, algorithm=algorithm)


async def login(cloud: Cloud, token: str) -> Any:
    return await cloud.post("/v1/jwt/login", headers={"Authorization": token})


@pytest.mark.parametrize("prefix", ["", "Bearer "])
async def test_a_guest_signs_in_and_is_known_by_name(cloud: Cloud, prefix: str) -> None:
    answer = await login(cloud, prefix + guest())
    assert answer.status == 200
    assert answer.json["expiresIn"] > 3600
    assert answer.json["token"].split("_")[2] == DEMO_ORG_ID
    me = (await cloud.get("/v1/people/me", token=answer.json["token"])).json
    assert (me["displayName"], me["type"]) == ("Grace Guest", "appuser")


async def test_the_same_guest_comes_back_as_the_same_person_under_a_new_name(
    cloud: Cloud,
) -> None:
    people = []
    for name in ("Grace Guest", "Grace Married"):
        token = (await login(cloud, guest(name=name))).json["token"]
        people.append((await cloud.get("/v1/people/me", token=token)).json)
    assert people[0]["id"] == people[1]["id"]
    assert [each["displayName"] for each in people] == ["Grace Guest", "Grace Married"]
    assert people[1]["lastName"] == "Married"


async def test_guests_are_not_in_the_list_of_people(cloud: Cloud) -> None:
    await login(cloud, guest())
    listed = (await cloud.get("/v1/people", token=await cloud.token("alice"))).json["items"]
    assert "Grace Guest" not in [each["displayName"] for each in listed]


async def test_a_guest_without_a_name_is_called_guest(cloud: Cloud) -> None:
    token = (await login(cloud, guest(name=None))).json["token"]
    assert (await cloud.get("/v1/people/me", token=token)).json["displayName"] == "Guest"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "not.a.jwt",
        guest(exp=int(time.time()) - 5),
        guest(exp=None),
        guest(sub=None),
        guest(iss=None),
        guest(iss="somebody-else"),
        guest(key=b"somebody else's secret of 32 byte"),
        guest(key=KEY * 2, algorithm="HS512"),
        jwt.encode({"sub": "x", "iss": DEMO_GUEST_ISSUER, "exp": 2**33}, None, algorithm="none"),
    ],
    ids=[
        "empty",
        "no JWT",
        "expired",
        "without end",
        "without subject",
        "without issuer",
        "unknown issuer",
        "wrong key",
        "wrong algorithm",
        "unsigned",
    ],
)
async def test_a_jwt_that_does_not_hold_lets_nobody_in(cloud: Cloud, token: str) -> None:
    assert is_webex_error(await login(cloud, token), 401)


@pytest.mark.parametrize("secret", ["not base64!", base64.b64encode(b"short").decode()])
async def test_a_weak_secret_makes_no_issuer(cloud: Cloud, secret: str) -> None:
    with pytest.raises(ValueError, match="secret of a guest issuer"):
        await cloud.service.identity.guests.add_issuer("weak", DEMO_ORG_ID, secret)
