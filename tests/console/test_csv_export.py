"""What an export writes into a cell, and what it holds while it writes."""

import csv
import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from backoffice.access.policy import visible
from backoffice.access.transaction import transaction
from backoffice.console import csv_export
from backoffice.console.csv_export import FORMULA, safe
from backoffice.console.grid import Cell, moment, number
from backoffice.language.spoken import speaking
from backoffice.schools.models import Student
from tests.factories.world import SYSTEM, World, add_child


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n"])
def test_a_spreadsheet_takes_no_cell_for_a_formula(first: str) -> None:
    assert safe(f"{first}HYPERLINK(1)") == f"'{first}HYPERLINK(1)"


@pytest.mark.parametrize("text", ["Ada", "-3", "+3.5", "Zoë = Ada", "a\nb", ""])
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert safe(text) == text


@pytest.mark.parametrize("separator", [";", "\t", "\n"])
def test_no_formula_begins_within_a_cell_whatever_ends_it_elsewhere(separator: str) -> None:
    cells = ["Kim", f"Park{separator}=HYPERLINK(1)", f'"{separator}+1']
    (_mark, line) = csv_export.written([cells])
    for delimiter in (",", ";", "\t"):
        found = [cell for row in csv.reader(io.StringIO(line), delimiter=delimiter) for cell in row]
        assert [cell for cell in found if cell.startswith(FORMULA)] == [], delimiter
    assert next(csv.reader(io.StringIO(line)))[1] == f"Park{separator}'=HYPERLINK(1)"


def test_each_cell_is_in_quotes() -> None:
    assert list(csv_export.written([["Ada", "", "12"]])) == ["\ufeff", '"Ada","","12"\r\n']


def test_many_lines_leave_together_in_pieces_of_one_size() -> None:
    """Each piece is sent by itself: not line by line, and never more than a few lines beyond its size."""
    names = [f"Child {number}" for number in range(5_000)]
    _mark, *pieces = csv_export.written([[name] for name in names])
    assert [row[0] for row in csv.reader(io.StringIO("".join(pieces)))] == names
    assert 3 < len(pieces) < 20
    assert max(map(len, pieces)) < csv_export.PIECE + 100


def test_rows_leave_the_session_as_they_are_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory stays the same however long the list is: one batch is held, whoever still holds its rows."""
    monkeypatch.setattr(csv_export, "BATCH", 3)
    with transaction(SYSTEM) as tx:
        for number in range(6):
            add_child(tx, world.own_class, f"Written{number}")
    sizes: list[int] = []
    written: list[Student] = []
    with transaction(world.sign_in("teacher")) as tx:
        for things in csv_export.batches(tx, visible(tx.principal, select(Student))):
            assert {id(thing) for thing in tx} == {id(thing) for thing in things}
            sizes.append(len(things))
            written += things
        assert not list(tx)
    assert sizes == [3, 3, 2]
    assert len({student.id for student in written}) == 8


def test_a_file_says_the_moment_and_not_how_long_ago_it_was() -> None:
    cell = moment(datetime(2027, 3, 1, 9, tzinfo=UTC), ZoneInfo("America/New_York"))
    assert (cell.text or "").endswith(("ago", "days"))
    assert cell.in_file == "2027-03-01 04:00:00"
    assert Cell("1 Mar 2027", "time", datetime="2027-03-01").in_file == "2027-03-01"


@pytest.mark.parametrize("spoken", ["en", "es"])
def test_a_file_does_not_depend_on_how_its_reader_writes(spoken: str) -> None:
    with speaking(spoken):
        shown = number(12_345)
    assert (shown.text, shown.in_file) == ("12,345" if spoken == "en" else "12.345", "12345")
    assert Cell("cat-sky", "mark", exact="Blue cat").in_file == "Blue cat"
