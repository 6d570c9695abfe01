"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "push_devices",
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column("installation_id", sa.String(length=128), nullable=False),
        sa.Column("provider", sa.String(length=8), nullable=False),
        sa.Column("app", sa.String(length=255), nullable=False),
        sa.Column("environment", sa.String(length=16), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("registered", sa.Float(), nullable=False),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "installation_id"),
    )
    op.create_index(op.f("ix_push_devices_token_digest"), "push_devices", ["token_digest"])
    op.create_index(op.f("ix_push_devices_key_id"), "push_devices", ["key_id"])
    op.create_table(
        "push_inbox",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("delivery", sa.String(length=64), nullable=True),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.Column("received", sa.Float(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.Column("tracking_id", sa.String(length=128), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("push_inbox_by_time", "push_inbox", ["received"])
    op.create_table(
        "push_reached",
        sa.Column("inbox_id", sa.String(length=64), nullable=False),
        sa.Column("installation_id", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("inbox_id", "installation_id"),
    )
