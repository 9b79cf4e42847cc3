"""What contracts ask is known of districts and schools before anything happens."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0014_terms.sql"
HERE = "plugin_notifications"
TABLE = "contract_terms"

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        *(_number(name) for name in ("district_id", "school_id")),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=True),
        sa.Column("start", sa.Text(), nullable=True),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        _number("said_by"),
        sa.CheckConstraint(
            "(district_id is null) <> (school_id is null)", name=op.f(f"ck_{TABLE}_one_place")
        ),
        sa.CheckConstraint(
            "start in ('noticed', 'determined', 'confirmed')", name=op.f(f"ck_{TABLE}_start_is_known")
        ),
        sa.CheckConstraint("hours between 1 and 8760", name=op.f(f"ck_{TABLE}_within_a_year")),
        *(
            sa.ForeignKeyConstraint([name], [f"{to}.id"], name=op.f(f"fk_{TABLE}_{name}"), ondelete=on_delete)
            for name, to, on_delete in (
                ("district_id", "app.district", "CASCADE"),
                ("school_id", "app.school", "CASCADE"),
                ("said_by", "app.account", "SET NULL"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
        *(
            sa.UniqueConstraint(name, name=op.f(f"uq_{TABLE}_{name}"))
            for name in ("district_id", "school_id")
        ),
        schema=HERE,
    )
    op.create_index(op.f(f"ix_{TABLE}_said_by"), TABLE, ["said_by"], schema=HERE)
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))


def _number(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=True)
