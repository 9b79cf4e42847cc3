"""What is mailed to parents. No mail names a child: addresses are mistyped."""

from dataclasses import dataclass
from datetime import UTC, datetime

from backoffice.families.models import GuardianStatus
from backoffice.outbox.mail import Mail


@dataclass(frozen=True)
class FamilyInvited:
    """Who asks, at which school, and the link that says yes."""

    inviter: str
    school: str
    token: str
    until: datetime

    @classmethod
    def example(cls) -> "FamilyInvited":
        """One from a school with a hostile name."""
        until = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
        return cls("Tilda Teacher", "Home <Hollow> School", "q" * 43, until)


@dataclass(frozen=True)
class LetterAddressed:
    """Of which school a letter is whose holder gave this address, and the link that proves it."""

    school: str
    token: str
    until: datetime

    @classmethod
    def example(cls) -> "LetterAddressed":
        """One of a school with a hostile name."""
        return cls("Home <Hollow> School", "q" * 43, datetime(2026, 11, 25, 9, 30, tzinfo=UTC))


@dataclass(frozen=True)
class LinkDecided:
    """At which school a link was decided upon, and what became of it."""

    school: str
    status: str

    @classmethod
    def example(cls) -> "LinkDecided":
        """One that was revoked, at a school with a hostile name."""
        return cls("Home <Hollow> School", GuardianStatus.REVOKED)


FAMILY_INVITATION = Mail("family-invitation", FamilyInvited)
FAMILY_ADDRESS = Mail("family-address", LetterAddressed)
FAMILY_APPROVED = Mail("family-approved", LinkDecided)
FAMILY_ENDED = Mail("family-ended", LinkDecided)
MAILS = (FAMILY_INVITATION, FAMILY_ADDRESS, FAMILY_APPROVED, FAMILY_ENDED)
