"""Networks whose wrong PINs are used up, which a school opens for its own classes; merging row by row."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0035_locked_networks.sql"

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "locked_network",
        sa.Column("school_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("network", sa.Uuid(), nullable=False),
        sa.Column("classroom_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refused_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["school_id", "classroom_id"],
            ["app.classroom.school_id", "app.classroom.id"],
            name=op.f("fk_locked_network_school_id_classroom_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk_locked_network")),
        sa.UniqueConstraint("public_id", name=op.f("uq_locked_network_public_id")),
        sa.UniqueConstraint("school_id", "network", name=op.f("uq_locked_network_school_id_network")),
        schema="app",
    )
    op.create_index(
        op.f("ix_locked_network_school_id_classroom_id"),
        "locked_network",
        ["school_id", "classroom_id"],
        unique=False,
        schema="app",
    )
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))
