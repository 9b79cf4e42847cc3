"""What was reported, as a table."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import Base, only, titled
from backoffice.storage.columns import Keep


class ReportKind(StrEnum):
    """What somebody saw."""

    MESSAGE = "message"
    SEEN = "seen"
    TAKEN = "taken"
    OTHER = "other"


class Finding(StrEnum):
    """What it was, as a founder found."""

    FAKE = "fake"
    OURS = "ours"
    HARMLESS = "harmless"
    SPAM = "spam"


class Report(Base):
    """Something that somebody reported. It is open until a founder closes it, saying what it was.

    `mail` is the suspicious mail itself, as a file; it goes as soon as it is found to be of no use.
    """

    __tablename__ = "report"
    __table_args__ = (
        UniqueConstraint("public_id"),
        # The same words by the same form report once.
        UniqueConstraint("form"),
        only("kind", ReportKind),
        only("finding", Finding),
        CheckConstraint("(closed_at is null) = (finding is null)", name="closed_with_a_finding"),
        Index(None, "account_id"),
        Index(None, "closed_by"),
        Index(None, "reported_at"),
        Index("ix_report_about", "about", postgresql_using="gin"),
        titled(lazy("What was reported to us")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_MONTHS)
    public_id: Mapped[str] = columns.public_id(keep=Keep.SIX_MONTHS)
    kind: Mapped[str] = columns.choice("What somebody saw", keep=Keep.SIX_MONTHS)
    said: Mapped[str] = columns.sealed("What was reported, in their words", keep=Keep.SIX_MONTHS, apart=True)
    contact: Mapped[str | None] = columns.sealed(
        "Where whoever reported it can be asked, if they said so", keep=Keep.SIX_MONTHS, apart=True
    )
    mail: Mapped[bytes | None] = columns.sealed_bytes(
        "The suspicious mail itself", keep=Keep.SIX_MONTHS, apart=True
    )
    account_id: Mapped[int | None] = columns.reference(
        "Who reported it, if they were signed in",
        ForeignKey("app.account.id", ondelete="SET NULL"),
        keep=Keep.SIX_MONTHS,
    )
    by_school: Mapped[bool] = columns.flag(
        "Whether a school passed on what a child told it", keep=Keep.SIX_MONTHS
    )
    about: Mapped[list[UUID]] = columns.about(keep=Keep.SIX_MONTHS)
    form: Mapped[UUID] = columns.keyed_digest(
        "Recognises the same words when the form comes again", keep=Keep.SIX_MONTHS
    )
    reported_at: Mapped[datetime] = columns.moment("When", keep=Keep.SIX_MONTHS)
    told_at: Mapped[datetime | None] = columns.moment("When founders were told of it", keep=Keep.SIX_MONTHS)
    closed_at: Mapped[datetime | None] = columns.moment("When it was closed", keep=Keep.SIX_MONTHS)
    closed_by: Mapped[int | None] = columns.reference(
        "Who closed it", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.SIX_MONTHS
    )
    finding: Mapped[str | None] = columns.choice("What it was", keep=Keep.SIX_MONTHS)
    note: Mapped[str | None] = columns.sealed("What was found and done", keep=Keep.SIX_MONTHS, apart=True)
