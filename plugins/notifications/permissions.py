"""What the plugin lets be allowed."""

from backoffice.access.permissions import Permission
from backoffice.language.texts import lazy

INCIDENTS_READ = Permission("notifications:read", lazy("Look at incidents: numbers, and nobody's name"))
INCIDENTS_RUN = Permission("notifications:run", lazy("Open incidents, and write down what is known and done"))
INCIDENTS_TOLD = Permission(
    "notifications:told",
    lazy("Look at incidents that one's own schools were told of: numbers, and nobody's name"),
)
