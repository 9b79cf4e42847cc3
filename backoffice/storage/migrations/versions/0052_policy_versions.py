"""Which policies of retention were in force, and which waits for a second founder."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0052_policy_versions.sql"

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "policy_version",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("proposed_at", moment, nullable=False),
        sa.Column("proposed_by", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_at", moment, nullable=True),
        sa.Column("confirmed_by", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("later", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("later_at", moment, nullable=True),
        sa.Column("told_from", moment, nullable=True),
        sa.Column("told_up_to", sa.BigInteger(), nullable=True),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("told_at", moment, nullable=True),
        sa.CheckConstraint(
            "state in ('waiting', 'confirmed', 'withdrawn', 'void')",
            name=op.f("ck_policy_version_state_is_known"),
        ),
        sa.CheckConstraint(
            "(state = 'confirmed') = (confirmed_at is not null)",
            name=op.f("ck_policy_version_confirmed_once"),
        ),
        sa.CheckConstraint(
            "(state in ('withdrawn', 'void')) = (ended_at is not null)",
            name=op.f("ck_policy_version_ended_once"),
        ),
        sa.CheckConstraint("confirmed_by <> proposed_by", name=op.f("ck_policy_version_two_founders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_version")),
        *(
            sa.ForeignKeyConstraint(
                [name], ["app.account.id"], name=op.f(f"fk_policy_version_{name}"), ondelete="SET NULL"
            )
            for name in ("proposed_by", "confirmed_by")
        ),
        schema="app",
    )
    for name in ("proposed_by", "confirmed_by"):
        op.create_index(op.f(f"ix_policy_version_{name}"), "policy_version", [name], schema="app")
    op.create_index(
        "uq_policy_version_waiting",
        "policy_version",
        ["state"],
        unique=True,
        schema="app",
        postgresql_where="state = 'waiting'",
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
