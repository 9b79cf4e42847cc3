"""Names of staff lie apart from what else an import's report says, so that they can go before it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "roster_import", sa.Column("names", sa.LargeBinary(), nullable=True), schema="plugin_rosters"
    )
    op.execute("alter table plugin_rosters.roster_import alter column names set statistics 0")
    # Sealed as they are, nothing here can take the names out of earlier reports.
    op.execute("update plugin_rosters.roster_import set report = null")
