"""Teachers' accounts that nobody uses."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0001_idle_accounts.sql"
HERE = "plugin_retention"

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "idle_account",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("used_at", moment, nullable=True),
        sa.Column("alone_since", moment, nullable=True),
        sa.Column("due_at", moment, nullable=True),
        sa.Column("told_days", sa.Integer(), nullable=True),
        sa.Column("told_at", moment, nullable=True),
        sa.Column("keep_digest", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_idle_account")),
        sa.UniqueConstraint("keep_digest", name=op.f("uq_idle_account_keep_digest")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["app.account.id"],
            name=op.f("fk_idle_account_account_id"),
            ondelete="CASCADE",
        ),
        schema=HERE,
    )
    for name in ("due_at", "alone_since"):
        op.create_index(op.f(f"ix_idle_account_{name}"), "idle_account", [name], unique=False, schema=HERE)
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
