"""Small sets by hand, and what reading them says."""

import csv
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plugins.rosters.reading.oneroster import RosterSet, read_set
from plugins.rosters.reading.package import Limits, open_package
from plugins.rosters.reading.report import Problem, Report, Severity
from tests.factories.oneroster import Shape, files

SHAPE = Shape(students=4, schools=1, classes_a_student=2, parents=1, administrators=1)
ITERATORS = ("orgs", "sessions", "courses", "classes", "users", "enrollments")


@dataclass
class Outcome:
    """What reading a set gave."""

    report: Report
    set: RosterSet | None = None
    records: dict[str, list[Any]] = field(default_factory=dict)

    @property
    def errors(self) -> list[Problem]:
        return [each for each in self.report.problems if each.severity is Severity.ERROR]

    @property
    def warnings(self) -> list[Problem]:
        return [each for each in self.report.problems if each.severity is Severity.WARNING]

    @property
    def only_error(self) -> Problem:
        [problem] = self.errors
        return problem

    @property
    def only_warning(self) -> Problem:
        [problem] = self.warnings
        assert not self.errors
        return problem

    def times(self, problem: Problem) -> int:
        return self.report.counts[problem.severity, problem.file, problem.column, problem.sentence]


def a_set(shape: Shape = SHAPE) -> dict[str, bytes]:
    """The files of a set that is right in everything."""
    made = {}
    for name, rows in files(shape).items():
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        made[name] = text.getvalue().encode()
    return made


def zip_of(contents: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in contents.items():
            packed.writestr(name, content)
    return buffer.getvalue()


def read(contents: Mapping[str, bytes] | bytes, *, limits: Limits | None = None) -> Outcome:
    """Read a whole set from a zip in memory. Raises `PackageRefused`."""
    report = Report()
    packed = contents if isinstance(contents, bytes) else zip_of(contents)
    with open_package(packed, report, limits=limits) as package:
        found = read_set(package, report)
        records = {name: list(getattr(found, name)()) for name in ITERATORS}
    return Outcome(report, found, records)


def table(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


def written(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def with_value(file: str, column: str, value: str, *, line: int = 2) -> dict[str, bytes]:
    """A right set, but for one value. `line` is the file's, the heading is 1."""
    contents = a_set()
    rows = table(contents[file])
    rows[line - 1][rows[0].index(column)] = value
    contents[file] = written(rows)
    return contents


def with_manifest(**values: str | None) -> dict[str, bytes]:
    """A right set with other values in its manifest; None takes a line out. `_` stands for a dot."""
    contents = a_set()
    rows = dict(table(contents["manifest.csv"]))
    for name, value in values.items():
        rows[name.replace("_", ".")] = value or ""
        if value is None:
            del rows[name.replace("_", ".")]
    contents["manifest.csv"] = written([list(row) for row in rows.items()])
    return contents
