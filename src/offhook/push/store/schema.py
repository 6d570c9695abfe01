"""The tables. Tokens and payloads are encrypted; what is looked up by is a digest of them."""

from sqlalchemy import Boolean, Column, Float, Index, LargeBinary, MetaData, String, Table

metadata = MetaData()

devices = Table(
    "push_devices",
    metadata,
    Column("person_id", String(64), primary_key=True),
    Column("installation_id", String(128), primary_key=True),
    Column("provider", String(8), nullable=False),
    Column("app", String(255), nullable=False),
    Column("environment", String(16), nullable=False),
    Column("token", LargeBinary, nullable=False),  # Encrypted.
    Column("token_digest", String(64), nullable=False, index=True),
    Column("key_id", String(16), nullable=False, index=True),  # Which key decrypts the token.
    Column("registered", Float, nullable=False),
    Column("proven", Boolean, nullable=False),  # Its owner showed an access token.
)

inbox = Table(
    "push_inbox",
    metadata,
    Column("id", String(64), primary_key=True),  # Digest of whom it is about and of its data.
    Column("delivery", String(64)),  # Digest of the sender's id of this delivery, if it has one.
    Column("person_id", String(64), nullable=False),
    Column("data", LargeBinary),  # Encrypted; nothing is left of it once it is done.
    Column("received", Float, nullable=False),
    Column("until", Float, nullable=False),
    Column("tracking_id", String(128), nullable=False),
    Column("done", Boolean, nullable=False),
    Index("push_inbox_by_time", "received"),
)

#: Devices that were reached while others of the same call were not yet: these are not rung twice.
reached = Table(
    "push_reached",
    metadata,
    Column("inbox_id", String(64), primary_key=True),
    Column("installation_id", String(128), primary_key=True),
)
