"""Identity providers, and who is linked with them, as tables."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from backoffice.language.texts import lazy
from backoffice.storage import columns
from backoffice.storage.base import Base, titled
from backoffice.storage.columns import Class, Keep


class IdentityProvider(Base):
    """Somebody who vouches for people, such as Google, and how this service is known there."""

    __tablename__ = "identity_provider"
    __table_args__ = (UniqueConstraint("name"), titled(lazy("Providers that people sign in with")))

    id: Mapped[int] = columns.key(keep=Keep.FOR_GOOD)
    name: Mapped[str] = columns.text("Names it in addresses", keep=Keep.FOR_GOOD)
    title: Mapped[str] = columns.text("What people call it", keep=Keep.FOR_GOOD)
    discovery_url: Mapped[str] = columns.text("Where it says how it is asked", keep=Keep.FOR_GOOD)
    client_id: Mapped[str] = columns.text("What this service is called there", keep=Keep.FOR_GOOD)
    client_secret: Mapped[str] = columns.sealed(
        "Proves to it that this service asks", keep=Keep.FOR_GOOD, kind=Class.SECRET
    )
    # Google says `hd` and `email_verified`; others have other words for both.
    domain_claim: Mapped[str] = columns.text("Where it names somebody's organisation", keep=Keep.FOR_GOOD)
    verified_claim: Mapped[str] = columns.text(
        "Where it says whether it has verified an address", keep=Keep.FOR_GOOD
    )
    enabled: Mapped[bool] = columns.flag("Whether people may sign in with it", keep=Keep.FOR_GOOD)


class AccountIdentity(Base):
    """That somebody at an identity provider is the owner of an account: one for each provider."""

    __tablename__ = "account_identity"
    __table_args__ = (
        UniqueConstraint("account_id", "provider_id"),
        # One of them opens one account.
        UniqueConstraint("provider_id", "subject_digest"),
        titled(lazy("Linked sign-ins, such as Google")),
    )

    id: Mapped[int] = columns.key(keep=Keep.ACCOUNT)
    account_id: Mapped[int] = columns.reference(
        "Whose account it opens", ForeignKey("app.account.id", ondelete="CASCADE"), keep=Keep.ACCOUNT
    )
    provider_id: Mapped[int] = columns.reference(
        "Who vouches", ForeignKey("app.identity_provider.id", ondelete="CASCADE"), keep=Keep.ACCOUNT
    )
    subject_digest: Mapped[bytes] = columns.blind_index(
        "Recognises them, whatever their address is by then", keep=Keep.ACCOUNT
    )
    email: Mapped[str] = columns.sealed("Shows the owner which one is linked", keep=Keep.ACCOUNT)
    email_verified_at: Mapped[datetime] = columns.moment(
        "When the provider said that the address is theirs", keep=Keep.ACCOUNT
    )
    linked_at: Mapped[datetime] = columns.moment("When it was linked", keep=Keep.ACCOUNT)


class IdentityOffer(Base):
    """Somebody at a provider who asks to be linked by mail with the account of their address.

    The web writes it and cannot tell whether there is such an account; a worker looks, and mails a link.
    """

    __tablename__ = "identity_offer"
    __table_args__ = (
        Index(None, "account_id"),
        Index(None, "provider_id"),
        Index(None, "email_index"),
        titled(lazy("Offers to link a sign-in")),
    )

    id: Mapped[int] = columns.key(keep=Keep.TWO_DAYS)
    provider_id: Mapped[int] = columns.reference(
        "Who vouches", ForeignKey("app.identity_provider.id", ondelete="CASCADE"), keep=Keep.TWO_DAYS
    )
    subject_digest: Mapped[bytes] = columns.blind_index("Recognises them", keep=Keep.TWO_DAYS)
    email: Mapped[str] = columns.sealed("The address that the provider has verified", keep=Keep.TWO_DAYS)
    email_index: Mapped[bytes] = columns.blind_index("Finds the account of that address", keep=Keep.TWO_DAYS)
    account_id: Mapped[int | None] = columns.reference(
        "Who was mailed", ForeignKey("app.account.id", ondelete="CASCADE"), keep=Keep.TWO_DAYS
    )
    security_epoch: Mapped[int | None] = columns.number(
        "The account's epoch when it was mailed", keep=Keep.TWO_DAYS
    )
    token_digest: Mapped[bytes | None] = columns.secret_digest("Recognises the link", keep=Keep.TWO_DAYS)
    created_at: Mapped[datetime] = columns.moment("When it was asked for", keep=Keep.TWO_DAYS)
    expires_at: Mapped[datetime | None] = columns.moment("Until when the link opens", keep=Keep.TWO_DAYS)
    used_at: Mapped[datetime | None] = columns.moment("When it was used", keep=Keep.TWO_DAYS)
    told_at: Mapped[datetime | None] = columns.moment("When the owner was told of it", keep=Keep.TWO_DAYS)
