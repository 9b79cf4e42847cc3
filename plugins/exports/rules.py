"""Who may see exports: who asked, and who leads the place; a parent's is the parent's alone."""

from typing import Any

from sqlalchemy import ColumnElement, and_, any_, or_, select

from backoffice.access.permissions import CLASSROOMS_CREATE
from backoffice.access.policy import Rule, register
from backoffice.schools.models import School
from plugins.exports.models import Export, Intake
from plugins.exports.permissions import EXPORTS_MAKE


def _of(schools: ColumnElement[Any]) -> ColumnElement[bool]:
    """Of one of the schools, or of the district of one: the database tells who leads that."""
    districts = select(School.district_id).where(School.id == any_(schools))
    there = or_(Export.school_id == any_(schools), Export.district_id.in_(districts))
    return and_(Export.for_family.is_(False), there)


register(Rule(Export, read=EXPORTS_MAKE, school=None, schools=_of, account="asked_by"))
# Whoever makes classes in a school is to know that a file has made some there.
register(Rule(Intake, read=CLASSROOMS_CREATE))
