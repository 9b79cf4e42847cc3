"""An order that is tried again is ordered anew."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0005_again.sql"

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
