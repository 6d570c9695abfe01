"""What is done about each answer of Apple and Google."""

import pytest

from offhook.engine.dispatch.verdict import (
    Again,
    DropToken,
    Misconfigured,
    Refuse,
    Renew,
    Reply,
    Taken,
    Verdict,
    apns_verdict,
    fcm_verdict,
)


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (Reply(200), Taken()),
        (Reply(410, "Unregistered", since=1700000000.5), DropToken(1700000000.5)),
        (Reply(410, "ExpiredToken", since=1.0), DropToken(1.0)),
        (Reply(400, "BadDeviceToken"), DropToken()),
        (Reply(400, "DeviceTokenNotForTopic"), DropToken()),
        (Reply(400, "BadTopic"), Misconfigured()),
        (Reply(400, "TopicDisallowed"), Misconfigured()),
        (Reply(403, "BadCertificateEnvironment"), Misconfigured()),
        (Reply(403, "SomethingNew"), Misconfigured()),
        (Reply(403, "ExpiredProviderToken"), Renew()),
        (Reply(403, "InvalidProviderToken"), Renew()),
        (Reply(413, "PayloadTooLarge"), Refuse()),
        (Reply(429, "TooManyRequests"), Refuse()),
        (Reply(429, "TooManyProviderTokenUpdates"), Again()),
        (Reply(500, "InternalServerError"), Again(bad=True)),
        (Reply(503, "ServiceUnavailable", 2.0), Again(2.0, bad=True)),
        (Reply(503, "Shutdown"), Again(bad=True)),
        (Reply(400, "PayloadEmpty"), Refuse()),
    ],
    ids=str,
)
def test_what_is_done_about_apples_answers(reply: Reply, verdict: Verdict) -> None:
    assert apns_verdict(reply) == verdict


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (Reply(200), Taken()),
        (Reply(404, "UNREGISTERED"), DropToken()),
        (Reply(400, "INVALID_ARGUMENT", about_token=True), DropToken()),
        (Reply(400, "INVALID_ARGUMENT"), Refuse()),
        (Reply(403, "SENDER_ID_MISMATCH"), Misconfigured(whole_app=False)),
        (Reply(403, "PERMISSION_DENIED"), Misconfigured()),
        (Reply(404, "NOT_FOUND"), Misconfigured()),
        (Reply(401, "UNAUTHENTICATED"), Renew()),
        (Reply(401, "THIRD_PARTY_AUTH_ERROR"), Renew()),
        (Reply(429, "QUOTA_EXCEEDED", 1.5), Again(1.5)),
        (Reply(500, "INTERNAL"), Again(bad=True)),
        (Reply(503, "UNAVAILABLE", 3.0), Again(3.0, bad=True)),
        (Reply(302), Refuse()),
    ],
    ids=str,
)
def test_what_is_done_about_googles_answers(reply: Reply, verdict: Verdict) -> None:
    assert fcm_verdict(reply) == verdict
