"""When a plugin was last switched, beside when it was last changed in any way."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0049_switched.sql"

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "plugin_state", sa.Column("switched_at", sa.DateTime(timezone=True), nullable=True), schema="app"
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
