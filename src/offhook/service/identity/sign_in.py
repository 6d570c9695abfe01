"""``/v1/authorize``: the page where a person signs in to an app."""

import hashlib
import hmac
import re
import secrets
from typing import Any
from urllib.parse import urlencode

from litestar import MediaType, Response, get, post
from litestar.handlers import HTTPRouteHandler

from offhook.service.identity.forms import (
    FORM_BYTES,
    AnyRequest,
    address_of,
    form_of,
    query_of,
)
from offhook.service.identity.identity import AuthorizationRequest, Identity, OAuthError
from offhook.service.identity.page import page_headers, refusal_page, sign_in_page
from offhook.serving.rate import RateLimit

_PATHS = ["/v1/authorize", "/idb/oauth2/v1/authorize"]
_ASKED = (
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
)
_COOKIE = "offhook-sign-in"
_NONCE = re.compile(r"[0-9a-f]{32}")
#: Longer e-mail addresses do not exist (RFC 5321, 4.5.3.1).
_LONGEST_EMAIL = 254


def routes(identity: Identity, limit: RateLimit) -> list[HTTPRouteHandler]:
    """Show the page, and take what the person types. `limit` is on failed attempts."""
    csrf_key = secrets.token_bytes(32)

    def csrf_of(nonce: str) -> str:
        return hmac.new(csrf_key, nonce.encode(), hashlib.sha256).hexdigest()

    def csrf_holds(request: AnyRequest, given: str) -> bool:
        nonce = request.cookies.get(_COOKIE, "")
        expected = csrf_of(nonce).encode()
        return bool(_NONCE.fullmatch(nonce)) and hmac.compare_digest(expected, given.encode())

    def form(
        request: AnyRequest,
        asked: AuthorizationRequest,
        values: dict[str, str],
        *,
        status: int = 200,
        wrong: str = "",
    ) -> Response[str]:
        # The same nonce for all pages of a browser, so that a second one leaves the first valid.
        nonce = request.cookies.get(_COOKIE, "")
        if not _NONCE.fullmatch(nonce):
            nonce = secrets.token_hex(16)
        fields = {name: values[name] for name in _ASKED if name in values}
        fields["csrf"] = csrf_of(nonce)
        page = sign_in_page(
            asked.client.name,
            fields,
            cancel=_with_answer(asked.redirect_uri, _denied(asked.state)),
            email=values.get("email", values.get("login_hint", "")),
            wrong=wrong,
        )
        response = _page(page, status, asked.redirect_uri)
        secure = request.scope["scheme"] == "https"
        response.set_cookie(_COOKIE, nonce, httponly=True, samesite="lax", secure=secure)
        return response

    def refused(error: OAuthError, state: str) -> Response[Any]:
        if error.redirect_uri is None:
            return _page(refusal_page(str(error)), 400)
        answer = {"error": error.error, "error_description": str(error)}
        return _redirect(error.redirect_uri, answer | ({"state": state} if state else {}))

    @get(_PATHS, opt={"public": True})
    async def show_sign_in(request: AnyRequest) -> Response[Any]:
        values = query_of(request)
        try:
            return form(request, await identity.authorization_request(values), values)
        except OAuthError as error:
            return refused(error, values.get("state", ""))

    @post(_PATHS, opt={"public": True}, status_code=302, request_max_body_size=FORM_BYTES)
    async def sign_in(request: AnyRequest) -> Response[Any]:
        values = await form_of(request)
        try:
            asked = await identity.authorization_request(values)
        except OAuthError as error:
            return refused(error, values.get("state", ""))
        if not csrf_holds(request, values.get("csrf", "")):
            text = "This page was open for too long. Please sign in again."
            return form(request, asked, values, status=400, wrong=text)
        email = values.get("email", "").strip().casefold()[:_LONGEST_EMAIL]
        keys = (f"email {email}", f"from {address_of(request)}")
        wait = max(limit.wait_for(key) for key in keys)
        if wait:
            text = f"Too many attempts. Please try again in {wait} s."
            response = form(request, asked, values, status=429, wrong=text)
            response.headers["retry-after"] = str(wait)
            return response
        person = await identity.sign_in(email, values.get("password", ""))
        if person is None:
            text = "That e-mail address and password do not belong together."
            return form(request, asked, values, status=401, wrong=text)
        for key in keys:
            limit.give_back(key)
        answer = {"code": await identity.issue_code(asked, person)}
        return _redirect(
            asked.redirect_uri, answer | ({"state": asked.state} if asked.state else {})
        )

    return [show_sign_in, sign_in]


def _denied(state: str) -> dict[str, str]:
    return {"error": "access_denied"} | ({"state": state} if state else {})


def _with_answer(redirect_uri: str, answer: dict[str, str]) -> str:
    separator = "&" if "?" in redirect_uri else "?"
    return f"{redirect_uri}{separator}{urlencode(answer)}"


def _redirect(redirect_uri: str, answer: dict[str, str]) -> Response[Any]:
    headers = {"location": _with_answer(redirect_uri, answer), **page_headers()}
    return Response(None, status_code=302, headers=headers)


def _page(html: str, status: int, redirect_uri: str = "") -> Response[str]:
    return Response(
        html, status_code=status, media_type=MediaType.HTML, headers=page_headers(redirect_uri)
    )
