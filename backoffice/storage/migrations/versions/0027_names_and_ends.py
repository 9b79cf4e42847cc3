"""How a class shows its children at the door, and sessions that end with the lesson."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0027_names_and_ends.sql"

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "classroom",
        sa.Column("names_shown", sa.Text(), server_default="names", nullable=False),
        schema="app",
    )
    op.create_check_constraint(
        op.f("ck_classroom_names_shown_is_known"),
        "classroom",
        "names_shown in ('names', 'aliases', 'avatars', 'usernames')",
        schema="app",
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
