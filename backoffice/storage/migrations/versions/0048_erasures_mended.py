"""What erasing had missed."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0048_erasures_mended.sql"

revision = "0048"
down_revision = "0046"
branch_labels = None
depends_on = None

# By an address, erasing finds what was sent to it.
OF_ADDRESS = ("account_letter", "guardian_invitation", "identity_offer", "invitation")


def upgrade() -> None:
    for table in OF_ADDRESS:
        op.create_index(op.f(f"ix_{table}_email_index"), table, ["email_index"], schema="app")
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
