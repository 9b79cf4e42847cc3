"""What of exports is kept for a time: the files for days, and that they were made for half a year."""

from backoffice.privacy.retention.kinds import Kind, Rows
from plugins.exports.models import Export, Intake

FILES = Kind(
    "export-files",
    (Rows(Export, Export.ready_at, only=Export.file.is_not(None), empties=("file", "file_key")),),
    by="exports.destroy",
)
EXPORTS = Kind("exports", (Rows(Export, Export.asked_at),))
INTAKES = Kind("export-intakes", (Rows(Intake, Intake.taken_at),))
KINDS = (FILES, EXPORTS, INTAKES)
