"""Invitations of parents, decisions about links, who opened a child's record, and where grants come from."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from backoffice.storage.public_id import new_public_id

SQL = Path(__file__).parent.parent / "sql" / "0020_families.sql"

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _links()
    op.create_table(
        "guardian_invitation",
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(16), nullable=False),
        sa.Column("student_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("email", sa.LargeBinary(), nullable=True),
        sa.Column("email_index", sa.LargeBinary(), nullable=True),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("token_digest", sa.LargeBinary(), nullable=True),
        sa.Column("code", sa.LargeBinary(), nullable=True),
        sa.Column("code_digest", sa.LargeBinary(), nullable=True),
        sa.Column("invited_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "accepted_at is null or withdrawn_at is null", name=op.f("ck_guardian_invitation_one_end")
        ),
        sa.CheckConstraint(
            "email is not null or code_digest is not null",
            name=op.f("ck_guardian_invitation_reaches_somebody"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "student_id"],
            ["app.student.school_id", "app.student.id"],
            name=op.f("fk_guardian_invitation_school_id_student_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["invited_by"],
            ["app.account.id"],
            name=op.f("fk_guardian_invitation_invited_by"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk_guardian_invitation")),
        sa.UniqueConstraint("public_id", name=op.f("uq_guardian_invitation_public_id")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_guardian_invitation_token_digest")),
        sa.UniqueConstraint("code_digest", name=op.f("uq_guardian_invitation_code_digest")),
        schema="app",
    )
    op.create_index(
        op.f("ix_guardian_invitation_school_id_student_id"),
        "guardian_invitation",
        ["school_id", "student_id"],
        unique=False,
        schema="app",
    )
    op.create_index(
        "uq_guardian_invitation_open",
        "guardian_invitation",
        ["school_id", "student_id", "email_index"],
        unique=True,
        schema="app",
        postgresql_where="code_digest is null and accepted_at is null and withdrawn_at is null",
    )
    op.create_table(
        "student_view",
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("student_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("viewer_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role in ('teacher', 'helper', 'leader')", name=op.f("ck_student_view_role_is_known")
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "student_id"],
            ["app.student.school_id", "app.student.id"],
            name=op.f("fk_student_view_school_id_student_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["viewer_id"], ["app.account.id"], name=op.f("fk_student_view_viewer_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk_student_view")),
        schema="app",
    )
    op.create_index(
        op.f("ix_student_view_school_id_student_id_at"),
        "student_view",
        ["school_id", "student_id", "at"],
        unique=False,
        schema="app",
    )
    for table in ("membership", "teaching_role"):
        op.add_column(table, sa.Column("origin", sa.Text(), nullable=True), schema="app")
        # Granted before anybody noted where from.
        op.execute(f"update app.{table} set origin = 'earlier'")
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))


def _links() -> None:
    """A link gets a number and a name of its own, so that one can be chosen on a page."""
    op.add_column("guardian_link", sa.Column("public_id", sa.String(16), nullable=True), schema="app")
    op.add_column("guardian_link", sa.Column("name", sa.LargeBinary(), nullable=True), schema="app")
    op.add_column("guardian_link", sa.Column("ended_at", sa.DateTime(timezone=True)), schema="app")
    op.add_column("guardian_link", sa.Column("told", sa.Text(), nullable=True), schema="app")
    op.execute("alter table app.guardian_link drop constraint pk_guardian_link")
    op.execute("alter table app.guardian_link add column id bigint generated by default as identity")
    op.create_primary_key("pk_guardian_link", "guardian_link", ["school_id", "id"], schema="app")
    connection = op.get_bind()
    for number in connection.scalars(sa.text("select id from app.guardian_link")).all():
        connection.execute(
            sa.text("update app.guardian_link set public_id = :public_id, told = status where id = :number"),
            {"public_id": new_public_id(), "number": number},
        )
    op.alter_column("guardian_link", "public_id", nullable=False, schema="app")
    op.create_unique_constraint("uq_guardian_link_public_id", "guardian_link", ["public_id"], schema="app")
    op.create_unique_constraint(
        "uq_guardian_link_school_id_student_id_account_id",
        "guardian_link",
        ["school_id", "student_id", "account_id"],
        schema="app",
    )
    op.execute("alter table app.guardian_link drop constraint ck_guardian_link_status_is_known")
    op.execute(
        "alter table app.guardian_link add constraint ck_guardian_link_status_is_known"
        " check (status in ('waiting', 'approved', 'refused', 'revoked'))"
    )
    op.execute("grant usage on sequence app.guardian_link_id_seq to backoffice_app, backoffice_system")
