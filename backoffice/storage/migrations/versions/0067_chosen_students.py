"""Erasing several students of a school at once."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0067_chosen_students.sql"

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None

ENDED = "stage in ('verified', 'lapsed')"
UNDER_WAY = "stage in ('confirmed', 'held', 'noted', 'erased')"


def upgrade() -> None:
    op.add_column("erasure", sa.Column("chosen", sa.ARRAY(sa.BigInteger()), nullable=True), schema="app")
    op.add_column(
        "erasure", sa.Column("subjects", sa.Integer(), server_default="1", nullable=False), schema="app"
    )
    op.alter_column("erasure", "subjects", server_default=None, schema="app")
    ended = op.f("ck_erasure_ended_names_nobody")
    op.drop_constraint(ended, "erasure", schema="app")
    op.create_check_constraint(
        ended, "erasure", f"not ({ENDED}) or subject_id is null and chosen is null", schema="app"
    )
    op.create_check_constraint(
        op.f("ck_erasure_several_are_students"),
        "erasure",
        "chosen is null or subject = 'student' and subject_id is null and school_id is not null"
        " and cardinality(chosen) = subjects and array_position(chosen, null) is null",
        schema="app",
    )
    op.create_check_constraint(op.f("ck_erasure_of_somebody"), "erasure", "subjects > 0", schema="app")
    op.create_index(
        "ix_erasure_of_several",
        "erasure",
        ["school_id"],
        schema="app",
        postgresql_where=f"chosen is not null and {UNDER_WAY}",
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
