"""How long changes of many rows are kept."""

from backoffice.large_changes.models import LargeChange
from backoffice.privacy.retention.kinds import Kind, Rows

LARGE_CHANGES = Kind("large-changes", (Rows(LargeChange, LargeChange.asked_at),))
KINDS = (LARGE_CHANGES,)
