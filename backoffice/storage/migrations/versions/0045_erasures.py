"""Erasures, the ledger, and marks of whom sealed texts are about."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import sqlalchemy as sa
from alembic import op

from backoffice.storage import about, keyring
from backoffice.storage.public_id import is_public_id

SQL = Path(__file__).parent.parent / "sql" / "0045_erasures.sql"

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

ENDED = "stage in ('verified', 'lapsed')"
MARKED = {"audit_detail": "entry_id", "mail_content": "mail_id", "saved_view": "id"}
AT_ONCE = 5000
# What stays without its name when an account goes; without these, each table is read whole for each account.
NAMING_ACCOUNTS = {
    "classroom_code": ["issued_by"],
    "guardian_invitation": ["invited_by"],
    "guardian_link": ["approved_by"],
    "pin_override": ["made_by"],
    "point_award": ["awarded_by", "undone_by"],
    "point_entry": ["awarded_by"],
    "student_card": ["issued_by"],
    "student_view": ["viewer_id"],
}
# As the trail's vocabulary was when this was written.
SUBJECTS = {
    "student": about.STUDENT,
    "students": about.STUDENT,
    "merged": about.STUDENT,
    "classroom": about.CLASSROOM,
    "classrooms": about.CLASSROOM,
    "target": about.CLASSROOM,
    "made": about.CLASSROOM,
    "renamed": about.CLASSROOM,
    "account": about.ACCOUNT,
    "accounts": about.ACCOUNT,
    "heir": about.ACCOUNT,
}


def upgrade() -> None:
    moments = ("asked", "confirmed", "noted", "erased", "verified")
    op.create_table(
        "erasure",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("asked_as", sa.Text(), nullable=False),
        sa.Column("found", sa.LargeBinary(), nullable=True),
        sa.Column("plan", sa.LargeBinary(), nullable=True),
        sa.Column("counts", sa.Text(), nullable=True),
        *(sa.Column(f"{name}_at", sa.DateTime(timezone=True), nullable=name != "asked") for name in moments),
        sa.Column("receipt", sa.Text(), nullable=True),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "subject in ('student', 'classroom', 'account', 'school', 'district')",
            name=op.f("ck_erasure_subject_is_known"),
        ),
        sa.CheckConstraint(
            "stage in ('looking', 'previewed', 'confirmed', 'held', 'noted', 'erased', 'verified', 'lapsed')",
            name=op.f("ck_erasure_stage_is_known"),
        ),
        sa.CheckConstraint(
            "asked_as in ('teacher', 'leader', 'owner of the account', 'command line of the server',"
            " 'retention', 'canary', 'replay of the ledger')",
            name=op.f("ck_erasure_asked_as_is_known"),
        ),
        sa.CheckConstraint(
            f"not ({ENDED}) or subject_id is null", name=op.f("ck_erasure_ended_names_nobody")
        ),
        sa.CheckConstraint(
            "(receipt is null) = (stage <> 'verified')", name=op.f("ck_erasure_verified_has_a_receipt")
        ),
        sa.CheckConstraint(
            "(receipt is null) = (signature is null)", name=op.f("ck_erasure_receipt_is_signed")
        ),
        sa.ForeignKeyConstraint(
            ["asked_by"], ["app.account.id"], name=op.f("fk_erasure_asked_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
        sa.UniqueConstraint("public_id", name=op.f("uq_erasure_public_id")),
        schema="app",
    )
    for columns in (["school_id", "asked_at"], ["asked_by"], ["asked_at"]):
        op.create_index(op.f(f"ix_erasure_{'_'.join(columns)}"), "erasure", columns, schema="app")
    op.create_index(
        "uq_erasure_under_way",
        "erasure",
        ["subject", "subject_id"],
        unique=True,
        schema="app",
        postgresql_where="stage in ('confirmed', 'held', 'noted', 'erased')",
    )
    op.create_index(
        "ix_erasure_not_ended", "erasure", ["stage", "id"], schema="app", postgresql_where=f"not ({ENDED})"
    )
    op.create_table(
        "erasure_mark",
        sa.Column("mark", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("erasure", sa.Text(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_erasure_mark")),
        schema="app",
    )
    op.create_index(op.f("ix_erasure_mark_erasure"), "erasure_mark", ["erasure"], schema="app")
    for table in MARKED:
        op.add_column(
            table, sa.Column("about", sa.ARRAY(sa.Uuid()), server_default="{}", nullable=False), schema="app"
        )
    op.add_column(
        "audit_detail",
        sa.Column("redacted", sa.Boolean(), server_default="false", nullable=False),
        schema="app",
    )
    op.alter_column("audit_detail", "redacted", server_default=None, schema="app")
    # Mails that have not been sent name classes and colleagues; they are gone within a month.
    _mark("audit_detail", "detail", _in_detail)
    _mark("saved_view", "state", _in_state)
    op.create_index(
        op.f("ix_audit_detail_about"),
        "audit_detail",
        ["about"],
        schema="app",
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    for table, columns in NAMING_ACCOUNTS.items():
        for column in columns:
            op.create_index(
                f"ix_{table}_{column}",
                table,
                [column],
                schema="app",
                postgresql_where=f"{column} is not null",
            )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))


def _mark(table: str, column: str, found: Callable[[str], list[UUID]]) -> None:
    key = MARKED[table]
    rows = sa.table(
        table,
        sa.column(key, sa.BigInteger),
        sa.column(column, sa.LargeBinary),
        sa.column("about", sa.ARRAY(sa.Uuid())),
        schema="app",
    )
    bind, last = op.get_bind(), 0
    while some := bind.execute(
        sa.select(rows.c[key], rows.c[column]).where(rows.c[key] > last).order_by(rows.c[key]).limit(AT_ONCE)
    ).all():
        last = some[-1][0]
        ring = keyring.current()
        listed = [
            {"of": number, "them": found(ring.open(bytes(sealed), context=f"{table}.{column}").decode())}
            for number, sealed in some
        ]
        statement = (
            sa.update(rows).where(rows.c[key] == sa.bindparam("of")).values(about=sa.bindparam("them"))
        )
        bind.execute(statement, listed)


def _in_detail(text: str) -> list[UUID]:
    detail: dict[str, Any] = json.loads(text)
    marks: set[UUID] = set()
    for name, value in (*detail.items(), *detail.get("actor", {}).items()):
        if name in SUBJECTS and value is not None:
            marks |= set(about.marks(SUBJECTS[name], value if isinstance(value, list) else [value]))
    return sorted(marks)


def _in_state(text: str) -> list[UUID]:
    return sorted({about.outside(value) for _name, value in parse_qsl(text) if is_public_id(value)})
