"""Leaders and founders set a school's security contact and postal address."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0061_school_contacts.sql"

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
