"""The mails about erasing."""

from dataclasses import dataclass
from datetime import UTC, datetime

from backoffice.language.texts import lazy
from backoffice.outbox.mail import Mail


@dataclass(frozen=True)
class AccountErased:
    """The number and the hash of the receipt, and when it was done."""

    number: str
    hash: str
    at: datetime

    @classmethod
    def example(cls) -> "AccountErased":
        """One that could be."""
        return cls("k7m2p9q4r8t3v6wx", "5f" * 32, datetime(2026, 11, 27, 9, 30, tzinfo=UTC))


@dataclass(frozen=True)
class PlaceErased:
    """Which school or district, the number and the hash of the receipt, and when it was done."""

    place: str
    number: str
    hash: str
    at: datetime

    @classmethod
    def example(cls) -> "PlaceErased":
        """One that could be."""
        return cls(
            "Quillfeather School", "k7m2p9q4r8t3v6wx", "5f" * 32, datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
        )


ACCOUNT_ERASED = Mail("account-erased", AccountErased, lazy("Account deleted"))
PLACE_ERASED = Mail("place-erased", PlaceErased, lazy("School or district deleted"))
MAILS = (ACCOUNT_ERASED, PLACE_ERASED)
