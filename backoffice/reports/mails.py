"""What founders are mailed about reports: how many there are, and nothing of what they say."""

from dataclasses import dataclass

from backoffice.language.texts import lazy
from backoffice.outbox.mail import Mail


@dataclass(frozen=True)
class ReportsCame:
    """How many came, and how many are open by now."""

    new: int
    open: int

    @classmethod
    def example(cls) -> "ReportsCame":
        """Several at once."""
        return cls(3, 7)


REPORTS_CAME = Mail("reports-came", ReportsCame, lazy("Something was reported"))
MAILS = (REPORTS_CAME,)
