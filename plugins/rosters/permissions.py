"""What the plugin lets be allowed."""

from backoffice.access.permissions import Permission
from backoffice.language.texts import lazy

ROSTERS_IMPORT = Permission("rosters:import", lazy("Bring in a roster of classes, staff and students"))
