"""What founders are told when the nightly test of erasing fails."""

from dataclasses import dataclass
from datetime import UTC, datetime

from backoffice.language.texts import lazy
from backoffice.outbox.mail import Mail


@dataclass(frozen=True)
class CanaryFailed:
    """When the test began, and what went wrong in it."""

    at: datetime
    problem: str

    @classmethod
    def example(cls) -> "CanaryFailed":
        """One that could be."""
        return cls(datetime(2026, 11, 27, 3, 20, tzinfo=UTC), "The export does not hold the child.")


CANARY_FAILED = Mail("canary-failed", CanaryFailed, lazy("The nightly test of erasing failed"))
MAILS = (CANARY_FAILED,)
