"""How much a school has of what a plan can limit, counted while nobody else takes of it."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0066_room.sql"

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
