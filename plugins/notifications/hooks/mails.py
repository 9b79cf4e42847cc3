"""What founders are told of systems of districts, by mail and in their inbox."""

from dataclasses import dataclass
from datetime import UTC, datetime

from backoffice.language.texts import lazy
from backoffice.messages.kind import Always, Category, MessageKind
from backoffice.outbox.mail import Mail


@dataclass(frozen=True)
class CallGivenUp:
    """Which district's system was not reached, about which notice, and when that was given up."""

    district: str
    incident: str
    notice: str
    at: datetime

    @classmethod
    def example(cls) -> "CallGivenUp":
        """One whose name would show if it were not escaped."""
        at = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
        return cls("Quill & Feather District", "k7m2p9q4r8t3v6wx", "n7m2p9q4r8t3v6wx", at)


GIVEN_UP = Mail("hook-given-up", CallGivenUp, lazy("Call to a district's system that was given up"))
GIVEN_UP_MESSAGE = MessageKind(
    GIVEN_UP,
    Category.WARNING,
    lazy("A district's own system could not be told of a breach. Tell the district another way."),
    Always.COMPANY,
    "/console/incidents/notices/{}",
)
MAILS = (GIVEN_UP,)
MESSAGES = (GIVEN_UP_MESSAGE,)
