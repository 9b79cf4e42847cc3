"""Cards and tablets end with what they stand on, and a session knows its device again."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0028_ends_of_cards_and_tablets.sql"

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("point_award", sa.Column("chosen", sa.Uuid()), schema="app")
    op.add_column("student_session", sa.Column("device", sa.Uuid()), schema="app")
    op.create_index(
        op.f("ix_student_session_school_id_classroom_id_device"),
        "student_session",
        ["school_id", "classroom_id", "device"],
        schema="app",
    )
    op.create_index(op.f("ix_classroom_tablet_paired_by"), "classroom_tablet", ["paired_by"], schema="app")
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
