"""Imports, uploaded sets, and what a second import recognises the first by."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0001_isolation.sql"
HERE = "plugin_rosters"

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _source("school_source", "school_id", "district_id")
    for table, key in (
        ("classroom_source", "classroom_id"),
        ("student_source", "student_id"),
        ("account_source", "account_id"),
    ):
        _source_of_a_school(table, key)
    op.create_index(
        op.f("ix_account_source_account_id"), "account_source", ["account_id"], unique=False, schema=HERE
    )
    _imports()
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))


def _source(table: str, key: str, within: str) -> None:
    op.create_table(
        table,
        sa.Column(key, sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(within, sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source_digest", sa.Uuid(), nullable=False),
        _cascade(table, "school_id"),
        _cascade(table, "district_id"),
        sa.PrimaryKeyConstraint(key, name=op.f(f"pk_{table}")),
        sa.UniqueConstraint(within, "source_digest", name=op.f(f"uq_{table}_{within}_source_digest")),
        schema=HERE,
    )


def _source_of_a_school(table: str, key: str) -> None:
    thing = key.removesuffix("_id")
    whole = (
        (_cascade(table, "school_id"), _cascade(table, "account_id"))
        if thing == "account"
        else (
            sa.ForeignKeyConstraint(
                ["school_id", key],
                [f"app.{thing}.school_id", f"app.{thing}.id"],
                name=op.f(f"fk_{table}_school_id_{key}"),
                ondelete="CASCADE",
            ),
        )
    )
    op.create_table(
        table,
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(key, sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source_digest", sa.Uuid(), nullable=False),
        sa.Column("content_digest", sa.Uuid(), nullable=False),
        *whole,
        sa.PrimaryKeyConstraint("school_id", key, name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("school_id", "source_digest", name=op.f(f"uq_{table}_school_id_source_digest")),
        schema=HERE,
    )


def _cascade(table: str, column: str) -> sa.ForeignKeyConstraint:
    there = column.removesuffix("_id")
    return sa.ForeignKeyConstraint(
        [column], [f"app.{there}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE"
    )


def _imports() -> None:
    op.create_table(
        "roster_import",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("district_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("report", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "(school_id is null) <> (district_id is null)", name=op.f("ck_roster_import_one_place")
        ),
        sa.CheckConstraint(
            "state in ('waiting', 'checking', 'importing', 'done', 'refused', 'failed')",
            name=op.f("ck_roster_import_state_is_known"),
        ),
        sa.CheckConstraint("source in ('upload', 'command')", name=op.f("ck_roster_import_source_is_known")),
        _cascade("roster_import", "school_id"),
        _cascade("roster_import", "district_id"),
        sa.ForeignKeyConstraint(
            ["asked_by"], ["app.account.id"], name=op.f("fk_roster_import_asked_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_import")),
        sa.UniqueConstraint("public_id", name=op.f("uq_roster_import_public_id")),
        schema=HERE,
    )
    for column in ("school_id", "district_id", "asked_by"):
        op.create_index(
            op.f(f"ix_roster_import_{column}"), "roster_import", [column], unique=False, schema=HERE
        )
    op.create_table(
        "roster_upload",
        sa.Column("import_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"],
            [f"{HERE}.roster_import.id"],
            name=op.f("fk_roster_upload_import_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("import_id", "number", name=op.f("pk_roster_upload")),
        schema=HERE,
    )
