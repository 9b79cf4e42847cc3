"""Actions with pictures that retire, awards that are taken back as a whole, goals."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0023_points.sql"

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("enrollment", sa.Column("goal", sa.Integer(), nullable=True), schema="app")
    op.add_column("action", sa.Column("icon", sa.Text(), nullable=True), schema="app")
    op.add_column("action", sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True), schema="app")
    op.create_check_constraint(
        op.f("ck_action_value_is_in_range"),
        "action",
        "value between -10 and 10 and value <> 0",
        schema="app",
    )
    op.create_check_constraint(
        op.f("ck_enrollment_goal_is_in_range"), "enrollment", "goal between 1 and 10000", schema="app"
    )
    op.create_unique_constraint(
        op.f("uq_action_school_id_public_id"), "action", ["school_id", "public_id"], schema="app"
    )
    op.create_index(op.f("ix_action_public_id"), "action", ["public_id"], unique=False, schema="app")
    op.create_table(
        "point_award",
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("classroom_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("action_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("whom", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("awarded_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("awarded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.CheckConstraint(
            "whom in ('chosen', 'class', 'random')", name=op.f("ck_point_award_whom_is_known")
        ),
        sa.CheckConstraint(
            "undone_at is not null or undone_by is null", name=op.f("ck_point_award_undone_by_at_a_time")
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            ["app.classroom.school_id", "app.classroom.id"],
            name=op.f("fk_point_award_school_id_classroom_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "action_id"],
            ["app.action.school_id", "app.action.id"],
            name=op.f("fk_point_award_school_id_action_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["awarded_by"],
            ["app.account.id"],
            name=op.f("fk_point_award_awarded_by"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["undone_by"], ["app.account.id"], name=op.f("fk_point_award_undone_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk_point_award")),
        sa.UniqueConstraint("school_id", "public_id", name=op.f("uq_point_award_school_id_public_id")),
        sa.UniqueConstraint(
            "school_id", "classroom_id", "form", name=op.f("uq_point_award_school_id_classroom_id_form")
        ),
        schema="app",
    )
    for columns in (["public_id"], ["school_id", "action_id"], ["school_id", "classroom_id", "awarded_at"]):
        name = op.f(f"ix_point_award_{'_'.join(columns)}")
        op.create_index(name, "point_award", columns, unique=False, schema="app")
    op.add_column(
        "point_entry",
        sa.Column("award_id", sa.BigInteger(), autoincrement=False, nullable=True),
        schema="app",
    )
    op.create_foreign_key(
        op.f("fk_point_entry_school_id_award_id"),
        "point_entry",
        "point_award",
        ["school_id", "award_id"],
        ["school_id", "id"],
        source_schema="app",
        referent_schema="app",
        ondelete="CASCADE",
    )
    op.create_index(
        op.f("ix_point_entry_school_id_award_id"),
        "point_entry",
        ["school_id", "award_id"],
        unique=False,
        schema="app",
    )
    op.create_index(
        "uq_point_entry_undoes",
        "point_entry",
        ["school_id", "undoes"],
        unique=True,
        schema="app",
        postgresql_where="undoes is not null",
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
