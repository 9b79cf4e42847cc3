"""What the plugin lets be allowed."""

from backoffice.access.permissions import Permission

ROSTERS_IMPORT = Permission("rosters:import")
