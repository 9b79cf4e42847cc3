"""Quotes, purchase orders, and certificates by which a school pays no sales tax."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0002_orders.sql"
HERE = "plugin_billing"

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _quote()
    _order()
    _certificate()
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))


def _quote() -> None:
    op.create_table(
        "quote",
        *_beginning(),
        *(_text(name) for name in ("plan", "price", "price_named")),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        _text("currency"),
        sa.Column("months", sa.Integer(), nullable=False),
        *(_moment(name) for name in ("made_at", "until_at")),
        sa.CheckConstraint("plan in ('teacher', 'school', 'district')", name=op.f("ck_quote_plan_is_known")),
        sa.CheckConstraint("seats >= 1", name=op.f("ck_quote_at_least_one_seat")),
        _to_customer("quote"),
        *_named("quote"),
        sa.UniqueConstraint("id", "customer_id", name=op.f("uq_quote_id_customer_id")),
        schema=HERE,
    )
    _index("quote", "customer_id", "made_at")
    _index("quote", "until_at")


def _order() -> None:
    op.create_table(
        "purchase_order",
        *_beginning(),
        sa.Column("quote_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.LargeBinary(), nullable=False),
        sa.Column("invoice_to", sa.LargeBinary(), nullable=True),
        sa.Column("file", sa.LargeBinary(), nullable=False),
        _text("file_kind"),
        _moment("placed_at"),
        _text("state"),
        _text("subscription", nullable=True),
        _moment("sent_at", nullable=True),
        sa.CheckConstraint(
            "state in ('waiting', 'subscribed', 'sent', 'failed')",
            name=op.f("ck_purchase_order_state_is_known"),
        ),
        sa.CheckConstraint(
            "file_kind in ('pdf', 'png', 'jpeg')", name=op.f("ck_purchase_order_file_kind_is_known")
        ),
        sa.ForeignKeyConstraint(
            ["quote_id", "customer_id"],
            [f"{HERE}.quote.id", f"{HERE}.quote.customer_id"],
            name=op.f("fk_purchase_order_quote_id_customer_id"),
            ondelete="CASCADE",
        ),
        *_named("purchase_order"),
        sa.UniqueConstraint("quote_id", "customer_id", name=op.f("uq_purchase_order_quote_id_customer_id")),
        schema=HERE,
    )
    op.create_index(
        "uq_purchase_order_under_way",
        "purchase_order",
        ["customer_id"],
        unique=True,
        schema=HERE,
        postgresql_where=sa.text("state in ('waiting', 'subscribed')"),
    )
    _index("purchase_order", "customer_id", "placed_at")
    _index("purchase_order", "placed_at")


def _certificate() -> None:
    op.create_table(
        "tax_certificate",
        *_beginning(),
        _text("state"),
        sa.Column("last_day", sa.Date(), nullable=False),
        _moment("ends_at"),
        sa.Column("file", sa.LargeBinary(), nullable=False),
        _text("file_kind"),
        _moment("given_at"),
        *(_moment(name, nullable=True) for name in ("replaced_at", "set_at", "warned_at", "ended_at")),
        sa.CheckConstraint("state ~ '^[A-Z]{2}$'", name=op.f("ck_tax_certificate_state_has_two_letters")),
        sa.CheckConstraint(
            "file_kind in ('pdf', 'png', 'jpeg')", name=op.f("ck_tax_certificate_file_kind_is_known")
        ),
        _to_customer("tax_certificate"),
        *_named("tax_certificate"),
        schema=HERE,
    )
    op.create_index(
        "uq_tax_certificate_in_force",
        "tax_certificate",
        ["customer_id"],
        unique=True,
        schema=HERE,
        postgresql_where=sa.text("replaced_at is null"),
    )
    _index("tax_certificate", "customer_id", "given_at")
    _index("tax_certificate", "ends_at")


def _beginning() -> list["sa.Column[object]"]:
    return [
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
    ]


def _text(name: str, *, nullable: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _to_customer(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["customer_id"],
        [f"{HERE}.customer.id"],
        name=op.f(f"fk_{table}_customer_id"),
        ondelete="CASCADE",
    )


def _named(table: str) -> list[sa.Constraint]:
    return [
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("public_id", name=op.f(f"uq_{table}_public_id")),
    ]


def _index(table: str, *columns: str) -> None:
    op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns), schema=HERE)
