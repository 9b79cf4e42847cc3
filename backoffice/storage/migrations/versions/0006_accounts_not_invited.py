"""Accounts of people who are known from a roster and have not been invited yet. They sign in by no way."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table app.account drop constraint ck_account_status_is_known")
    op.execute(
        "alter table app.account add constraint ck_account_status_is_known"
        " check (status in ('active', 'suspended', 'not_invited'))"
    )
