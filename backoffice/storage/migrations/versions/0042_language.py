"""The language of who signs up, and of whoever is at work."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0042_language.sql"

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A default for those alone who wait just now.
    column = sa.Column("language", sa.Text(), nullable=False, server_default="en")
    op.add_column("sign_up", column, schema="app")
    op.alter_column("sign_up", "language", server_default=None, schema="app")
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
