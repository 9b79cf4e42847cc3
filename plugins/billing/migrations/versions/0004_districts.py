"""What a district pays for is shared by its schools."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0004_districts.sql"

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
