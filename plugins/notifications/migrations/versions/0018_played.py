"""An hour that a founder waits for another is a played one in a drill, and sources of a scope are numbered."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0018_played.sql"

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
