"""The second factor of accounts, recovery codes, and when an owner last proved to be one."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0015_second_factor.sql"

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table app.account_letter drop constraint ck_account_letter_kind_is_known")
    op.execute(
        "alter table app.account_letter add constraint ck_account_letter_kind_is_known"
        " check (kind in ('reset', 'password_changed', 'new_device', 'locked', 'factor_set',"
        " 'factor_removed', 'codes_renewed', 'recovery_used'))"
    )
    op.add_column(
        "account_session", sa.Column("proven_at", sa.DateTime(timezone=True), nullable=True), schema="app"
    )
    op.execute("update app.account_session set proven_at = started_at")
    op.alter_column("account_session", "proven_at", nullable=False, schema="app")
    op.create_table(
        "account_second_factor",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.Column("pending", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["app.account.id"],
            name=op.f("fk_account_second_factor_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_account_second_factor")),
        schema="app",
    )
    op.create_table(
        "account_recovery_code",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code_digest", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["app.account.id"],
            name=op.f("fk_account_recovery_code_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_recovery_code")),
        sa.UniqueConstraint("code_digest", name=op.f("uq_account_recovery_code_code_digest")),
        schema="app",
    )
    op.create_index(
        op.f("ix_account_recovery_code_account_id"),
        "account_recovery_code",
        ["account_id"],
        unique=False,
        schema="app",
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
