"""The tables of the foundation and who sees which of their rows."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

ISOLATION = Path(__file__).parent.parent / "sql" / "0001_isolation.sql"

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("email", sa.LargeBinary(), nullable=False),
        sa.Column("email_index", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("founder", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("security_epoch", sa.Integer(), nullable=False),
        sa.Column("last_active_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status in ('active', 'suspended')", name=op.f("ck_account_status_is_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("email_index", name=op.f("uq_account_email_index")),
        sa.UniqueConstraint("public_id", name=op.f("uq_account_public_id")),
        schema="app",
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
        sa.UniqueConstraint("public_id", name=op.f("uq_audit_entry_public_id")),
        schema="app",
    )
    op.create_index(
        op.f("ix_audit_entry_school_id_at"),
        "audit_entry",
        ["school_id", "at"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "district",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_district")),
        sa.UniqueConstraint("public_id", name=op.f("uq_district_public_id")),
        schema="app",
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("keyring_mark", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_installation_single_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
        schema="app",
    )
    op.create_table(
        "account_password",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("password_hash like '$argon2id$%'", name=op.f("ck_account_password_is_argon2id")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["app.account.id"],
            name=op.f("fk_account_password_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_account_password")),
        schema="app",
    )
    op.create_table(
        "account_session",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column("security_epoch", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("idle_minutes", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("device", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["app.account.id"],
            name=op.f("fk_account_session_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_session")),
        sa.UniqueConstraint("public_id", name=op.f("uq_account_session_public_id")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_account_session_token_digest")),
        schema="app",
    )
    op.create_index(
        op.f("ix_account_session_account_id"),
        "account_session",
        ["account_id"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "audit_detail",
        sa.Column("entry_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["app.audit_entry.id"],
            name=op.f("fk_audit_detail_entry_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_audit_detail")),
        schema="app",
    )
    op.create_table(
        "school",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("district_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("school_days", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("postal_address", sa.LargeBinary(), nullable=True),
        sa.Column("security_contact", sa.LargeBinary(), nullable=True),
        sa.Column("contract_from", sa.Date(), nullable=True),
        sa.Column("contract_until", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind in ('school', 'personal')", name=op.f("ck_school_kind_is_known")),
        sa.ForeignKeyConstraint(["district_id"], ["app.district.id"], name=op.f("fk_school_district_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_school")),
        sa.UniqueConstraint("public_id", name=op.f("uq_school_public_id")),
        schema="app",
    )
    op.create_index(op.f("ix_school_district_id"), "school", ["district_id"], unique=False, schema="app")
    op.create_table(
        "classroom",
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("door_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shared_devices", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(door = 'until') = (door_until is not null)",
            name=op.f("ck_classroom_until_has_a_time"),
        ),
        sa.CheckConstraint("door in ('open', 'closed', 'until')", name=op.f("ck_classroom_door_is_known")),
        sa.ForeignKeyConstraint(
            ["school_id"],
            ["app.school.id"],
            name=op.f("fk_classroom_school_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk_classroom")),
        sa.UniqueConstraint("school_id", "public_id", name=op.f("uq_classroom_school_id_public_id")),
        schema="app",
    )
    op.create_index(op.f("ix_classroom_public_id"), "classroom", ["public_id"], unique=False, schema="app")
    op.create_table(
        "membership",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("district_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role in ('teacher', 'leader', 'privacy_officer')",
            name=op.f("ck_membership_role_is_known"),
        ),
        sa.CheckConstraint(
            "(school_id is null) <> (district_id is null)", name=op.f("ck_membership_one_place")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["app.account.id"],
            name=op.f("fk_membership_account_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["district_id"],
            ["app.district.id"],
            name=op.f("fk_membership_district_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["school_id"],
            ["app.school.id"],
            name=op.f("fk_membership_school_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
        sa.UniqueConstraint(
            "account_id",
            "district_id",
            "role",
            name=op.f("uq_membership_account_id_district_id_role"),
        ),
        sa.UniqueConstraint(
            "account_id", "school_id", "role", name=op.f("uq_membership_account_id_school_id_role")
        ),
        schema="app",
    )
    op.create_index(
        op.f("ix_membership_district_id"), "membership", ["district_id"], unique=False, schema="app"
    )
    op.create_index(op.f("ix_membership_school_id"), "membership", ["school_id"], unique=False, schema="app")
    op.create_table(
        "student",
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("given_name", sa.LargeBinary(), nullable=False),
        sa.Column("family_name", sa.LargeBinary(), nullable=True),
        sa.Column("name_tokens", sa.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("username_digest", sa.Text(), nullable=True),
        sa.Column("pin_hash", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "username_digest ~ '^[0-9a-f]{32}$'", name=op.f("ck_student_username_is_a_digest")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["app.school.id"], name=op.f("fk_student_school_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk_student")),
        sa.UniqueConstraint("school_id", "public_id", name=op.f("uq_student_school_id_public_id")),
        schema="app",
    )
    op.create_index(op.f("ix_student_public_id"), "student", ["public_id"], unique=False, schema="app")
    op.create_index(
        op.f("ix_student_school_id_username_digest"),
        "student",
        ["school_id", "username_digest"],
        unique=True,
        schema="app",
    )
    op.create_table(
        "action",
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("classroom_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("label", sa.LargeBinary(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            ["app.classroom.school_id", "app.classroom.id"],
            name=op.f("fk_action_school_id_classroom_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk_action")),
        schema="app",
    )
    op.create_index(
        op.f("ix_action_school_id_classroom_id"),
        "action",
        ["school_id", "classroom_id"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "classroom_code",
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("classroom_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.LargeBinary(), nullable=False),
        sa.Column("code_index", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["issued_by"],
            ["app.account.id"],
            name=op.f("fk_classroom_code_issued_by"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            ["app.classroom.school_id", "app.classroom.id"],
            name=op.f("fk_classroom_code_school_id_classroom_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk_classroom_code")),
        schema="app",
    )
    op.create_index(
        op.f("ix_classroom_code_school_id_classroom_id"),
        "classroom_code",
        ["school_id", "classroom_id"],
        unique=False,
        schema="app",
    )
    op.create_index(
        "uq_classroom_code_live",
        "classroom_code",
        ["code_index"],
        unique=True,
        schema="app",
        postgresql_where="ended_at is null",
    )
    op.create_table(
        "enrollment",
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("classroom_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("student_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("alias", sa.LargeBinary(), nullable=True),
        sa.Column("avatar", sa.Text(), nullable=False),
        sa.Column("balance", sa.Integer(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            ["app.classroom.school_id", "app.classroom.id"],
            name=op.f("fk_enrollment_school_id_classroom_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "student_id"],
            ["app.student.school_id", "app.student.id"],
            name=op.f("fk_enrollment_school_id_student_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("school_id", "classroom_id", "student_id", name=op.f("pk_enrollment")),
        schema="app",
    )
    op.create_index(
        "ix_enrollment_live",
        "enrollment",
        ["classroom_id", "student_id"],
        unique=False,
        schema="app",
        postgresql_where="ended_at is null",
    )
    op.create_index(
        op.f("ix_enrollment_school_id_student_id"),
        "enrollment",
        ["school_id", "student_id"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "guardian_link",
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("student_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status in ('waiting', 'approved', 'revoked')",
            name=op.f("ck_guardian_link_status_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["app.account.id"],
            name=op.f("fk_guardian_link_account_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["approved_by"],
            ["app.account.id"],
            name=op.f("fk_guardian_link_approved_by"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "student_id"],
            ["app.student.school_id", "app.student.id"],
            name=op.f("fk_guardian_link_school_id_student_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("school_id", "student_id", "account_id", name=op.f("pk_guardian_link")),
        schema="app",
    )
    op.create_index(
        op.f("ix_guardian_link_account_id"),
        "guardian_link",
        ["account_id"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "teaching_role",
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("classroom_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "role in ('owner', 'co_teacher', 'helper')", name=op.f("ck_teaching_role_role_is_known")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["app.account.id"],
            name=op.f("fk_teaching_role_account_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            ["app.classroom.school_id", "app.classroom.id"],
            name=op.f("fk_teaching_role_school_id_classroom_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("school_id", "classroom_id", "account_id", name=op.f("pk_teaching_role")),
        schema="app",
    )
    op.create_index(
        op.f("ix_teaching_role_account_id"),
        "teaching_role",
        ["account_id"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "point_entry",
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("classroom_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("student_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("action_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("comment", sa.LargeBinary(), nullable=True),
        sa.Column("awarded_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("awarded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undoes", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["awarded_by"],
            ["app.account.id"],
            name=op.f("fk_point_entry_awarded_by"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "action_id"],
            ["app.action.school_id", "app.action.id"],
            name=op.f("fk_point_entry_school_id_action_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "classroom_id", "student_id"],
            [
                "app.enrollment.school_id",
                "app.enrollment.classroom_id",
                "app.enrollment.student_id",
            ],
            name=op.f("fk_point_entry_school_id_classroom_id_student_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk_point_entry")),
        schema="app",
    )
    op.create_index(
        op.f("ix_point_entry_school_id_action_id"),
        "point_entry",
        ["school_id", "action_id"],
        unique=False,
        schema="app",
    )
    op.create_index(
        op.f("ix_point_entry_school_id_classroom_id_student_id_awarded_at"),
        "point_entry",
        ["school_id", "classroom_id", "student_id", "awarded_at"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "student_session",
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("token_id", sa.Uuid(), nullable=False),
        sa.Column("classroom_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("student_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("idle_minutes", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["school_id", "classroom_id", "student_id"],
            [
                "app.enrollment.school_id",
                "app.enrollment.classroom_id",
                "app.enrollment.student_id",
            ],
            name=op.f("fk_student_session_school_id_classroom_id_student_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "code_id"],
            ["app.classroom_code.school_id", "app.classroom_code.id"],
            name=op.f("fk_student_session_school_id_code_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk_student_session")),
        sa.UniqueConstraint("token_id", name=op.f("uq_student_session_token_id")),
        schema="app",
    )
    op.create_index(
        op.f("ix_student_session_school_id_classroom_id_student_id"),
        "student_session",
        ["school_id", "classroom_id", "student_id"],
        unique=False,
        schema="app",
    )
    op.create_index(
        op.f("ix_student_session_school_id_code_id"),
        "student_session",
        ["school_id", "code_id"],
        unique=False,
        schema="app",
    )
    # The driver reads a lone percent sign as a placeholder.
    op.get_bind().exec_driver_sql(ISOLATION.read_text("utf-8").replace("%", "%%"))
