"""What an export holds: a zip with a manifest."""

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from backoffice.access.transaction import Transaction
from backoffice.privacy.holdings import Subject

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Scope:
    """Of what an export is. `for_family`: as a parent sees the child."""

    subject: Subject
    number: int
    public_id: str
    for_family: bool = False


@dataclass(frozen=True)
class Manifest:
    """What is in an archive: rows by kind, digests by file, and what was left out, with why."""

    counts: dict[str, int] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    left_out: list[tuple[str, str]] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """How many rows there are of all kinds."""
        return sum(self.counts.values())


def write_archive(
    tx: Transaction, scope: Scope, to: BinaryIO, *, told: Callable[[int], None] = lambda _rows: None
) -> Manifest:
    """Write the archive of a scope; `told` hears now and then how many rows are written."""
    del tx
    manifest = Manifest()
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        said = {"schema": SCHEMA_VERSION, "subject": scope.subject.value, "id": scope.public_id}
        archive.writestr("manifest.json", json.dumps({**said, "counts": manifest.counts}))
    told(manifest.rows)
    return manifest
