"""`offhook push connect`: make or repair the webhook that leads calls to a push backend."""

import asyncio
import os
import secrets
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offhook.cli.exit_codes import ExitCode
from offhook.cli.known_clouds import KnownCloud, UnknownCloudError, UnknownPersonError, recall
from offhook.cli.report import Report
from offhook.engine.firehose_link import Wanted, shown
from offhook.errors import NetworkError, NotAuthorizedError, WebexError
from offhook.push.cloud_address import cloud_base, target_url
from offhook.push.cloud_http import OneToken
from offhook.push.connect import Step, connect
from offhook.push.webhook_client import WebhookClient
from offhook.serving.address import ConfigError
from offhook.wire.webhooks import Webhook


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    cloud: str
    target: str
    token: str
    who: str
    secret: str
    secret_file: Path | None
    name: str
    replace: bool
    check: bool
    ca: Path | None


@dataclass(frozen=True, slots=True)
class _Access:
    """With what the cloud is asked."""

    cloud: str
    token: str
    tls: ssl.SSLContext | None


def connect_push(options: Options, report: Report) -> ExitCode:
    """Do it, say it, and give the exit code. Raises nothing that an administrator can cause."""
    try:
        access = _access(options)
        wanted = Wanted(
            target=target_url("--target", options.target),
            name=options.name,
            secret=_given_secret(options, report),
            replace=options.replace,
        )
        return asyncio.run(_connect(access, wanted, report, check=options.check))
    except (ConfigError, WebexError, UnknownCloudError, UnknownPersonError) as error:
        code = _outcome_of(error)
        report.event("failed", f"offhook: {error}", exit_code=int(code))
        return code
    finally:
        report.close()


async def _connect(access: _Access, wanted: Wanted, report: Report, *, check: bool) -> ExitCode:
    made: list[str] = []

    def new_secret() -> str:
        made.append(secrets.token_hex(32))
        return made[0]

    def tell(step: Step) -> None:
        report.event(step.kind, step.text, **_fields(step.webhook))

    report.status(f"Asking {access.cloud}")
    try:
        async with WebhookClient(access.cloud, OneToken(access.token), tls=access.tls) as client:
            connection = await connect(
                client, wanted, check=check, tell=tell, new_secret=new_secret
            )
    except NetworkError:
        # No answer came, but the cloud may have made the webhook all the same.
        _show_secret(made, report)
        raise
    _show_secret(made, report)
    if not connection.is_connected:
        report.event("not-connected", "The backend is not connected.", exit_code=1)
        return ExitCode.FAILED
    report.event("connected", f"Incoming calls are posted to {shown(wanted.target)}.", exit_code=0)
    return ExitCode.CONNECTED


def _show_secret(made: list[str], report: Report) -> None:
    for each in made:
        text = f"Its secret, shown this once; give it to the backend: {each}"
        report.event("secret", text, secret=each)


def _access(options: Options) -> _Access:
    base = cloud_base("--cloud", options.cloud)
    token = options.token
    authority = None if options.ca is None else str(options.ca)
    if options.who:
        known = recall(base, os.environ)
        token = _token_of(known, options.who, base)
        if base.startswith("https"):
            authority = authority or known.ca
    if not token:
        raise NotAuthorizedError(
            "there is no token; set OFFHOOK_ADMIN_TOKEN to an administrator's access token"
        )
    return _Access(base, token, _tls(authority))


def _token_of(known: KnownCloud, who: str, cloud: str) -> str:
    person = known.find(who)
    if person is None:
        names = ", ".join(person.name.split()[0].lower() for person in known.people)
        raise UnknownPersonError(f"{who} is not a person of {cloud}; it has {names}")
    return person.token


def _tls(authority: str | None) -> ssl.SSLContext | None:
    if authority is None:
        return None
    try:
        return ssl.create_default_context(cafile=authority)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"--ca = {authority!r} is not a file of certificates.") from error


def _given_secret(options: Options, report: Report) -> str | None:
    """The secret that was given, None if none was. A file that is missing is made.

    A backend's file may have several, one a line: the first is the one to sign with.
    """
    path = options.secret_file
    if options.secret and path is not None:
        raise ConfigError("--secret and --secret-file exclude each other; give one.")
    if path is None:
        return options.secret or None
    try:
        if not path.exists():
            return None if options.check else _written_secret(path, report)
        lines = path.read_text("utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--secret-file = {str(path)!r} cannot be used: {error}.") from error
    if not lines:
        raise ConfigError(f"{path} holds no secret; remove it, and a new one is made.")
    return lines[0]


def _written_secret(path: Path, report: Report) -> str:
    made = secrets.token_hex(32)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(made + "\n")
    report.event("secret-written", f"Wrote a new secret to {path}.", file=str(path))
    return made


def _fields(webhook: Webhook | None) -> dict[str, Any]:
    """What programs are told about a webhook: everything but its secret."""
    if webhook is None:
        return {}
    return {
        "webhook": {
            "id": webhook.id,
            "name": webhook.name,
            "target": shown(webhook.targetUrl),
            "status": webhook.status,
            "owned_by": webhook.ownedBy,
            "signed": bool(webhook.secret),
        }
    }


def _outcome_of(error: Exception) -> ExitCode:
    match error:
        case NotAuthorizedError() | UnknownPersonError():
            return ExitCode.NOT_SIGNED_IN
        case NetworkError() | UnknownCloudError():
            return ExitCode.NO_SERVICE
        case _:
            return ExitCode.FAILED
