"""Who may see incidents: founders, and of one that a school was told of, who answers for the school.

Systems of districts are seen by founders, and by who leads the district.
"""

from typing import Any

from sqlalchemy import ColumnElement, select

from backoffice.access.permissions import SCHOOLS_CONTACT
from backoffice.access.policy import Rule, register
from backoffice.schools.models import School
from plugins.notifications.drills.models import Drill, DrillEvent
from plugins.notifications.hooks.models import DistrictHook, HookCall
from plugins.notifications.models import (
    ConcernedSchool,
    GivenNotice,
    Incident,
    IncidentTask,
    TimelineEntry,
)
from plugins.notifications.notices.models import LetterBatch, Notice, NoticeStep
from plugins.notifications.permissions import INCIDENTS_READ
from plugins.notifications.terms.models import ContractTerms

for _entity in (
    *(Incident, TimelineEntry, IncidentTask, GivenNotice),
    *(Notice, NoticeStep, LetterBatch),
    *(Drill, DrillEvent, ContractTerms),
):
    register(Rule(_entity, read=INCIDENTS_READ, school=None))
register(Rule(ConcernedSchool, read=INCIDENTS_READ, once="shown_at"))


def _hooks(schools: ColumnElement[Any]) -> ColumnElement[bool]:
    # Of these only the database knows whose district it is as a whole.
    above = select(School.district_id).where(School.id == schools.any_())
    return DistrictHook.district_id.in_(above)


def _calls(schools: ColumnElement[Any]) -> ColumnElement[bool]:
    return HookCall.hook_id.in_(select(DistrictHook.id).where(_hooks(schools)))


register(
    Rule(DistrictHook, read=SCHOOLS_CONTACT, school=None, schools=_hooks),
    Rule(HookCall, read=SCHOOLS_CONTACT, school=None, schools=_calls),
)
