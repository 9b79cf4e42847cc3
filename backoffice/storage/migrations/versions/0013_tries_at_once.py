"""Of many who try at once nobody takes a try from another."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0013_tries_at_once.sql"

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
