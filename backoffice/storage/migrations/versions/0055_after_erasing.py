"""What follows an erasure: who outside is told, when the space is freed, and the nightly test of it all."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0055_after_erasing.sql"

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.add_column("erasure", sa.Column("vacuum_after", sa.BigInteger(), nullable=True), schema="app")
    op.add_column("erasure", sa.Column("vacuumed_at", moment, nullable=True), schema="app")
    op.create_index(
        "ix_erasure_to_vacuum",
        "erasure",
        ["id"],
        schema="app",
        postgresql_where="vacuum_after is not null and vacuumed_at is null",
    )
    op.create_table(
        "erasure_outside",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("erasure", sa.Text(), nullable=False),
        sa.Column("handler", sa.Text(), nullable=False),
        sa.Column("reference", sa.LargeBinary(), nullable=True),
        sa.Column("noted_at", moment, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("tried_at", moment, nullable=True),
        sa.Column("done_at", moment, nullable=True),
        sa.Column("proof", sa.Text(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(done_at is null) = (reference is not null)",
            name=op.f("ck_erasure_outside_done_forgets_reference"),
        ),
        sa.CheckConstraint("tries >= 0", name=op.f("ck_erasure_outside_tries_are_counted")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure_outside")),
        schema="app",
    )
    op.create_index(op.f("ix_erasure_outside_erasure"), "erasure_outside", ["erasure"], schema="app")
    op.create_index(
        "ix_erasure_outside_waiting",
        "erasure_outside",
        ["id"],
        schema="app",
        postgresql_where="done_at is null",
    )
    op.create_table(
        "canary",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("begun_at", moment, nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("milliseconds", sa.Integer(), nullable=True),
        sa.Column("receipt", sa.Text(), nullable=True),
        sa.CheckConstraint("ended_at is not null or problem is null", name=op.f("ck_canary_problem_ends_it")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canary")),
        sa.UniqueConstraint("public_id", name=op.f("uq_canary_public_id")),
        schema="app",
    )
    op.create_index("ix_canary_begun_at", "canary", ["begun_at"], schema="app")
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
