"""The endpoints of sign-in (wire document, 7.1); the page is in `sign_in`."""

from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler

from offhook.service.directory import Directory
from offhook.service.identity import sign_in
from offhook.service.identity.forms import (
    FORM_BYTES,
    AnyRequest,
    address_of,
    client_of,
    form_of,
)
from offhook.service.identity.guests import InvalidGuestError
from offhook.service.identity.identity import Identity, OAuthError
from offhook.service.identity.principal import SignedIn
from offhook.serving.errors import ApiError, tracking_id
from offhook.serving.origin import Origins
from offhook.serving.rate import RateLimit
from offhook.wire.ids import ResourceKind, encode_id
from offhook.wire.rest import ErrorBody, JwtLogin, OAuthErrorBody, TokenResponse

_NO_STORE = {"cache-control": "no-store"}


def routes(
    identity: Identity, directory: Directory, origins: Origins, limit: RateLimit
) -> list[HTTPRouteHandler]:
    """All public but `userinfo`: who signs in has no token yet. `limit` is on failed attempts."""

    @post(
        ["/v1/access_token", "/idb/oauth2/v1/access_token"],
        opt={"public": True},
        status_code=200,
        request_max_body_size=FORM_BYTES,
    )
    async def access_token(request: AnyRequest) -> Response[TokenResponse]:
        key = f"token from {address_of(request)}"
        limit.check(key)
        form = await form_of(request)
        client_id, secret = client_of(request, form)
        try:
            match form.get("grant_type"):
                case "authorization_code":
                    response = await identity.exchange_code(
                        form.get("code", ""),
                        form.get("redirect_uri", ""),
                        form.get("code_verifier"),
                        client_id,
                        secret,
                    )
                case "refresh_token":
                    response = await identity.refresh(
                        form.get("refresh_token", ""), client_id, secret
                    )
                case _:
                    raise OAuthError(
                        "unsupported_grant_type",
                        "Use grant_type authorization_code or refresh_token.",
                    )
        except OAuthError as error:
            raise _refused(request, error) from error
        limit.give_back(key)
        return Response(response, headers=_NO_STORE)

    @post(
        ["/v1/revoke", "/v1/tokens/revoke"],
        opt={"public": True},
        status_code=200,
        request_max_body_size=FORM_BYTES,
    )
    async def revoke(request: AnyRequest) -> dict[str, str]:
        form = await form_of(request)
        if not form.get("token"):
            raise ApiError(400, "The token to revoke is missing.")
        await identity.tokens.revoke(form["token"])
        return {}

    @post("/v1/jwt/login", opt={"public": True}, status_code=200, request_max_body_size=FORM_BYTES)
    async def jwt_login(request: AnyRequest) -> Response[JwtLogin]:
        key = f"token from {address_of(request)}"
        limit.check(key)
        token = request.headers.get("authorization", "").strip()
        scheme, _, rest = token.partition(" ")
        try:
            login = await identity.guest_login(
                rest.strip() if scheme.casefold() == "bearer" else token
            )
        except InvalidGuestError as error:
            raise ApiError(401, str(error)) from error
        limit.give_back(key)
        return Response(login, headers=_NO_STORE)

    @get("/v1/userinfo")
    async def userinfo(principal: SignedIn) -> dict[str, Any]:
        person = await directory.person(principal.person_id)
        return {
            "sub": encode_id(ResourceKind.PEOPLE, person.person_id),
            "name": person.display_name,
            "given_name": person.first_name,
            "family_name": person.last_name,
            "email": person.email,
        }

    @get("/.well-known/oauth-authorization-server", opt={"public": True})
    async def metadata(request: AnyRequest) -> dict[str, Any]:
        origin = origins.of(request)
        return {
            "issuer": origin,
            "authorization_endpoint": f"{origin}/v1/authorize",
            "token_endpoint": f"{origin}/v1/access_token",
            "revocation_endpoint": f"{origin}/v1/revoke",
            "userinfo_endpoint": f"{origin}/v1/userinfo",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": [
                "none",
                "client_secret_basic",
                "client_secret_post",
            ],
        }

    return [
        *sign_in.routes(identity, limit),
        access_token,
        revoke,
        jwt_login,
        userinfo,
        metadata,
    ]


def _refused(request: AnyRequest, error: OAuthError) -> ApiError:
    plain = ErrorBody.of(str(error), tracking_id(request))
    body = OAuthErrorBody(plain.message, plain.errors, plain.trackingId, error.error, str(error))
    return ApiError(401 if error.error == "invalid_client" else 400, str(error), body=body)
