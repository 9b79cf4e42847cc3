"""Passkeys, and the challenges that they have answered."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0019_passkeys.sql"

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table app.account_letter drop constraint ck_account_letter_kind_is_known")
    op.execute(
        "alter table app.account_letter add constraint ck_account_letter_kind_is_known"
        " check (kind in ('reset', 'password_changed', 'new_device', 'locked', 'factor_set',"
        " 'factor_removed', 'codes_renewed', 'recovery_used', 'address_change', 'passkey_added',"
        " 'passkey_removed', 'passkey_copied'))"
    )
    op.create_table(
        "account_passkey",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(16), nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("transports", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("backed_up", sa.Boolean(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["app.account.id"],
            name=op.f("fk_account_passkey_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_passkey")),
        sa.UniqueConstraint("public_id", name=op.f("uq_account_passkey_public_id")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_account_passkey_credential_id")),
        schema="app",
    )
    op.create_index(
        op.f("ix_account_passkey_account_id"),
        "account_passkey",
        ["account_id"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "spent_challenge",
        sa.Column("digest", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_spent_challenge")),
        schema="app",
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
