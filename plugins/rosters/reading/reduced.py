"""An uploaded set with nothing left in it but what is taken, to wait for a worker.

What is dropped must touch neither disk nor database, so the upload itself is never kept: it is read in memory
and written anew from its records. Each record keeps its line, by empty lines before it, so that what is found
later is told by the lines of the file that somebody has.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

from plugins.rosters.reading.manifest import FILE as MANIFEST
from plugins.rosters.reading.manifest import PARTS
from plugins.rosters.reading.oneroster import (
    CLASSES,
    COURSES,
    ENROLLMENTS,
    ORGS,
    SESSIONS,
    USERS,
    RosterSet,
)
from plugins.rosters.reading.records import User
from plugins.rosters.reading.table import Table

NOBODY = "-"
# Values that the format requires and nobody takes, so that the set can be read again.
STAND_INS = {
    ("academicSessions.csv", "title"): "-",
    ("academicSessions.csv", "type"): "term",
    ("academicSessions.csv", "startDate"): "2026-01-01",
    ("academicSessions.csv", "endDate"): "2026-01-01",
    ("academicSessions.csv", "schoolYear"): "2026",
    ("courses.csv", "title"): "-",
    ("classes.csv", "classType"): "scheduled",
    ("users.csv", "enabledUser"): "true",
}


def reduce_set(roster: RosterSet) -> tuple[bytes, int]:
    """The set as a zip with only what is taken, and how many records it has.

    Reads the set once, and so fills its report; if that stops the import, what is returned is of no use.
    """
    kept, count = io.BytesIO(), 0
    sets: tuple[tuple[Table[Any], Iterator[Any]], ...] = (
        (ORGS, roster.orgs()),
        (SESSIONS, roster.sessions()),
        (COURSES, roster.courses()),
        (CLASSES, roster.classes()),
        (USERS, map(_least, roster.users())),
        (ENROLLMENTS, roster.enrollments()),
    )
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        package.writestr(MANIFEST, _manifest(roster.absent))
        for table, records in sets:
            if table.file in roster.absent:
                continue
            with (
                package.open(table.file, "w", force_zip64=True) as raw,
                io.TextIOWrapper(raw, "utf-8", newline="") as text,
            ):
                count += _write(text, table, records)
    return kept.getvalue(), count


def _least(user: User) -> User:
    """Somebody with nothing that is not taken: usernames are for children, names for whom we name."""
    if user.role == "student":
        return user
    if user.role in {"teacher", "administrator"}:
        return user._replace(username=NOBODY)
    return user._replace(username=NOBODY, given=NOBODY, family=NOBODY)


def _manifest(absent: frozenset[str]) -> str:
    sent = {
        f"{part}.csv" for part in ("orgs", "users", "classes", "enrollments", "academicSessions", "courses")
    }
    rows = [
        ("propertyName", "value"),
        ("manifest.version", "1.0"),
        ("oneroster.version", "1.1"),
        *((f"file.{part}", "bulk" if f"{part}.csv" in sent - absent else "absent") for part in PARTS),
    ]
    return "".join(f"{name},{value}\n" for name, value in rows)


def _write(text: io.TextIOWrapper, table: Table[Any], records: Iterable[Any]) -> int:
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in table.columns])
    line, count = 2, 0
    for record in records:
        text.write("\n" * (record.line - line))
        cells = [
            _cell(getattr(record, column.into))
            if column.into
            else STAND_INS.get((table.file, column.name), "")
            for column in table.columns
        ]
        writer.writerow(cells)
        # A cell may run over several lines.
        line = record.line + 1 + sum(cell.count("\n") for cell in cells)
        count += 1
    return count


def _cell(value: Any) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return "true"
    return value if isinstance(value, str) else ",".join(value)
