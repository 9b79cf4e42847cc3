"""Uploads that are looked at before anybody brings them in."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0004_looked_at.sql"
HERE = "plugin_rosters"

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "roster_import",
        sa.Column("look_first", sa.Boolean(), server_default=sa.false(), nullable=False),
        schema=HERE,
    )
    op.drop_constraint(op.f("ck_roster_import_state_is_known"), "roster_import", schema=HERE)
    op.create_check_constraint(
        op.f("ck_roster_import_state_is_known"),
        "roster_import",
        "state in ('waiting', 'checking', 'looked', 'importing', 'done', 'refused', 'failed')",
        schema=HERE,
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
