"""Exports: who asked for what, and what became of the file."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0001_exports.sql"
HERE = "plugin_exports"
NUMBERS = {
    "asked_by": False,
    "school_id": True,
    "district_id": True,
    "classroom_id": True,
    "student_id": True,
}
MOMENTS = {
    "asked_at": False,
    "started_at": True,
    "ready_at": True,
    "fetched_at": True,
    "ended_at": True,
    "destroyed_at": True,
}

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "export",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=nullable)
            for name, nullable in NUMBERS.items()
        ),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("for_family", sa.Boolean(), nullable=False),
        sa.Column("workbooks", sa.Boolean(), nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("passphrase", sa.LargeBinary(), nullable=True),
        sa.Column("rooms", sa.ARRAY(sa.BigInteger()), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
            for name, nullable in MOMENTS.items()
        ),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("counts", sa.LargeBinary(), nullable=True),
        sa.Column("file", sa.Text(), nullable=True),
        sa.Column("file_key", sa.LargeBinary(), nullable=True),
        sa.Column("downloads", sa.Integer(), nullable=False),
        sa.Column("gone_on", sa.BigInteger(), nullable=False),
        sa.Column("destroyed_for", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state in ('queued', 'making', 'ready', 'failed', 'cancelled', 'destroyed')",
            name=op.f("ck_export_state_is_known"),
        ),
        sa.CheckConstraint(
            "subject in ('student', 'classroom', 'account', 'school', 'district')",
            name=op.f("ck_export_subject_is_known"),
        ),
        sa.CheckConstraint(
            "destroyed_for in ('time', 'fetched', 'erased')", name=op.f("ck_export_destroyed_for_is_known")
        ),
        sa.CheckConstraint(
            "(destroyed_for is not null) = (state = 'destroyed')",
            name=op.f("ck_export_destroyed_for_a_reason"),
        ),
        sa.CheckConstraint(
            "(student_id is not null) = (subject = 'student')"
            " and (classroom_id is not null) = (subject = 'classroom')"
            " and (school_id is not null) = (subject in ('student', 'classroom', 'school'))"
            " and (district_id is not null) = (subject = 'district')",
            name=op.f("ck_export_is_of_its_subject"),
        ),
        sa.CheckConstraint(
            "not for_family or subject = 'student'", name=op.f("ck_export_family_has_a_child")
        ),
        sa.CheckConstraint(
            "(passphrase is not null) = (locked and state in ('queued', 'making'))",
            name=op.f("ck_export_passphrase_until_it_is_made"),
        ),
        sa.CheckConstraint(
            "rooms is null or subject = 'account'", name=op.f("ck_export_rooms_go_with_an_account")
        ),
        sa.CheckConstraint(
            "file is null or state in ('making', 'ready')", name=op.f("ck_export_file_while_it_is_there")
        ),
        sa.CheckConstraint("(file_key is null) = (file is null)", name=op.f("ck_export_file_has_a_key")),
        *(_cascade(name, to) for name, to in (("asked_by", "account"), ("school_id", "school"))),
        _cascade("district_id", "district"),
        *(_of_school(thing) for thing in ("classroom", "student")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export")),
        sa.UniqueConstraint("public_id", name=op.f("uq_export_public_id")),
        sa.UniqueConstraint("file", name=op.f("uq_export_file")),
        schema=HERE,
    )
    for indexed in (
        ("asked_by", "id"),
        ("school_id", "classroom_id"),
        ("school_id", "student_id"),
        ("district_id",),
        ("asked_at",),
    ):
        op.create_index(op.f(f"ix_export_{'_'.join(indexed)}"), "export", list(indexed), schema=HERE)
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))


def _cascade(column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"app.{to}.id"], name=op.f(f"fk_export_{column}"), ondelete="CASCADE"
    )


def _of_school(thing: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["school_id", f"{thing}_id"],
        [f"app.{thing}.school_id", f"app.{thing}.id"],
        name=op.f(f"fk_export_school_id_{thing}_id"),
        ondelete="CASCADE",
    )
