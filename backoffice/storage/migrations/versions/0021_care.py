"""Suspensions, resets of lost second factors, schools that require one, idle staff, and security events."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0021_care.sql"

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

STATES = "'active', 'suspended', 'locked', 'dormant', 'not_invited', 'deactivated'"
LETTERS = (
    "'reset', 'password_changed', 'new_device', 'locked', 'factor_set', 'factor_removed', 'codes_renewed',"
    " 'recovery_used', 'address_change', 'passkey_added', 'passkey_removed', 'passkey_copied', 'suspended',"
    " 'reinstated', 'dormant_soon', 'dormant', 'guessed', 'reset_asked',"
    " 'reset_refused', 'reset_cancelled', 'reset_undelivered', 'reset_done', 'factor_reset'"
)


def upgrade() -> None:
    _known("account", "status", STATES)
    _known("account_letter", "kind", LETTERS)
    op.add_column(
        "account", sa.Column("idle_warned_at", sa.DateTime(timezone=True), nullable=True), schema="app"
    )
    op.add_column(
        "membership", sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True), schema="app"
    )
    op.add_column(
        "school",
        sa.Column("factor_required", sa.Boolean(), server_default=sa.false(), nullable=False),
        schema="app",
    )
    op.create_index(
        "ix_school_factor_required",
        "school",
        ["district_id"],
        unique=False,
        schema="app",
        postgresql_where="factor_required",
    )
    op.create_table(
        "suspension",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("was", sa.Text(), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("suspended_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=False),
        *_keys("suspension", suspended_by="SET NULL"),
        schema="app",
    )
    op.create_index(
        "uq_suspension_place",
        "suspension",
        ["account_id", "school_id"],
        unique=True,
        schema="app",
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "factor_reset",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("asked_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=True),
        sa.Column("mail", sa.String(16), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('waiting', 'refused', 'cancelled', 'undelivered', 'done')",
            name=op.f("ck_factor_reset_state_is_known"),
        ),
        *_keys("factor_reset", asked_by="SET NULL"),
        sa.UniqueConstraint("token_digest", name=op.f("uq_factor_reset_token_digest")),
        schema="app",
    )
    op.create_index(
        "uq_factor_reset_waiting",
        "factor_reset",
        ["account_id"],
        unique=True,
        schema="app",
        postgresql_where="state = 'waiting'",
    )
    op.create_table(
        "security_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(16), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_public_id", sa.String(16), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "kind in ('not_me', 'suspended', 'dormant', 'codes_refused', 'guessed', 'reset_refused')",
            name=op.f("ck_security_event_kind_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["app.account.id"], name=op.f("fk_security_event_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["closed_by"], ["app.account.id"], name=op.f("fk_security_event_closed_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_event")),
        sa.UniqueConstraint("public_id", name=op.f("uq_security_event_public_id")),
        schema="app",
    )
    op.create_index(
        "uq_security_event_open",
        "security_event",
        ["account_id", "kind"],
        unique=True,
        schema="app",
        postgresql_where="closed_at is null",
    )
    for table, column in (
        ("suspension", "school_id"),
        ("suspension", "suspended_by"),
        ("factor_reset", "account_id"),
        ("factor_reset", "school_id"),
        ("factor_reset", "asked_by"),
        ("security_event", "account_id"),
        ("security_event", "closed_by"),
    ):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=False, schema="app")
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))


def _known(table: str, column: str, words: str) -> None:
    name = f"ck_{table}_{column}_is_known"
    op.execute(f"alter table app.{table} drop constraint {name}")
    op.execute(f"alter table app.{table} add constraint {name} check ({column} in ({words}))")


def _keys(table: str, **by: str) -> list[sa.Constraint]:
    references = {"account_id": ("account", "CASCADE"), "school_id": ("school", "CASCADE")}
    references |= {column: ("account", ending) for column, ending in by.items()}
    return [
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"app.{to}.id"], name=op.f(f"fk_{table}_{column}"), ondelete=ending
            )
            for column, (to, ending) in references.items()
        ),
    ]
