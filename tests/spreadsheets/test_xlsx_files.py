"""Workbooks: read as a spreadsheet reads them, in constant memory, and running nothing."""

import io
import re
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import UTC
from typing import Any
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from backoffice.access.transaction import transaction
from backoffice.console.grid import Cell
from backoffice.spreadsheets import xlsx_files
from tests.factories.visitor import send, signed_in
from tests.factories.world import SYSTEM, World, add_child

NS = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
OFFICE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def sheets(data: bytes) -> dict[str, list[list[tuple[str, str]]]]:
    """Each sheet by its name: rows of cells, each with its style and what it holds."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        assert book.testzip() is None
        targets = {
            each.attrib["Id"]: each.attrib["Target"] for each in tree(book.read("xl/_rels/workbook.xml.rels"))
        }
        types = book.read("[Content_Types].xml").decode()
        found = {}
        for sheet in tree(book.read("xl/workbook.xml")).iterfind("m:sheets/m:sheet", NS):
            path = f"xl/{targets[sheet.attrib[OFFICE]]}"
            assert f'PartName="/{path}"' in types
            rows = tree(book.read(path)).iterfind("m:sheetData/m:row", NS)
            found[sheet.attrib["name"]] = [[_held(cell) for cell in row] for row in rows]
        assert not [name for name in book.namelist() if b"<f>" in book.read(name)]
    return found


def tree(data: bytes) -> ET.Element:
    """A part of a workbook that we made ourselves."""
    return ET.fromstring(data)  # noqa: S314


def _held(cell: Any) -> tuple[str, str]:
    value = cell.find("m:is/m:t", NS) if cell.get("t") == "inlineStr" else cell.find("m:v", NS)
    return cell.get("s", ""), "" if value is None else value.text or ""


def book(*rows: list[Cell], zone: str = "UTC", titles: tuple[str, ...] = ("A",)) -> bytes:
    return b"".join(xlsx_files.written(titles, rows, name="Rows & more", zone=ZoneInfo(zone)))


@pytest.mark.parametrize(
    ("cell", "style", "held"),
    [
        (Cell("Zoë Ångström"), xlsx_files.TEXT, "Zoë Ångström"),
        (Cell(" two  spaces "), xlsx_files.TEXT, " two  spaces "),
        (Cell("<b>&</b>"), xlsx_files.TEXT, "<b>&</b>"),
        (Cell("=HYPERLINK('x')"), xlsx_files.QUOTED, "=HYPERLINK('x')"),
        (Cell("@SUM(1)"), xlsx_files.QUOTED, "@SUM(1)"),
        (Cell("\tcmd"), xlsx_files.QUOTED, "\tcmd"),
        (Cell("a\x00\x1b\ufffeb\ud800"), xlsx_files.TEXT, "ab"),
        (Cell("_x0041_"), xlsx_files.TEXT, "_x005F_x0041_"),
        (Cell("12", "number"), "", "12"),
        (Cell("-1,234", "number"), "", "-1234"),
        (Cell("12.345", "number", exact="12345"), "", "12345"),
        (Cell("cat-sky", "mark", exact="Blue cat"), xlsx_files.TEXT, "Blue cat"),
        (Cell("=1", "number"), xlsx_files.QUOTED, "=1"),
        (Cell("1 Mar 2026", "time", datetime="2026-03-01"), xlsx_files.DAY, "46082"),
        # Half past six in the morning in Denver.
        (
            Cell("1 Mar, 06:30", "time", datetime="2026-03-01T13:30:00+00:00"),
            xlsx_files.MOMENT,
            "46082.27083333",
        ),
        (Cell(None), "", ""),
        (Cell("x" * 40_000), xlsx_files.TEXT, "x" * 32_767),
    ],
)
def test_what_a_cell_holds(cell: Cell, style: object, held: str) -> None:
    (rows,) = sheets(book([cell], zone="America/Denver")).values()
    assert rows == [[(str(xlsx_files.HEAD), "A")], [(str(style), held)]]


def test_an_empty_list_is_a_sheet_with_its_titles() -> None:
    assert sheets(book(titles=("A", "B"))) == {"Rows & more": [[("1", "A"), ("1", "B")]]}


def test_what_a_sheet_cannot_hold_is_on_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_files, "MOST_ROWS", 3)
    found = sheets(book(*([Cell(str(n))] for n in range(5))))
    numbers = [[row[0][1] for row in rows[1:]] for rows in found.values()]
    assert (list(found), numbers) == (
        ["Rows & more", "Rows & more 2", "Rows & more 3"],
        [["0", "1"], ["2", "3"], ["4"]],
    )


def test_however_long_it_takes_no_more_memory() -> None:
    def rows(count: int) -> Iterator[list[Cell]]:
        return ([Cell(f"Name {n:09}"), Cell(str(n), "number")] for n in range(count))

    peaks = []
    for count in (4_000, 20_000):
        tracemalloc.start()
        pieces = xlsx_files.written(("A", "B"), rows(count), name="Rows", zone=UTC)
        assert max(len(piece) for piece in pieces) < 4 * xlsx_files.CHUNK
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0] + 100_000


def test_a_list_is_taken_out_as_a_workbook(app: Flask, world: World) -> None:
    with transaction(SYSTEM) as tx:
        add_child(tx, world.own_class, "=Given", "Wilkes")
    browser, page = signed_in(app, world, "teacher"), "/console/students/"
    whole = browser.get(f"{page}export.xlsx?columns=name,active")
    assert whole.mimetype == xlsx_files.TYPE
    assert 'filename="students.xlsx"' in whole.headers["Content-Disposition"]
    (rows,) = sheets(whole.get_data()).values()
    assert [text for _style, text in rows[0]] == ["Student", "Last in"]
    assert (str(xlsx_files.QUOTED), "=Given Wilkes") in [row[0] for row in rows]
    assert all(re.fullmatch(r"\d{5}", row[1][1]) for row in rows[1:])
    found = send(browser, f"{page}export.xlsx", {"q": "wilh"}, page=page)
    ((_head, *names),) = sheets(found.get_data()).values()
    assert [row[0][1] for row in names] == ["Wilhelmina Quartermaine"]
    assert signed_in(app, world, "founder").get(f"{page}export.xlsx").status_code == 404
