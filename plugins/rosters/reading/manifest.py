"""manifest.csv: which version of the format a set follows, and how each of its files is sent."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from backoffice.language.texts import lazy
from plugins.rosters.reading.package import Package, PackageRefused
from plugins.rosters.reading.report import Report
from plugins.rosters.reading.text import encoding_of, rows

FILE = "manifest.csv"
HEADING = ["propertyName", "value"]
# The parts of the format, each with a row `file.<part>`.
PARTS = (
    *("academicSessions", "categories", "classes", "classResources", "courses", "courseResources"),
    *("demographics", "enrollments", "lineItems", "orgs", "resources", "results", "users"),
)
NEEDED = ("orgs", "users", "classes", "enrollments", "academicSessions")
_MOST_ROWS = 100


class Sent(StrEnum):
    """How a file is sent."""

    ABSENT = "absent"
    BULK = "bulk"


@dataclass(frozen=True)
class Manifest:
    """How each part is sent. What the manifest does not say counts as absent."""

    parts: dict[str, Sent] = field(default_factory=dict)

    def sends(self, part: str) -> bool:
        """Whether a part's file is sent."""
        return self.parts.get(part) is Sent.BULK


def read_manifest(package: Package, report: Report) -> Manifest:
    """Read it, and note in the report whatever keeps the set from being read. Never raises."""
    if FILE not in package.names:
        report.error(
            FILE, lazy("The file is missing."), lazy("Send it with the others; its name is written so.")
        )
        return Manifest()
    values = _values(package, report)
    _look_at_versions(values, report)
    manifest = Manifest({part: sent for part in PARTS if (sent := _sent(part, values, report))})
    unsaid = [part for part in PARTS if f"file.{part}" not in values and part not in NEEDED]
    if unsaid:
        report.warn(
            FILE,
            lazy("The manifest does not name all parts of the format; the others count as absent."),
            lazy("Name each, with the value absent."),
            times=len(unsaid),
        )
    return manifest


def _values(package: Package, report: Report) -> dict[str, str]:
    values: dict[str, str] = {}

    def complain(line: int, sentence: str, remedy: str) -> None:
        report.error(FILE, sentence, remedy, line=line)

    try:
        with package.open(FILE) as stream:
            encoding = encoding_of(stream)
        with package.open(FILE) as stream:
            for number, (line, row) in enumerate(
                rows(stream, encoding, complain, most_empty=package.limits.empty_lines)
            ):
                if number > _MOST_ROWS:
                    complain(
                        line, lazy("The manifest has too many lines."), lazy("Send one line for each part.")
                    )
                    break
                _take(number, line, [cell.strip() for cell in row], values, report)
    except PackageRefused as refused:
        report.error(FILE, refused.sentence, refused.remedy)
    except (OSError, UnicodeDecodeError):
        report.error(FILE, lazy("The file changed while it was read."), lazy("Import it again."))
    return values


def _take(number: int, line: int, row: Sequence[str], values: dict[str, str], report: Report) -> None:
    if not any(row):
        return
    if len(row) != len(HEADING):
        report.error(FILE, lazy("The line has not two cells."), lazy("Write propertyName,value."), line=line)
    elif number == 0:
        if row != HEADING:
            report.error(FILE, lazy("The heading is wrong."), lazy("Write propertyName,value."), line=line)
    elif row[0] in values:
        report.error(FILE, lazy("A property is there twice."), lazy("Name each once."), line=line)
    else:
        values[row[0]] = row[1]


def _look_at_versions(values: dict[str, str], report: Report) -> None:
    version = values.get("oneroster.version")
    if version == "1.2":
        report.error(
            FILE,
            lazy("The set follows OneRoster 1.2, which is not read yet."),
            lazy("Export it as OneRoster 1.1 CSV."),
            column="oneroster.version",
        )
    elif version != "1.1":
        report.error(
            FILE,
            lazy("The set does not say that it follows OneRoster 1.1."),
            lazy("Export it as OneRoster 1.1 CSV; the manifest then has the line oneroster.version,1.1."),
            column="oneroster.version",
        )
    if values.get("manifest.version") != "1.0":
        report.warn(
            FILE,
            lazy("The manifest's own version is not 1.0."),
            lazy("Write manifest.version,1.0."),
            column="manifest.version",
        )


def _sent(part: str, values: dict[str, str], report: Report) -> Sent | None:
    value, column = values.get(f"file.{part}"), f"file.{part}"
    if value is None:
        if part in NEEDED:
            report.error(
                FILE,
                lazy("The manifest does not say how this part is sent."),
                lazy("Write bulk, and send its file."),
                column=column,
            )
        return None
    if value == "delta":
        report.error(
            FILE,
            lazy("This part is sent as changes (delta), which is not read yet."),
            lazy("Send all of it, as bulk."),
            column=column,
        )
        return None
    if value not in {Sent.ABSENT, Sent.BULK}:
        report.error(
            FILE,
            lazy("The value is none of absent, bulk, delta."),
            lazy("Write one of them, in small letters."),
            column=column,
        )
        return None
    if value == Sent.ABSENT and part in NEEDED:
        report.error(
            FILE,
            lazy("This part is needed and is absent."),
            lazy("Send its file, and write bulk."),
            column=column,
        )
    return Sent(value)
