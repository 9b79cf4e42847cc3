"""What every page asks of an account is told as it comes in, by one function."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0068_told_on_coming_in.sql"

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
