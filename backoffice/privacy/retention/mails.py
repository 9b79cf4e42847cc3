"""The mails about changes of the policy of retention."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from backoffice.language.texts import lazy
from backoffice.outbox.mail import Mail
from backoffice.privacy.retention.differences import Difference
from backoffice.privacy.retention.period import Period
from backoffice.privacy.retention.policy import Action, Entry
from backoffice.privacy.retention.words import Told, told

_EXAMPLE = Entry(
    name="mails",
    title="Mails that were sent or given up",
    purpose="They show that a mail went out.",
    need="Whoever misses a mail can be told what became of it.",
    clock="When the mail was sent or given up.",
    period=Period(6, "month"),
    action=Action.ERASE,
)
_SHORTER = Difference("mails", _EXAMPLE, replace(_EXAMPLE, period=Period(3, "month")))
_LONGER = Difference("mails", _EXAMPLE, replace(_EXAMPLE, period=Period(12, "month")))
_NEW = Difference("mails", None, _EXAMPLE)


@dataclass(frozen=True)
class PolicyProposed:
    """What changes, and who proposes it."""

    by: str
    changes: tuple[Told, ...]

    @classmethod
    def example(cls) -> "PolicyProposed":
        """One that keeps longer."""
        return cls("Robin Quillfeather", told((_LONGER,)))


@dataclass(frozen=True)
class PolicyChanged:
    """What changes at once, and what changes later and when."""

    now: tuple[Told, ...]
    later: tuple[Told, ...]
    later_at: datetime | None

    @classmethod
    def example(cls) -> "PolicyChanged":
        """One that changes something at once, something later, and has something new."""
        return cls(told((_SHORTER, _NEW)), told((_LONGER,)), datetime(2027, 11, 25, tzinfo=UTC))


POLICY_PROPOSED = Mail("policy-proposed", PolicyProposed, lazy("Change of the policy of retention proposed"))
POLICY_CHANGED = Mail("policy-changed", PolicyChanged, lazy("Policy of retention changes"))
MAILS = (POLICY_PROPOSED, POLICY_CHANGED)
