"""What the rosters have given, apart from what people gave by hand."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0003_given.sql"
HERE = "plugin_rosters"

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("classroom_source", sa.Column("year_digest", sa.Uuid(), nullable=True), schema=HERE)
    op.create_table(
        "teaching_source",
        *_keys("teaching_source", "account_id"),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("by_hand", sa.Text(), nullable=True),
        sa.CheckConstraint("role in ('owner', 'co_teacher')", name=op.f("ck_teaching_source_role_is_given")),
        sa.CheckConstraint(
            "by_hand in ('owner', 'co_teacher', 'helper')", name=op.f("ck_teaching_source_by_hand_is_known")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["app.account.id"],
            name=op.f("fk_teaching_source_account_id"),
            ondelete="CASCADE",
        ),
        schema=HERE,
    )
    op.create_table(
        "unseated",
        *_keys("unseated", "student_id"),
        sa.ForeignKeyConstraint(
            ["school_id", "student_id"],
            ["app.student.school_id", "app.student.id"],
            name=op.f("fk_unseated_school_id_student_id"),
            ondelete="CASCADE",
        ),
        schema=HERE,
    )
    for table, columns in (("teaching_source", ["account_id"]), ("unseated", ["school_id", "student_id"])):
        op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, columns, unique=False, schema=HERE)
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))


def _keys(table: str, whose: str) -> list[sa.Column[int] | sa.Constraint]:
    return [
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("classroom_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(whose, sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("school_id", "classroom_id", whose, name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            ["app.classroom.school_id", "app.classroom.id"],
            name=op.f(f"fk_{table}_school_id_classroom_id"),
            ondelete="CASCADE",
        ),
    ]
