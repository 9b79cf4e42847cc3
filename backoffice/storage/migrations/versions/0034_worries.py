"""What a child tells is known by form and words together; who worked in the class then is kept with it."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0034_worries.sql"

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What is there is the number of a form, and stays as good as any: no such form is open any more.
    op.execute("alter table app.worry alter column form type uuid using form::uuid")
    op.execute("alter table app.worry alter column form set statistics 0")
    op.add_column("worry", sa.Column("told_past", sa.ARRAY(sa.BigInteger())), schema="app")
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
    op.alter_column("worry", "told_past", nullable=False, schema="app")
