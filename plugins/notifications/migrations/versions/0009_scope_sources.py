"""A scope follows from more than misused accounts, and a source that was named by mistake is withdrawn."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from backoffice.storage.public_id import new_public_id

SQL = Path(__file__).parent.parent / "sql" / "0009_scope_sources.sql"
HERE = "plugin_notifications"
SOURCE, REACH = "scope_source", "scope_reach"

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _source()
    _reach()
    op.add_column(
        "affected_person", sa.Column("no_longer_at", sa.DateTime(timezone=True), nullable=True), schema=HERE
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
    _take_over()
    op.drop_table("misuse", schema=HERE)


def _source() -> None:
    op.create_table(
        SOURCE,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(16), nullable=False),
        _number("incident_id", nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("kind", "extent")),
        *(_number(f"{name}_id") for name in ("account", "district", "school", "classroom", "student")),
        *(_moment(name, nullable=False) for name in ("from_at", "until_at", "written_at")),
        _number("written_by"),
        _moment("withdrawn_at"),
        _number("withdrawn_by"),
        sa.Column("withdrawn_reason", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("until_at > from_at", name=op.f(f"ck_{SOURCE}_forwards")),
        sa.CheckConstraint(
            "(withdrawn_at is null) = (withdrawn_reason is null)",
            name=op.f(f"ck_{SOURCE}_withdrawn_with_reason"),
        ),
        _known("kind", "account", "session", "export", "place"),
        _known("extent", "account", "rooms", "own", "district", "school", "classroom", "student", "family"),
        _key(SOURCE, "incident_id", f"{HERE}.incident", "CASCADE"),
        *(
            _key(SOURCE, f"{name}_id", f"app.{name}", "SET NULL")
            for name in ("account", "district", "school")
        ),
        *(_key(SOURCE, name, "app.account", "SET NULL") for name in ("written_by", "withdrawn_by")),
        *(_of_school(name) for name in ("classroom", "student")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{SOURCE}")),
        sa.UniqueConstraint("public_id", name=op.f(f"uq_{SOURCE}_public_id")),
        schema=HERE,
    )
    for indexed in (
        ("incident_id", "id"),
        *(("school_id", f"{name}_id") for name in ("classroom", "student")),
        *((name,) for name in ("account_id", "district_id", "written_by", "withdrawn_by")),
    ):
        op.create_index(op.f(f"ix_{SOURCE}_{'_'.join(indexed)}"), SOURCE, list(indexed), schema=HERE)


def _reach() -> None:
    op.create_table(
        REACH,
        *(_number(name, nullable=False) for name in ("source_id", "person_id")),
        _key(REACH, "source_id", f"{HERE}.{SOURCE}", "CASCADE"),
        _key(REACH, "person_id", f"{HERE}.affected_person", "CASCADE"),
        sa.PrimaryKeyConstraint("source_id", "person_id", name=op.f(f"pk_{REACH}")),
        schema=HERE,
    )
    op.create_index(op.f(f"ix_{REACH}_person_id"), REACH, ["person_id"], schema=HERE)


def _take_over() -> None:
    """Accounts that were misused become sources. Which of them reached whom was not kept: each has, then.

    So nobody falls out of a set by withdrawing one of several. A time was with its end, which is no part of
    it from now on.
    """
    bind = op.get_bind()
    named = bind.exec_driver_sql(f"select id from {HERE}.misuse order by id").scalars().all()
    for number in named:
        bind.execute(
            sa.text(
                f"insert into {HERE}.{SOURCE} (public_id, incident_id, kind, extent, account_id, from_at,"
                " until_at, written_at, written_by)"
                " select :public_id, incident_id, 'account', 'account', account_id, from_at,"
                " until_at + interval '1 microsecond', written_at, written_by"
                f" from {HERE}.misuse where id = :number"
            ),
            {"public_id": new_public_id(), "number": number},
        )
    op.execute(
        f"insert into {HERE}.{REACH} (source_id, person_id) select s.id, p.id"
        f" from {HERE}.{SOURCE} s join {HERE}.affected_person p using (incident_id)"
    )


def _number(name: str, *, nullable: bool = True) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=nullable)


def _moment(name: str, *, nullable: bool = True) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _key(table: str, column: str, to: str, on_delete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"), ondelete=on_delete
    )


def _of_school(name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["school_id", f"{name}_id"],
        [f"app.{name}.school_id", f"app.{name}.id"],
        name=op.f(f"fk_{SOURCE}_school_id_{name}_id"),
        ondelete=f"SET NULL ({name}_id)",
    )


def _known(column: str, *words: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} in ({listed})", name=op.f(f"ck_{SOURCE}_{column}_is_known"))
