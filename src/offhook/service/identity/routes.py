"""The endpoints of sign-in (wire document, 7.1)."""

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Any
from urllib.parse import urlencode

from litestar import MediaType, Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from offhook.service.http.errors import ApiError
from offhook.service.http.rate import RateLimit
from offhook.service.identity.identity import AuthorizationRequest, Identity, OAuthError
from offhook.service.identity.page import HEADERS, refusal_page, sign_in_page
from offhook.wire.rest import JwtLogin, TokenResponse

_ASKED = (
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
)
_CSRF_COOKIE = "offhook-sign-in"


def routes(identity: Identity, limit: RateLimit) -> list[HTTPRouteHandler]:
    """All of them public: who signs in has no token yet."""
    csrf_key = secrets.token_bytes(32)

    def csrf_of(nonce: str) -> str:
        return hmac.new(csrf_key, nonce.encode(), hashlib.sha256).hexdigest()

    async def asked_for(values: dict[str, str]) -> AuthorizationRequest:
        if values.get("response_type") != "code":
            raise OAuthError("unsupported_response_type", "Only response_type=code is supported.")
        return await identity.authorization_request(
            values.get("client_id", ""),
            values.get("redirect_uri", ""),
            values.get("scope", ""),
            values.get("state", ""),
            values.get("code_challenge") or None,
            values.get("code_challenge_method", "plain"),
        )

    def form(
        asked: AuthorizationRequest, values: dict[str, str], *, status: int = 200, wrong: str = ""
    ) -> Response[str]:
        nonce = secrets.token_hex(16)
        fields = {name: values[name] for name in _ASKED if name in values}
        fields["csrf"] = csrf_of(nonce)
        email = values.get("email", values.get("login_hint", ""))
        page = sign_in_page(asked.client.name, fields, email=email, wrong=wrong)
        response = _page(page, status)
        response.set_cookie(_CSRF_COOKIE, nonce, httponly=True, samesite="lax")
        return response

    @get(["/v1/authorize", "/idb/oauth2/v1/authorize"], opt={"public": True})
    async def show_sign_in(request: Request[Any, Any, Any]) -> Response[str]:
        values = dict(request.query_params.items())
        try:
            return form(await asked_for(values), values)
        except OAuthError as error:
            return _page(refusal_page(str(error)), 400)

    @post(["/v1/authorize", "/idb/oauth2/v1/authorize"], opt={"public": True}, status_code=302)
    async def sign_in(request: Request[Any, Any, Any]) -> Response[Any]:
        values = await _form(request)
        try:
            asked = await asked_for(values)
        except OAuthError as error:
            return _page(refusal_page(str(error)), 400)
        nonce = request.cookies.get(_CSRF_COOKIE, "")
        if not nonce or not hmac.compare_digest(csrf_of(nonce), values.get("csrf", "")):
            return form(asked, values, status=400, wrong="The page was too old. Please try again.")
        email = values.get("email", "").strip().casefold()
        wait = max(limit.wait_for(f"email {email}"), limit.wait_for(f"from {_address(request)}"))
        if wait:
            text = f"Too many attempts. Please try again in {wait} s."
            response = form(asked, values, status=429, wrong=text)
            response.headers["retry-after"] = str(wait)
            return response
        person = await identity.sign_in(email, values.get("password", ""))
        if person is None:
            wrong = "That e-mail and password do not belong together."
            return form(asked, values, status=401, wrong=wrong)
        code = await identity.issue_code(asked, person)
        separator = "&" if "?" in asked.redirect_uri else "?"
        answer = urlencode({"code": code, "state": asked.state})
        return Response(
            None,
            status_code=302,
            headers={"location": f"{asked.redirect_uri}{separator}{answer}", **HEADERS},
        )

    @post(
        ["/v1/access_token", "/idb/oauth2/v1/access_token"], opt={"public": True}, status_code=200
    )
    async def access_token(request: Request[Any, Any, Any]) -> TokenResponse:
        limit.check(f"token from {_address(request)}")
        values = await _form(request)
        client_id, secret = _client_of(request, values)
        try:
            match values.get("grant_type"):
                case "authorization_code":
                    return await identity.exchange_code(
                        values.get("code", ""),
                        values.get("redirect_uri", ""),
                        values.get("code_verifier"),
                        client_id,
                        secret,
                    )
                case "refresh_token":
                    return await identity.refresh(
                        values.get("refresh_token", ""), client_id, secret
                    )
                case _:
                    raise OAuthError(
                        "unsupported_grant_type",
                        "Use grant_type authorization_code or refresh_token.",
                    )
        except OAuthError as error:
            status = 401 if error.error == "invalid_client" else 400
            raise ApiError(status, f"{error.error}: {error}") from error

    @post(["/v1/revoke", "/v1/tokens/revoke"], opt={"public": True}, status_code=200)
    async def revoke(request: Request[Any, Any, Any]) -> dict[str, str]:
        limit.check(f"token from {_address(request)}")
        values = await _form(request)
        if not values.get("token"):
            raise ApiError(400, "The token to revoke is missing.")
        await identity.tokens.revoke(values["token"])
        return {}

    @post("/v1/jwt/login", opt={"public": True}, status_code=200)
    async def jwt_login(request: Request[Any, Any, Any]) -> JwtLogin:
        limit.check(f"token from {_address(request)}")
        token = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        try:
            return await identity.guest_login(token)
        except OAuthError as error:
            raise ApiError(401, str(error)) from error

    return [show_sign_in, sign_in, access_token, revoke, jwt_login]


def _page(html: str, status: int) -> Response[str]:
    return Response(html, status_code=status, media_type=MediaType.HTML, headers=dict(HEADERS))


async def _form(request: Request[Any, Any, Any]) -> dict[str, str]:
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _address(request: Request[Any, Any, Any]) -> str:
    return request.client.host if request.client else "unknown"


def _client_of(request: Request[Any, Any, Any], values: dict[str, str]) -> tuple[str, str | None]:
    """Client id and secret from HTTP Basic, or from the form."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.casefold() == "basic":
        try:
            client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ApiError(400, "The Authorization header cannot be read.") from error
        return client_id, secret
    return values.get("client_id", ""), values.get("client_secret")
