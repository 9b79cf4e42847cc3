"""A school passes on what a child told as a report, and the worry notes it."""

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "report",
        sa.Column("by_school", sa.Boolean(), nullable=False, server_default=sa.false()),
        schema="app",
    )
    op.alter_column("report", "by_school", server_default=None, schema="app")
    op.add_column("worry", sa.Column("passed_on_at", sa.DateTime(timezone=True), nullable=True), schema="app")
    op.add_column(
        "worry", sa.Column("passed_on_by", sa.BigInteger(), autoincrement=False, nullable=True), schema="app"
    )
    op.create_foreign_key(
        op.f("fk_worry_passed_on_by"),
        "worry",
        "account",
        ["passed_on_by"],
        ["id"],
        source_schema="app",
        referent_schema="app",
        ondelete="SET NULL",
    )
    op.create_index(op.f("ix_worry_passed_on_by"), "worry", ["passed_on_by"], schema="app")
    op.execute("grant update (passed_on_at, passed_on_by) on app.worry to backoffice_app")
    # That a school passes something on is said by nobody but who works at one.
    op.execute(
        """
        alter policy app_insert on app.report
          with check ((account_id is null or account_id = any ((select app.ids('account'))::bigint[]))
                      and (not by_school or account_id is not null and cardinality(app.ids('schools')) > 0)
                      and told_at is null and closed_at is null and closed_by is null and note is null
                      and octet_length(said) <= 32768 and octet_length(mail) <= 1100000 is not false)
        """
    )
