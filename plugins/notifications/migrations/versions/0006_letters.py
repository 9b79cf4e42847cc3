"""Letters to whom no mail reached, and to schools as such: batches that are printed and posted."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0006_letters.sql"
HERE = "plugin_notifications"

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

AUDIENCES = ("banner", "schools", "letters", "staff", "parents")
STATES = ("queued", "sent", "bounced", "failed", "played", "called_off", "to_post", "letter")


def upgrade() -> None:
    op.create_table(
        "letter_batch",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("posted_by", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["notice_id"],
            [f"{HERE}.notice.id"],
            name=op.f("fk_letter_batch_notice_id"),
            ondelete="CASCADE",
        ),
        *(
            sa.ForeignKeyConstraint(
                [name], ["app.account.id"], name=op.f(f"fk_letter_batch_{name}"), ondelete="SET NULL"
            )
            for name in ("made_by", "posted_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter_batch")),
        sa.UniqueConstraint("public_id", name=op.f("uq_letter_batch_public_id")),
        schema=HERE,
    )
    for columns in (["notice_id", "id"], ["made_by"], ["posted_by"]):
        op.create_index(op.f(f"ix_letter_batch_{'_'.join(columns)}"), "letter_batch", columns, schema=HERE)
    for name, to in (("letter_batch_id", "letter_batch"), ("care_of_id", "concerned_school")):
        op.add_column(
            "notice_delivery",
            sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=True),
            schema=HERE,
        )
        op.create_foreign_key(
            op.f(f"fk_notice_delivery_{name}"),
            "notice_delivery",
            to,
            [name],
            ["id"],
            source_schema=HERE,
            referent_schema=HERE,
            ondelete="SET NULL",
        )
        op.create_index(op.f(f"ix_notice_delivery_{name}"), "notice_delivery", [name], schema=HERE)
    op.create_index(
        "ix_notice_delivery_unreached",
        "notice_delivery",
        ["notice_id"],
        schema=HERE,
        postgresql_where=sa.text("letter_batch_id is null and state in ('bounced', 'failed', 'to_post')"),
    )
    _known("notice", "audience", AUDIENCES)
    _known("notice_delivery", "state", STATES)
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))


def _known(table: str, column: str, words: tuple[str, ...]) -> None:
    name = op.f(f"ck_{table}_{column}_is_known")
    op.drop_constraint(name, table, schema=HERE, type_="check")
    listed = ", ".join(f"'{word}'" for word in words)
    op.create_check_constraint(name, table, f"{column} in ({listed})", schema=HERE)
