"""What lists are narrowed and sorted by: days of last visits, archived classes, states of links."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0037_lists.sql"

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
    for table, columns in (
        ("student", ["school_id", "active_on", "id"]),
        ("student", ["active_on", "school_id", "id"]),
        ("guardian_link", ["school_id", "status", "id"]),
    ):
        op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, columns, schema="app")
    op.create_index(
        "ix_classroom_archived",
        "classroom",
        ["school_id", "id"],
        schema="app",
        postgresql_where="archived_at is not null",
    )
