"""Incidents: what is known, what was done, whom they concern, which notices were given."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0001_incidents.sql"
HERE = "plugin_notifications"
INCIDENT = ("incident_id", f"{HERE}.incident", "CASCADE")

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _table(
        "incident",
        _id(),
        _public_id(),
        *_sealed("title", "what"),
        *_sealed("systems", nullable=True),
        sa.Column("is_drill", sa.Boolean(), nullable=False),
        *_text("role", "risk", "encrypted", "form"),
        sa.Column("kinds", sa.ARRAY(sa.Text()), nullable=False),
        *_moments("noticed_at", "opened_at"),
        *_moments("determined_at", "confirmed_at", "held_since", "held_until", "closed_at", nullable=True),
        *_numbers("report_id", "opened_by", "led_by", "closed_by", nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        _known("incident", "role", "processor", "controller"),
        _known("incident", "risk", "unassessed", "unlikely", "risk", "high"),
        _known("incident", "encrypted", "no", "key_safe", "key_taken"),
        sa.CheckConstraint(
            "held_until is null or held_since is not null", name=op.f("ck_incident_held_from_some_moment")
        ),
        sa.CheckConstraint("held_until >= held_since", name=op.f("ck_incident_held_forwards")),
        sa.UniqueConstraint("form", name=op.f("uq_incident_form")),
        keys=(
            ("report_id", "app.report", "SET NULL"),
            *((name, "app.account", "SET NULL") for name in ("opened_by", "led_by", "closed_by")),
        ),
        indexes=(
            *(("opened_at",), ("closed_at",), ("report_id",)),
            *(("opened_by",), ("led_by",), ("closed_by",)),
        ),
    )
    _table(
        "timeline_entry",
        _id(),
        *_numbers("incident_id"),
        *_text("kind"),
        *_sealed("said"),
        *_sealed("reason", nullable=True),
        *_moments("happened_at", "written_at"),
        *_numbers("written_by", nullable=True),
        _known("timeline_entry", "kind", "note", "facts", "schools", "decision", "task", "told", "closed"),
        keys=(INCIDENT, ("written_by", "app.account", "SET NULL")),
        indexes=(("incident_id", "id"), ("written_by",)),
    )
    _table(
        "incident_task",
        _id(),
        _public_id(),
        *_numbers("incident_id"),
        *_sealed("said"),
        *_moments("added_at"),
        *_moments("due_at", "done_at", nullable=True),
        *_numbers("done_by", nullable=True),
        keys=(INCIDENT, ("done_by", "app.account", "SET NULL")),
        indexes=(("incident_id", "id"), ("done_by",)),
    )
    _table(
        "concerned_school",
        _id(),
        _public_id(),
        *_numbers("incident_id"),
        *_numbers("school_id", nullable=True),
        *_text("place", "time_zone"),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("students", "staff", "parents")),
        *_moments("told_at", "individuals_told_at", "left_out_at", nullable=True),
        *_sealed("late_reason", nullable=True),
        sa.CheckConstraint(
            "students >= 0 and staff >= 0 and parents >= 0",
            name=op.f("ck_concerned_school_no_fewer_than_none"),
        ),
        sa.CheckConstraint(
            "left_out_at is null or (told_at is null and individuals_told_at is null)",
            name=op.f("ck_concerned_school_told_stays"),
        ),
        sa.UniqueConstraint(
            "incident_id", "school_id", name=op.f("uq_concerned_school_incident_id_school_id")
        ),
        keys=(INCIDENT, ("school_id", "app.school", "SET NULL")),
        indexes=(("school_id",),),
    )
    _table(
        "given_notice",
        _id(),
        *_numbers("incident_id"),
        *_text("rule"),
        *_numbers("concerned_school_id", nullable=True),
        *_moments("at"),
        *_sealed("late_reason", nullable=True),
        *_numbers("given_by", nullable=True),
        sa.UniqueConstraint(
            "incident_id",
            "rule",
            "concerned_school_id",
            name=op.f("uq_given_notice_incident_id_rule_concerned_school_id"),
            postgresql_nulls_not_distinct=True,
        ),
        keys=(
            INCIDENT,
            ("concerned_school_id", f"{HERE}.concerned_school", "CASCADE"),
            ("given_by", "app.account", "SET NULL"),
        ),
        indexes=(("concerned_school_id",), ("given_by",)),
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))


Keys = tuple[tuple[str, str, str], ...]


def _table(
    name: str, *what: "sa.schema.SchemaItem", keys: Keys, indexes: tuple[tuple[str, ...], ...]
) -> None:
    has_public_id = any(isinstance(each, sa.Column) and each.name == "public_id" for each in what)
    op.create_table(
        name,
        *what,
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{to}.id"], name=op.f(f"fk_{name}_{column}"), ondelete=on_delete
            )
            for column, to, on_delete in keys
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        *([sa.UniqueConstraint("public_id", name=op.f(f"uq_{name}_public_id"))] if has_public_id else []),
        schema=HERE,
    )
    for indexed in indexes:
        op.create_index(op.f(f"ix_{name}_{'_'.join(indexed)}"), name, list(indexed), schema=HERE)


def _id() -> "sa.Column[int]":
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _public_id() -> "sa.Column[str]":
    return sa.Column("public_id", sa.String(length=16), nullable=False)


def _numbers(*names: str, nullable: bool = False) -> "list[sa.Column[int]]":
    return [sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=nullable) for name in names]


def _text(*names: str) -> "list[sa.Column[str]]":
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _sealed(*names: str, nullable: bool = False) -> "list[sa.Column[bytes]]":
    return [sa.Column(name, sa.LargeBinary(), nullable=nullable) for name in names]


def _moments(*names: str, nullable: bool = False) -> "list[sa.Column[object]]":
    return [sa.Column(name, sa.DateTime(timezone=True), nullable=nullable) for name in names]


def _known(table: str, column: str, *words: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} in ({listed})", name=op.f(f"ck_{table}_{column}_is_known"))
