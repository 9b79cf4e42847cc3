"""What of the trail is kept for a time: the details. The entries stay."""

from backoffice.audit.models import AuditDetail
from backoffice.privacy.retention.kinds import Kind, Rows

DETAILS = Kind("trail-details", (Rows(AuditDetail, AuditDetail.at),), events=True)
KINDS = (DETAILS,)
