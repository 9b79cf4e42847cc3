"""Figures for whoever looks after the site."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0011_operation_counts.sql"

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
