"""Names of students are found by an index, at however many schools."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0043_names.sql"

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        op.f("ix_student_name_tokens"),
        "student",
        ["name_tokens"],
        schema="app",
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
