"""Grown-ups are told by mail that a child told something, and reminded while it is open."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The web may write neither: of a table's new columns its grants name none.
    op.add_column("worry", sa.Column("mailed_at", sa.DateTime(timezone=True)), schema="app")
    op.add_column("worry", sa.Column("reminded_at", sa.DateTime(timezone=True)), schema="app")
