"""A personal school's own teacher answers parents there, and sets its days, whatever classes there are."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0033_personal_schools.sql"

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
