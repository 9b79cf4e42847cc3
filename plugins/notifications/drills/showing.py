"""How a drill is seen: a strip above each of its pages."""

from flask import g

from backoffice.language.texts import gettext
from plugins.notifications.models import Incident


def marked(incident: Incident) -> Incident:
    """The incident, above whose page stands that it is a drill, if it is one."""
    if incident.is_drill:
        g.strip = gettext("DRILL: nothing of it is real, and nothing leaves the house.")
    return incident
