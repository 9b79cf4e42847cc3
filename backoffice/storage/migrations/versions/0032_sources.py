"""Which class came after which, and which places in classes the school's own system has given."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0032_sources.sql"

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "classroom", sa.Column("follows", sa.BigInteger(), autoincrement=False, nullable=True), schema="app"
    )
    op.create_foreign_key(
        op.f("fk_classroom_school_id_follows"),
        "classroom",
        "classroom",
        ["school_id", "follows"],
        ["school_id", "id"],
        source_schema="app",
        referent_schema="app",
        ondelete="SET NULL (follows)",
    )
    op.create_index(
        "ix_classroom_follows",
        "classroom",
        ["school_id", "follows"],
        schema="app",
        postgresql_where="follows is not null",
    )
    op.add_column("enrollment", sa.Column("origin", sa.Text(), nullable=True), schema="app")
    op.add_column("enrollment", sa.Column("in_source", sa.Boolean(), nullable=True), schema="app")
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
