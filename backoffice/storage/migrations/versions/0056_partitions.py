"""The details of the trail by the day, so that forgetting a day is dropping it."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0056_partitions.sql"

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("retention_run", sa.Column("estimated", sa.BigInteger(), nullable=True), schema="app")
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
