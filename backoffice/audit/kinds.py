"""What of the trail is kept for a time: the details. The entries stay."""

from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.privacy.retention.kinds import Kind, Rows

DETAILS = Kind(
    "trail-details",
    (Rows(AuditDetail, AuditEntry.at, through=(AuditEntry, AuditEntry.id == AuditDetail.entry_id)),),
    events=True,
)
KINDS = (DETAILS,)
