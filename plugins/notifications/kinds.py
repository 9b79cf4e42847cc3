"""How long incidents are kept: from when they are closed. An open one stays."""

from backoffice.privacy.retention.kinds import Kind, Rows
from plugins.notifications.drills.models import TABLES as DRILL_TABLES
from plugins.notifications.hooks.models import HookCall
from plugins.notifications.models import (
    ConcernedSchool,
    GivenNotice,
    Incident,
    IncidentTask,
    TimelineEntry,
)
from plugins.notifications.notices.models import TABLES
from plugins.notifications.scope.models import TABLES as SCOPE_TABLES

INCIDENTS = Kind(
    "incidents",
    (
        Rows(
            Incident,
            Incident.closed_at,
            only=Incident.closed_at.is_not(None),
            along=(
                *(TimelineEntry, IncidentTask, ConcernedSchool, GivenNotice),
                *(*TABLES, *SCOPE_TABLES, *DRILL_TABLES, HookCall),
            ),
        ),
    ),
)
KINDS = (INCIDENTS,)
