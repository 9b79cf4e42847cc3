"""What of schools is kept for a time."""

from backoffice.privacy.retention.kinds import Kind, Rows
from backoffice.schools.roster_models import RosterChange

ROSTER_CHANGES = Kind("roster-changes", (Rows(RosterChange, RosterChange.at),))
KINDS = (ROSTER_CHANGES,)
