"""``/v1/webhooks`` as Webex has it (wire document, 7.2; mobile-sdk, 3.1 and 3.2)."""

from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

import msgspec
from litestar import Request, Response, delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from offhook.service.directory import Directory
from offhook.service.firehose.filter import KEYS, InvalidFilterError
from offhook.service.firehose.filter import check as check_filter
from offhook.service.firehose.firehose import Firehose, iso_time
from offhook.service.firehose.targets import TargetRefusedError, Targets
from offhook.service.firehose.webhooks import DuplicateWebhookError, StoredWebhook, Webhooks
from offhook.service.identity.principal import Principal, SignedIn
from offhook.serving.errors import ApiError
from offhook.serving.origin import Origins
from offhook.wire.body import read_body
from offhook.wire.ids import InvalidIdError, ResourceKind, bare_uuid, encode_id
from offhook.wire.webhooks import (
    TELEPHONY_CALLS,
    TELEPHONY_PUSH,
    CreateWebhook,
    UpdateWebhook,
    Webhook,
    WebhookList,
    WebhookOwner,
    WebhookQuery,
    WebhookStatus,
)

#: What can be told of here, with the events of each.
EVENTS: dict[str, frozenset[str]] = {
    TELEPHONY_PUSH: frozenset({"updated", "all"}),
    TELEPHONY_CALLS: frozenset({"created", "updated", "deleted", "all"}),
    "all": frozenset({"all"}),
}
assert EVENTS.keys() == KEYS.keys()
_LONGEST = 256
_MOST_FIELDS = 16
#: Webhooks that one person may have made.
_MOST = 1000
#: The app of webhooks that were made with a token, whichever it came from.
_APP = "offhook"

T = TypeVar("T")
AnyRequest = Request[Any, Any, Any]


def routes(
    webhooks: Webhooks,
    firehose: Firehose,
    directory: Directory,
    targets: Targets,
    origins: Origins,
) -> list[HTTPRouteHandler]:
    """Create, list, get, update and delete."""

    async def is_admin(principal: Principal) -> bool:
        return (await directory.person(principal.person_id)).is_admin

    async def visible(principal: Principal) -> list[StoredWebhook]:
        admin = await is_admin(principal)
        return [
            each
            for each in await webhooks.of_org(principal.org_id)
            if each.created_by == principal.person_id
            or (admin and each.owned_by is WebhookOwner.ORG)
        ]

    async def own(principal: Principal, webhook_id: str) -> StoredWebhook:
        try:
            wanted = bare_uuid(webhook_id)
        except InvalidIdError:
            wanted = ""
        for each in await visible(principal):
            if each.webhook_id == wanted:
                return each
        raise ApiError(404, "There is no such webhook.")

    @post("/v1/webhooks", status_code=200)
    async def create(request: AnyRequest, principal: SignedIn) -> Webhook:
        body = read_body(await request.body(), CreateWebhook)
        _check_name(body.name)
        _check_target(targets, body.targetUrl)
        _check_resource(body)
        admin = await is_admin(principal)
        owner = _owner(body.ownedBy)
        if owner is None:
            # The guide's own firehose webhook has no ownedBy, and is the whole organisation's.
            org_wide = body.resource == TELEPHONY_PUSH and admin
            owner = WebhookOwner.ORG if org_wide else WebhookOwner.CREATOR
        if owner is WebhookOwner.ORG and not admin:
            raise ApiError(403, "Only an administrator may own a webhook as the organisation.")
        known = await webhooks.of_org(principal.org_id)
        if sum(each.created_by == principal.person_id for each in known) >= _MOST:
            raise ApiError(400, f"You have {_MOST} webhooks already; delete one.")
        new = StoredWebhook(
            webhook_id="",
            org_id=principal.org_id,
            created_by=principal.person_id,
            app_id=_APP,
            name=body.name,
            target_url=body.targetUrl,
            resource=body.resource,
            event=body.event,
            filter=body.filter or None,
            secret=_secret(body.secret),
            owned_by=owner,
            created=0.0,
        )
        try:
            return _shown(await webhooks.add(new))
        except DuplicateWebhookError as error:
            raise ApiError(409, str(error)) from error

    @get("/v1/webhooks")
    async def listing(request: AnyRequest, principal: SignedIn) -> Response[WebhookList]:
        asked = {name: values[-1] for name, values in request.query_params.dict().items()}
        try:
            query = msgspec.convert(asked, WebhookQuery, strict=False)
        except msgspec.ValidationError as error:
            raise ApiError(400, f"{error}.") from error
        owner = _owner(query.ownedBy)
        found = [each for each in await visible(principal) if owner in (None, each.owned_by)]
        page = found[query.cursor : query.cursor + query.max]
        headers = {}
        if len(found) > query.cursor + query.max:
            following = urlencode({**asked, "cursor": str(query.cursor + query.max)})
            headers["link"] = f'<{origins.of(request)}/v1/webhooks?{following}>; rel="next"'
        return Response(WebhookList([_shown(each) for each in page]), headers=headers)

    @get("/v1/webhooks/{webhook_id:str}")
    async def details(principal: SignedIn, webhook_id: FromPath[str]) -> Webhook:
        return _shown(await own(principal, webhook_id))

    @put("/v1/webhooks/{webhook_id:str}")
    async def change(
        request: AnyRequest, principal: SignedIn, webhook_id: FromPath[str]
    ) -> Webhook:
        webhook = await own(principal, webhook_id)
        body = _update(await request.body())
        _check_name(body.name)
        _check_target(targets, body.targetUrl)
        changes: dict[str, Any] = {"name": body.name, "target_url": body.targetUrl}
        if body.secret is not None:
            changes["secret"] = _secret(body.secret)
        if body.ownedBy is not None and _owner(body.ownedBy) is not webhook.owned_by:
            raise ApiError(400, "ownedBy cannot be changed; make a new webhook.")
        if body.status == WebhookStatus.ACTIVE:
            changes["disabled"] = None
        elif body.status is not None:
            raise ApiError(400, "status can only be set to active; delete the webhook instead.")
        try:
            changed = await webhooks.change(webhook, **changes)
        except DuplicateWebhookError as error:
            raise ApiError(409, str(error)) from error
        firehose.changed(changed)
        return _shown(changed)

    @delete("/v1/webhooks/{webhook_id:str}")
    async def remove(principal: SignedIn, webhook_id: FromPath[str]) -> None:
        webhook = await own(principal, webhook_id)
        await webhooks.remove(webhook)
        firehose.removed(webhook)

    return [create, listing, details, change, remove]


def _update(body: bytes) -> UpdateWebhook:
    """What is to be changed: JSON, or the form as which wxc-sdk sends it, in its own names."""
    if body.lstrip()[:1] == b"{":
        return read_body(body, UpdateWebhook)
    try:
        fields = dict(parse_qsl(body.decode(errors="replace"), max_num_fields=_MOST_FIELDS))
    except ValueError as error:
        raise ApiError(400, "The body has too many fields.") from error
    names = {"target_url": "targetUrl", "owned_by": "ownedBy"}
    values = {names.get(name, name): value for name, value in fields.items()}
    if not values:
        raise ApiError(400, "The body says nothing that can be changed.")
    return msgspec.convert(values, UpdateWebhook)


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > _LONGEST:
        raise ApiError(400, f"name must be there, of at most {_LONGEST} characters.")


def _check_target(targets: Targets, url: str) -> None:
    try:
        targets.check(url)
    except TargetRefusedError as error:
        raise ApiError(400, str(error)) from error


def _check_resource(body: CreateWebhook) -> None:
    if body.resource not in EVENTS:
        raise ApiError(400, "invalid field: resource")
    if body.event not in EVENTS[body.resource]:
        raise ApiError(400, "invalid field: event")
    if body.filter:
        try:
            check_filter(body.filter, body.resource)
        except InvalidFilterError as error:
            raise ApiError(400, str(error)) from error


def _owner(text: str | None) -> WebhookOwner | None:
    if text is None:
        return None
    try:
        return WebhookOwner(text)
    except ValueError as error:
        raise ApiError(400, "ownedBy is either org or creator.") from error


def _secret(text: str | None) -> str | None:
    if text is not None and len(text) > _LONGEST:
        raise ApiError(400, f"secret has at most {_LONGEST} characters.")
    return text or None


def _shown(webhook: StoredWebhook) -> Webhook:
    return Webhook(
        id=encode_id(ResourceKind.WEBHOOK, webhook.webhook_id),
        name=webhook.name,
        targetUrl=webhook.target_url,
        resource=webhook.resource,
        event=webhook.event,
        filter=webhook.filter,
        secret=webhook.secret,
        status=WebhookStatus.ACTIVE if webhook.disabled is None else WebhookStatus.INACTIVE,
        created=iso_time(webhook.created),
        orgId=encode_id(ResourceKind.ORGANIZATION, webhook.org_id),
        createdBy=encode_id(ResourceKind.PEOPLE, webhook.created_by),
        appId=encode_id(ResourceKind.APPLICATION, webhook.app_id),
        ownedBy=webhook.owned_by,
    )
