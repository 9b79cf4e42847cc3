"""What of families is kept for a time."""

from sqlalchemy import func

from backoffice.families.models import GuardianInvitation, GuardianLink, GuardianStatus, StudentView
from backoffice.families.requests.models import GuardianRequest
from backoffice.privacy.retention.kinds import Kind, Rows

INVITATIONS = Kind("parent-invitations", (Rows(GuardianInvitation, GuardianInvitation.expires_at),))
ENDED = Kind(
    "ended-parents",
    (
        Rows(
            GuardianLink,
            func.coalesce(GuardianLink.ended_at, GuardianLink.created_at),
            clock=GuardianLink.ended_at,
            only=GuardianLink.status != GuardianStatus.APPROVED,
        ),
    ),
)
VIEWS = Kind("record-views", (Rows(StudentView, StudentView.at),), events=True)
REQUESTS = Kind("parent-requests", (Rows(GuardianRequest, GuardianRequest.answered_at),), work=True)
KINDS = (INVITATIONS, ENDED, VIEWS, REQUESTS)
