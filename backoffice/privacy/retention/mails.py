"""The mail about a run of retention that waits for a person."""

from dataclasses import dataclass

from backoffice.language.texts import lazy
from backoffice.outbox.mail import Mail


@dataclass(frozen=True)
class RunPaused:
    """Of which kind of data how many would go, of how many."""

    title: str
    due: int
    total: int

    @classmethod
    def example(cls) -> "RunPaused":
        """One that could be."""
        return cls("What children told", 30, 120)


RUN_PAUSED = Mail("run-paused", RunPaused, lazy("Retention waits for a person"))
MAILS = (RUN_PAUSED,)
