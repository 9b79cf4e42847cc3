"""Reading one file of a set by the description of its columns.

The way of good lines is short: many are checked together, column by column, and each column keeps what the
values that it met last have become. Where one of the lines has something wrong, they are looked at again one
by one, and it is said where.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from itertools import chain
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from backoffice.language.texts import lazy
from plugins.rosters.reading.package import Package, PackageRefused
from plugins.rosters.reading.report import Report, Severity
from plugins.rosters.reading.text import blocks, too_empty
from plugins.rosters.reading.values import EMPTY, LACKING, QUICK, Check, Finding

_MOST_REMEMBERED = 4096
_METADATA = "metadata."
_WRONG_WIDTH = (
    lazy("The line has more or fewer cells than the heading."),
    lazy("Count its commas; put a value with a comma into quotation marks."),
)

Record = TypeVar("Record", bound=tuple[Any, ...])


class Noting(Protocol):
    """What may be said of a line that is kept."""

    def dropped(self, column: str, values: int) -> None:
        """So many values of it are not taken."""

    def warned(self, line: int, column: str, finding: Finding) -> None:
        """A value of it is odd."""


# The last hand on the records of good lines, where the values of one must be seen together.
Finish = Callable[[list[Record], Noting], list[Record]]


class Need(Enum):
    """Whether a value must be there."""

    REQUIRED = EMPTY
    EXPECTED = LACKING
    OPTIONAL = None


@dataclass(frozen=True)
class Column:
    """One column: what its values must be, and which field of the record it fills, if any.

    Without `check` its values are not looked at; those of a `personal` one are counted as dropped.
    """

    name: str
    check: Check | None = None
    into: str | None = None
    need: Need = Need.OPTIONAL
    when_empty: Any = None
    personal: bool = False


@dataclass(frozen=True)
class Table(Generic[Record]):
    """One file: its name, what a line becomes, and its columns in the order of the format."""

    file: str
    record: type[Record]
    columns: tuple[Column, ...]
    finish: Finish[Record] | None = None


class _Known(dict[str, Any]):
    """A column's values as they stand in the file, with what they become."""

    def __init__(self, column: Column, found: list[tuple[str, Finding]]) -> None:
        super().__init__()
        self._column = column
        self._check = column.check or str
        self._quick = QUICK.get(self._check)
        self._empty = column.need.value or column.when_empty
        self._found = found

    def several(self, raw: Sequence[str]) -> Sequence[Any]:
        """What many values become."""
        return raw if self._quick and self._quick(raw) else list(map(self.__getitem__, raw))

    def __missing__(self, raw: str) -> Any:
        value = raw.strip()
        result = self._check(value) if value else self._empty
        if type(result) is Finding:
            # Not remembered: each line that has it counts.
            self._found.append((self._column.name, result))
            return self._column.when_empty if result.value is None else result.value
        if len(self) >= _MOST_REMEMBERED:
            # Lines near each other share values; the older ones are not missed.
            self.clear()
        self[raw] = result
        return result


class _Warned(NamedTuple):
    times: int
    first: int
    remedy: str


class _Findings:
    """What was found in one file; a warning is told once for the file, with how many lines have it."""

    def __init__(self, file: str, report: Report, most_empty: int) -> None:
        self._empty, self._most_empty = 0, most_empty
        self._file = file
        self._report = report
        self._warned: dict[tuple[str, str], _Warned] = {}

    def error(self, line: int, sentence: str, remedy: str, column: str | None = None) -> None:
        self._report.error(self._file, sentence, remedy, line=line, column=column)

    def keeps(self, line: int, found: Sequence[tuple[str, Finding]]) -> bool:
        """Note what a line has; whether the line is kept all the same."""
        if any(finding.leaves_out for _column, finding in found):
            found = [each for each in found if each[1].leaves_out]
        kept = True
        for column, finding in found:
            if finding.severity is Severity.ERROR:
                self.error(line, finding.sentence, finding.remedy, column)
                kept = False
                continue
            self.warned(line, column, finding)
            kept = kept and not finding.leaves_out
        return kept

    def warned(self, line: int, column: str, finding: Finding) -> None:
        times, first, _ = self._warned.get((column, finding.sentence), (0, line, ""))
        self._warned[column, finding.sentence] = _Warned(times + 1, first, finding.remedy)

    def dropped(self, column: str, values: int) -> None:
        if values:
            self._report.dropped[f"{self._file} {column}"] += values

    def passed_over(self) -> None:
        """Count a line of nothing but commas. Raises `PackageRefused` if there are too many."""
        self._empty += 1
        if self._empty > self._most_empty:
            raise PackageRefused(*too_empty(self._most_empty))

    def tell(self) -> None:
        """Put the warnings into the report."""
        for (column, sentence), (times, first, remedy) in self._warned.items():
            self._report.warn(self._file, sentence, remedy, line=first, column=column, times=times)


def read_table(package: Package, table: Table[Record], *, encoding: str, report: Report) -> Iterator[Record]:
    """The file's good lines as records, one at a time. Never raises for what is in the file.

    What a line has wrong goes to the report, warnings when the last line was read.
    """
    return chain.from_iterable(_read(package, table, encoding, report))


def _read(
    package: Package, table: Table[Record], encoding: str, report: Report
) -> Iterator[Iterable[Record]]:
    findings = _Findings(table.file, report, package.limits.empty_lines)
    try:
        with package.open(table.file) as stream:
            lines = blocks(stream, encoding, findings.error, most_empty=package.limits.empty_lines)
            numbers, rows = next(lines, ((), []))
            if not rows:
                report.error(table.file, lazy("The file is empty."), lazy("Send it with its heading line."))
                return
            heading = rows.pop(0)
            where = _places(table, heading, report)
            if where is None:
                return
            layout = _Layout(table, heading, where)
            for some, cells in chain([(numbers[1:], rows)], lines):
                yield _records(table, some, cells, layout, findings)
    except PackageRefused as refused:
        report.error(table.file, refused.sentence, refused.remedy)
    except (OSError, UnicodeDecodeError):
        report.error(table.file, lazy("The file changed while it was read."), lazy("Import it again."))
    finally:
        findings.tell()


class _Layout:
    """Where in a line things stand, made once a file."""

    def __init__(self, table: Table[Any], heading: Sequence[str], where: Mapping[str, int]) -> None:
        self.width = len(heading)
        self.found: list[tuple[str, Finding]] = []
        by_field = {column.into: column for column in table.columns if column.into}
        taken = [by_field[field] for field in table.record._fields if field != "line"]
        checked = [c for c in table.columns if c.check and not c.into and c.name in where]
        self.fields = len(taken)
        # A column that is not in the file is read from an empty cell that is put after each line.
        self.columns = [(where.get(c.name, -1), _Known(c, self.found)) for c in (*taken, *checked)]
        self.dropped = [(where[c.name], c.name) for c in table.columns if c.personal and c.name in where]
        for index in set(range(len(heading))) - set(where.values()):
            metadata = heading[index].startswith(_METADATA)
            self.dropped.append((index, f"{_METADATA}*" if metadata else "other columns"))


def _records(
    table: Table[Record],
    numbers: Sequence[int],
    rows: list[list[str]],
    layout: _Layout,
    findings: _Findings,
) -> list[Record]:
    columns = _together(numbers, rows, layout, findings) or _one_by_one(numbers, rows, layout, findings)
    records: list[Record] = list(map(partial(tuple.__new__, table.record), zip(*columns, strict=True)))
    return table.finish(records, findings) if table.finish else records


def _together(
    numbers: Sequence[int], rows: list[list[str]], layout: _Layout, findings: _Findings
) -> list[Sequence[Any]] | None:
    """Line numbers and then each field of many lines; None if one of them needs a look of its own."""
    try:
        cells = [*zip(*rows, strict=True), ("",) * len(rows)]
    except ValueError:
        return None
    if len(cells) != layout.width + 1:
        return None
    values = [known.several(cells[index]) for index, known in layout.columns]
    if layout.found:
        layout.found.clear()
        return None
    for index, name in layout.dropped:
        findings.dropped(name, sum(map(bool, map(str.strip, cells[index]))))
    return [numbers, *values[: layout.fields]]


def _one_by_one(
    numbers: Sequence[int], rows: list[list[str]], layout: _Layout, findings: _Findings
) -> list[Sequence[Any]]:
    """The same, with what is wrong in any of them noted and the bad ones left out."""
    kept = []
    for line, row in zip(numbers, rows, strict=True):
        # A line of nothing but commas is what a spreadsheet makes of an empty one.
        if not any(map(str.strip, row)):
            findings.passed_over()
            continue
        if len(row) != layout.width:
            findings.error(line, *_WRONG_WIDTH)
            continue
        row.append("")
        values = [known[row[index]] for index, known in layout.columns]
        keeps = findings.keeps(line, layout.found)
        layout.found.clear()
        if keeps:
            kept.append((line, *values[: layout.fields]))
            for index, name in layout.dropped:
                findings.dropped(name, bool(row[index].strip()))
    return list(zip(*kept, strict=True)) or [()] * (layout.fields + 1)


def _places(table: Table[Any], heading: list[str], report: Report) -> dict[str, int] | None:
    """Where each column stands, or None if the file cannot be read by its heading."""
    expected = [column.name for column in table.columns]
    names = [name.strip() for name in heading]
    folded = {name.lower(): index for index, name in reversed(list(enumerate(names)))}
    if len(folded) < len(names):
        report.error(
            table.file,
            lazy("Two columns have the same name, or no name."),
            lazy("Name each column once."),
            line=1,
        )
        return None
    where = {name: folded[name.lower()] for name in expected if name.lower() in folded}
    missing = [column for column in table.columns if column.name not in where]
    for column in missing:
        if column.need is Need.REQUIRED:
            told = (table.file, lazy("The column is missing."), lazy("Add it, in the order of the format."))
            report.error(*told, line=1, column=column.name)
        else:
            told = (
                table.file,
                lazy("The column is missing; its values count as empty."),
                lazy("Add it, empty if need be."),
            )
            report.warn(*told, line=1, column=column.name)
    for name, index in where.items():
        if names[index] != name:
            report.warn(
                table.file,
                lazy("The column's name is written with other capitals; it is taken all the same."),
                lazy("Write it exactly as in the format."),
                line=1,
                column=name,
            )
    _warn_of_order(table, names, where, report)
    return None if any(column.need is Need.REQUIRED for column in missing) else where


def _warn_of_order(table: Table[Any], names: list[str], where: dict[str, int], report: Report) -> None:
    others = [name for index, name in enumerate(names) if index not in where.values()]
    strange = [name for name in others if not name.startswith(_METADATA)]
    if strange:
        report.warn(
            table.file,
            lazy("There are columns that the format does not know; they are dropped."),
            lazy("Leave them out, or name them metadata.something, at the end."),
            line=1,
            times=len(strange),
        )
    places = list(where.values())
    if places != sorted(places) or (places and max(places) >= len(places)):
        report.warn(
            table.file,
            lazy("The columns are not in the order of the format; they are taken by their names."),
            lazy("Put the format's columns first, in its order."),
            line=1,
        )
