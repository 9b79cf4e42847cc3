"""A notice that is being sent can be paused, gone on with, and stopped."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0003_pausing.sql"
HERE = "plugin_notifications"
STEPS = ("proposed", "taken back", "approved", "alone", "reviewed", "taken down", "discarded")
NEW_STEPS = ("paused", "resumed", "stopped")
STATES = ("queued", "sent", "bounced", "failed", "played")

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("notice", sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True), schema=HERE)
    op.create_check_constraint(
        op.f("ck_notice_paused_while_mailed"),
        "notice",
        "paused_at is null or (audience <> 'banner' and state in ('approved', 'sent', 'ended'))",
        schema=HERE,
    )
    _known("notice_step", "kind", *STEPS, *NEW_STEPS)
    _known("notice_delivery", "state", *STATES, "called_off")
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))


def _known(table: str, column: str, *values: str) -> None:
    name = op.f(f"ck_{table}_{column}_is_known")
    known = ", ".join(f"'{value}'" for value in values)
    op.drop_constraint(name, table, schema=HERE)
    op.create_check_constraint(name, table, f"{column} in ({known})", schema=HERE)
