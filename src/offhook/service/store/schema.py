"""The tables. Secrets are kept as digests only: passwords by argon2, tokens by SHA-256."""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

organizations = Table(
    "organizations",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", Text, nullable=False),
    Column("created", Float, nullable=False),
)

people = Table(
    "people",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("org_id", ForeignKey("organizations.id"), nullable=False, index=True),
    Column("email", Text, nullable=False, unique=True),
    Column("display_name", Text, nullable=False),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("password", Text),
    Column("is_admin", Boolean, nullable=False, default=False),
    Column("is_guest", Boolean, nullable=False, default=False),
    Column("created", Float, nullable=False),
)

numbers = Table(
    "numbers",
    metadata,
    Column("org_id", ForeignKey("organizations.id"), primary_key=True),
    Column("digits", String(32), primary_key=True),
    Column("kind", String(16), nullable=False),  # "e164" or "extension"
    Column("person_id", ForeignKey("people.id"), index=True),
    Column("service", String(16)),
    Column("group_id", ForeignKey("hunt_groups.id"), index=True),
)


def _forwarding() -> list[Column[object]]:
    """Where calls go instead. A destination is kept while its rule is off."""
    columns: list[Column[object]] = []
    for rule in ("always", "busy", "no_answer"):
        columns.append(Column(f"{rule}_enabled", Boolean, nullable=False, default=False))
        columns.append(Column(f"{rule}_destination", Text, nullable=False, default=""))
    return [*columns, Column("no_answer_seconds", Float)]


call_settings = Table(
    "call_settings",
    metadata,
    Column("person_id", ForeignKey("people.id"), primary_key=True),
    Column("do_not_disturb", Boolean, nullable=False, default=False),
    *_forwarding(),
)

hunt_groups = Table(
    "hunt_groups",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("org_id", ForeignKey("organizations.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("enabled", Boolean, nullable=False, default=True),
    Column("policy", String(16), nullable=False),
    Column("member_seconds", Float),  # none: whoever is rung first is rung to the end
    *_forwarding(),
    Column("created", Float, nullable=False),
    UniqueConstraint("org_id", "name"),
)

hunt_group_members = Table(
    "hunt_group_members",
    metadata,
    Column("group_id", ForeignKey("hunt_groups.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("person_id", ForeignKey("people.id"), nullable=False, index=True),
)

clients = Table(
    "oauth_clients",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("secret", String(64)),  # SHA-256; none for a public client, which must use PKCE
    Column("redirect_uris", Text, nullable=False),  # one a line
)

guest_issuers = Table(
    "guest_issuers",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("org_id", ForeignKey("organizations.id"), nullable=False),
    Column("secret", Text, nullable=False),
)

codes = Table(
    "authorization_codes",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("client_id", ForeignKey("oauth_clients.id"), nullable=False),
    Column("person_id", ForeignKey("people.id"), nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("challenge", Text),
    Column("expires", Float, nullable=False),
    Column("family", String(36), nullable=False),
    Column("used", Boolean, nullable=False, default=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("kind", String(8), nullable=False),  # "access" or "refresh"
    Column("family", String(36), nullable=False, index=True),
    Column("person_id", ForeignKey("people.id"), nullable=False, index=True),
    Column("org_id", ForeignKey("organizations.id"), nullable=False),
    Column("client_id", String(64)),
    Column("scope", Text, nullable=False),
    Column("expires", Float, nullable=False),
    Column("used", Boolean, nullable=False, default=False),
    Index("tokens_by_expiry", "expires"),
)

call_records = Table(
    "call_records",
    metadata,
    Column("session_id", String(36), primary_key=True),
    Column("sent_on", Integer, primary_key=True, default=0, autoincrement=False),
    Column("tracking_id", Text, nullable=False, index=True),
    Column("caller_id", String(36), nullable=False, index=True),
    Column("caller_name", Text, nullable=False),
    Column("caller_number", Text, nullable=False),
    Column("callee_id", String(36), nullable=False, index=True),
    Column("callee_name", Text, nullable=False),
    Column("callee_number", Text, nullable=False),
    Column("dialled", Text, nullable=False),
    Column("placed", Float, nullable=False, index=True),
    Column("answered", Float),
    Column("ended", Float, nullable=False),
    Column("reason", String(32), nullable=False),
    Column("ended_by", String(16), nullable=False),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("org_id", ForeignKey("organizations.id"), nullable=False, index=True),
    Column("created_by", ForeignKey("people.id"), nullable=False, index=True),
    Column("app_id", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("target_url", Text, nullable=False),
    Column("resource", String(64), nullable=False),
    Column("event", String(16), nullable=False),
    Column("filter", Text),
    Column("secret", Text),  # as it was given: events are signed with it
    Column("owned_by", String(8), nullable=False),
    Column("created", Float, nullable=False),
    Column("disabled", Float),  # since when nothing is delivered
)

outbox = Table(
    "webhook_outbox",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("webhook_id", String(36), nullable=False),
    Column("subject", Text, nullable=False),
    Column("resource", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("accepted", Float, nullable=False),
    Column("until", Float, nullable=False, index=True),
)
