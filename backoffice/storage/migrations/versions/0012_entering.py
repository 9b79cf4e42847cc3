"""Coming in costs a district of a thousand schools half of what it did."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0012_entering.sql"

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
