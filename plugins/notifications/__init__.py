"""Incidents, notices, and proof that everyone was told."""

import plugins.notifications.rules  # noqa: F401 - the policy must know who may see incidents
from backoffice.language.texts import lazy
from backoffice.plugin import Plugin
from plugins.notifications.kinds import KINDS
from plugins.notifications.models import NotificationsBase
from plugins.notifications.permissions import INCIDENTS_READ, INCIDENTS_RUN
from plugins.notifications.tiles import TILES
from plugins.notifications.views import IncidentsGrid

plugin = Plugin(
    name="notifications",
    title=lazy("Incidents and notices"),
    summary=lazy("When something goes wrong: who has to be told by when, and proof that they were."),
    tables=NotificationsBase.metadata,
    personal_data=(),
    retention=KINDS,
    permissions=(INCIDENTS_READ, INCIDENTS_RUN),
    pages=(IncidentsGrid,),
    tiles=TILES,
    keeps_promises=True,
)
