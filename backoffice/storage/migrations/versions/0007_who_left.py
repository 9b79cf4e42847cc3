"""Recognising a child that comes back to a class."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0007_who_left.sql"

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
