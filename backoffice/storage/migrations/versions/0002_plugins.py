"""What founders have decided about plugins, and how every process notices."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0002_plugins.sql"

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "plugin_state",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("settings", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["changed_by"],
            ["app.account.id"],
            name=op.f("fk_plugin_state_changed_by"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plugin_state")),
        sa.UniqueConstraint("name", name=op.f("uq_plugin_state_name")),
        schema="app",
    )
    op.create_index(
        op.f("ix_plugin_state_changed_by"), "plugin_state", ["changed_by"], unique=False, schema="app"
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
