"""Drills: after which script an incident is played, what comes in meanwhile, and what it scored."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0010_drills.sql"
HERE = "plugin_notifications"

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "drill",
        *_begin(),
        sa.Column("script", sa.Text(), nullable=True),
        _moment("begun_at", nullable=False),
        sa.Column("faster", sa.Integer(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("parts", sa.ARRAY(sa.Text()), nullable=True),
        _check("drill", "faster_up_to_sixty_times", "faster between 1 and 60"),
        _check("drill", "of_a_hundred", "score between 0 and 100"),
        _check("drill", "score_with_its_parts", "(score is null) = (parts is null)"),
        *_end("drill"),
        sa.UniqueConstraint("incident_id", name=op.f("uq_drill_incident_id")),
        schema=HERE,
    )
    op.create_table(
        "drill_event",
        *_begin(),
        sa.Column("public_id", sa.String(16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        *(_moment(name, nullable=False) for name in ("comes_at", "late_at")),
        _moment("answered_at"),
        sa.Column("answered_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        _check("drill_event", "time_to_answer", "late_at > comes_at"),
        _check("drill_event", "answered_with_words", "(answered_at is null) = (answer is null)"),
        _check("drill_event", "answered_after_it_came", "answered_at >= comes_at"),
        *_end("drill_event"),
        _key("drill_event", "answered_by", "app.account", "SET NULL"),
        sa.UniqueConstraint("public_id", name=op.f("uq_drill_event_public_id")),
        sa.UniqueConstraint("incident_id", "name", name=op.f("uq_drill_event_incident_id_name")),
        schema=HERE,
    )
    op.create_index(op.f("ix_drill_event_answered_by"), "drill_event", ["answered_by"], schema=HERE)
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))


def _begin() -> "list[sa.Column[int]]":
    return [
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("incident_id", sa.BigInteger(), autoincrement=False, nullable=False),
    ]


def _end(table: str) -> list[sa.Constraint]:
    return [
        _key(table, "incident_id", f"{HERE}.incident", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    ]


def _moment(name: str, *, nullable: bool = True) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _check(table: str, name: str, says: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(says, name=op.f(f"ck_{table}_{name}"))


def _key(table: str, column: str, to: str, on_delete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"), ondelete=on_delete
    )
