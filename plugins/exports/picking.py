"""What is taken along is picked by its name: districts first, then schools; and classes."""

from sqlalchemy import select

from backoffice.access.permissions import CLASSROOMS_EXPORT
from backoffice.schools.models import Classroom
from backoffice.schools.picking import Known, Relation, offer, schools
from plugins.exports.permissions import EXPORTS_MAKE
from plugins.exports.queries import districts_led

# By the words that the form says for them.
PLACE, CLASS = "place-of-an-export", "class-of-an-export"


def _classrooms(within: int | None) -> Known:
    """All classes, archived ones too: they can be taken along before they are erased."""
    known = select(Classroom.public_id, Classroom.name, Classroom.school_id.label("school"))
    known = known.order_by(Classroom.school_id, Classroom.id)
    return known if within is None else known.where(Classroom.school_id == within)


offer(PLACE, Relation(EXPORTS_MAKE, schools, ahead=districts_led))
offer(CLASS, Relation(CLASSROOMS_EXPORT, _classrooms, hints=True))
