"""Forms to authorities are notices too, and a notice to schools that goes out late says why."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0008_authorities.sql"
HERE = "plugin_notifications"
TABLE = "notice"

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

AUDIENCES = ("banner", "schools", "letters", "staff", "parents", "authority")
STEPS = (
    *("proposed", "taken back", "approved", "alone", "reviewed", "taken down", "discarded"),
    *("paused", "resumed", "stopped", "handed in"),
)


def upgrade() -> None:
    for column in (
        sa.Column("rule", sa.Text(), nullable=True),
        sa.Column("facts", sa.LargeBinary(), nullable=True),
        sa.Column("late_reason", sa.LargeBinary(), nullable=True),
    ):
        op.add_column(TABLE, column, schema=HERE)
    _known(TABLE, "audience", AUDIENCES)
    _known("notice_step", "kind", STEPS)
    op.drop_constraint(op.f(f"ck_{TABLE}_paused_while_mailed"), TABLE, schema=HERE, type_="check")
    for name, says in (
        (
            "paused_while_mailed",
            (
                "paused_at is null"
                " or (audience not in ('banner', 'authority') and state in ('approved', 'sent', 'ended'))"
            ),
        ),
        ("an_authority_by_a_rule", "(audience = 'authority') = (rule is not null)"),
        (
            "facts_of_a_form",
            "audience <> 'authority' or state not in ('proposed', 'approved', 'sent') or facts is not null",
        ),
        ("late_to_schools", "late_reason is null or audience in ('schools', 'letters')"),
    ):
        op.create_check_constraint(op.f(f"ck_{TABLE}_{name}"), TABLE, says, schema=HERE)
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))


def _known(table: str, column: str, words: tuple[str, ...]) -> None:
    name = op.f(f"ck_{table}_{column}_is_known")
    op.drop_constraint(name, table, schema=HERE, type_="check")
    listed = ", ".join(f"'{word}'" for word in words)
    op.create_check_constraint(name, table, f"{column} in ({listed})", schema=HERE)
