"""What a child tells is known by form and words together: other words by the same form are told as well."""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What is there is the number of a form, and stays as good as any: no such form is open any more.
    op.execute("alter table app.worry alter column form type uuid using form::uuid")
    op.execute("alter table app.worry alter column form set statistics 0")
