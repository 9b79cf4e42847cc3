"""What an export says about itself: manifest.json."""

import json
from dataclasses import dataclass, field
from datetime import datetime

from plugins.exports.content.scope import Scope

FILE = "manifest.json"
FORMAT, VERSION = "classroom-export", 1


@dataclass(frozen=True)
class Manifest:
    """How many rows of each kind, the SHA-256 of each file, and what is left out and why.

    What is left out is named as in the files: a kind, or a kind and one of its columns.
    """

    counts: dict[str, int] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    left_out: list[tuple[str, str]] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """All rows together."""
        return sum(self.counts.values())

    def written(self, scope: Scope, made_at: datetime) -> bytes:
        """As it lies in the export."""
        said = {
            "format": FORMAT,
            "version": VERSION,
            "made_at": made_at.isoformat(),
            "scope": {
                "kind": scope.subject.value,
                "public_id": scope.public_id,
                "for_family": scope.for_family,
            },
            "rows": self.rows,
            "counts": self.counts,
            "files": self.files,
            "left_out": [{"what": what, "why": why} for what, why in self.left_out],
        }
        return json.dumps(said, ensure_ascii=False, indent=1).encode()
