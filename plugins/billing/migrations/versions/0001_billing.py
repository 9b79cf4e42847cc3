"""Schools that pay, what they have subscribed to, invoices, and what Stripe tells."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parent.parent / "sql" / "0001_billing.sql"
HERE = "plugin_billing"

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _customer()
    _subscription()
    _invoice()
    _event()
    _drift()
    op.get_bind().exec_driver_sql(SQL.read_text("utf-8").replace("%", "%%"))


def _customer() -> None:
    op.create_table(
        "customer",
        _key(),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        *(_number(name) for name in ("school_id", "district_id")),
        _text("stripe_id", nullable=True),
        _number("made_by"),
        _moment("made_at"),
        _moment("as_of", nullable=True),
        sa.CheckConstraint(
            "(school_id is null) <> (district_id is null)", name=op.f("ck_customer_school_or_district")
        ),
        _to("customer", "school_id", "app.school"),
        _to("customer", "district_id", "app.district"),
        _to("customer", "made_by", "app.account", "SET NULL"),
        *_named("customer", "public_id", "school_id", "district_id", "stripe_id"),
        schema=HERE,
    )
    _index("customer", "made_by")


def _subscription() -> None:
    op.create_table(
        "subscription",
        _key(),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        _number("customer_id", nullable=False),
        _text("stripe_id"),
        _text("plan", nullable=True),
        *(_text(name) for name in ("price", "status")),
        sa.Column("by_invoice", sa.Boolean(), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        _text("currency"),
        sa.Column("months", sa.Integer(), nullable=False),
        _moment("begun_at"),
        *(_moment(name, nullable=True) for name in ("trial_until", "period_until", "ends_at")),
        *(_moment(name, nullable=True) for name in ("ended_at", "owed_since")),
        sa.CheckConstraint(
            "plan in ('teacher', 'school', 'district')", name=op.f("ck_subscription_plan_is_known")
        ),
        sa.CheckConstraint(
            "status in ('incomplete', 'incomplete_expired', 'trialing', 'active', 'past_due', 'unpaid',"
            " 'paused', 'canceled')",
            name=op.f("ck_subscription_status_is_known"),
        ),
        sa.CheckConstraint("seats >= 1", name=op.f("ck_subscription_at_least_one_seat")),
        sa.CheckConstraint(
            "status not in ('canceled', 'incomplete_expired') or ended_at is not null",
            name=op.f("ck_subscription_over_has_an_end"),
        ),
        _to("subscription", "customer_id", f"{HERE}.customer"),
        *_named("subscription", "public_id", "stripe_id"),
        schema=HERE,
    )
    _index("subscription", "customer_id")
    _index("subscription", "status", "id")


def _invoice() -> None:
    op.create_table(
        "invoice",
        _key(),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        _number("customer_id", nullable=False),
        _text("stripe_id"),
        *(_text(name, nullable=True) for name in ("subscription", "number")),
        *(_text(name) for name in ("status", "currency")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("due", "paid")),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _moment("made_at"),
        *(_moment(name, nullable=True) for name in ("due_at", "paid_at")),
        sa.Column("outside", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "status in ('draft', 'open', 'paid', 'uncollectible', 'void')",
            name=op.f("ck_invoice_status_is_known"),
        ),
        _to("invoice", "customer_id", f"{HERE}.customer"),
        *_named("invoice", "public_id", "stripe_id"),
        schema=HERE,
    )
    _index("invoice", "customer_id", "made_at")
    _index("invoice", "paid_at")
    op.create_index(
        "ix_invoice_open", "invoice", ["made_at"], schema=HERE, postgresql_where=sa.text("status = 'open'")
    )


def _event() -> None:
    op.create_table(
        "stripe_event",
        _key(),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        *(_text(name) for name in ("stripe_id", "kind")),
        *(_text(name, nullable=True) for name in ("customer", "thing")),
        *(_moment(name) for name in ("happened_at", "received_at")),
        _text("state"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _moment("next_try_at"),
        _moment("done_at", nullable=True),
        sa.CheckConstraint(
            "state in ('waiting', 'done', 'failed', 'kept')", name=op.f("ck_stripe_event_state_is_known")
        ),
        sa.CheckConstraint(
            "(done_at is null) = (state in ('waiting', 'failed'))",
            name=op.f("ck_stripe_event_done_or_waiting"),
        ),
        *_named("stripe_event", "public_id", "stripe_id"),
        schema=HERE,
    )
    op.create_index(
        "ix_stripe_event_waiting",
        "stripe_event",
        ["next_try_at"],
        schema=HERE,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    _index("stripe_event", "state", "id")
    _index("stripe_event", "customer")
    _index("stripe_event", "received_at")


def _drift() -> None:
    op.create_table(
        "drift",
        _key(),
        *(_text(name) for name in ("customer", "stripe_id", "kind")),
        _moment("found_at"),
        _moment("mended_at", nullable=True),
        sa.CheckConstraint(
            "kind in ('missing_here', 'missing_there', 'differs')", name=op.f("ck_drift_kind_is_known")
        ),
        *_named("drift"),
        schema=HERE,
    )
    _index("drift", "found_at")


def _key() -> "sa.Column[int]":
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _number(name: str, *, nullable: bool = True) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _to(table: str, column: str, to: str, on_delete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"), ondelete=on_delete
    )


def _named(table: str, *unique: str) -> list[sa.Constraint]:
    return [
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        *(sa.UniqueConstraint(name, name=op.f(f"uq_{table}_{name}")) for name in unique),
    ]


def _index(table: str, *columns: str) -> None:
    op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns), schema=HERE)
