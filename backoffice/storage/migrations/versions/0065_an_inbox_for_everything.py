"""A message beside each mail, left as that is written, and the choice of mails for its owner alone."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0065_an_inbox_for_everything.sql"

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mail_choice",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("unwanted", sa.ARRAY(sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["app.account.id"], name=op.f("fk_mail_choice_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_mail_choice")),
        schema="app",
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
    op.drop_column("account", "unwanted_mails", schema="app")
