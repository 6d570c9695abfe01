"""Signatures of webhooks: only what the cloud sent is let in, and only once it was sent."""

import hashlib
import hmac
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.wire.webhook_signature import (
    SignatureError,
    SignatureProblem,
    spark_signature,
    standard_signature,
    verify,
)

BODY = b'{"resource":"telephony_push"}'
NOW = 1_700_000_000.0


def signed(secret: str, body: bytes = BODY, at: float = NOW) -> dict[str, str]:
    return {
        "X-Spark-Signature": spark_signature(secret, body),
        "Webhook-Id": "event-1",
        "Webhook-Timestamp": str(int(at)),
        "Webhook-Signature": standard_signature(secret, "event-1", int(at), body),
    }


def refused(headers: dict[str, str], secrets: list[str], body: bytes = BODY) -> SignatureProblem:
    with pytest.raises(SignatureError) as caught:
        verify(headers, body, secrets, NOW)
    return caught.value.code


def test_the_signatures_are_those_of_webex_and_of_standard_webhooks() -> None:
    assert spark_signature("key", b"body") == hmac.new(b"key", b"body", "sha1").hexdigest()
    digest = hmac.new(b"key", b"id.5.body", hashlib.sha256).digest()
    assert standard_signature("key", "id", 5, b"body") == f"v1,{b64encode(digest).decode()}"


def test_what_the_cloud_signed_is_let_in_and_named() -> None:
    assert verify(signed("secret"), BODY, ["secret"], NOW).event_id == "event-1"


def test_webex_own_signature_is_enough() -> None:
    headers = {"x-spark-signature": spark_signature("secret", BODY)}
    assert verify(headers, BODY, ["secret"], NOW).event_id == ""


def test_a_secret_that_is_being_replaced_still_fits() -> None:
    assert verify(signed("old"), BODY, ["new", "old"], NOW).secret == 1
    headers = signed("new")
    headers["Webhook-Signature"] = f"v1,AAAA {headers['Webhook-Signature']} v1a,BBBB"
    assert verify(headers, BODY, ["new", "old"], NOW).secret == 0


def test_a_forged_one_is_not_let_in() -> None:
    assert refused(signed("guess"), ["secret"]) is SignatureProblem.WRONG
    assert refused(signed("secret"), ["secret"], BODY + b" ") is SignatureProblem.WRONG
    assert refused(signed("secret"), []) is SignatureProblem.WRONG
    assert refused({}, ["secret"]) is SignatureProblem.MISSING


def test_an_old_one_is_not_let_in_again() -> None:
    for at in (NOW - 301, NOW + 301):
        assert refused(signed("secret", at=at), ["secret"]) is SignatureProblem.STALE
    assert verify(signed("secret", at=NOW - 299), BODY, ["secret"], NOW)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Webhook-Id", ""),
        ("Webhook-Id", "event-2"),
        ("Webhook-Timestamp", "soon"),
        ("Webhook-Timestamp", "9" * 400),
        ("Webhook-Timestamp", str(int(NOW) + 1)),
        ("Webhook-Signature", "v1,"),
        ("X-Spark-Signature", "00"),
    ],
)
def test_both_signatures_have_to_be_right_where_both_are_there(name: str, value: str) -> None:
    assert refused({**signed("secret"), name: value}, ["secret"]) is SignatureProblem.WRONG


@given(st.dictionaries(st.sampled_from(list(signed("x"))), st.text()), st.binary())
def test_whatever_comes_only_the_documented_error_does(
    headers: dict[str, str], body: bytes
) -> None:
    with pytest.raises(SignatureError):
        verify(headers, body, ["secret"], NOW)
