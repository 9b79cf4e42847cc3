"""Addresses that are still to be proved, as tables: of accounts to come, and of accounts that move."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import Base, titled
from backoffice.storage.columns import Keep


class SignUp(Base):
    """Somebody wants an account; whoever has the mailbox makes it, by the link that a worker mails.

    The web writes one for any address that somebody types. One whose address has an account is gone as soon
    as a worker has looked at it, every other a day later.
    """

    __tablename__ = "sign_up"
    __table_args__ = (Index(None, "email_index"), titled(lazy("Accounts that somebody asked for")))

    id: Mapped[int] = columns.key(keep=Keep.TWO_DAYS)
    email: Mapped[str] = columns.sealed("Where the link is mailed", keep=Keep.TWO_DAYS)
    email_index: Mapped[bytes] = columns.blind_index(
        "Finds out whether there is an account", keep=Keep.TWO_DAYS
    )
    name: Mapped[str] = columns.sealed("How the mail greets", keep=Keep.TWO_DAYS)
    country: Mapped[str] = columns.text("Jurisdiction of the school to come", keep=Keep.TWO_DAYS)
    state: Mapped[str | None] = columns.text("Jurisdiction of the school to come", keep=Keep.TWO_DAYS)
    time_zone: Mapped[str] = columns.text("Time zone of the account to come", keep=Keep.TWO_DAYS)
    language: Mapped[str] = columns.text("Language of the account to come", keep=Keep.TWO_DAYS)
    token_digest: Mapped[bytes | None] = columns.secret_digest("Recognises the link", keep=Keep.TWO_DAYS)
    created_at: Mapped[datetime] = columns.moment("When it was asked for", keep=Keep.TWO_DAYS)
    expires_at: Mapped[datetime] = columns.moment("Until when the link opens", keep=Keep.TWO_DAYS)


class EmailChange(Base):
    """An account is to have another address, or has had another until a few days ago.

    While it is asked for, a link that was mailed to the new address confirms it. Afterwards a link that was
    mailed to the old one takes it back.
    """

    __tablename__ = "email_change"
    __table_args__ = (
        Index(None, "account_id"),
        CheckConstraint("take_back_digest is null or confirmed_at is not null", name="taken_back_after"),
        titled(lazy("Changes of e-mail addresses")),
    )

    id: Mapped[int] = columns.key(keep=Keep.ONE_MONTH)
    account_id: Mapped[int] = columns.reference(
        "Whose address", ForeignKey("app.account.id", ondelete="CASCADE"), keep=Keep.ONE_MONTH
    )
    email: Mapped[str] = columns.sealed("The new address", keep=Keep.ONE_MONTH)
    email_index: Mapped[bytes] = columns.blind_index(
        "Finds the account by the new address", keep=Keep.ONE_MONTH
    )
    old_email: Mapped[str] = columns.sealed("The address before", keep=Keep.ONE_MONTH)
    old_email_index: Mapped[bytes] = columns.blind_index(
        "Finds the account again when the address is taken back", keep=Keep.ONE_MONTH
    )
    security_epoch: Mapped[int] = columns.number("The account's epoch when it was asked", keep=Keep.ONE_MONTH)
    token_digest: Mapped[bytes | None] = columns.secret_digest(
        "Recognises the link to the new address", keep=Keep.ONE_MONTH
    )
    take_back_digest: Mapped[bytes | None] = columns.secret_digest(
        "Recognises the link to the address before", keep=Keep.ONE_MONTH
    )
    created_at: Mapped[datetime] = columns.moment("When it was asked for", keep=Keep.ONE_MONTH)
    expires_at: Mapped[datetime] = columns.moment("Until when it can be confirmed", keep=Keep.ONE_MONTH)
    confirmed_at: Mapped[datetime | None] = columns.moment("Since when it holds", keep=Keep.ONE_MONTH)
