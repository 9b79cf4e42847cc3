"""Codes for a lesson, doors that keep school hours, and tablets that belong to a class."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0024_codes_and_doors.sql"

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _codes()
    _doors()
    _tablets()
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))


def _codes() -> None:
    op.add_column(
        "classroom_code",
        sa.Column("kind", sa.Text(), server_default="standing", nullable=False),
        schema="app",
    )
    op.add_column(
        "classroom_code", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True), schema="app"
    )
    op.add_column("classroom_code", sa.Column("sessions_stay", sa.Boolean(), nullable=True), schema="app")
    op.create_check_constraint(
        op.f("ck_classroom_code_kind_is_known"),
        "classroom_code",
        "kind in ('standing', 'lesson')",
        schema="app",
    )
    op.create_check_constraint(
        op.f("ck_classroom_code_a_lesson_ends"),
        "classroom_code",
        "(kind = 'lesson') = (expires_at is not null)",
        schema="app",
    )


def _doors() -> None:
    op.add_column("classroom", sa.Column("door_from", sa.Integer(), nullable=True), schema="app")
    op.add_column("classroom", sa.Column("door_to", sa.Integer(), nullable=True), schema="app")
    op.drop_constraint(op.f("ck_classroom_door_is_known"), "classroom", schema="app")
    op.create_check_constraint(
        op.f("ck_classroom_door_is_known"),
        "classroom",
        "door in ('open', 'closed', 'until', 'school_days')",
        schema="app",
    )
    op.create_check_constraint(
        op.f("ck_classroom_hours_are_a_span"),
        "classroom",
        "(door_from is null) = (door_to is null) and (door <> 'school_days' or door_from is not null)"
        " and door_from >= 0 and door_from < door_to and door_to <= 1440",
        schema="app",
    )


def _tablets() -> None:
    op.create_table(
        "classroom_tablet",
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(16), nullable=False),
        sa.Column("classroom_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("label", sa.LargeBinary(), nullable=False),
        sa.Column("paired_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pairing_digest", sa.LargeBinary(), nullable=True),
        sa.Column("pairing_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=True),
        sa.Column("paired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(paired_at is null) = (token_digest is null) and (paired_at is null) = (expires_at is null)",
            name=op.f("ck_classroom_tablet_paired_or_not"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            ["app.classroom.school_id", "app.classroom.id"],
            name=op.f("fk_classroom_tablet_school_id_classroom_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["paired_by"], ["app.account.id"], name=op.f("fk_classroom_tablet_paired_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk_classroom_tablet")),
        sa.UniqueConstraint("public_id", name=op.f("uq_classroom_tablet_public_id")),
        sa.UniqueConstraint("pairing_digest", name=op.f("uq_classroom_tablet_pairing_digest")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_classroom_tablet_token_digest")),
        schema="app",
    )
    op.create_index(
        op.f("ix_classroom_tablet_school_id_classroom_id"),
        "classroom_tablet",
        ["school_id", "classroom_id"],
        unique=False,
        schema="app",
    )
    op.add_column(
        "student_session",
        sa.Column("tablet_id", sa.BigInteger(), autoincrement=False, nullable=True),
        schema="app",
    )
    op.create_foreign_key(
        op.f("fk_student_session_school_id_tablet_id"),
        "student_session",
        "classroom_tablet",
        ["school_id", "tablet_id"],
        ["school_id", "id"],
        source_schema="app",
        referent_schema="app",
        ondelete="CASCADE",
    )
    op.create_index(
        op.f("ix_student_session_school_id_tablet_id"),
        "student_session",
        ["school_id", "tablet_id"],
        unique=False,
        schema="app",
    )
