"""The answers of the checks. They name nobody, so everybody may read them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "control_result",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("control_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state in ('holds', 'falls short', 'attested', 'not exercised', 'stale')",
            name=op.f("ck_control_result_state_is_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_control_result")),
        schema="plugin_trust",
    )
    op.create_index(
        op.f("ix_control_result_control_id_checked_at"),
        "control_result",
        ["control_id", "checked_at"],
        unique=False,
        schema="plugin_trust",
    )
    op.execute("grant usage on schema plugin_trust to backoffice_app, backoffice_system")
    op.execute("grant select on plugin_trust.control_result to backoffice_app")
    op.execute("grant select, insert, update, delete on plugin_trust.control_result to backoffice_system")
    # What a start compares the code with.
    op.execute("grant select on plugin_trust.schema_version to backoffice_app, backoffice_system")
