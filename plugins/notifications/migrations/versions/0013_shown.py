"""Whoever answers for a school sees an incident once the school was told of it."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0013_shown.sql"
HERE = "plugin_notifications"
TABLE = "concerned_school"

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("shown_at", "concerned_at", "scoped_at"):
        op.add_column(TABLE, sa.Column(name, sa.DateTime(timezone=True), nullable=True), schema=HERE)
    op.create_check_constraint(
        op.f(f"ck_{TABLE}_shown_once_told"), TABLE, "shown_at is null or told_at is not null", schema=HERE
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
