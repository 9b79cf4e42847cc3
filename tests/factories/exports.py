"""An export of one class, as small as there is."""

import io
import json
import zipfile
from hashlib import sha256

from plugins.exports.content.manifest import FORMAT, VERSION

ROOM = "bbbbbbbbbbbbbbbb"


def small_export() -> bytes:
    """The zip of a class in which nobody is."""
    rows = json.dumps([{"public_id": ROOM, "name": "Brought Badgers", "created_at": "2026-01-05T08:00:00Z"}])
    said = {
        "format": FORMAT,
        "version": VERSION,
        "scope": {"kind": "classroom", "public_id": ROOM, "for_family": False},
        "counts": {"classrooms": 1},
        "files": {"data/classrooms.json": sha256(rows.encode()).hexdigest()},
    }
    to = io.BytesIO()
    with zipfile.ZipFile(to, "w") as archive:
        archive.writestr("data/classrooms.json", rows)
        archive.writestr("manifest.json", json.dumps(said))
    return to.getvalue()
