"""Legal holds, and how long erasures waited for them."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0051_legal_holds.sql"

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

STOPS = "state in ('proposed', 'in force')"
PEOPLE = ("proposed_by", "confirmed_by", "release_by", "ended_by")


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "legal_hold",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("outside", sa.String(length=16), nullable=True),
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("review_on", sa.Date(), nullable=False),
        sa.Column("proposed_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("proposed_at", moment, nullable=False),
        sa.Column("confirmed_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("confirmed_at", moment, nullable=True),
        sa.Column("release_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("release_at", moment, nullable=True),
        sa.Column("ended_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("reminded_at", moment, nullable=True),
        sa.CheckConstraint(
            "subject in ('student', 'classroom', 'account', 'school', 'district')",
            name=op.f("ck_legal_hold_subject_is_known"),
        ),
        sa.CheckConstraint(
            "state in ('proposed', 'in force', 'released', 'withdrawn', 'lapsed')",
            name=op.f("ck_legal_hold_state_is_known"),
        ),
        sa.CheckConstraint(
            f"not ({STOPS}) or subject_id is not null", name=op.f("ck_legal_hold_what_stops_names_what")
        ),
        sa.CheckConstraint(f"(ended_at is null) = ({STOPS})", name=op.f("ck_legal_hold_ended_stops_nothing")),
        sa.CheckConstraint(
            "state <> 'in force' or confirmed_at is not null",
            name=op.f("ck_legal_hold_in_force_was_confirmed"),
        ),
        sa.CheckConstraint("confirmed_by <> proposed_by", name=op.f("ck_legal_hold_two_people_hold")),
        sa.CheckConstraint(
            "state <> 'released' or ended_by <> release_by", name=op.f("ck_legal_hold_two_people_release")
        ),
        *(
            sa.ForeignKeyConstraint(
                [name], ["app.account.id"], name=op.f(f"fk_legal_hold_{name}"), ondelete="SET NULL"
            )
            for name in PEOPLE
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_hold")),
        sa.UniqueConstraint("public_id", name=op.f("uq_legal_hold_public_id")),
        schema="app",
    )
    op.create_index("ix_legal_hold_stops", "legal_hold", ["id"], schema="app", postgresql_where=STOPS)
    for name in PEOPLE:
        op.create_index(op.f(f"ix_legal_hold_{name}"), "legal_hold", [name], schema="app")
    for name in ("held_at", "freed_at"):
        op.add_column("erasure", sa.Column(name, moment, nullable=True), schema="app")
    op.add_column("retention_run", sa.Column("held", sa.BigInteger(), nullable=True), schema="app")
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
