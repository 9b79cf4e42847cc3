"""Merging students: plugins' rows one by one, and locks in the order of whoever changes a class."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0036_merging.sql"

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
