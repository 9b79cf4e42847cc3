"""Re-sealing what is otherwise only ever added, so that its old key can go."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0010_resealing.sql"

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
