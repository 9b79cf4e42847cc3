"""What went by age, and the indexes by which it is found."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0050_retention.sql"

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

# Written in the order of time, so that the lightest index finds the oldest. One by order of values would make
# each request that notes when a session was last seen write the index as well.
BY_TIME = {
    "account_session": "last_seen_at",
    "student_session": "last_seen_at",
    "audit_entry": "at",
    "student_view": "at",
}


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "retention_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("up_to", moment, nullable=False),
        sa.Column("began_at", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("gone", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("oldest", moment, nullable=True),
        sa.Column("outlook", sa.Text(), nullable=True),
        sa.Column("released_at", moment, nullable=True),
        sa.CheckConstraint(
            "state in ('running', 'paused', 'released', 'done')",
            name=op.f("ck_retention_run_state_is_known"),
        ),
        sa.CheckConstraint(
            "(ended_at is null) = (state <> 'done')", name=op.f("ck_retention_run_done_has_ended")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_run")),
        schema="app",
    )
    op.create_index(op.f("ix_retention_run_kind_id"), "retention_run", ["kind", "id"], schema="app")
    op.create_index(
        "uq_retention_run_open",
        "retention_run",
        ["kind"],
        unique=True,
        schema="app",
        postgresql_where="ended_at is null",
    )
    for table, column in BY_TIME.items():
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column], schema="app", postgresql_using="brin")
    op.create_index(op.f("ix_pin_override_made_at"), "pin_override", ["made_at"], schema="app")
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
