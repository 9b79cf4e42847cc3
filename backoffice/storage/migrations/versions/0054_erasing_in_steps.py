"""Erasing what is large in steps, access that ends as it is confirmed, and schools erased by founders."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0054_erasing_in_steps.sql"

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "school",
        sa.Column("erasing_since", sa.DateTime(timezone=True), nullable=True),
        schema="app",
    )
    op.add_column("erasure", sa.Column("rows_planned", sa.BigInteger(), nullable=True), schema="app")
    op.add_column("erasure", sa.Column("rows_gone", sa.BigInteger(), nullable=True), schema="app")
    op.add_column("erasure", sa.Column("step", sa.Text(), nullable=True), schema="app")
    known = op.f("ck_erasure_asked_as_is_known")
    op.drop_constraint(known, "erasure", schema="app")
    op.create_check_constraint(
        known,
        "erasure",
        "asked_as in ('teacher', 'leader', 'founder', 'owner of the account', 'command line of the server',"
        " 'retention', 'canary', 'replay of the ledger')",
        schema="app",
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
