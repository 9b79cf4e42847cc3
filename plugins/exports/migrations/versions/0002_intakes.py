"""Exports brought back: which file came into which school, and when."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0002_intakes.sql"
HERE = "plugin_exports"

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "intake",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mark", sa.Uuid(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("taken_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id"], ["app.school.id"], name=op.f("fk_intake_school_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["taken_by"], ["app.account.id"], name=op.f("fk_intake_taken_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake")),
        sa.UniqueConstraint("school_id", "form", name=op.f("uq_intake_school_id_form")),
        schema=HERE,
    )
    for indexed in (("school_id", "mark"), ("taken_by",), ("taken_at",)):
        op.create_index(op.f(f"ix_intake_{'_'.join(indexed)}"), "intake", list(indexed), schema=HERE)
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
