"""The details of the trail by the day, so that forgetting a day is dropping it."""

from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from alembic import op

from backoffice import clock

SQL = Path(__file__).parent.parent / "sql" / "0056_partitions.sql"

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None


AHEAD = 14
# The first value of an index by order is the oldest row; of one by blocks it is found by reading all.
OLDEST = {
    "student_view": "at",
    "worry": "told_at",
    "guardian_request": "answered_at",
    "guardian_invitation": "expires_at",
    "invitation": "expires_at",
    "account_link": "created_at",
    "security_event": "opened_at",
    "factor_reset": "asked_at",
}


def upgrade() -> None:
    op.drop_index(op.f("ix_student_view_at"), "student_view", schema="app")
    for table, column in OLDEST.items():
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column], schema="app")
    op.add_column("retention_run", sa.Column("estimated", sa.BigInteger(), nullable=True), schema="app")
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
    op.execute("select set_config('app.purpose', 'migration', true)")
    make = sa.text("select app.make_day('app.audit_detail', :day)")
    for number in range(AHEAD + 1):
        op.get_bind().execute(make, {"day": clock.now().date() + timedelta(days=number)})
    op.execute("select set_config('app.purpose', '', true)")
