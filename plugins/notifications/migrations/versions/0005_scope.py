"""The scope of an incident: which accounts were misused, and the set of people that follows from it."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0005_scope.sql"
HERE = "plugin_notifications"

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _misuse()
    _person()
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))


def _misuse() -> None:
    op.create_table(
        "misuse",
        _id(),
        _number("incident_id", nullable=False),
        *(_number(name) for name in ("account_id", "written_by")),
        *(_moment(name, nullable=False) for name in ("from_at", "until_at", "written_at")),
        sa.CheckConstraint("until_at >= from_at", name=op.f("ck_misuse_forwards")),
        _key("misuse", "incident_id", f"{HERE}.incident", "CASCADE"),
        *(_key("misuse", name, "app.account", "SET NULL") for name in ("account_id", "written_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_misuse")),
        schema=HERE,
    )
    _indexes("misuse", ("incident_id", "id"), ("account_id",), ("written_by",))


def _person() -> None:
    op.create_table(
        "affected_person",
        _id(),
        _number("incident_id", nullable=False),
        *_text("kind"),
        *(_number(name) for name in ("school_id", "student_id", "account_id")),
        _moment("added_at", nullable=False),
        _known("affected_person", "kind", "student", "staff", "parent"),
        sa.CheckConstraint(
            "student_id is null or account_id is null", name=op.f("ck_affected_person_one_person")
        ),
        _key("affected_person", "incident_id", f"{HERE}.incident", "CASCADE"),
        *(_key("affected_person", f"{name}_id", f"app.{name}", "SET NULL") for name in ("school", "account")),
        sa.ForeignKeyConstraint(
            ["school_id", "student_id"],
            ["app.student.school_id", "app.student.id"],
            name=op.f("fk_affected_person_school_id_student_id"),
            ondelete="SET NULL (student_id)",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_affected_person")),
        schema=HERE,
    )
    _indexes("affected_person", ("incident_id", "school_id"), ("school_id", "student_id"), ("account_id",))


def _id() -> "sa.Column[int]":
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _number(name: str, *, nullable: bool = True) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=nullable)


def _text(*names: str) -> "list[sa.Column[str]]":
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _moment(name: str, *, nullable: bool = True) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _key(table: str, column: str, to: str, on_delete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"), ondelete=on_delete
    )


def _known(table: str, column: str, *words: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} in ({listed})", name=op.f(f"ck_{table}_{column}_is_known"))


def _indexes(table: str, *indexed: tuple[str, ...]) -> None:
    for each in indexed:
        op.create_index(op.f(f"ix_{table}_{'_'.join(each)}"), table, list(each), schema=HERE)
