"""What the rows of a list are written from is escaped: the template of rows escapes nothing."""

import re
from dataclasses import replace
from datetime import date

import pytest
from flask import Flask, render_template_string
from markupsafe import Markup

from backoffice.console.grid import Cell, Column, Row
from backoffice.console.grids.escaped import escaped_columns, escaped_rows
from backoffice.console.students import StudentGrid, _of_day
from backoffice.language.spoken import language, speaking

HOSTILE = """<script>alert("1")</script>'&"""
KINDS = ("text", "number", "time", "badge", "code", "mark", HOSTILE)
PAGE = """{% from "console/parts/rows.html" import rows_of %}
{{ rows_of(rows, columns, selects, nameless, pencil) }}"""


def hostile(kind: str, **more: str | None) -> Cell:
    """A cell whose every text is hostile."""
    return Cell(HOSTILE, kind, **{"tone": HOSTILE, "datetime": HOSTILE, "exact": HOSTILE, **more})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("more", [{}, {"url": HOSTILE}, {"edit": HOSTILE}, {"url": HOSTILE, "edit": HOSTILE}])
def test_no_text_of_a_row_is_markup(app: Flask, kind: str, more: dict[str, str]) -> None:
    rows = [
        Row(HOSTILE, HOSTILE, [hostile(kind, **more)] * 2),
        Row(HOSTILE, None, [hostile(kind, **more)] * 2),
    ]
    edit = StudentGrid.columns[0].edit
    assert edit
    columns = [Column("first", HOSTILE, edit=replace(edit, title=HOSTILE))] * 2
    with app.test_request_context():
        page = render_template_string(
            PAGE,
            rows=escaped_rows(rows),
            columns=escaped_columns(columns),
            selects=["Select ", ""],
            nameless="Open it",
            pencil=Markup("<svg></svg>"),
        )
    assert page.count("<tr>") == 2
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "&amp;lt;" not in page
    # Each quote of the page is one of its attributes'.
    assert not re.search(r"""="[^"<>]*"(?![\s>/])""", page)


def test_what_is_missing_stays_missing() -> None:
    (row,) = escaped_rows([Row("abc", None, [Cell(None), Cell("", "text")])])
    assert (row.url, row.cells[0].text, row.cells[1].text) == (None, None, "")


def test_a_day_is_said_in_the_language_of_who_reads_it() -> None:
    said = {}
    for spoken in ("en", "es", "en"):
        with speaking(spoken):
            said[spoken] = _of_day(date(2027, 1, 5), language()).text
    assert said == {"en": "5 Jan 2027", "es": "5 ene 2027"}
