"""Closes gaps of the isolation: numbers used twice, forged entries of the trail, sessions that come back."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0003_isolation_repairs.sql"

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_unique_constraint(op.f("uq_classroom_id"), "classroom", ["id"], schema="app")
    op.create_unique_constraint(op.f("uq_student_id"), "student", ["id"], schema="app")
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
