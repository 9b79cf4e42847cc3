"""PINs that children set themselves and staff clear, personal cards, and sessions that begin with either."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0022_pins_and_cards.sql"

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("student", sa.Column("pin_changed_at", sa.DateTime(timezone=True)), schema="app")
    op.add_column(
        "classroom",
        sa.Column("pins_required", sa.Boolean(), server_default=sa.false(), nullable=False),
        schema="app",
    )
    op.create_table(
        "student_card",
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("classroom_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("student_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("secret_digest", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["school_id", "classroom_id", "student_id"],
            ["app.enrollment.school_id", "app.enrollment.classroom_id", "app.enrollment.student_id"],
            name=op.f("fk_student_card_school_id_classroom_id_student_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["issued_by"], ["app.account.id"], name=op.f("fk_student_card_issued_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk_student_card")),
        sa.UniqueConstraint("secret_digest", name=op.f("uq_student_card_secret_digest")),
        schema="app",
    )
    op.create_index(
        op.f("ix_student_card_school_id_classroom_id_student_id"),
        "student_card",
        ["school_id", "classroom_id", "student_id"],
        unique=False,
        schema="app",
    )
    op.create_index(
        "uq_student_card_live",
        "student_card",
        ["school_id", "classroom_id", "student_id"],
        unique=True,
        schema="app",
        postgresql_where="voided_at is null",
    )
    op.create_table(
        "pin_override",
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("classroom_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("student_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("made_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("made_as", sa.Text(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind in ('cleared', 'unlocked', 'required', 'not_required')",
            name=op.f("ck_pin_override_kind_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            ["app.classroom.school_id", "app.classroom.id"],
            name=op.f("fk_pin_override_school_id_classroom_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "student_id"],
            ["app.student.school_id", "app.student.id"],
            name=op.f("fk_pin_override_school_id_student_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["made_by"], ["app.account.id"], name=op.f("fk_pin_override_made_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk_pin_override")),
        schema="app",
    )
    for columns in (["school_id", "classroom_id", "made_at"], ["school_id", "student_id"]):
        op.create_index(
            op.f(f"ix_pin_override_{'_'.join(columns)}"),
            "pin_override",
            columns,
            unique=False,
            schema="app",
        )
    _sessions()
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))


def _sessions() -> None:
    """A session begins with a code or with a card."""
    op.alter_column("student_session", "code_id", nullable=True, schema="app")
    op.add_column("student_session", sa.Column("card_id", sa.BigInteger(), autoincrement=False), schema="app")
    op.create_foreign_key(
        "fk_student_session_school_id_card_id",
        "student_session",
        "student_card",
        ["school_id", "card_id"],
        ["school_id", "id"],
        source_schema="app",
        referent_schema="app",
        ondelete="CASCADE",
    )
    op.create_index(
        op.f("ix_student_session_school_id_card_id"),
        "student_session",
        ["school_id", "card_id"],
        unique=False,
        schema="app",
    )
    op.execute(
        "alter table app.student_session add constraint ck_student_session_one_way_in"
        " check ((code_id is null) <> (card_id is null))"
    )
