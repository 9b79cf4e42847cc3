"""The mails about what goes: accounts that nobody uses, classes without a teacher, ended contracts."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from backoffice.language.texts import lazy
from backoffice.outbox.mail import Mail

_EXAMPLE = datetime(2027, 11, 25, 9, 30, tzinfo=UTC)


@dataclass(frozen=True)
class IdleWarning:
    """When the account is deleted, and the link that keeps it."""

    at: datetime
    token: str

    @classmethod
    def example(cls) -> "IdleWarning":
        """One with a token that could be."""
        return cls(_EXAMPLE, "q" * 43)


@dataclass(frozen=True)
class IdleColleague:
    """Whose account is deleted, and when."""

    name: str
    at: datetime

    @classmethod
    def example(cls) -> "IdleColleague":
        """A name that would show if it leaked."""
        return cls("Ida Idle", _EXAMPLE)


@dataclass(frozen=True)
class AloneWarning:
    """When the account is deleted."""

    at: datetime

    @classmethod
    def example(cls) -> "AloneWarning":
        """One that could be."""
        return cls(_EXAMPLE)


@dataclass(frozen=True)
class ContractEnded:
    """Whose contract ends, with which day, and when everything is deleted."""

    place: str
    last_day: date
    at: datetime

    @classmethod
    def example(cls) -> "ContractEnded":
        """A school that could be."""
        return cls("Quillfeather School", _EXAMPLE.date(), datetime(2028, 1, 24, 9, 30, tzinfo=UTC))


@dataclass(frozen=True)
class OwnerlessClasses:
    """How many classes of which school nobody teaches, and when the first is deleted."""

    school: str
    count: int
    at: datetime

    @classmethod
    def example(cls) -> "OwnerlessClasses":
        """Several."""
        return cls("Quillfeather School", 3, _EXAMPLE)


IDLE_WARNING = Mail("idle-warning", IdleWarning, lazy("Account will be deleted"))
IDLE_COLLEAGUE = Mail("idle-colleague", IdleColleague, lazy("Account of a colleague will be deleted"))
ALONE_WARNING = Mail("alone-warning", AloneWarning, lazy("Account without a place will be deleted"))
CONTRACT_ENDED = Mail("contract-ended", ContractEnded, lazy("Contract ends"))
OWNERLESS_CLASSES = Mail("ownerless-classes", OwnerlessClasses, lazy("Classes without a teacher"))
MAILS = (IDLE_WARNING, IDLE_COLLEAGUE, ALONE_WARNING, CONTRACT_ENDED, OWNERLESS_CLASSES)
