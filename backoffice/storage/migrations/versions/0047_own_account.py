"""Erasing the own account."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0047_own_account.sql"

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
