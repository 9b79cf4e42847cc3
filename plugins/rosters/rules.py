"""Who may see imports. What they are recognised by has no rule: it is for the imports alone."""

from typing import Any

from sqlalchemy import ColumnElement, any_, or_, select

from backoffice.access.policy import Rule, register
from backoffice.schools.models import School
from plugins.rosters.models import RosterImport
from plugins.rosters.permissions import ROSTERS_IMPORT


def _into(schools: ColumnElement[Any]) -> ColumnElement[bool]:
    """Into one of the schools, or into the district of one: the database tells who leads that."""
    districts = select(School.district_id).where(School.id == any_(schools))
    return or_(RosterImport.school_id == any_(schools), RosterImport.district_id.in_(districts))


register(Rule(RosterImport, read=ROSTERS_IMPORT, school=None, schools=_into))
