"""What the plugin lets be allowed."""

from backoffice.access.permissions import Permission

ROSTERS_IMPORT = Permission("rosters:import", "Bring in a roster of classes, staff and students")
