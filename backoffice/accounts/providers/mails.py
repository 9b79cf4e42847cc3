"""What is mailed about signing in with an identity provider."""

from dataclasses import dataclass
from datetime import UTC, datetime

from backoffice.language.texts import lazy
from backoffice.outbox.mail import Mail


@dataclass(frozen=True)
class Offer:
    """A link that links the account with whoever asked at the provider of this title: once, until then."""

    title: str
    token: str
    until: datetime

    @classmethod
    def example(cls) -> "Offer":
        """One with a token that could be."""
        return cls("Google", "q" * 43, datetime(2026, 11, 26, 9, 30, tzinfo=UTC))


@dataclass(frozen=True)
class Changed:
    """That the account was linked with the provider of this title, or unlinked, and when."""

    title: str
    linked: bool
    at: datetime

    @classmethod
    def example(cls) -> "Changed":
        """A new link."""
        return cls("Google", True, datetime(2026, 11, 26, 9, 30, tzinfo=UTC))


IDENTITY_OFFER = Mail("identity-offer", Offer, lazy("Offer to link an account"))
IDENTITY_CHANGED = Mail("identity-changed", Changed, lazy("Account linked or unlinked"))
MAILS = (IDENTITY_OFFER, IDENTITY_CHANGED)
