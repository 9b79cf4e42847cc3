"""Merging two students, giving colleagues a role in a class, and beginning a school year."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0029_year.sql"

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
