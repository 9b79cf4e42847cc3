"""What schools and districts were written to about their payments: each thing once."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0003_reminders.sql"
HERE = "plugin_billing"

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reminder",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("of_what", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind in ('trial_ends', 'ends', 'invoice_due', 'invoice_late', 'payment_failed', 'grace_ends',"
            " 'now_free', 'paid')",
            name=op.f("ck_reminder_kind_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            [f"{HERE}.customer.id"],
            name=op.f("fk_reminder_customer_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder")),
        sa.UniqueConstraint(
            "customer_id", "kind", "of_what", name=op.f("uq_reminder_customer_id_kind_of_what")
        ),
        schema=HERE,
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
