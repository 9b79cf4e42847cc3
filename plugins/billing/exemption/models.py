"""Certificates by which a school pays no sales tax."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, column
from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import only, titled
from backoffice.storage.columns import Keep
from plugins.billing.models import BillingBase, Customer
from plugins.billing.papers import FileKind


class TaxCertificate(BillingBase):  # type: ignore[misc, valid-type]
    """A certificate of a state, until its last day, or until another one takes its place."""

    __tablename__ = "tax_certificate"
    __table_args__ = (
        UniqueConstraint("public_id"),
        ForeignKeyConstraint(["customer_id"], [Customer.__table__.c.id], ondelete="CASCADE"),
        only("file_kind", FileKind),
        CheckConstraint("state ~ '^[A-Z]{2}$'", name="state_has_two_letters"),
        Index(
            "uq_tax_certificate_in_force",
            "customer_id",
            unique=True,
            postgresql_where=column("replaced_at").is_(None),
        ),
        Index(None, "customer_id", "given_at"),
        Index(None, "ends_at"),
        titled(lazy("Tax certificates")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_YEARS)
    public_id: Mapped[str] = columns.public_id(keep=Keep.SIX_YEARS)
    customer_id: Mapped[int] = columns.reference("Whose it is", keep=Keep.SIX_YEARS)
    state: Mapped[str] = columns.text("The state that gave it", keep=Keep.SIX_YEARS)
    last_day: Mapped[date] = columns.day("The last day on which it holds", keep=Keep.SIX_YEARS)
    ends_at: Mapped[datetime] = columns.moment("When that day is over at the school", keep=Keep.SIX_YEARS)
    file: Mapped[bytes] = columns.sealed_bytes("The certificate itself", keep=Keep.SIX_YEARS, apart=True)
    file_kind: Mapped[str] = columns.choice("What kind of file that is", keep=Keep.SIX_YEARS)
    given_at: Mapped[datetime] = columns.moment("When it was handed in", keep=Keep.SIX_YEARS)
    replaced_at: Mapped[datetime | None] = columns.moment(
        "When another one took its place", keep=Keep.SIX_YEARS
    )
    set_at: Mapped[datetime | None] = columns.moment("Since when Stripe asks for no tax", keep=Keep.SIX_YEARS)
    warned_at: Mapped[datetime | None] = columns.moment(
        "When the school was told that it ends soon", keep=Keep.SIX_YEARS
    )
    ended_at: Mapped[datetime | None] = columns.moment(
        "When Stripe was told that it is over, and the school", keep=Keep.SIX_YEARS
    )
