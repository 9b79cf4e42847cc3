"""Suspensions, resets of second factors and security events, as tables."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import Base, only, titled
from backoffice.storage.columns import Keep


class Suspension(Base):
    """An account, or its place at one school, is without effect. The row goes when that ends."""

    __tablename__ = "suspension"
    __table_args__ = (
        Index(
            "uq_suspension_place", "account_id", "school_id", unique=True, postgresql_nulls_not_distinct=True
        ),
        Index(None, "school_id"),
        Index(None, "suspended_by"),
        titled(lazy("Suspensions")),
    )

    id: Mapped[int] = columns.key(keep=Keep.ACCOUNT)
    account_id: Mapped[int] = columns.reference(
        "Who is suspended", ForeignKey("app.account.id", ondelete="CASCADE"), keep=Keep.ACCOUNT
    )
    school_id: Mapped[int | None] = columns.reference(
        "Where, if a school did it", ForeignKey("app.school.id", ondelete="CASCADE"), keep=Keep.ACCOUNT
    )
    whole: Mapped[bool] = columns.flag("Whether the account cannot sign in meanwhile", keep=Keep.ACCOUNT)
    was: Mapped[str] = columns.choice("The account's status before", keep=Keep.ACCOUNT)
    reason: Mapped[str] = columns.sealed("Why, for whoever may end it", keep=Keep.ACCOUNT)
    suspended_by: Mapped[int | None] = columns.reference(
        "Who did it", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.ACCOUNT
    )
    suspended_at: Mapped[datetime] = columns.moment("Since when", keep=Keep.ACCOUNT)


class ResetState(StrEnum):
    """What has become of a reset."""

    WAITING = "waiting"
    REFUSED = "refused"
    # The factor was used: it is not lost.
    CANCELLED = "cancelled"
    # The mail in which it can be refused did not arrive.
    UNDELIVERED = "undelivered"
    DONE = "done"


class FactorReset(Base):
    """Somebody asked that a lost second factor be taken away. Its owner has a day to refuse, by mail."""

    __tablename__ = "factor_reset"
    __table_args__ = (
        only("state", ResetState),
        Index(
            "uq_factor_reset_waiting",
            "account_id",
            unique=True,
            postgresql_where="state = 'waiting'",
        ),
        Index(None, "account_id"),
        Index(None, "school_id"),
        Index(None, "asked_by"),
        Index(None, "asked_at"),
        titled(lazy("Lost second factors")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_MONTHS)
    account_id: Mapped[int] = columns.reference(
        "Whose factor", ForeignKey("app.account.id", ondelete="CASCADE"), keep=Keep.SIX_MONTHS
    )
    school_id: Mapped[int | None] = columns.reference(
        "For which school a leader asks",
        ForeignKey("app.school.id", ondelete="CASCADE"),
        keep=Keep.SIX_MONTHS,
    )
    asked_by: Mapped[int | None] = columns.reference(
        "Who asked", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.SIX_MONTHS
    )
    state: Mapped[str] = columns.choice("What has become of it", keep=Keep.SIX_MONTHS)
    # Made by the worker that mails it, as are those of invitations.
    token_digest: Mapped[bytes | None] = columns.secret_digest(
        "Recognises the link that refuses it", keep=Keep.SIX_MONTHS
    )
    # From its sending the day counts. By its name: it is forgotten sooner.
    mail: Mapped[str | None] = columns.public_id("Names the mail that tells of it", keep=Keep.SIX_MONTHS)
    asked_at: Mapped[datetime] = columns.moment("When it was asked for", keep=Keep.SIX_MONTHS)
    ended_at: Mapped[datetime | None] = columns.moment("When it was over", keep=Keep.SIX_MONTHS)


class EventKind(StrEnum):
    """What founders are to look at."""

    NOT_ME = "not_me"
    SUSPENDED = "suspended"
    DORMANT = "dormant"
    CODES_REFUSED = "codes_refused"
    GUESSED = "guessed"
    RESET_REFUSED = "reset_refused"


class SecurityEvent(Base):
    """Something about an account that a founder is to look at, until one closes it."""

    __tablename__ = "security_event"
    __table_args__ = (
        UniqueConstraint("public_id"),
        only("kind", EventKind),
        # Whoever goes on hammering fills no list.
        Index(
            "uq_security_event_open", "account_id", "kind", unique=True, postgresql_where="closed_at is null"
        ),
        Index(None, "account_id"),
        Index(None, "closed_by"),
        Index(None, "opened_at"),
        titled(lazy("Security events")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_MONTHS)
    public_id: Mapped[str] = columns.public_id(keep=Keep.SIX_MONTHS)
    kind: Mapped[str] = columns.choice("What happened", keep=Keep.SIX_MONTHS)
    account_id: Mapped[int] = columns.reference(
        "Which account it is about", ForeignKey("app.account.id", ondelete="CASCADE"), keep=Keep.SIX_MONTHS
    )
    account_public_id: Mapped[str] = columns.public_id("Names the account to founders", keep=Keep.SIX_MONTHS)
    opened_at: Mapped[datetime] = columns.moment("When it was noticed", keep=Keep.SIX_MONTHS)
    closed_at: Mapped[datetime | None] = columns.moment("When it was closed", keep=Keep.SIX_MONTHS)
    closed_by: Mapped[int | None] = columns.reference(
        "Who closed it", ForeignKey("app.account.id", ondelete="SET NULL"), keep=Keep.SIX_MONTHS
    )
    note: Mapped[str | None] = columns.sealed("What a founder found", keep=Keep.SIX_MONTHS)
