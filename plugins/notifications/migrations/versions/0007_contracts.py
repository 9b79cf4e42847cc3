"""Of a concerned school it is known what its contract asks."""

import sqlalchemy as sa
from alembic import op

HERE = "plugin_notifications"
TABLE = "concerned_school"

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("contract_rule", sa.Text(), nullable=True),
        sa.Column("contract_hours", sa.Integer(), nullable=True),
        sa.Column("contract_start", sa.Text(), nullable=True),
    ):
        op.add_column(TABLE, column, schema=HERE)
    for name, says in (
        ("contract_start_is_known", "contract_start in ('noticed', 'determined', 'confirmed')"),
        ("within_a_year", "contract_hours between 1 and 8760"),
        ("hours_of_a_contract", "contract_rule is not null or contract_hours is null"),
    ):
        op.create_check_constraint(op.f(f"ck_{TABLE}_{name}"), TABLE, says, schema=HERE)
    # What the web may write of the row, as before of its other columns.
    op.execute(
        f"grant update (contract_rule, contract_hours, contract_start) on {HERE}.{TABLE} to backoffice_app"
    )
