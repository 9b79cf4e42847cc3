"""Mails that come back, that are held or called off, and how many a minute go to one domain."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0060_mails_for_many.sql"

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint(op.f("ck_mail_state_is_known"), "mail", schema="app")
    op.create_check_constraint(
        op.f("ck_mail_state_is_known"),
        "mail",
        "state in ('queued', 'held', 'sending', 'sent', 'failed', 'bounced', 'called_off')",
        schema="app",
    )
    op.add_column("mail_content", sa.Column("domain", sa.Uuid(), nullable=True), schema="app")
    op.create_table(
        "mail_return",
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "outcome in ('bounced', 'twice', 'not_for_good', 'not_sent', 'unknown', 'unreadable')",
            name=op.f("ck_mail_return_outcome_is_known"),
        ),
        sa.PrimaryKeyConstraint("outcome", name=op.f("pk_mail_return")),
        schema="app",
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
