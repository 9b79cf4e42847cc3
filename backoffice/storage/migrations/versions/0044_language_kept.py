"""The language of a school among its last changes."""

from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

FIELDS = "'days', 'time_zone', 'language', 'factor_required', 'sign_in_from'"


def upgrade() -> None:
    name = op.f("ck_school_change_field_is_known")
    op.drop_constraint(name, "school_change", schema="app")
    op.create_check_constraint(name, "school_change", f"field in ({FIELDS})", schema="app")
