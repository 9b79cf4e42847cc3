"""Passkeys, and the challenges that they have answered, as tables."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import Base, titled
from backoffice.storage.columns import Keep


class AccountPasskey(Base):
    """A passkey of an account. Its private half never leaves the owner's device."""

    __tablename__ = "account_passkey"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("credential_id"),
        Index(None, "account_id"),
        titled(lazy("Passkeys")),
    )

    id: Mapped[int] = columns.key(keep=Keep.ACCOUNT)
    public_id: Mapped[str] = columns.public_id(keep=Keep.ACCOUNT)
    account_id: Mapped[int] = columns.reference(
        "Whose passkey", ForeignKey("app.account.id", ondelete="CASCADE"), keep=Keep.ACCOUNT
    )
    credential_id: Mapped[bytes] = columns.of_authenticator("Recognises the passkey", keep=Keep.ACCOUNT)
    public_key: Mapped[bytes] = columns.of_authenticator("Checks what the passkey signs", keep=Keep.ACCOUNT)
    sign_count: Mapped[int] = columns.large_number(
        "How often it signed, if it counts: a count that went back is a copy's", keep=Keep.ACCOUNT
    )
    transports: Mapped[list[str]] = columns.words("How a browser reaches it", keep=Keep.ACCOUNT)
    backed_up: Mapped[bool] = columns.flag("Whether its owner's other devices have it", keep=Keep.ACCOUNT)
    name: Mapped[str] = columns.sealed("What its owner calls it", keep=Keep.ACCOUNT)
    created_at: Mapped[datetime] = columns.moment("When it was added", keep=Keep.ACCOUNT)
    last_used_at: Mapped[datetime | None] = columns.moment("When it last signed", keep=Keep.ACCOUNT)


class SpentChallenge(Base):
    """A challenge that was answered: none is answered twice. Only one narrow function reaches this table."""

    __tablename__ = "spent_challenge"
    __table_args__ = titled(lazy("Used-up challenges of passkeys"))

    digest: Mapped[UUID] = columns.keyed_digest(
        "Recognises a challenge that is used again", keep=Keep.TWO_DAYS, primary_key=True
    )
    expires_at: Mapped[datetime] = columns.moment("When nobody could use it any more", keep=Keep.TWO_DAYS)
