"""What children tell the grown-ups of their school, and what parents ask of it."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0026_child.sql"

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "worry",
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(16), nullable=False),
        sa.Column("classroom_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("student_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("goes_to", sa.Text(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "kind in ('unkind', 'strange', 'as_me', 'other')", name=op.f("ck_worry_kind_is_known")
        ),
        sa.CheckConstraint("goes_to in ('teacher', 'leader')", name=op.f("ck_worry_goes_to_is_known")),
        sa.CheckConstraint(
            "closed_at is null or answer is not null", name=op.f("ck_worry_closed_with_an_answer")
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "classroom_id", "student_id"],
            ["app.enrollment.school_id", "app.enrollment.classroom_id", "app.enrollment.student_id"],
            name=op.f("fk_worry_school_id_classroom_id_student_id"),
            ondelete="CASCADE",
        ),
        *(
            sa.ForeignKeyConstraint(
                [column], ["app.account.id"], name=op.f(f"fk_worry_{column}"), ondelete="SET NULL"
            )
            for column in ("seen_by", "closed_by")
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk_worry")),
        sa.UniqueConstraint("public_id", name=op.f("uq_worry_public_id")),
        sa.UniqueConstraint(
            "school_id", "student_id", "form", name=op.f("uq_worry_school_id_student_id_form")
        ),
        schema="app",
    )
    for columns in (["school_id", "classroom_id", "student_id"], ["seen_by"], ["closed_by"]):
        op.create_index(op.f(f"ix_worry_{'_'.join(columns)}"), "worry", columns, unique=False, schema="app")
    op.create_table(
        "guardian_request",
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(16), nullable=False),
        sa.Column("student_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer_mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind in ('correct', 'delete')", name=op.f("ck_guardian_request_kind_is_known")),
        sa.CheckConstraint(
            "(answered_at is null) = (answer is null)", name=op.f("ck_guardian_request_answered_in_words")
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "student_id"],
            ["app.student.school_id", "app.student.id"],
            name=op.f("fk_guardian_request_school_id_student_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["app.account.id"],
            name=op.f("fk_guardian_request_account_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["answered_by"],
            ["app.account.id"],
            name=op.f("fk_guardian_request_answered_by"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk_guardian_request")),
        sa.UniqueConstraint("public_id", name=op.f("uq_guardian_request_public_id")),
        schema="app",
    )
    for columns in (["school_id", "student_id"], ["account_id"], ["answered_by"]):
        name = op.f(f"ix_guardian_request_{'_'.join(columns)}")
        op.create_index(name, "guardian_request", columns, unique=False, schema="app")
    op.create_index(
        "uq_guardian_request_open",
        "guardian_request",
        ["school_id", "student_id", "account_id", "kind"],
        unique=True,
        schema="app",
        postgresql_where="answered_at is null",
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
