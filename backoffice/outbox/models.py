"""Mails as tables: the envelope, which names nobody, and apart from it what the mail says and to whom."""

from datetime import datetime
from enum import IntEnum, StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import Base, only, titled
from backoffice.storage.columns import Keep


class MailState(StrEnum):
    """How far a mail is."""

    QUEUED = "queued"
    HELD = "held"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    BOUNCED = "bounced"
    CALLED_OFF = "called_off"


class Rank(IntEnum):
    """Which mails go first."""

    ONE_WAITS = 0
    FOR_MANY = 1


# Those of a mail that went to the mail server, and those of one that reached nobody and never will.
HANDED_OVER = (MailState.SENT, MailState.BOUNCED)
REACHED_NOBODY = (MailState.FAILED, MailState.BOUNCED, MailState.CALLED_OFF)


class Return(StrEnum):
    """What became of a message that the mail server passed on to us."""

    BOUNCED = "bounced"
    TWICE = "twice"
    NOT_FOR_GOOD = "not_for_good"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
    UNREADABLE = "unreadable"


class OutgoingMail(Base):
    """That a mail is to be sent or was. What it says stands in `MailContent`, as long as there is need."""

    __tablename__ = "mail"
    __table_args__ = (
        UniqueConstraint("public_id"),
        only("state", MailState),
        Index(None, "state", "next_try_at"),
        Index("ix_mail_maybe_twice", "id", postgresql_where="maybe_twice"),
        Index("ix_mail_waits", "rank", "next_try_at", "id", postgresql_where="state = 'queued'"),
        Index(None, "finished_at"),
        Index(None, "account_id"),
        Index(None, "school_id"),
        titled(lazy("Mails")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_MONTHS)
    public_id: Mapped[str] = columns.public_id(keep=Keep.SIX_MONTHS)
    name: Mapped[str] = columns.text("Which mail it is", keep=Keep.SIX_MONTHS)
    account_id: Mapped[int | None] = columns.reference(
        "Whom it is for", ForeignKey("app.account.id", ondelete="CASCADE"), keep=Keep.ACCOUNT
    )
    school_id: Mapped[int | None] = columns.reference(
        "In which school's name it is sent", ForeignKey("app.school.id", ondelete="CASCADE"), keep=Keep.SCHOOL
    )
    state: Mapped[str] = columns.choice("How far it is", keep=Keep.SIX_MONTHS)
    rank: Mapped[int] = columns.number(
        "Which go first: those that one person waits for, then those that many get", keep=Keep.SIX_MONTHS
    )
    attempts: Mapped[int] = columns.number("How often it was tried", keep=Keep.SIX_MONTHS)
    next_try_at: Mapped[datetime] = columns.moment("Not to be tried before", keep=Keep.SIX_MONTHS)
    give_up_at: Mapped[datetime] = columns.moment("Not to be tried after", keep=Keep.SIX_MONTHS)
    taken_at: Mapped[datetime | None] = columns.moment(
        "When a worker took it, to notice one that died", keep=Keep.SIX_MONTHS
    )
    created_at: Mapped[datetime] = columns.moment("When it was written", keep=Keep.SIX_MONTHS)
    finished_at: Mapped[datetime | None] = columns.moment(
        "When it was sent or given up", keep=Keep.SIX_MONTHS
    )
    maybe_twice: Mapped[bool] = columns.flag(
        "Whether it went out again though it may have arrived", keep=Keep.SIX_MONTHS
    )
    reason: Mapped[str | None] = columns.text(
        "Why the last try failed or the mail came back, in fixed words and a status code",
        keep=Keep.SIX_MONTHS,
    )


class MailContent(Base):
    """What a mail says and to whom. Gone the moment it is sent or called off; the web never reads it."""

    __tablename__ = "mail_content"
    __table_args__ = titled(lazy("What mails say, until they are sent"))

    mail_id: Mapped[int] = columns.reference(
        "Which mail",
        ForeignKey("app.mail.id", ondelete="CASCADE"),
        keep=Keep.ONE_MONTH,
        primary_key=True,
    )
    recipient: Mapped[str] = columns.sealed("Where it goes", keep=Keep.ONE_MONTH)
    message: Mapped[bytes] = columns.sealed_bytes(
        "What it says, as it will travel: subject and two parts", keep=Keep.ONE_MONTH
    )
    about: Mapped[list[UUID]] = columns.about(keep=Keep.ONE_MONTH)
    domain: Mapped[UUID | None] = columns.keyed_digest(
        "Digest of the part of the address behind the @, by which mails a minute are counted",
        keep=Keep.ONE_MONTH,
    )


class ReturnedMessages(Base):
    """How many messages came for our return address, and what became of them. Of no message by itself."""

    __tablename__ = "mail_return"
    __table_args__ = (only("outcome", Return), titled(lazy("Counts of messages that came back")))

    outcome: Mapped[str] = columns.choice("What became of them", keep=Keep.FOR_GOOD, primary_key=True)
    number: Mapped[int] = columns.large_number("How many they were", keep=Keep.FOR_GOOD)
    last_at: Mapped[datetime] = columns.moment("When the last one came", keep=Keep.FOR_GOOD)
