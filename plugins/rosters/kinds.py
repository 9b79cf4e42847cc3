"""What of rosters is kept for a time. Giving an upload up, and taking names out of a report, is told."""

from backoffice.privacy.retention.kinds import Kind, Rows
from plugins.rosters.models import RosterImport, RosterUpload

BY = "rosters.forget-uploads"
UPLOADS = Kind(
    "roster-uploads",
    (
        Rows(
            RosterUpload,
            RosterImport.created_at,
            through=(RosterImport, RosterImport.id == RosterUpload.import_id),
        ),
    ),
    by=BY,
)
NAMES = Kind(
    "roster-names",
    (
        Rows(
            RosterImport,
            RosterImport.finished_at,
            only=RosterImport.names.is_not(None),
            empties=("names",),
        ),
    ),
    by=BY,
)
KINDS = (UPLOADS, NAMES)
