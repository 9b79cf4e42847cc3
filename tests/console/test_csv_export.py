"""What an export writes into a cell."""

import pytest

from backoffice.console.csv_export import safe


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n"])
def test_a_spreadsheet_takes_no_cell_for_a_formula(first: str) -> None:
    assert safe(f"{first}HYPERLINK(1)") == f"'{first}HYPERLINK(1)"


@pytest.mark.parametrize("text", ["Ada", "-3", "+3.5", "Zoë = Ada", "a\nb", ""])
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert safe(text) == text
