"""Files that people bring: of every usual kind, and of kinds that are meant to do harm."""

import io
import struct
import time
import zipfile
from collections.abc import Callable, Sequence
from threading import Semaphore
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backoffice.console.grid import Cell
from backoffice.imports import limits, sheets
from backoffice.imports.columns import ImportColumn, matched
from backoffice.imports.limits import LONGEST_CELL, MOST_COLUMNS, MOST_ROWS, Unreadable
from backoffice.imports.reading import read_file, read_text
from backoffice.spreadsheets import csv_files, xlsx_files
from backoffice.spreadsheets.csv_files import safe, unguarded

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINES = [["Name", "Class"], ["José Núñez", "4B; Science"], ["Ada", ""]]
OFFICE = "urn:oasis:names:tc:opendocument:xmlns"


def workbook(sheet: str, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A workbook of ours with another sheet in it."""
    made = b"".join(xlsx_files.written(["A"], [], name="A", zone=ZoneInfo("UTC")))
    anew = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made)) as old, zipfile.ZipFile(anew, "w", method) as new:
        for name in old.namelist():
            text = f'<worksheet xmlns="{MAIN}"><sheetData>{sheet}</sheetData></worksheet>'
            new.writestr(name, text if "sheet1" in name else old.read(name))
    return anew.getvalue()


def document(table: str) -> bytes:
    """An OpenDocument sheet."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml",
            f'<office:document-content xmlns:office="{OFFICE}:office:1.0" xmlns:table="{OFFICE}:table:1.0"'
            f' xmlns:text="{OFFICE}:text:1.0"><office:body><office:spreadsheet><table:table table:name="A">'
            f"{table}</table:table></office:spreadsheet></office:body></office:document-content>",
        )
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
    return made.getvalue()


def archived(name: str, data: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return made.getvalue()


def lying_of_its_size() -> bytes:
    """An archive that says of a large part that it is of ten bytes."""
    made = bytearray(archived("xl/workbook.xml", b"0" * (limits.LARGEST_UNPACKED + 1)))
    at = made.rindex(b"PK\x01\x02")
    made[at + 24 : at + 28] = struct.pack("<I", 10)
    made[22:26] = struct.pack("<I", 10)
    return bytes(made)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_text_of_every_usual_kind(delimiter: str, encoding: str) -> None:
    text = "\r\n".join(delimiter.join(f'"{cell}"' for cell in line) for line in LINES)
    assert [cells for _line, cells in read_file(text.encode(encoding)).lines] == LINES


def test_lines_have_the_numbers_of_the_file() -> None:
    text = 'sep=|\nName|Class\n\n"two\nlines"|4B\n||\nBea|4B'
    assert [line for line, _cells in read_text(text).lines] == [2, 4, 7]
    assert [line for line, _cells in read_text("\r\n" + text).lines] == [3, 5, 8]
    with pytest.raises(Unreadable, match="Line 3 "):
        read_text('sep=,\nName\n"Ada')
    assert read_text("Kim\nO'Neill, Bea").lines == [(1, ["Kim"]), (2, ["O'Neill, Bea"])]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_where_those_of_csv_do(end: str) -> None:
    odd = "A\vd\fa\x1c \x85B\u2028C\u2029D"
    lines = [(1, ["Name", "Class"]), (2, [odd, "4B"]), (3, ["Bea", f"4{end}B"]), (5, ["Cy", "4B"])]
    text = end.join(["Name,Class", f"{odd},4B", f'Bea,"4{end}B"', "Cy,4B"])
    assert read_text(text).lines == lines


def test_workbooks_are_read_from_their_first_row_on() -> None:
    cells = (
        '<c r="B2" t="inlineStr"><is><t>Ada</t></is></c><c r="C2"><v>5</v></c><c r="D2" t="b"><v>1</v></c>'
    )
    formula = '<row r="4"><c r="B4" t="str"><f>1+1</f><v>two</v></c></row>'
    lines = read_file(workbook(f'<row r="2">{cells}</row>{formula}')).lines
    assert [(line, [cell for cell in cells if cell]) for line, cells in lines] == [
        (2, ["Ada", "5", "yes"]),
        (4, ["two"]),
    ]
    row = "<table:table-cell office:value-type='string'><text:p>Ada</text:p></table:table-cell>"
    assert read_file(document(f"<table:table-row>{row}</table:table-row>")).lines == [(1, ["Ada"])]


FAR = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
REPEATED = (
    "<table:table-row table:number-rows-repeated='1000000'><table:table-cell office:value-type='string'"
    " table:number-columns-repeated='16000'><text:p>x</text:p></table:table-cell></table:table-row>"
)
ENTITIES = (
    '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
    '<row r="1"><c r="A1" t="str"><v>&c;</v></c></row>'
)


@pytest.mark.parametrize(
    "make",
    [
        lambda: archived("xl/workbook.xml", b"0" * (limits.LARGEST_UNPACKED + 1)),
        lying_of_its_size,
        lambda: workbook(FAR),
        lambda: document(REPEATED),
        lambda: archived("readme.txt", b"no workbook"),
        lambda: b"PK\x03\x04" + b"x" * 100,
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        lambda: b"%PDF-1.7\n\x81\x8d\x8f\xff",
        lambda: b"Name\0,\0Class" * 9,
        lambda: b"\xff\xfeN",
        lambda: b"Name\n" + b"Ada\n" * (MOST_ROWS + 1),
        ("a," * 1_000_000).encode,
        ("a," * MOST_COLUMNS + "a").encode,
        lambda: b"x" * (LONGEST_CELL + 1),
        lambda: b'"' + b"x" * 200_000,
        lambda: b"x" * (limits.LARGEST_FILE + 1),
        lambda: b" \r\n\t\r\n",
    ],
)
def test_what_is_no_list_is_refused_at_once(make: Callable[[], bytes]) -> None:
    content, begun = make(), time.monotonic()
    with pytest.raises(Unreadable) as refused:
        read_file(content)
    # As a sentence, within seconds, with nothing of the file in it.
    assert refused.value.sentence.endswith(".")
    assert "xxx" not in refused.value.sentence
    assert time.monotonic() - begun < 10


def test_an_archive_is_unpacked_no_further_than_its_bound() -> None:
    with pytest.raises(Unreadable) as refused:
        read_file(archived("xl/worksheets/sheet1.xml", b" " * (limits.LARGEST_UNPACKED + 1)))
    assert refused.value.sentence == sheets.TOO_LARGE


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_without_a_maximum_are_not_unpacked(method: int) -> None:
    with pytest.raises(Unreadable) as refused:
        read_file(workbook("", method))
    assert refused.value.sentence == sheets.NO_WORKBOOK


def test_no_more_workbooks_are_read_at_once_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "_PATIENCE", 0.01)
    monkeypatch.setattr(sheets, "_READING", Semaphore(0))
    begun = time.monotonic()
    with pytest.raises(Unreadable) as refused:
        read_file(workbook(""))
    assert refused.value.sentence == sheets.BUSY
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("letter", ["x", " "])
def test_a_table_of_too_many_letters_is_read_no_further(letter: str) -> None:
    cell = f'<c t="inlineStr"><is><t xml:space="preserve">{letter * LONGEST_CELL}</t></is></c>'
    full = limits.MOST_LETTERS // LONGEST_CELL
    content = workbook(f"<row>{cell * 50}</row>" * (full // 25))
    assert len(sheets.rows_of(content)) == full // 50 + 1
    text = f"{letter * LONGEST_CELL}\n" * (full + 1)
    for each in (content, text.encode()):
        with pytest.raises(Unreadable, match="letters"):
            read_file(each)
    long = workbook(f"<row>{cell.replace(letter * 9, letter * 99)}</row>")
    assert [len(cells[0]) for cells in sheets.rows_of(long)] == [LONGEST_CELL + 1]


def test_entities_do_not_grow() -> None:
    try:
        read = read_file(workbook(ENTITIES))
    except Unreadable:
        return
    assert "bbbb" not in str(read.lines)


def test_headings_are_known_in_any_spelling_and_once() -> None:
    columns = (ImportColumn("given", "Given name", ("first name", "prénom")), ImportColumn("id", "ID"))
    headings = [" FIRST-NAME ", "Prenom", "Id", "", "id ", "Points"]
    assert matched(headings, columns) == ["given", None, "id", None, None, None]


CELLS = st.text(alphabet=st.sampled_from([*"='+-@;,\t\n\"a1. ", "＝", "é", "\u200f"]), max_size=9)


@given(CELLS)
@settings(max_examples=400, deadline=None)
def test_the_guard_of_formulas_comes_off_as_it_went_on(text: str) -> None:
    assert unguarded(safe(text)) == text


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_our_own_csv_comes_back_cell_by_cell(lines: Sequence[Sequence[str]]) -> None:
    written = "".join(csv_files.written([["Given name", "Classes"], *lines]))
    read = [[unguarded(cell) for cell in cells] for _line, cells in read_file(written.encode()).lines]
    assert read[1:] == [list(line) for line in lines if any(map(str.strip, map(safe, line)))]


def test_our_own_workbook_comes_back() -> None:
    lines = [["=1+1", "'@a"], ["Zoë", "-3"], ["\u202eevil", "a\nb"]]
    rows = [[Cell(text) for text in line] for line in lines]
    made = b"".join(xlsx_files.written(["A", "B"], rows, name="A", zone=ZoneInfo("UTC")))
    assert [cells for _line, cells in read_file(made).lines] == [["A", "B"], *lines]
