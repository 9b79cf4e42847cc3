"""What is mailed about places at a school."""

from dataclasses import dataclass
from datetime import UTC, datetime

from backoffice.language.texts import lazy
from backoffice.outbox.mail import Mail


@dataclass(frozen=True)
class Invited:
    """Who asks whom to be what and where, and the link that says yes."""

    inviter: str
    school: str
    place: str
    token: str
    until: datetime

    @classmethod
    def example(cls) -> "Invited":
        """One from a school with a hostile name."""
        return cls(
            "Ruth Leader",
            "Home <Hollow> School",
            "a co-teacher of Ownclass Otters",
            "q" * 43,
            datetime(2026, 11, 25, 9, 30, tzinfo=UTC),
        )


@dataclass(frozen=True)
class PlaceEnded:
    """At which school a place has ended."""

    school: str

    @classmethod
    def example(cls) -> "PlaceEnded":
        """One at a school with a hostile name."""
        return cls("Home <Hollow> School")


@dataclass(frozen=True)
class ClassRole:
    """Who has made somebody what, in which class."""

    by: str
    school: str
    place: str
    classroom: str

    @classmethod
    def example(cls) -> "ClassRole":
        """One in a class with a hostile name."""
        return cls("Tilda Teacher", "Home <Hollow> School", "a helper of Ownclass <Otters>", "q" * 16)


@dataclass(frozen=True)
class ClassRoleEnded:
    """Who has ended somebody's role in which class."""

    by: str
    school: str
    classroom: str

    @classmethod
    def example(cls) -> "ClassRoleEnded":
        """One in a class with a hostile name."""
        return cls("Tilda Teacher", "Home <Hollow> School", "Ownclass <Otters>")


INVITATION = Mail("invitation", Invited, lazy("Invitation into a school"))
PLACE_ENDED = Mail("place-ended", PlaceEnded, lazy("End of a place at a school"))
CLASS_ROLE = Mail("class-role", ClassRole, lazy("New role in a class"))
CLASS_ROLE_ENDED = Mail("class-role-ended", ClassRoleEnded, lazy("End of a role in a class"))
MAILS = (INVITATION, PLACE_ENDED, CLASS_ROLE, CLASS_ROLE_ENDED)
