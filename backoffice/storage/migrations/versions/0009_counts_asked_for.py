"""Counting the schools that a page shows, and no others."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0009_counts_asked_for.sql"

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
