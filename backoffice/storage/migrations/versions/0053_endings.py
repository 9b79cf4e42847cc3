"""Contracts that end, and classes that nobody teaches any more."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0053_endings.sql"

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "contract_end",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=True),
        sa.Column("district_id", sa.BigInteger(), nullable=True),
        sa.Column("ends_at", moment, nullable=False),
        sa.Column("due_at", moment, nullable=False),
        sa.Column("told_days", sa.Integer(), nullable=True),
        sa.Column("told_at", moment, nullable=True),
        sa.Column("told_by", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("begun_at", moment, nullable=True),
        sa.CheckConstraint(
            "(school_id is null) <> (district_id is null)", name=op.f("ck_contract_end_one_place")
        ),
        sa.CheckConstraint(
            "(told_at is null) = (told_days is null)", name=op.f("ck_contract_end_told_when_and_what")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["app.school.id"], name=op.f("fk_contract_end_school_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["district_id"], ["app.district.id"], name=op.f("fk_contract_end_district_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_end")),
        sa.UniqueConstraint("school_id", name=op.f("uq_contract_end_school_id")),
        sa.UniqueConstraint("district_id", name=op.f("uq_contract_end_district_id")),
        schema="app",
    )
    op.create_index(op.f("ix_contract_end_ends_at"), "contract_end", ["ends_at"], schema="app")
    op.create_table(
        "ownerless_class",
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("classroom_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("since", moment, nullable=True),
        sa.Column("due_at", moment, nullable=True),
        sa.Column("told_days", sa.Integer(), nullable=True),
        sa.Column("told_at", moment, nullable=True),
        sa.Column("told_by", sa.ARRAY(sa.Text()), nullable=True),
        sa.ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            ["app.classroom.school_id", "app.classroom.id"],
            name=op.f("fk_ownerless_class_school_id_classroom_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("school_id", "classroom_id", name=op.f("pk_ownerless_class")),
        schema="app",
    )
    op.create_index(op.f("ix_ownerless_class_since"), "ownerless_class", ["since"], schema="app")
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
