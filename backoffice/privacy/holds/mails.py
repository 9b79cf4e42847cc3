"""The mails about legal holds: to the founders, and to whoever has to wait for one."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from backoffice.language.texts import lazy
from backoffice.outbox.mail import Mail


@dataclass(frozen=True)
class HoldStep:
    """What has become of a hold on what, by whom if by somebody, and until when something is to be done.

    Why it is kept stands in the console alone.
    """

    step: str
    what: str
    outside: str
    by: str | None
    at: datetime
    review_on: date
    until: datetime | None = None

    @classmethod
    def example(cls) -> "HoldStep":
        """One that was proposed."""
        at = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
        return cls(
            "propose",
            "A class",
            "k7m2p9q4r8t3v6wx",
            "Robin Quillfeather",
            at,
            date(2027, 5, 31),
            datetime(2026, 11, 30, 9, 30, tzinfo=UTC),
        )


@dataclass(frozen=True)
class AccountKept:
    """The number that the receipt will have."""

    number: str

    @classmethod
    def example(cls) -> "AccountKept":
        """One that could be."""
        return cls("k7m2p9q4r8t3v6wx")


HOLD_STEP = Mail("hold-step", HoldStep, lazy("Legal hold"))
ACCOUNT_KEPT = Mail("account-kept", AccountKept, lazy("Account closed and kept for now"))
MAILS = (HOLD_STEP, ACCOUNT_KEPT)
