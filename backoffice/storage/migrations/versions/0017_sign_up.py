"""Signing up, moving an account to another address, and closing it; what a school's voucher is worth."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0017_sign_up.sql"

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table app.account drop constraint ck_account_status_is_known")
    op.execute(
        "alter table app.account add constraint ck_account_status_is_known"
        " check (status in ('active', 'suspended', 'locked', 'not_invited', 'deactivated'))"
    )
    op.add_column(
        "account", sa.Column("deactivated_at", sa.DateTime(timezone=True), nullable=True), schema="app"
    )
    op.execute("alter table app.account_letter drop constraint ck_account_letter_kind_is_known")
    op.execute(
        "alter table app.account_letter add constraint ck_account_letter_kind_is_known check (kind in"
        " ('reset', 'password_changed', 'new_device', 'locked', 'factor_set', 'factor_removed',"
        " 'codes_renewed', 'recovery_used', 'address_change'))"
    )
    op.create_table(
        "sign_up",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("email", sa.LargeBinary(), nullable=False),
        sa.Column("email_index", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_up")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_sign_up_token_digest")),
        schema="app",
    )
    op.create_index(op.f("ix_sign_up_email_index"), "sign_up", ["email_index"], unique=False, schema="app")
    op.create_table(
        "email_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("email", sa.LargeBinary(), nullable=False),
        sa.Column("email_index", sa.LargeBinary(), nullable=False),
        sa.Column("old_email", sa.LargeBinary(), nullable=False),
        sa.Column("old_email_index", sa.LargeBinary(), nullable=False),
        sa.Column("security_epoch", sa.Integer(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=True),
        sa.Column("take_back_digest", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "take_back_digest is null or confirmed_at is not null",
            name=op.f("ck_email_change_taken_back_after"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["app.account.id"], name=op.f("fk_email_change_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_change")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_email_change_token_digest")),
        sa.UniqueConstraint("take_back_digest", name=op.f("uq_email_change_take_back_digest")),
        schema="app",
    )
    op.create_index(
        op.f("ix_email_change_account_id"), "email_change", ["account_id"], unique=False, schema="app"
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
