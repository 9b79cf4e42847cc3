"""Writing a workbook row by row, in constant memory, straight into the answer.

The libraries for workbooks put sheets together in files on the disk before the first byte leaves, and names
of children do not lie there unsealed. What a list needs is five small parts and a sheet.
"""

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, tzinfo
from typing import IO, Protocol, Self
from xml.sax.saxutils import escape, quoteattr

from backoffice.spreadsheets.csv_files import FORMULA

TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# As many rows as a sheet of Excel has, and letters as a cell.
MOST_ROWS, MOST_LETTERS = 1_048_576, 32_767
CHUNK = 16_384
# Excel counts days from here, as its forerunner did.
DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 - a workbook knows no zones
TEXT, HEAD, DAY, MOMENT, QUOTED = range(5)
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
# What no XML may hold, and what Excel would take for a letter written as a number.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_NUMBER = re.compile(r"-?\d{1,3}(,\d{3})*|-?\d+", re.ASCII)
_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}">'
    '<numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="5"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1"/></cellXfs></styleSheet>'
)


class Written(Protocol):
    """What is known of a cell of a list."""

    @property
    def text(self) -> str | None:
        """As the list shows it."""

    @property
    def kind(self) -> str:
        """text, number, time, ..."""

    @property
    def in_file(self) -> str | None:
        """As a file says it."""

    @property
    def datetime(self) -> str | None:
        """Of a time, the day or the moment."""


class _Outlet:
    """What the archive is written to: it cannot be gone back in, and hands over what has come."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.waiting = 0

    def write(self, data: bytes) -> int:
        """Take some bytes."""
        self._parts.append(bytes(data))
        self.waiting += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self) -> bytes:
        """What has come since the last time."""
        data = b"".join(self._parts)
        self._parts.clear()
        self.waiting = 0
        return data


class Sink(Protocol):
    """What a workbook is written to: nothing of it is gone back to."""

    def write(self, some: bytes, /) -> object:
        """Take some bytes."""

    def flush(self) -> None:
        """Hold nothing back."""


class Workbook:
    """A workbook of one list that grows row by row. What a sheet cannot hold is on the next.

    Times are in `zone`. Whoever opened `to` closes it, once `close` has ended the workbook.
    """

    def __init__(self, to: Sink, titles: Sequence[str], *, name: str, zone: tzinfo) -> None:
        self._archive = zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED, compresslevel=6)  # type: ignore[call-overload]
        self._titles, self._name, self._zone = titles, name, zone
        self._names: list[str] = []
        self._rows = 0
        # The first sheet is there even if the list is empty.
        self._sheet = self._next()

    def add(self, row: Sequence[Written]) -> None:
        """Write a row."""
        if self._rows == MOST_ROWS:
            self._end()
            self._sheet = self._next()
        self._rows += 1
        self._sheet.write(_row(self._rows, row, self._zone))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        if kind is None:
            self.close()
        else:
            # What was begun is let go of; nobody reads it.
            self._sheet.close()
            self._archive.close()

    def close(self) -> None:
        """Write what comes behind the rows."""
        self._end()
        for path, text in _parts(self._names):
            # Without the time of day, so that the same rows are the same file.
            self._archive.writestr(zipfile.ZipInfo(path), text, zipfile.ZIP_DEFLATED)
        self._archive.close()

    def _next(self) -> IO[bytes]:
        self._names.append(self._name if not self._names else f"{self._name} {len(self._names) + 1}")
        sheet: IO[bytes] = self._archive.open(
            f"xl/worksheets/sheet{len(self._names)}.xml", "w", force_zip64=True
        )
        _begin(sheet, self._titles)
        self._rows = 1
        return sheet

    def _end(self) -> None:
        self._sheet.write(b"</sheetData></worksheet>")
        self._sheet.close()


def written(
    titles: Sequence[str], rows: Iterable[Sequence[Written]], *, name: str, zone: tzinfo
) -> Iterator[bytes]:
    """The workbook, some bytes at a time. Times are in `zone`; what a sheet cannot hold is on the next."""
    outlet = _Outlet()
    with Workbook(outlet, titles, name=name, zone=zone) as book:
        for row in rows:
            book.add(row)
            if outlet.waiting >= CHUNK:
                yield outlet.take()
    yield outlet.take()


def _begin(sheet: IO[bytes], titles: Sequence[str]) -> None:
    # The first row stays in sight.
    pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    sheet.write(
        f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">{pane}</sheetView>'
        f'</sheetViews><sheetFormatPr defaultRowHeight="15"/><cols><col min="1" max="{len(titles)}"'
        ' width="22" customWidth="1"/></cols><sheetData><row r="1">'.encode()
    )
    sheet.write("".join(_text(title, HEAD) for title in titles).encode() + b"</row>")


def _row(number: int, cells: Sequence[Written], zone: tzinfo) -> bytes:
    return f'<row r="{number}">{"".join(_cell(cell, zone) for cell in cells)}</row>'.encode()


def _cell(cell: Written, zone: tzinfo) -> str:
    if not cell.text:
        return "<c/>"
    text = cell.in_file or str(cell.text)
    if cell.kind == "time" and cell.datetime:
        return _time(cell.datetime, zone)
    if cell.kind == "number" and _NUMBER.fullmatch(text):
        return f"<c><v>{text.replace(',', '')}</v></c>"
    # A text is never run. One that begins like a formula says besides that it is none, to whoever edits it.
    return _text(text, QUOTED if text.startswith(FORMULA) else TEXT)


def _text(text: str, style: int) -> str:
    clean = _ESCAPE.sub("_x005F_", _FORBIDDEN.sub("", text))[:MOST_LETTERS]
    return f'<c t="inlineStr" s="{style}"><is><t xml:space="preserve">{escape(clean)}</t></is></c>'


def _time(iso: str, zone: tzinfo) -> str:
    if len(iso) == len("2026-01-01"):
        return f'<c s="{DAY}"><v>{(date.fromisoformat(iso) - DAY_ZERO.date()).days}</v></c>'
    local = datetime.fromisoformat(iso).astimezone(zone).replace(tzinfo=None) - DAY_ZERO
    return f'<c s="{MOMENT}"><v>{local.days + local.seconds / 86_400:.8f}</v></c>'


def _parts(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Everything but the sheets."""
    numbered = list(enumerate(names, start=1))
    types = (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_SHEET_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_SHEET_TYPE}.styles+xml"/>'
    ) + "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_SHEET_TYPE}.worksheet+xml"/>'
        for n, _name in numbered
    )
    sheets = "".join(f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="rId{n}"/>' for n, name in numbered)
    related = _related("styles", "styles.xml", 0) + "".join(
        _related("worksheet", f"worksheets/sheet{n}.xml", n) for n, _name in numbered
    )
    whole = f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{{}}</Relationships>'
    book = f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets></workbook>'
    yield "[Content_Types].xml", f"{_HEAD}{types}</Types>"
    yield "_rels/.rels", whole.format(_related("officeDocument", "xl/workbook.xml", 1))
    yield "xl/workbook.xml", f"{_HEAD}{book}"
    yield "xl/_rels/workbook.xml.rels", whole.format(related)
    yield "xl/styles.xml", _STYLES


def _related(kind: str, target: str, number: int) -> str:
    return f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
