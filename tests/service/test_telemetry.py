"""Telemetry and logs of clients are taken, and kept by nobody."""

from io import BytesIO

import pytest

from service.running import Cloud, is_webex_error

TELEMETRY = [
    "/metrics/api/v1/clientmetrics",
    "/telemetry/v1/metric/v2",
    "/client-logs/api/v1/logs/meta",
]


def log(size: int) -> BytesIO:
    return BytesIO(b"x" * size)


@pytest.mark.parametrize("path", TELEMETRY)
async def test_telemetry_is_taken_whatever_is_in_it(cloud: Cloud, path: str) -> None:
    token = await cloud.token("alice")
    for body in (b'{"metrics": [{"metricName": "x"}]}', b"", b"no json"):
        assert (await cloud.post(path, token=token, data=body)).status == 200
    assert is_webex_error(await cloud.post(path, data=b"{}"), 401)
    assert is_webex_error(await cloud.post(path, token=token, data=b"x" * 262_145), 413)


async def test_a_log_is_uploaded_where_the_service_says(cloud: Cloud) -> None:
    token = await cloud.token("alice")
    answer = await cloud.post("/client-logs/api/v1/logs/urls", token=token, json={"file": "a.txt"})
    place = answer.json
    assert place.keys() == {"tempURL", "logFilename", "userId"}
    url = place["tempURL"]
    assert (
        await cloud.request("PUT", url, token=token, data=BytesIO(b"x" * 1_000_000))
    ).status == 200
    assert is_webex_error(
        await cloud.request("PUT", url, token=token, data=BytesIO(b"x" * 4_194_305)), 413
    )


@pytest.mark.parametrize(
    "path",
    [
        "/janus/api/v1/history/userSessions",
        "/contact/api/v1/encrypt/Users/contacts",
    ],
)
async def test_what_is_not_there_is_said_in_webex_shape(cloud: Cloud, path: str) -> None:
    assert is_webex_error(await cloud.get(path, token=await cloud.token("alice")), 404)
