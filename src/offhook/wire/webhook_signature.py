"""Signatures of webhooks: Webex's own, and beside it the one of Standard Webhooks 1.0.

Webex signs the raw body alone, so that anybody who has seen an event could send it again. The
second signature covers an id and the time as well; a receiver that sees it can refuse what is old
or comes twice. Both use the webhook's secret as it was given.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

#: Lower case: how to look them up.
SPARK = "x-spark-signature"
ID = "webhook-id"
TIMESTAMP = "webhook-timestamp"
SIGNATURE = "webhook-signature"
#: Seconds by which the clocks of sender and receiver may differ.
TOLERANCE = 300.0
_VERSION = "v1"


class SignatureProblem(StrEnum):
    """What is wrong with a signature."""

    MISSING = "missing"
    WRONG = "wrong"
    STALE = "stale"


class SignatureError(Exception):
    """The event is not what the cloud sent, or not when it sent it."""

    def __init__(self, code: SignatureProblem, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Verified:
    """`event_id` is empty where the cloud sends none; `secret` is the place of the right one."""

    event_id: str
    secret: int


def spark_signature(secret: str, body: bytes) -> str:
    """Value of ``X-Spark-Signature``: HMAC-SHA1 in lower-case hex."""
    return hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()


def standard_signature(secret: str, event_id: str, timestamp: int, body: bytes) -> str:
    """Value of ``webhook-signature``; `timestamp` in Unix seconds."""
    signed = f"{event_id}.{timestamp}.".encode() + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return f"{_VERSION},{b64encode(digest).decode()}"


def verify(
    headers: Mapping[str, str],
    body: bytes,
    secrets: Sequence[str],
    now: float,
    tolerance: float = TOLERANCE,
) -> Verified:
    """Check the signatures of an event with any of `secrets`; header names in any case.

    Raises SignatureError. Webex's own signature is enough; where the other one is there, it has to
    be right and fresh, too.
    """
    given = {name.lower(): value for name, value in headers.items()}
    spark, standard = given.get(SPARK), given.get(SIGNATURE)
    if not spark and not standard:
        raise SignatureError(
            SignatureProblem.MISSING, "The event is not signed; give the webhook a secret."
        )
    fits = [
        index
        for index, secret in enumerate(secrets)
        if (not spark or _same(spark_signature(secret, body), spark.strip()))
        and (not standard or _standard_fits(given, body, secret))
    ]
    if not fits:
        raise SignatureError(
            SignatureProblem.WRONG, "The signature is not made with a secret that is known here."
        )
    if standard and abs(now - int(given[TIMESTAMP])) > tolerance:
        raise SignatureError(
            SignatureProblem.STALE, "The event was signed too long ago, or a clock is wrong."
        )
    return Verified(given.get(ID, "") if standard else "", fits[0])


def _standard_fits(given: Mapping[str, str], body: bytes, secret: str) -> bool:
    event_id, timestamp = given.get(ID, ""), given.get(TIMESTAMP, "")
    if not event_id or not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return False
    expected = standard_signature(secret, event_id, int(timestamp), body)
    # A list: while a secret is being replaced, the sender signs with both.
    return any(_same(expected, each) for each in given[SIGNATURE].split(" "))


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode(errors="replace"))
