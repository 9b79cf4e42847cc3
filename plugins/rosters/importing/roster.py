"""What an import reads from, and what it notes on the way."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from plugins.rosters.reading.records import Class, Course, Enrollment, Org, Session, User

# So many names are listed for a person to act on; the rest are counted.
MOST_LISTED = 500


class Roster(Protocol):
    """A set of records of any format, as `reading.oneroster.RosterSet` is one. Read once, in this order."""

    @property
    def absent(self) -> frozenset[str]:
        """The files that the set does not send; what points into them is not looked up."""

    def orgs(self) -> Iterator[Org]:
        """Districts, schools and whatever else there is."""

    def sessions(self) -> Iterator[Session]:
        """Years and terms."""

    def courses(self) -> Iterator[Course]:
        """What is taught."""

    def classes(self) -> Iterator[Class]:
        """Who is taught together."""

    def users(self) -> Iterator[User]:
        """Everybody."""

    def enrollments(self) -> Iterator[Enrollment]:
        """Who is in which class, and as what."""


@dataclass
class Noted:
    """What is not taken but told: who may become a leader, and how many of whom are left out."""

    administrators: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    lines: int = 0

    def administrator(self, name: str) -> None:
        """Somebody whom a person may make a leader."""
        self.counts["administrators"] += 1
        if len(self.administrators) < MOST_LISTED:
            self.administrators.append(name)
