"""Saved views of lists."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0038_saved_views.sql"

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_view",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("grid", sa.Text(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("shared_with", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "shared_with in ('nobody', 'leaders', 'teachers', 'school')",
            name=op.f("ck_saved_view_shared_with_is_known"),
        ),
        sa.CheckConstraint(
            "(shared_with = 'nobody') = (school_id is null)", name=op.f("ck_saved_view_shared_in_a_school")
        ),
        sa.CheckConstraint(
            "school_id is not null or account_id is not null", name=op.f("ck_saved_view_somebodys")
        ),
        sa.CheckConstraint("octet_length(state) <= 2304", name=op.f("ck_saved_view_state_is_short")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["app.account.id"], name=op.f("fk_saved_view_account_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["app.school.id"], name=op.f("fk_saved_view_school_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
        sa.UniqueConstraint("public_id", name=op.f("uq_saved_view_public_id")),
        schema="app",
    )
    for columns in (["account_id", "grid"], ["school_id", "grid"]):
        op.create_index(op.f(f"ix_saved_view_{'_'.join(columns)}"), "saved_view", columns, schema="app")
    op.create_index(
        "uq_saved_view_own_default",
        "saved_view",
        ["account_id", "grid"],
        unique=True,
        schema="app",
        postgresql_where="is_default and school_id is null",
    )
    op.create_index(
        "uq_saved_view_shared_default",
        "saved_view",
        ["school_id", "grid", "shared_with"],
        unique=True,
        schema="app",
        postgresql_where="is_default and school_id is not null",
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
