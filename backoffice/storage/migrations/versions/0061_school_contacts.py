"""Leaders and founders set the security contact and postal address of a school or district."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0061_school_contacts.sql"

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("postal_address", "security_contact"):
        op.add_column("district", sa.Column(name, sa.LargeBinary(), nullable=True), schema="app")
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
