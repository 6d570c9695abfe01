"""Hunt groups, and what people decided about their calls."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def _forwarding() -> list[sa.Column[Any]]:
    return [
        sa.Column("always_enabled", sa.Boolean(), nullable=False),
        sa.Column("always_destination", sa.Text(), nullable=False),
        sa.Column("busy_enabled", sa.Boolean(), nullable=False),
        sa.Column("busy_destination", sa.Text(), nullable=False),
        sa.Column("no_answer_enabled", sa.Boolean(), nullable=False),
        sa.Column("no_answer_destination", sa.Text(), nullable=False),
        sa.Column("no_answer_seconds", sa.Float(), nullable=True),
    ]


def upgrade() -> None:
    op.create_table(
        "call_settings",
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("do_not_disturb", sa.Boolean(), nullable=False),
        *_forwarding(),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("person_id"),
    )
    op.create_table(
        "hunt_groups",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("org_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("policy", sa.String(length=16), nullable=False),
        sa.Column("member_seconds", sa.Float(), nullable=True),
        *_forwarding(),
        sa.Column("created", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("org_id", "name"),
    )
    op.create_table(
        "hunt_group_members",
        sa.Column("group_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["hunt_groups.id"]),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"]),
        sa.PrimaryKeyConstraint("group_id", "position"),
    )
    op.create_index(
        op.f("ix_hunt_group_members_person_id"), "hunt_group_members", ["person_id"], unique=False
    )
    # SQLite cannot add a constraint to a table that is there; alembic makes the table anew.
    with op.batch_alter_table("numbers") as numbers:
        numbers.add_column(sa.Column("group_id", sa.String(length=36), nullable=True))
        numbers.create_foreign_key("numbers_group_id_fkey", "hunt_groups", ["group_id"], ["id"])
        numbers.create_index(op.f("ix_numbers_group_id"), ["group_id"], unique=False)
