"""What imports tell the rest of the product."""

from dataclasses import dataclass

from backoffice.events import Event


@dataclass(frozen=True)
class RosterImported(Event):
    """A roster was imported into a school."""

    school_id: int
    students_new: int
    students_changed: int
    classes_new: int
    enrollments_new: int
    enrollments_ended: int
