"""A district's own system is called when its schools are told."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0011_hooks.sql"
HERE = "plugin_notifications"

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _hook()
    _call()
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))


def _hook() -> None:
    op.create_table(
        "district_hook",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        _number("district_id", nullable=False),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in ("url", "secret")),
        _number("set_by"),
        _moment("set_at", nullable=False),
        _key("district_hook", "district_id", "app.district", "CASCADE"),
        _key("district_hook", "set_by", "app.account", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_district_hook")),
        sa.UniqueConstraint("district_id", name=op.f("uq_district_hook_district_id")),
        schema=HERE,
    )
    op.create_index(op.f("ix_district_hook_set_by"), "district_hook", ["set_by"], schema=HERE)


def _call() -> None:
    op.create_table(
        "hook_call",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        *(_number(name) for name in ("hook_id", "notice_id")),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _moment("next_try_at", nullable=False),
        sa.Column("last_status", sa.Integer(), nullable=True),
        _moment("created_at", nullable=False),
        _moment("finished_at"),
        sa.CheckConstraint(
            "state in ('waiting', 'delivered', 'given_up')", name=op.f("ck_hook_call_state_is_known")
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_hook_call_no_fewer_than_none")),
        sa.CheckConstraint(
            "(finished_at is null) = (state = 'waiting')", name=op.f("ck_hook_call_finished_or_waiting")
        ),
        _key("hook_call", "hook_id", f"{HERE}.district_hook", "SET NULL"),
        _key("hook_call", "notice_id", f"{HERE}.notice", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hook_call")),
        sa.UniqueConstraint("public_id", name=op.f("uq_hook_call_public_id")),
        sa.UniqueConstraint("hook_id", "notice_id", name=op.f("uq_hook_call_hook_id_notice_id")),
        schema=HERE,
    )
    op.create_index(op.f("ix_hook_call_notice_id"), "hook_call", ["notice_id"], schema=HERE)
    op.create_index(
        "ix_hook_call_waiting",
        "hook_call",
        ["next_try_at"],
        schema=HERE,
        postgresql_where=sa.text("state = 'waiting'"),
    )


def _number(name: str, *, nullable: bool = True) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=nullable)


def _moment(name: str, *, nullable: bool = True) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _key(table: str, column: str, to: str, on_delete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"), ondelete=on_delete
    )
