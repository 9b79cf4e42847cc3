"""Of whom a notice may have reached twice it is known, and stays so when the mail is gone."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0004_twice.sql"
HERE = "plugin_notifications"

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "notice_delivery",
        sa.Column("maybe_twice", sa.Boolean(), nullable=False, server_default=sa.false()),
        schema=HERE,
    )
    op.alter_column("notice_delivery", "maybe_twice", server_default=None, schema=HERE)
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
