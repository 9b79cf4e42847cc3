"""Fields of a school's own."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0057_fields.sql"

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _fields()
    for table, of in (("student_value", "student"), ("classroom_value", "classroom")):
        _values(table, of)
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))


def _fields() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "custom_field",
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("purpose", sa.LargeBinary(), nullable=True),
        sa.Column("choices", sa.LargeBinary(), nullable=True),
        sa.Column("keep_days", sa.Integer(), nullable=False),
        sa.Column("need", sa.LargeBinary(), nullable=True),
        sa.Column("confirmed_at", moment, nullable=True),
        sa.Column("confirmed_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("erased_at", moment, nullable=True),
        sa.Column("erased_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("values_gone", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "subject in ('student', 'classroom')", name=op.f("ck_custom_field_subject_is_known")
        ),
        sa.CheckConstraint(
            "kind in ('text', 'number', 'choice', 'date', 'yes_no')",
            name=op.f("ck_custom_field_kind_is_known"),
        ),
        sa.CheckConstraint("keep_days between 1 and 3660", name=op.f("ck_custom_field_is_kept_for_a_time")),
        sa.CheckConstraint(
            "(erased_at is null) = (name is not null) and (erased_at is null) = (purpose is not null)"
            " and (erased_at is null or (choices is null and need is null))",
            name=op.f("ck_custom_field_erased_tells_nothing"),
        ),
        sa.CheckConstraint(
            "(erased_at is null) = (values_gone is null)", name=op.f("ck_custom_field_erased_is_counted")
        ),
        sa.CheckConstraint(
            "need is null or confirmed_at is not null", name=op.f("ck_custom_field_needed_is_confirmed")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["app.school.id"], name=op.f("fk_custom_field_school_id"), ondelete="CASCADE"
        ),
        *(
            sa.ForeignKeyConstraint(
                [column], ["app.account.id"], name=op.f(f"fk_custom_field_{column}"), ondelete="SET NULL"
            )
            for column in ("confirmed_by", "erased_by")
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk_custom_field")),
        sa.UniqueConstraint("id", name=op.f("uq_custom_field_id")),
        sa.UniqueConstraint("school_id", "public_id", name=op.f("uq_custom_field_school_id_public_id")),
        schema="app",
    )
    op.create_index(op.f("ix_custom_field_public_id"), "custom_field", ["public_id"], schema="app")
    for column in ("confirmed_by", "erased_by"):
        op.create_index(
            f"ix_custom_field_{column}",
            "custom_field",
            [column],
            schema="app",
            postgresql_where=f"{column} is not null",
        )


def _values(table: str, of: str) -> None:
    moment, number = sa.DateTime(timezone=True), f"{of}_id"
    op.create_table(
        table,
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(number, sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("field_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("value_index", sa.LargeBinary(), nullable=False),
        sa.Column("set_at", moment, nullable=False),
        sa.Column("due_at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", number],
            [f"app.{of}.school_id", f"app.{of}.id"],
            name=op.f(f"fk_{table}_school_id_{number}"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "field_id"],
            ["app.custom_field.school_id", "app.custom_field.id"],
            name=op.f(f"fk_{table}_school_id_field_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("school_id", number, "field_id", name=op.f(f"pk_{table}")),
        schema="app",
    )
    columns = ["school_id", "field_id", "value_index"]
    op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, columns, schema="app")
    op.create_index(op.f(f"ix_{table}_due_at"), table, ["due_at"], schema="app")
