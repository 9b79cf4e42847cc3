"""How long the old values of records are kept."""

from backoffice.changes.models import CHANGES
from backoffice.privacy.retention.kinds import Kind, Rows

RECORD_CHANGES = Kind("record-changes", tuple(Rows(model, model.at) for model in CHANGES))
KINDS = (RECORD_CHANGES,)
