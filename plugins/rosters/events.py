"""What imports tell the rest of the product."""

from dataclasses import dataclass
from typing import ClassVar

from backoffice.events import Event
from backoffice.language.texts import lazy


@dataclass(frozen=True)
class RosterImported(Event):
    """A roster was imported into a school."""

    title: ClassVar[str] = lazy("a roster is imported")
    school_id: int
    students_new: int
    students_changed: int
    classes_new: int
    enrollments_new: int
    enrollments_ended: int
