"""Merging students row by row and in one order of locks, owners who can act, and undoing changes of names."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0036_merging_and_undoing.sql"

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

KNOWN = (
    ("roster_change", "kind", "'add', 'end', 'move_out', 'move_in', 'rename'"),
    ("roster_change_student", "how", "'new', 'joined', 'back', 'left', 'renamed'"),
)


def upgrade() -> None:
    op.add_column("roster_change_student", sa.Column("names", sa.LargeBinary()), schema="app")
    for table, column, words in KNOWN:
        name = op.f(f"ck_{table}_{column}_is_known")
        op.drop_constraint(name, table, schema="app")
        op.create_check_constraint(name, table, f"{column} in ({words})", schema="app")
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
