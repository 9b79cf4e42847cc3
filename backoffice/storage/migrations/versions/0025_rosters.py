"""The last change of each class's roster, archived classes, and their colours and icons."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0025_rosters.sql"

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

COLOURS = "'sky', 'mint', 'coral', 'sun', 'plum', 'sea', 'rose', 'sand'"
ICONS = "'star', 'sun', 'moon', 'cloud', 'leaf', 'fish', 'bird', 'cat', 'bear', 'owl', 'flower', 'boat'"


def upgrade() -> None:
    op.add_column("classroom", sa.Column("archived_at", sa.DateTime(timezone=True)), schema="app")
    op.add_column("classroom", sa.Column("colour", sa.Text(), nullable=True), schema="app")
    op.add_column("classroom", sa.Column("icon", sa.Text(), nullable=True), schema="app")
    op.create_check_constraint(
        op.f("ck_classroom_colour_is_known"), "classroom", f"colour in ({COLOURS})", schema="app"
    )
    op.create_check_constraint(
        op.f("ck_classroom_icon_is_known"), "classroom", f"icon in ({ICONS})", schema="app"
    )
    op.create_check_constraint(
        op.f("ck_classroom_archived_is_closed"),
        "classroom",
        "archived_at is null or door = 'closed'",
        schema="app",
    )
    op.create_table(
        "roster_change",
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("classroom_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("other_classroom_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.CheckConstraint(
            "kind in ('add', 'end', 'move_out', 'move_in')", name=op.f("ck_roster_change_kind_is_known")
        ),
        *(
            sa.ForeignKeyConstraint(
                ["school_id", column],
                ["app.classroom.school_id", "app.classroom.id"],
                name=op.f(f"fk_roster_change_school_id_{column}"),
                ondelete="CASCADE",
            )
            for column in ("classroom_id", "other_classroom_id")
        ),
        sa.ForeignKeyConstraint(
            ["by"], ["app.account.id"], name=op.f("fk_roster_change_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("school_id", "classroom_id", name=op.f("pk_roster_change")),
        schema="app",
    )
    op.create_index(
        op.f("ix_roster_change_school_id_other_classroom_id"),
        "roster_change",
        ["school_id", "other_classroom_id"],
        unique=False,
        schema="app",
    )
    op.create_index(op.f("ix_roster_change_by"), "roster_change", ["by"], unique=False, schema="app")
    op.create_table(
        "roster_change_student",
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("classroom_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("student_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "how in ('new', 'joined', 'back', 'left')", name=op.f("ck_roster_change_student_how_is_known")
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            ["app.roster_change.school_id", "app.roster_change.classroom_id"],
            name=op.f("fk_roster_change_student_school_id_classroom_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "student_id"],
            ["app.student.school_id", "app.student.id"],
            name=op.f("fk_roster_change_student_school_id_student_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "school_id", "classroom_id", "student_id", name=op.f("pk_roster_change_student")
        ),
        schema="app",
    )
    op.create_index(
        op.f("ix_roster_change_student_school_id_student_id"),
        "roster_change_student",
        ["school_id", "student_id"],
        unique=False,
        schema="app",
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
