"""Notices: what people are told about an incident, who let it go out, and to whom it went."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0002_notices.sql"
HERE = "plugin_notifications"
PEOPLE = ("written_by", "proposed_by", "approved_by", "reviewed_by", "ended_by")

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _notice()
    _step()
    _delivery()
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))


def _notice() -> None:
    op.create_table(
        "notice",
        _id(),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        _number("incident_id", nullable=False),
        *_text("audience", "template"),
        sa.Column("template_version", sa.Integer(), nullable=False),
        sa.Column("said", sa.LargeBinary(), nullable=False),
        *_text("state"),
        sa.Column("version", sa.Integer(), nullable=False),
        *(_number(name) for name in PEOPLE),
        _moment("written_at", nullable=False),
        *(_moment(name) for name in ("proposed_at", "approved_at", "review_due_at", "reviewed_at")),
        *(_moment(name) for name in ("reminded_at", "schools_told_at", "sent_at", "ended_at")),
        *_text("form"),
        _known("notice", "audience", "banner", "schools", "staff", "parents"),
        _known("notice", "state", "draft", "proposed", "approved", "up", "sent", "ended"),
        *(
            sa.CheckConstraint(rule, name=op.f(f"ck_notice_{name}"))
            for name, rule in (
                ("only_a_banner_is_up", "audience = 'banner' or state <> 'up'"),
                ("a_banner_is_not_sent", "audience <> 'banner' or state not in ('approved', 'sent')"),
                ("proposed_before", "state in ('draft', 'ended') or proposed_at is not null"),
                ("approved_before", "state not in ('approved', 'up', 'sent') or approved_at is not null"),
                ("two_people_or_a_review", "approved_by <> proposed_by or review_due_at is not null"),
                ("somebody_else_reviews", "reviewed_by <> approved_by"),
                ("ended_at_some_moment", "(ended_at is not null) = (state = 'ended')"),
            )
        ),
        _key("notice", "incident_id", f"{HERE}.incident", "CASCADE"),
        *(_key("notice", name, "app.account", "SET NULL") for name in PEOPLE),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("public_id", name=op.f("uq_notice_public_id")),
        sa.UniqueConstraint("form", name=op.f("uq_notice_form")),
        schema=HERE,
    )
    _indexes("notice", ("incident_id", "id"), *((name,) for name in PEOPLE))
    for name, state in (("ix_notice_up", "up"), ("ix_notice_at_work", "approved")):
        op.create_index(name, "notice", ["id"], schema=HERE, postgresql_where=f"state = '{state}'")


def _step() -> None:
    op.create_table(
        "notice_step",
        _id(),
        _number("notice_id", nullable=False),
        *_text("kind"),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        _moment("done_at", nullable=False),
        _number("done_by"),
        _known(
            "notice_step",
            "kind",
            *("proposed", "taken back", "approved", "alone", "reviewed", "taken down", "discarded"),
        ),
        _key("notice_step", "notice_id", f"{HERE}.notice", "CASCADE"),
        _key("notice_step", "done_by", "app.account", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_step")),
        schema=HERE,
    )
    _indexes("notice_step", ("notice_id", "id"), ("done_by",))


def _delivery() -> None:
    op.create_table(
        "notice_delivery",
        _id(),
        _number("notice_id", nullable=False),
        *(_number(name) for name in ("account_id", "concerned_school_id", "mail_id")),
        *_text("state"),
        _moment("addressed_at", nullable=False),
        _moment("settled_at"),
        _known("notice_delivery", "state", "queued", "sent", "bounced", "failed", "played"),
        sa.CheckConstraint(
            "account_id is null or concerned_school_id is null", name=op.f("ck_notice_delivery_to_one")
        ),
        _key("notice_delivery", "notice_id", f"{HERE}.notice", "CASCADE"),
        _key("notice_delivery", "account_id", "app.account", "SET NULL"),
        _key("notice_delivery", "concerned_school_id", f"{HERE}.concerned_school", "CASCADE"),
        _key("notice_delivery", "mail_id", "app.mail", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_delivery")),
        sa.UniqueConstraint("notice_id", "account_id", name=op.f("uq_notice_delivery_notice_id_account_id")),
        schema=HERE,
    )
    _indexes("notice_delivery", ("account_id",), ("concerned_school_id",), ("mail_id",))
    op.create_index(
        "uq_notice_delivery_concerned_school_id",
        "notice_delivery",
        ["notice_id", "concerned_school_id"],
        unique=True,
        schema=HERE,
        postgresql_where="concerned_school_id is not null",
    )
    op.create_index(
        "ix_notice_delivery_open",
        "notice_delivery",
        ["id"],
        schema=HERE,
        postgresql_where="state = 'queued'",
    )


def _id() -> "sa.Column[int]":
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _number(name: str, *, nullable: bool = True) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=nullable)


def _text(*names: str) -> "list[sa.Column[str]]":
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _moment(name: str, *, nullable: bool = True) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _key(table: str, column: str, to: str, on_delete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"), ondelete=on_delete
    )


def _known(table: str, column: str, *words: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} in ({listed})", name=op.f(f"ck_{table}_{column}_is_known"))


def _indexes(table: str, *indexed: tuple[str, ...]) -> None:
    for each in indexed:
        op.create_index(op.f(f"ix_{table}_{'_'.join(each)}"), table, list(each), schema=HERE)
