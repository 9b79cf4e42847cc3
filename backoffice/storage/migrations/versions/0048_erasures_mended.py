"""What erasing had missed."""

import json
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa
from alembic import op

from backoffice.storage import about, keyring

SQL = Path(__file__).parent.parent / "sql" / "0048_erasures_mended.sql"

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

# By an address, erasing finds what was sent to it.
OF_ADDRESS = ("account_letter", "guardian_invitation", "identity_offer", "invitation")


AT_ONCE = 500


def upgrade() -> None:
    for table in OF_ADDRESS:
        op.create_index(op.f(f"ix_{table}_email_index"), table, ["email_index"], schema="app")
    op.create_index(
        "ix_worry_told_past", "worry", ["id"], schema="app", postgresql_where="goes_to = 'leader'"
    )
    op.add_column(
        "large_change",
        sa.Column("about", sa.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
        schema="app",
    )
    _mark_changes()
    _mark_ended_classes()
    op.create_table(
        "ledger_end",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("began", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_end")),
        sa.UniqueConstraint("began", name=op.f("uq_ledger_end_began")),
        schema="app",
    )
    op.create_table(
        "merged_mark",
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("student_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mark", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "student_id"],
            ["app.student.school_id", "app.student.id"],
            name=op.f("fk_merged_mark_school_id_student_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("school_id", "student_id", "mark", name=op.f("pk_merged_mark")),
        schema="app",
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))


def _mark_changes() -> None:
    rows = sa.table(
        "large_change",
        sa.column("id", sa.BigInteger),
        sa.column("asked", sa.LargeBinary),
        sa.column("said", sa.LargeBinary),
        sa.column("about", sa.ARRAY(sa.Uuid())),
        schema="app",
    )
    bind, last = op.get_bind(), 0
    columns = (rows.c.id, rows.c.asked, rows.c.said)
    while some := bind.execute(
        sa.select(*columns).where(rows.c.id > last).order_by(rows.c.id).limit(AT_ONCE)
    ).all():
        last = some[-1].id
        for row in some:
            found = {*_named(row.asked, "asked"), *_named(row.said, "said")}
            if found:
                bind.execute(sa.update(rows).where(rows.c.id == row.id).values(about=sorted(found)))


def _mark_ended_classes() -> None:
    """Beginnings of school years that named the classes which they ended by a name that had no marks."""
    details = sa.table(
        "audit_detail",
        sa.column("entry_id", sa.BigInteger),
        sa.column("detail", sa.LargeBinary),
        sa.column("about", sa.ARRAY(sa.Uuid())),
        schema="app",
    )
    entries = sa.table(
        "audit_entry", sa.column("id", sa.BigInteger), sa.column("verb", sa.Text), schema="app"
    )
    bind = op.get_bind()
    begun = (
        sa.select(details)
        .join(entries, entries.c.id == details.c.entry_id)
        .where(entries.c.verb == "school-years.begin")
    )
    for row in bind.execute(begun).all():
        plain = json.loads(keyring.current().open(bytes(row.detail), context="audit_detail.detail"))
        ended = plain.get("ended")
        if isinstance(ended, list):
            marks = {*row.about, *about.marks(about.CLASSROOM, ended)}
            own = details.c.entry_id == row.entry_id
            bind.execute(sa.update(details).where(own).values(about=sorted(marks)))


def _named(sealed: bytes | None, column: str) -> list[UUID]:
    if sealed is None:
        return []
    plain = keyring.current().open(bytes(sealed), context=f"large_change.{column}")
    return about.named_in(json.loads(plain))
