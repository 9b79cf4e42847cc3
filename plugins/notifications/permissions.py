"""What the plugin lets be allowed."""

from backoffice.access.permissions import Permission
from backoffice.language.texts import lazy

INCIDENTS_READ = Permission("notifications:read", lazy("Look at incidents: numbers, and nobody's name"))
INCIDENTS_RUN = Permission("notifications:run", lazy("Open incidents, and write down what is known and done"))
