"""A record also for each person from whom a call was sent on."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_INDEXED = ("callee_id", "caller_id", "placed", "tracking_id")
_KEPT = (
    *("session_id", "tracking_id", "caller_id", "caller_name", "caller_number"),
    *("callee_id", "callee_name", "callee_number", "dialled", "placed", "answered"),
    *("ended", "reason", "ended_by"),
)


def upgrade() -> None:
    # The primary key becomes another one, which SQLite can only do in a new table.
    for column in _INDEXED:
        op.drop_index(op.f(f"ix_call_records_{column}"), "call_records")
    op.rename_table("call_records", "call_records_before")
    op.create_table(
        "call_records",
        sa.Column("session_id", sa.String(length=36), nullable=False),
        sa.Column("sent_on", sa.Integer(), nullable=False),
        sa.Column("tracking_id", sa.Text(), nullable=False),
        sa.Column("caller_id", sa.String(length=36), nullable=False),
        sa.Column("caller_name", sa.Text(), nullable=False),
        sa.Column("caller_number", sa.Text(), nullable=False),
        sa.Column("callee_id", sa.String(length=36), nullable=False),
        sa.Column("callee_name", sa.Text(), nullable=False),
        sa.Column("callee_number", sa.Text(), nullable=False),
        sa.Column("dialled", sa.Text(), nullable=False),
        sa.Column("placed", sa.Float(), nullable=False),
        sa.Column("answered", sa.Float(), nullable=True),
        sa.Column("ended", sa.Float(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("ended_by", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("session_id", "sent_on", name="call_records_key"),
    )
    kept: list[sa.ColumnClause[Any]] = [sa.column(name) for name in _KEPT]
    before = sa.select(sa.literal(0), *kept).select_from(sa.table("call_records_before"))
    after = sa.table("call_records", sa.column("sent_on"), *map(sa.column, _KEPT))
    op.execute(sa.insert(after).from_select(["sent_on", *_KEPT], before))
    op.drop_table("call_records_before")
    for column in _INDEXED:
        op.create_index(op.f(f"ix_call_records_{column}"), "call_records", [column], unique=False)
