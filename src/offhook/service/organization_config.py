"""The part of the configuration that says who is there: people, groups, apps."""

import math
import re
from typing import Literal

import msgspec

from offhook.engine.exchange.model import ServiceNumber
from offhook.service.directory.directory import EXTENSION, can_be_dialled
from offhook.service.directory.entries import MOST_AT_ONCE
from offhook.serving.address import ConfigError

_E164 = re.compile(r"\+[1-9][0-9]{3,14}")

#: Seconds for which somebody's phones, or a whole group, may ring.
_LONGEST_RINGING, _LONGEST_GROUP = 55.0, 300.0


class ForwardingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where calls go instead: numbers, extensions or e-mail addresses, as they would be dialled.

    After `no_answer_seconds`, or ``timing.ring``.
    """

    always: str = ""
    busy: str = ""
    no_answer: str = ""
    no_answer_seconds: float | None = None

    def check(self, where: str, longest: float) -> None:
        """Raises ConfigError, with `where` this is."""
        for rule in ("always", "busy", "no_answer"):
            destination = getattr(self, rule)
            if destination and not can_be_dialled(destination):
                raise ConfigError(f"{where}.forwarding.{rule}: {destination!r} cannot be dialled.")
        _check_seconds(f"{where}.forwarding.no_answer_seconds", self.no_answer_seconds, longest)


class PersonSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person to be added. Only a hash of `password` is kept; without one they cannot sign in.

    `number` is in E.164 form, ``+`` and digits. `do_not_disturb` and `forwarding` are what the
    person begins with; they change it as they like.
    """

    name: str
    email: str
    number: str = ""
    extension: str = ""
    password: str | None = None
    admin: bool = False
    do_not_disturb: bool = False
    forwarding: ForwardingSettings = ForwardingSettings()

    def check(self) -> None:
        """Raises ConfigError."""
        if "@" not in self.email:
            raise ConfigError(f"organization.people: {self.email!r} is not an e-mail address.")
        _check_numbers("organization.people", self.number, self.extension)
        self.forwarding.check(f"organization.people ({self.email})", _LONGEST_RINGING)


class GroupSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A hunt group to be added: a number at which its `members`, e-mail addresses, answer.

    One after the other (unless simultaneous) each rings for `member_seconds`.
    """

    name: str
    members: list[str]
    number: str = ""
    extension: str = ""
    policy: Literal["simultaneous", "regular", "circular", "longest_idle"] = "simultaneous"
    member_seconds: float = 15.0
    forwarding: ForwardingSettings = ForwardingSettings()

    def check(self) -> None:
        """Raises ConfigError."""
        if not self.name.strip():
            raise ConfigError("organization.groups: a group needs a name.")
        where = f"organization.groups ({self.name})"
        if not self.number and not self.extension:
            raise ConfigError(f"{where}: give the group a number, an extension, or both.")
        _check_numbers(where, self.number, self.extension)
        if len({each.casefold() for each in self.members}) < len(self.members):
            raise ConfigError(f"{where}: a member is named twice.")
        if self.policy == "simultaneous" and len(self.members) > MOST_AT_ONCE:
            raise ConfigError(f"{where}: at most {MOST_AT_ONCE} members can be rung at once.")
        _check_seconds(f"{where}.member_seconds", self.member_seconds, _LONGEST_RINGING)
        self.forwarding.check(where, _LONGEST_GROUP)


class AppSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An app that people may sign in to; see `offhook.service.identity.clients.Client`."""

    id: str
    name: str
    redirect_uris: list[str]
    secret: str | None = None


class GuestIssuerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whoever signs JWTs with `secret` (base64 of at least 32 bytes) may let guests in."""

    id: str
    secret: str


class Organization(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is there from the first start on. Another `name` makes another organisation."""

    name: str
    people: list[PersonSettings] = []
    groups: list[GroupSettings] = []
    apps: list[AppSettings] = []
    guest_issuers: list[GuestIssuerSettings] = []
    test_numbers: dict[ServiceNumber, str] = {}

    def check(self) -> None:
        """Raises ConfigError."""
        for person in self.people:
            person.check()
        for group in self.groups:
            group.check()
        for digits in self.test_numbers.values():
            _check_numbers("organization.test_numbers", "", digits)


def _check_numbers(where: str, number: str, extension: str) -> None:
    if number and not _E164.fullmatch(number):
        raise ConfigError(f"{where}: {number!r} is not of the form +12025550101.")
    if extension and not EXTENSION.fullmatch(extension):
        raise ConfigError(f"{where}: {extension!r} is not an extension of 2 to 8 digits.")


def _check_seconds(where: str, seconds: float | None, longest: float) -> None:
    if seconds is not None and not (math.isfinite(seconds) and 1 <= seconds <= longest):
        raise ConfigError(f"{where} must be 1 to {longest:.0f}.")
