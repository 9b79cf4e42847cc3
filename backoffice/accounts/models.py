"""People who sign in with credentials, and their sessions, as tables."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import Base, only, titled
from backoffice.storage.columns import Class, Keep


class AccountStatus(StrEnum):
    """Whether an account may sign in."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    # By its owner, from a mail about a sign-in that was not theirs; a new password opens it again.
    LOCKED = "locked"
    # A founder's or a leader's that was not used for long.
    DORMANT = "dormant"
    # Known from a roster, without credentials: nobody has been asked yet.
    NOT_INVITED = "not_invited"
    # Closed by its owner, for good.
    DEACTIVATED = "deactivated"


class Account(Base):
    """A founder, leader, teacher or parent. Founder is a flag, not a membership."""

    __tablename__ = "account"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("email_index"),
        only("status", AccountStatus),
        titled(lazy("Accounts of adults")),
    )

    id: Mapped[int] = columns.key(keep=Keep.ACCOUNT)
    public_id: Mapped[str] = columns.public_id(keep=Keep.ACCOUNT)
    email: Mapped[str] = columns.sealed("Signs in and receives mail", keep=Keep.ACCOUNT)
    email_index: Mapped[bytes] = columns.blind_index("Finds the account by its address", keep=Keep.ACCOUNT)
    name: Mapped[str] = columns.sealed("What colleagues see", keep=Keep.ACCOUNT)
    founder: Mapped[bool] = columns.flag("Staff of the company", keep=Keep.ACCOUNT)
    status: Mapped[str] = columns.choice("Whether it may sign in", keep=Keep.ACCOUNT)
    language: Mapped[str] = columns.text("Language of pages and mails", keep=Keep.ACCOUNT)
    time_zone: Mapped[str] = columns.text("Shows times as the person reads them", keep=Keep.ACCOUNT)
    security_epoch: Mapped[int] = columns.number(
        "Raised on a change of credentials; older sessions are dead", keep=Keep.ACCOUNT
    )
    last_active_at: Mapped[datetime | None] = columns.moment(
        "Tells when the account has been idle too long", keep=Keep.ACCOUNT
    )
    idle_warned_at: Mapped[datetime | None] = columns.moment(
        "When its owner was told that it is idle", keep=Keep.ACCOUNT
    )
    created_at: Mapped[datetime] = columns.moment("When it was made", keep=Keep.ACCOUNT)
    deactivated_at: Mapped[datetime | None] = columns.moment("When its owner closed it", keep=Keep.ACCOUNT)


class LetterKind(StrEnum):
    """What a mail about an account says."""

    RESET = "reset"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of a mail
    NEW_DEVICE = "new_device"
    LOCKED = "locked"
    FACTOR_SET = "factor_set"
    FACTOR_REMOVED = "factor_removed"
    CODES_RENEWED = "codes_renewed"
    RECOVERY_USED = "recovery_used"
    SUSPENDED = "suspended"
    REINSTATED = "reinstated"
    DORMANT_SOON = "dormant_soon"
    DORMANT = "dormant"
    GUESSED = "guessed"
    # To whose second factor it is; the next four to whoever asked for the reset.
    RESET_ASKED = "reset_asked"
    RESET_REFUSED = "reset_refused"
    RESET_CANCELLED = "reset_cancelled"
    RESET_UNDELIVERED = "reset_undelivered"
    RESET_DONE = "reset_done"
    FACTOR_RESET = "factor_reset"
    ADDRESS_CHANGE = "address_change"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    PASSKEY_COPIED = "passkey_copied"


class LinkPurpose(StrEnum):
    """What a link in a mail opens."""

    RESET = "reset"
    NOT_ME = "not_me"


class AccountLetter(Base):
    """A mail about an account that a worker is to write.

    The web writes one for any address that somebody types and cannot tell, nor take longer over, whether
    there is an account. Gone as soon as it is written.
    """

    __tablename__ = "account_letter"
    __table_args__ = (
        only("kind", LetterKind),
        Index(None, "account_id"),
        Index(None, "email_index"),
        titled(lazy("Mails about accounts that wait to be written")),
    )

    id: Mapped[int] = columns.key(keep=Keep.TWO_DAYS)
    kind: Mapped[str] = columns.choice("What it says", keep=Keep.TWO_DAYS)
    account_id: Mapped[int | None] = columns.reference(
        "Whom it is about, where that is known",
        ForeignKey("app.account.id", ondelete="CASCADE"),
        keep=Keep.TWO_DAYS,
    )
    email_index: Mapped[bytes | None] = columns.blind_index(
        "The address that somebody typed", keep=Keep.TWO_DAYS
    )
    device: Mapped[str | None] = columns.sealed("The device that it tells of", keep=Keep.TWO_DAYS)
    created_at: Mapped[datetime] = columns.moment("When it was asked for", keep=Keep.TWO_DAYS)


class AccountLink(Base):
    """A link that was mailed: opens one thing, once, until a moment, and while no credential has changed."""

    __tablename__ = "account_link"
    __table_args__ = (
        only("purpose", LinkPurpose),
        Index(None, "account_id"),
        Index(None, "created_at"),
        titled(lazy("Links that were mailed")),
    )

    id: Mapped[int] = columns.key(keep=Keep.ONE_MONTH)
    account_id: Mapped[int] = columns.reference(
        "Whose link", ForeignKey("app.account.id", ondelete="CASCADE"), keep=Keep.ONE_MONTH
    )
    purpose: Mapped[str] = columns.choice("What it opens", keep=Keep.ONE_MONTH)
    token_digest: Mapped[bytes] = columns.secret_digest("Recognises the link", keep=Keep.ONE_MONTH)
    security_epoch: Mapped[int] = columns.number("The account's epoch when it was made", keep=Keep.ONE_MONTH)
    created_at: Mapped[datetime] = columns.moment("When it was made", keep=Keep.ONE_MONTH)
    expires_at: Mapped[datetime] = columns.moment("Until when it opens", keep=Keep.ONE_MONTH)
    used_at: Mapped[datetime | None] = columns.moment("When it was used", keep=Keep.ONE_MONTH)


class AccountPassword(Base):
    """The password of an account, apart from it: colleagues may see an account, never this row."""

    __tablename__ = "account_password"
    __table_args__ = (
        CheckConstraint("password_hash like '$argon2id$%'", name="is_argon2id"),
        titled(lazy("Passwords")),
    )

    account_id: Mapped[int] = columns.reference(
        "Whose password",
        ForeignKey("app.account.id", ondelete="CASCADE"),
        keep=Keep.ACCOUNT,
        primary_key=True,
    )
    password_hash: Mapped[str] = columns.secret("Checks the password", keep=Keep.ACCOUNT)
    set_at: Mapped[datetime] = columns.moment("When it was set", keep=Keep.ACCOUNT)


class AccountSecondFactor(Base):
    """The authenticator app of an account. Without a `secret` it is being set up for the first time."""

    __tablename__ = "account_second_factor"
    __table_args__ = titled(lazy("Apps for a second factor"))

    account_id: Mapped[int] = columns.reference(
        "Whose second factor",
        ForeignKey("app.account.id", ondelete="CASCADE"),
        keep=Keep.ACCOUNT,
        primary_key=True,
    )
    secret: Mapped[str | None] = columns.sealed("Checks one-time codes", keep=Keep.ACCOUNT, kind=Class.SECRET)
    set_at: Mapped[datetime | None] = columns.moment("When it was set up", keep=Keep.ACCOUNT)
    last_step: Mapped[int] = columns.number(
        "The last half minute whose code was used; no code works twice", keep=Keep.ACCOUNT
    )
    # Beside the secret: until the new app has shown a code, the old one counts.
    pending: Mapped[str | None] = columns.sealed(
        "The secret of an app that has shown no code yet", keep=Keep.ACCOUNT, kind=Class.SECRET
    )


class AccountRecoveryCode(Base):
    """A code to be used once, in the place of an authenticator app that is lost."""

    __tablename__ = "account_recovery_code"
    __table_args__ = (Index(None, "account_id"), titled(lazy("Recovery codes")))

    id: Mapped[int] = columns.key(keep=Keep.ACCOUNT)
    account_id: Mapped[int] = columns.reference(
        "Whose code", ForeignKey("app.account.id", ondelete="CASCADE"), keep=Keep.ACCOUNT
    )
    code_digest: Mapped[bytes] = columns.secret_digest("Recognises the code", keep=Keep.ACCOUNT)
    used_at: Mapped[datetime | None] = columns.moment("When it was used", keep=Keep.ACCOUNT)


class AccountSession(Base):
    """A signed-in browser. The cookie's token is worth nothing without this row."""

    __tablename__ = "account_session"
    __table_args__ = (
        UniqueConstraint("public_id"),
        Index(None, "account_id"),
        # Finds what is due; each request writes the column, and no index of this kind with it.
        Index(None, "last_seen_at", postgresql_using="brin"),
        titled(lazy("Sign-ins of adults")),
    )

    id: Mapped[int] = columns.key(keep=Keep.SIX_MONTHS)
    public_id: Mapped[str] = columns.public_id(keep=Keep.SIX_MONTHS)
    account_id: Mapped[int] = columns.reference(
        "Who is signed in", ForeignKey("app.account.id", ondelete="CASCADE"), keep=Keep.SIX_MONTHS
    )
    token_digest: Mapped[bytes] = columns.secret_digest("Recognises the cookie's token", keep=Keep.SIX_MONTHS)
    security_epoch: Mapped[int] = columns.number(
        "The account's epoch when it signed in", keep=Keep.SIX_MONTHS
    )
    started_at: Mapped[datetime] = columns.moment("When it signed in", keep=Keep.SIX_MONTHS)
    last_seen_at: Mapped[datetime] = columns.moment("Ends the session when idle", keep=Keep.SIX_MONTHS)
    idle_minutes: Mapped[int] = columns.number("How long it may be idle", keep=Keep.SIX_MONTHS)
    expires_at: Mapped[datetime] = columns.moment("When it ends in any case", keep=Keep.SIX_MONTHS)
    ended_at: Mapped[datetime | None] = columns.moment("When it was signed out", keep=Keep.SIX_MONTHS)
    address: Mapped[str | None] = columns.sealed(
        "Lets the person recognise a session", keep=Keep.SIX_MONTHS, kind=Class.NETWORK_ADDRESS
    )
    device: Mapped[str | None] = columns.sealed("Lets the person recognise a session", keep=Keep.SIX_MONTHS)
    proven_at: Mapped[datetime] = columns.moment(
        "When its owner last proved to be it; far-reaching acts ask again", keep=Keep.SIX_MONTHS
    )
    came_by: Mapped[str | None] = columns.text(
        "The identity provider that vouched, where one did", keep=Keep.SIX_MONTHS
    )
    came_from: Mapped[str | None] = columns.text(
        "The organisation that the provider named; a school may ask for its own", keep=Keep.SIX_MONTHS
    )
