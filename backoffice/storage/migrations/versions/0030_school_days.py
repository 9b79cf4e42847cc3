"""Setting the days and the time zone of a school."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0030_school_days.sql"

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
