"""Why schools are told late is said wherever a notice goes on late, and of letters as they are posted."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0015_late.sql"

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
