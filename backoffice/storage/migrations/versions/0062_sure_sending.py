"""Mails that one person waits for go first, and of those that may have come twice it is known."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0062_sure_sending.sql"

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("rank", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("maybe_twice", sa.Boolean(), nullable=False, server_default=sa.false()),
    ):
        op.add_column("mail", column, schema="app")
        op.alter_column("mail", column.name, server_default=None, schema="app")
    op.create_index(
        "ix_mail_waits",
        "mail",
        ["rank", "next_try_at", "id"],
        schema="app",
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "ix_mail_maybe_twice", "mail", ["id"], schema="app", postgresql_where=sa.text("maybe_twice")
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
