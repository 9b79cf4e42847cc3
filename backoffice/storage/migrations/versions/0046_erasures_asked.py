"""Erasures that somebody asks for on the web."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0046_erasures_asked.sql"

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
