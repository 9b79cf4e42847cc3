"""What anybody reports."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0058_reports.sql"

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "report",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("said", sa.LargeBinary(), nullable=False),
        sa.Column("contact", sa.LargeBinary(), nullable=True),
        sa.Column("mail", sa.LargeBinary(), nullable=True),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("about", sa.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
        sa.Column("form", sa.Uuid(), nullable=False),
        sa.Column("reported_at", moment, nullable=False),
        sa.Column("told_at", moment, nullable=True),
        sa.Column("closed_at", moment, nullable=True),
        sa.Column("closed_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("finding", sa.Text(), nullable=True),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "kind in ('message', 'seen', 'taken', 'other')", name=op.f("ck_report_kind_is_known")
        ),
        sa.CheckConstraint(
            "finding in ('fake', 'ours', 'harmless', 'spam')", name=op.f("ck_report_finding_is_known")
        ),
        sa.CheckConstraint(
            "(closed_at is null) = (finding is null)", name=op.f("ck_report_closed_with_a_finding")
        ),
        *(
            sa.ForeignKeyConstraint(
                [column], ["app.account.id"], name=op.f(f"fk_report_{column}"), ondelete="SET NULL"
            )
            for column in ("account_id", "closed_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
        sa.UniqueConstraint("public_id", name=op.f("uq_report_public_id")),
        sa.UniqueConstraint("form", name=op.f("uq_report_form")),
        schema="app",
    )
    for column in ("account_id", "closed_by", "reported_at"):
        op.create_index(op.f(f"ix_report_{column}"), "report", [column], schema="app")
    op.create_index("ix_report_about", "report", ["about"], schema="app", postgresql_using="gin")
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
