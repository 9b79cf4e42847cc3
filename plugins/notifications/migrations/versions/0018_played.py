"""A founder waits a played hour for another in a drill, and sources of a scope are numbered."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0018_played.sql"

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    classes: sa.Column[list[int]] = sa.Column("classrooms", sa.ARRAY(sa.BigInteger()), nullable=True)
    op.add_column("scope_source", classes, schema="plugin_notifications")
    op.create_check_constraint(
        op.f("ck_scope_source_classes_of_an_account"),
        "scope_source",
        "classrooms is null or extent in ('rooms', 'own')",
        schema="plugin_notifications",
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
