"""The rows of a list are written in Python: what they say is escaped there."""

import re
from dataclasses import replace
from datetime import date

import pytest
from flask import Flask
from markupsafe import Markup

from backoffice.console.grid import Cell, Column, Row
from backoffice.console.grids.written import Pencil, RowWords, written_rows
from backoffice.console.students import StudentGrid, _of_day
from backoffice.language.spoken import language, speaking
from backoffice.language.texts import lazy

HOSTILE = """<script>alert("1")</script>'&"""
KINDS = ("text", "number", "time", "badge", "code", "mark", HOSTILE)
WORDS = RowWords(("Select ", HOSTILE), "Open it")


def hostile(kind: str, **more: str | None) -> Cell:
    """A cell whose every text is hostile."""
    return Cell(HOSTILE, kind, **{"tone": HOSTILE, "datetime": HOSTILE, "exact": HOSTILE, **more})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("more", [{}, {"url": HOSTILE}])
@pytest.mark.parametrize("changed", [(), (HOSTILE,)])
def test_no_text_of_a_row_is_markup(
    app: Flask, kind: str, more: dict[str, str], changed: tuple[str, ...]
) -> None:
    rows = [
        Row(HOSTILE, HOSTILE, [hostile(kind, **more)] * 2),
        Row(HOSTILE, None, [hostile(kind, **more)] * 2),
    ]
    edit = StudentGrid.columns[0].edit
    assert edit
    columns = [Column("first", HOSTILE, edit=replace(edit, title=HOSTILE))] * 2
    with app.app_context():
        page = written_rows(rows, columns, WORDS, {"first": Pencil(changed, HOSTILE)})
    assert page.count("<tr>") == 2
    assert page.count("cell-edit") == 4 * len(changed)
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "&amp;lt;" not in page
    # Each quote of the page is one of its attributes'.
    assert not re.search(r"""="[^"<>]*"(?![\s>/])""", page)


def test_what_is_missing_stays_missing(app: Flask) -> None:
    columns = [Column("name", "Name"), Column("class", "Class")]
    with app.app_context():
        nothing = written_rows([Row("abc", None, [Cell(None), Cell(None)])], columns, WORDS, {})
        empty = written_rows(
            [Row("abc", "/there", [Cell(""), Cell("")])], columns, WORDS._replace(select=None), {}
        )
    assert '<th scope="row"></th><td></td></tr>' in nothing
    assert empty == '<tr><th scope="row"><a href="/there">Open it</a></th><td data-label="Class"></td></tr>'


def test_texts_are_said_in_the_language_of_who_reads_them(app: Flask) -> None:
    column = Column("name", lazy("Name"))
    with app.app_context(), speaking("es"):
        page = written_rows([Row("abc", None, [Cell(None), Cell(lazy("Name"))])], [column] * 2, WORDS, {})
    assert page.endswith('<td data-label="Nombre">Nombre</td></tr>')


def test_what_a_cell_shows_is_what_its_column_writes(app: Flask) -> None:
    """A script puts the one in the other's place."""
    columns = [Column("name", "Name"), Column("mark", "Mark")]
    pencils = {"mark": Pencil({"abc"}, "/there")}
    cells = Cell("owl-plum", "mark", exact="Owl"), Cell("on", "badge"), Cell("1"), Cell("a", "code")
    with app.app_context():
        for cell in cells:
            page = written_rows([Row("abc", None, [cell, cell])], columns, WORDS, pencils)
            assert f'<span class="cell-value">{cell.shown}</span>' in page


def test_a_day_is_said_in_the_language_of_who_reads_it() -> None:
    said = {}
    for spoken in ("en", "es", "en"):
        with speaking(spoken):
            said[spoken] = _of_day(date(2027, 1, 5), language()).text
    assert said == {"en": "5 Jan 2027", "es": "5 ene 2027"}


def test_a_cell_that_many_rows_have_is_written_once_and_no_other_in_its_place(app: Flask) -> None:
    """A text is equal to markup that says the same, and still is none."""
    same, markup, plain = Cell("<b>1</b>"), Cell(Markup("<b>1</b>")), Cell("<b>1</b>")
    assert same == markup == plain
    columns = [Column("name", "Name"), Column("class", "Class")]
    rows = [Row(str(at), None, [Cell("x"), each]) for at, each in enumerate((same, markup, plain, same))]
    with app.app_context():
        page = written_rows(rows, columns, WORDS, {})
    assert re.findall(r'data-label="Class">(.*?)</td>', page) == [
        "&lt;b&gt;1&lt;/b&gt;",
        "<b>1</b>",
        *["&lt;b&gt;1&lt;/b&gt;"] * 2,
    ]


def test_all_rows_may_be_changed_without_naming_them(app: Flask) -> None:
    columns = [Column("name", "Name", edit=StudentGrid.columns[0].edit), Column("class", "Class")]
    rows = [Row(each, None, [Cell("x"), Cell("y")]) for each in ("abc", "abd")]
    with app.app_context():
        all_of_them = written_rows(rows, columns, WORDS, {"name": Pencil(None, "/cell/name")})
        named = written_rows(rows, columns, WORDS, {"name": Pencil({"abc", "abd"}, "/cell/name")})
        none = written_rows(rows, columns, WORDS, {"name": Pencil((), "/cell/name")})
    assert all_of_them == named
    assert (named.count("cell-edit"), none.count("cell-edit")) == (2, 0)
