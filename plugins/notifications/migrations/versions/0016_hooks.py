"""A call is tried again with the same body, and a new secret signs beside the old one for a day."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0016_hooks.sql"
HERE = "plugin_notifications"

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, column in (("district_hook", "newer_secret"), ("hook_call", "body")):
        op.add_column(table, sa.Column(column, sa.LargeBinary(), nullable=True), schema=HERE)
    renewed = sa.Column("renewed_at", sa.DateTime(timezone=True), nullable=True)
    op.add_column("district_hook", renewed, schema=HERE)
    for table, name, condition in (
        ("district_hook", "renewed_at_some_moment", "(newer_secret is null) = (renewed_at is null)"),
        ("hook_call", "body_while_it_waits", "body is null or state = 'waiting'"),
    ):
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition, schema=HERE)
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
