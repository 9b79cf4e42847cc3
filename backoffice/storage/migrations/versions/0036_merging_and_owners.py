"""Merging students row by row, in the locks' order of whoever changes a class, and owners who can act."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0036_merging_and_owners.sql"

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
