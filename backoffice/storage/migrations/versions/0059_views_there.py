"""Whether somebody has saved views, told on coming in."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0059_views_there.sql"

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
