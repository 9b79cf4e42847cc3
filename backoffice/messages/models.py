"""Messages as a table, whom they name is said nowhere in it; and which mails somebody does without."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import Base, titled
from backoffice.storage.columns import Keep


class Message(Base):
    """That somebody was told something. What it says stands with its kind, and what it is about elsewhere."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("public_id"),
        # The same thing is told once.
        UniqueConstraint("account_id", "kind", "once"),
        Index(None, "school_id"),
        Index(None, "created_at"),
        titled(lazy("Messages")),
    )

    id: Mapped[int] = columns.key(keep=Keep.ONE_YEAR)
    public_id: Mapped[str] = columns.public_id(keep=Keep.ONE_YEAR)
    account_id: Mapped[int] = columns.reference(
        "Whom it is for", ForeignKey("app.account.id", ondelete="CASCADE"), keep=Keep.ACCOUNT
    )
    school_id: Mapped[int | None] = columns.reference(
        "About which school, if about one", ForeignKey("app.school.id", ondelete="CASCADE"), keep=Keep.SCHOOL
    )
    kind: Mapped[str] = columns.text("What it says", keep=Keep.ONE_YEAR)
    subject: Mapped[str | None] = columns.text(
        "What it leads to, by the name that stands in addresses", keep=Keep.ONE_YEAR
    )
    once: Mapped[str] = columns.text("Recognises the same thing that is told again", keep=Keep.ONE_YEAR)
    created_at: Mapped[datetime] = columns.moment("When it was told", keep=Keep.ONE_YEAR)
    read_at: Mapped[datetime | None] = columns.moment("When it was read", keep=Keep.ONE_YEAR)


class MailChoice(Base):
    """Which mails somebody turned off, apart from the account: colleagues may see that, never this row."""

    __tablename__ = "mail_choice"
    __table_args__ = titled(lazy("Choices of mails"))

    account_id: Mapped[int] = columns.reference(
        "Whose choice",
        ForeignKey("app.account.id", ondelete="CASCADE"),
        keep=Keep.ACCOUNT,
        primary_key=True,
    )
    unwanted: Mapped[list[str]] = columns.words("Which mails its owner turned off", keep=Keep.ACCOUNT)


# Unread ones are read first, and counted with each page.
Index("ix_message_in_order", Message.account_id, Message.read_at.is_(None), Message.id)
