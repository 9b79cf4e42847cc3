"""What is mailed about what children tell: that there is something, and neither what nor by whom."""

from dataclasses import dataclass

from backoffice.language.texts import lazy
from backoffice.outbox.mail import Mail


@dataclass(frozen=True)
class ChildTold:
    """At which school a child told something, where it is read, and whether it is for the leaders alone."""

    school: str
    worry: str
    for_leaders: bool

    @classmethod
    def example(cls) -> "ChildTold":
        """One for the leaders of a school with a hostile name."""
        return cls("Home <Hollow> School", "q" * 16, for_leaders=True)


CHILD_TOLD = Mail("child-told", ChildTold, lazy("A child told something"))
CHILD_WAITS = Mail("child-waits", ChildTold, lazy("A child waits for an answer"))
MAILS = (CHILD_TOLD, CHILD_WAITS)
