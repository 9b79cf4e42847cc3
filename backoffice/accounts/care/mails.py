"""What is mailed to those whose accounts are looked after."""

from dataclasses import dataclass
from datetime import UTC, datetime

from backoffice.accounts.mails import Happened
from backoffice.language.texts import lazy
from backoffice.outbox.mail import Mail

_EXAMPLE = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Place:
    """What happened to a place at a school: "suspended" or "reinstated"."""

    school: str
    what: str

    @classmethod
    def example(cls) -> "Place":
        """One at a school with a hostile name."""
        return cls("Home <Hollow> School", "suspended")


@dataclass(frozen=True)
class Standing:
    """What happened to an account, as the letter names it, and when."""

    what: str
    at: datetime

    @classmethod
    def example(cls) -> "Standing":
        """One that is suspended."""
        return cls("suspended", _EXAMPLE)


@dataclass(frozen=True)
class Idle:
    """That an account is idle: "dormant_soon" with the day, or "dormant"; whether it is a founder's."""

    what: str
    at: datetime
    founder: bool

    @classmethod
    def example(cls) -> "Idle":
        """One that will be locked in a week."""
        return cls("dormant_soon", _EXAMPLE, False)


@dataclass(frozen=True)
class ResetAsked:
    """When a reset of the second factor was asked for, and the link that refuses it."""

    at: datetime
    token: str

    @classmethod
    def example(cls) -> "ResetAsked":
        """One with a token that could be."""
        return cls(_EXAMPLE, "q" * 43)


ACCOUNT_SUSPENDED = Mail("account-suspended", Standing, lazy("Account suspended or reinstated"))
PLACE_SUSPENDED = Mail("place-suspended", Place, lazy("Place at a school suspended or reinstated"))
ACCOUNT_IDLE = Mail("account-idle", Idle, lazy("Account not used for long"))
GUESSES = Mail("guesses", Happened, lazy("Guesses at a password"))
RESET_ASKED = Mail("reset-asked", ResetAsked, lazy("Reset of a second factor asked for"))
# To whoever asked.
RESET_ENDED = Mail("reset-ended", Standing, lazy("Reset of a second factor ended"))
FACTOR_RESET = Mail("factor-reset", Happened, lazy("Second factor reset"))
MAILS = (
    ACCOUNT_SUSPENDED,
    PLACE_SUSPENDED,
    ACCOUNT_IDLE,
    GUESSES,
    RESET_ASKED,
    RESET_ENDED,
    FACTOR_RESET,
)
