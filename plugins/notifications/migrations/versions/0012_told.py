"""Whoever was sent a notice reads it again."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0012_told.sql"

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
