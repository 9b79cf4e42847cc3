"""Changes of many rows that a worker makes."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0041_large_changes.sql"

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

UNDER_WAY = "state in ('waiting', 'looking', 'changing')"


def upgrade() -> None:
    op.create_table(
        "large_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("grid", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("asked", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("said", sa.LargeBinary(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('waiting', 'looking', 'changing', 'done', 'refused', 'stopped', 'failed')",
            name=op.f("ck_large_change_state_is_known"),
        ),
        sa.CheckConstraint(f"({UNDER_WAY}) = (finished_at is null)", name=op.f("ck_large_change_ends_once")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["app.account.id"], name=op.f("fk_large_change_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["app.account_session.id"],
            name=op.f("fk_large_change_session_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_large_change")),
        sa.UniqueConstraint("public_id", name=op.f("uq_large_change_public_id")),
        schema="app",
    )
    for columns in (["account_id", "id"], ["session_id"], ["asked_at"]):
        op.create_index(op.f(f"ix_large_change_{'_'.join(columns)}"), "large_change", columns, schema="app")
    op.create_index(
        "uq_large_change_under_way",
        "large_change",
        ["account_id", "fingerprint"],
        unique=True,
        schema="app",
        postgresql_where=UNDER_WAY,
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
