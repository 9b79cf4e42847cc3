"""Invitations into schools, and the one act that ends somebody's place at one."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0016_invitations.sql"

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "invitation",
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(16), nullable=False),
        sa.Column("email", sa.LargeBinary(), nullable=False),
        sa.Column("email_index", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("classroom_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("token_digest", sa.LargeBinary(), nullable=True),
        sa.Column("invited_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role in ('teacher', 'leader', 'co_teacher', 'helper', 'owner')",
            name=op.f("ck_invitation_role_is_known"),
        ),
        sa.CheckConstraint(
            "(role in ('co_teacher', 'helper', 'owner')) = (classroom_id is not null)",
            name=op.f("ck_invitation_class_where_needed"),
        ),
        sa.CheckConstraint("accepted_at is null or withdrawn_at is null", name=op.f("ck_invitation_one_end")),
        sa.ForeignKeyConstraint(
            ["school_id"], ["app.school.id"], name=op.f("fk_invitation_school_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            ["app.classroom.school_id", "app.classroom.id"],
            name=op.f("fk_invitation_school_id_classroom_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["invited_by"], ["app.account.id"], name=op.f("fk_invitation_invited_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("public_id", name=op.f("uq_invitation_public_id")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_invitation_token_digest")),
        schema="app",
    )
    op.create_index(
        op.f("ix_invitation_school_id_classroom_id"),
        "invitation",
        ["school_id", "classroom_id"],
        unique=False,
        schema="app",
    )
    op.create_index(
        op.f("ix_invitation_invited_by"), "invitation", ["invited_by"], unique=False, schema="app"
    )
    op.create_index(
        "uq_invitation_open",
        "invitation",
        ["school_id", "email_index", "role", "classroom_id"],
        unique=True,
        schema="app",
        postgresql_nulls_not_distinct=True,
        postgresql_where="accepted_at is null and withdrawn_at is null",
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
