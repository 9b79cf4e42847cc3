"""Messages that stay with whoever was told something, and mails that somebody does not want."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0063_messages.sql"

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("once", sa.Text(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("read_at", moment, nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [f"{to}_id"], [f"app.{to}.id"], name=op.f(f"fk_message_{to}_id"), ondelete="CASCADE"
            )
            for to in ("account", "school")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("public_id", name=op.f("uq_message_public_id")),
        sa.UniqueConstraint("account_id", "kind", "once", name=op.f("uq_message_account_id_kind_once")),
        schema="app",
    )
    op.create_index(
        "ix_message_in_order",
        "message",
        ["account_id", sa.text("(read_at is null)"), "id"],
        schema="app",
    )
    for column in ("school_id", "created_at"):
        op.create_index(op.f(f"ix_message_{column}"), "message", [column], schema="app")
    op.add_column("account", sa.Column("unwanted_mails", sa.ARRAY(sa.Text()), nullable=True), schema="app")
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
