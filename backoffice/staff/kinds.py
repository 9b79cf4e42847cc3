"""What of staff is kept for a time."""

from backoffice.privacy.retention.kinds import Kind, Rows
from backoffice.staff.models import Invitation

INVITATIONS = Kind("staff-invitations", (Rows(Invitation, Invitation.expires_at),))
KINDS = (INVITATIONS,)
