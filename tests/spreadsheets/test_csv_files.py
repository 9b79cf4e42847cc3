"""What an export writes into a cell, and what it holds while it writes."""

import csv
import io

import pytest

from backoffice.spreadsheets import csv_files
from backoffice.spreadsheets.csv_files import FORMULA, safe


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n"])
def test_a_spreadsheet_takes_no_cell_for_a_formula(first: str) -> None:
    assert safe(f"{first}HYPERLINK(1)") == f"'{first}HYPERLINK(1)"


@pytest.mark.parametrize("text", ["Ada", "-3", "+3.5", "Zoë = Ada", "a\nb", ""])
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert safe(text) == text


@pytest.mark.parametrize("separator", [";", "\t", "\n"])
def test_no_formula_begins_within_a_cell_whatever_ends_it_elsewhere(separator: str) -> None:
    cells = ["Kim", f"Park{separator}=HYPERLINK(1)", f'"{separator}+1']
    (_mark, line) = csv_files.written([cells])
    for delimiter in (",", ";", "\t"):
        found = [cell for row in csv.reader(io.StringIO(line), delimiter=delimiter) for cell in row]
        assert [cell for cell in found if cell.startswith(FORMULA)] == [], delimiter
    assert next(csv.reader(io.StringIO(line)))[1] == f"Park{separator}'=HYPERLINK(1)"


def test_each_cell_is_in_quotes() -> None:
    assert list(csv_files.written([["Ada", "", "12"]])) == ["\ufeff", '"Ada","","12"\r\n']


def test_many_lines_leave_together_in_pieces_of_one_size() -> None:
    """Each piece is sent by itself: not line by line, and never more than a few lines beyond its size."""
    names = [f"Child {number}" for number in range(5_000)]
    _mark, *pieces = csv_files.written([[name] for name in names])
    assert [row[0] for row in csv.reader(io.StringIO("".join(pieces)))] == names
    assert 3 < len(pieces) < 20
    assert max(map(len, pieces)) < csv_files.PIECE + 100
