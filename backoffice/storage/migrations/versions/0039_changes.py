"""The last changes of records."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0039_changes.sql"

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

OF_SCHOOL: dict[str, tuple[str | None, str]] = {
    "student_change": ("student", "'name'"),
    "classroom_change": (
        "classroom",
        "'name', 'shared_devices', 'mark', 'names_shown', 'pins_required', 'hours'",
    ),
    "action_change": ("action", "'label', 'value', 'icon'"),
    "school_change": (None, "'days', 'time_zone', 'factor_required', 'sign_in_from'"),
}
OF_FOUNDERS: dict[str, tuple[str, str | None]] = {
    "plugin_change": ("plugin_state", None),
    "job_change": ("job_schedule", "'time'"),
}


def upgrade() -> None:
    for table, (of, fields) in OF_SCHOOL.items():
        number = f"{of}_id"
        op.create_table(
            table,
            sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
            *_columns(table),
            *([sa.Column(number, sa.BigInteger(), autoincrement=False, nullable=False)] if of else []),
            sa.CheckConstraint(f"field in ({fields})", name=op.f(f"ck_{table}_field_is_known")),
            sa.ForeignKeyConstraint(
                ["school_id"], ["app.school.id"], name=op.f(f"fk_{table}_school_id"), ondelete="CASCADE"
            ),
            *(
                [
                    sa.ForeignKeyConstraint(
                        ["school_id", number],
                        [f"app.{of}.school_id", f"app.{of}.id"],
                        name=op.f(f"fk_{table}_school_id_{number}"),
                        ondelete="CASCADE",
                    )
                ]
                if of
                else []
            ),
            sa.PrimaryKeyConstraint("school_id", "id", name=op.f(f"pk_{table}")),
            sa.UniqueConstraint("school_id", "public_id", name=op.f(f"uq_{table}_school_id_public_id")),
            schema="app",
        )
        _index(table, "public_id")
        if of:
            _index(table, "school_id", number, "id")
    # By its class row-level security tells whose it is.
    op.add_column("action_change", sa.Column("classroom_id", sa.BigInteger(), nullable=False), schema="app")
    op.create_foreign_key(
        op.f("fk_action_change_school_id_classroom_id"),
        "action_change",
        "classroom",
        ["school_id", "classroom_id"],
        ["school_id", "id"],
        source_schema="app",
        referent_schema="app",
        ondelete="CASCADE",
    )
    _index("action_change", "school_id", "classroom_id")
    for table, (record, known) in OF_FOUNDERS.items():
        number = f"{record}_id"
        op.create_table(
            table,
            *_columns(table),
            sa.Column(number, sa.BigInteger(), autoincrement=False, nullable=False),
            *(
                [sa.CheckConstraint(f"field in ({known})", name=op.f(f"ck_{table}_field_is_known"))]
                if known
                else []
            ),
            sa.ForeignKeyConstraint(
                [number], [f"app.{record}.id"], name=op.f(f"fk_{table}_{number}"), ondelete="CASCADE"
            ),
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
            sa.UniqueConstraint("public_id", name=op.f(f"uq_{table}_public_id")),
            schema="app",
        )
        _index(table, number, "id")
    for table in (*OF_SCHOOL, *OF_FOUNDERS):
        _index(table, "by")
        _index(table, "at")
    # Names are kept with the students now. What was noted otherwise cannot be undone any more.
    op.execute("delete from app.roster_change where kind = 'rename'")
    op.drop_column("roster_change_student", "names", schema="app")
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))


def _columns(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("difference", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(["by"], ["app.account.id"], name=op.f(f"fk_{table}_by"), ondelete="SET NULL"),
    ]


def _index(table: str, *columns: str) -> None:
    op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns), schema="app")
