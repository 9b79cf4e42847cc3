"""What children tell the grown-ups of their school."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0026_child.sql"

revision = "0026"
down_revision = "0023"
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
        op.create_index(
            op.f(f"ix_worry_{'_'.join(columns)}"), "worry", columns, unique=False, schema="app"
        )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
