"""The mails about changes of the policy of retention, and about a run that waits for a person."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from backoffice.language.texts import lazy
from backoffice.outbox.mail import Mail
from backoffice.privacy.retention import policy
from backoffice.privacy.retention.differences import Difference
from backoffice.privacy.retention.period import Period
from backoffice.privacy.retention.words import Told, told


def _made(count: int) -> Difference:
    """As if the mails that are kept were to be kept for so many months."""
    ours = policy.on_disk().entries["mails"]
    return Difference(ours.name, ours, replace(ours, period=Period(count, "month")))


@dataclass(frozen=True)
class PolicyProposed:
    """What changes, and who proposes it."""

    by: str
    changes: tuple[Told, ...]

    @classmethod
    def example(cls) -> "PolicyProposed":
        """One that keeps longer."""
        return cls("Robin Quillfeather", told((_made(12),)))


@dataclass(frozen=True)
class PolicyChanged:
    """What changes at once, and what changes later and when."""

    now: tuple[Told, ...]
    later: tuple[Told, ...]
    later_at: datetime | None

    @classmethod
    def example(cls) -> "PolicyChanged":
        """One that changes something at once, something later, and has something new."""
        return cls(
            told((_made(3), Difference("tries", None, policy.on_disk().entries["tries"]))),
            told((_made(12),)),
            datetime(2027, 11, 25, tzinfo=UTC),
        )


@dataclass(frozen=True)
class RunPaused:
    """Of which kind of data how many would go, of how many."""

    title: str
    due: int
    total: int

    @classmethod
    def example(cls) -> "RunPaused":
        """One that could be."""
        return cls(lazy("What children told"), 30, 120)


POLICY_PROPOSED = Mail("policy-proposed", PolicyProposed, lazy("Change of the policy of retention proposed"))
POLICY_CHANGED = Mail("policy-changed", PolicyChanged, lazy("Policy of retention changes"))
RUN_PAUSED = Mail("run-paused", RunPaused, lazy("Retention waits for a person"))
MAILS = (POLICY_PROPOSED, POLICY_CHANGED, RUN_PAUSED)
