"""Identity providers, who is linked with them, and schools that ask their staff to come in by one."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0018_identity_providers.sql"

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("came_by", "came_from"):
        op.add_column("account_session", sa.Column(name, sa.Text(), nullable=True), schema="app")
    for name in ("sign_in_by", "sign_in_from"):
        op.add_column("school", sa.Column(name, sa.Text(), nullable=True), schema="app")
    op.create_check_constraint(
        op.f("ck_school_sign_in_by_and_from"),
        "school",
        "(sign_in_by is null) = (sign_in_from is null)",
        schema="app",
    )
    op.create_table(
        "identity_provider",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("discovery_url", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("client_secret", sa.LargeBinary(), nullable=False),
        sa.Column("domain_claim", sa.Text(), nullable=False),
        sa.Column("verified_claim", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_provider")),
        sa.UniqueConstraint("name", name=op.f("uq_identity_provider_name")),
        schema="app",
    )
    op.create_table(
        "account_identity",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("provider_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subject_digest", sa.LargeBinary(), nullable=False),
        sa.Column("email", sa.LargeBinary(), nullable=False),
        sa.Column("email_verified_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["app.account.id"],
            name=op.f("fk_account_identity_account_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["app.identity_provider.id"],
            name=op.f("fk_account_identity_provider_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_identity")),
        sa.UniqueConstraint(
            "account_id", "provider_id", name=op.f("uq_account_identity_account_id_provider_id")
        ),
        sa.UniqueConstraint(
            "provider_id", "subject_digest", name=op.f("uq_account_identity_provider_id_subject_digest")
        ),
        schema="app",
    )
    op.create_table(
        "identity_offer",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("provider_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subject_digest", sa.LargeBinary(), nullable=False),
        sa.Column("email", sa.LargeBinary(), nullable=False),
        sa.Column("email_index", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("security_epoch", sa.Integer(), nullable=True),
        sa.Column("token_digest", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["app.account.id"],
            name=op.f("fk_identity_offer_account_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["app.identity_provider.id"],
            name=op.f("fk_identity_offer_provider_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_offer")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_identity_offer_token_digest")),
        schema="app",
    )
    for name in ("account_id", "provider_id"):
        op.create_index(
            op.f(f"ix_identity_offer_{name}"), "identity_offer", [name], unique=False, schema="app"
        )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
