"""What is mailed to parents and about them. No mail names a child: addresses are mistyped."""

from dataclasses import dataclass
from datetime import UTC, datetime

from backoffice.families.models import GuardianStatus
from backoffice.families.requests.models import RequestKind
from backoffice.language.texts import lazy
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


@dataclass(frozen=True)
class ParentsWait:
    """At which school how many parents wait for a yes."""

    school: str
    count: int

    @classmethod
    def example(cls) -> "ParentsWait":
        """Two at a school with a hostile name."""
        return cls("Home <Hollow> School", 2)


@dataclass(frozen=True)
class ParentAsked:
    """Of which school a parent asks what, where it is read, and until when it is to be answered."""

    school: str
    kind: str
    request: str
    due: datetime

    @classmethod
    def example(cls) -> "ParentAsked":
        """One to delete, at a school with a hostile name."""
        due = datetime(2026, 12, 26, 9, 30, tzinfo=UTC)
        return cls("Home <Hollow> School", RequestKind.DELETE, "q" * 16, due)


@dataclass(frozen=True)
class RequestAnswered:
    """What a school answers a parent."""

    school: str
    answer: str

    @classmethod
    def example(cls) -> "RequestAnswered":
        """One with markup in it."""
        return cls("Home <Hollow> School", "The name is spelt <Kim> now. Thank you.")


FAMILY_INVITATION = Mail("family-invitation", FamilyInvited, lazy("Invitation of a parent"))
FAMILY_ADDRESS = Mail("family-address", LetterAddressed, lazy("Confirmation of a parent's address"))
FAMILY_WAITS = Mail("family-waits", ParentsWait, lazy("Parents wait for approval"))
FAMILY_APPROVED = Mail("family-approved", LinkDecided, lazy("Parent approved"))
FAMILY_ENDED = Mail("family-ended", LinkDecided, lazy("Parent no longer follows a child"))
REQUEST_CAME = Mail("request-came", ParentAsked, lazy("A parent asks for something"))
REQUEST_DUE = Mail("request-due", ParentAsked, lazy("A request is due"))
REQUEST_ANSWERED = Mail("request-answered", RequestAnswered, lazy("Answer to a request"))
MAILS = (
    FAMILY_INVITATION,
    FAMILY_ADDRESS,
    FAMILY_WAITS,
    FAMILY_APPROVED,
    FAMILY_ENDED,
    REQUEST_CAME,
    REQUEST_DUE,
    REQUEST_ANSWERED,
)
