"""Who may see incidents: founders."""

from backoffice.access.policy import Rule, register
from plugins.notifications.drills.models import Drill, DrillEvent
from plugins.notifications.models import (
    ConcernedSchool,
    GivenNotice,
    Incident,
    IncidentTask,
    TimelineEntry,
)
from plugins.notifications.notices.models import LetterBatch, Notice, NoticeStep
from plugins.notifications.permissions import INCIDENTS_READ

for _entity in (
    *(Incident, TimelineEntry, IncidentTask, ConcernedSchool, GivenNotice),
    *(Notice, NoticeStep, LetterBatch),
    *(Drill, DrillEvent),
):
    register(Rule(_entity, read=INCIDENTS_READ, school=None))
