"""Drills play their hours, sources of a scope are numbered, and letters are prepared by a worker."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQLS = [Path(__file__).parent.parent / "sql" / f"0017_{each}.sql" for each in ("played", "printing")]
HERE = "plugin_notifications"

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    classes: sa.Column[list[int]] = sa.Column("classrooms", sa.ARRAY(sa.BigInteger()), nullable=True)
    op.add_column("scope_source", classes, schema=HERE)
    op.create_check_constraint(
        op.f("ck_scope_source_classes_of_an_account"),
        "scope_source",
        "classrooms is null or extent in ('rooms', 'own')",
        schema=HERE,
    )
    for name, kind in (
        ("print_asked_at", sa.DateTime(timezone=True)),
        ("print_language", sa.Text()),
        ("pdf", sa.LargeBinary()),
    ):
        op.add_column("letter_batch", sa.Column(name, kind, nullable=True), schema=HERE)
    op.create_check_constraint(
        op.f("ck_letter_batch_printed_for_somebody"),
        "letter_batch",
        "(print_asked_at is null) = (print_language is null) and (pdf is null or print_asked_at is not null)",
        schema=HERE,
    )
    for sql in SQLS:
        op.get_bind().exec_driver_sql(sql.read_text("utf-8").replace("%", "%%"))
