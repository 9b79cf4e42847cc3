"""What can be written in a field of each kind."""

import pytest

from backoffice.fields.models import FieldKind
from backoffice.fields.values import LONGEST_TEXT, Unfit, shown, written

BUSES = ("Red", "Blue")


@pytest.mark.parametrize(
    ("kind", "text", "kept"),
    [
        (FieldKind.TEXT, "  Line \u200b 7 ", "Line 7"),
        (FieldKind.NUMBER, "12", "12"),
        (FieldKind.NUMBER, "012.50", "12.5"),
        (FieldKind.NUMBER, "-3,25", "-3.25"),
        (FieldKind.NUMBER, "-0", "0"),
        (FieldKind.CHOICE, "Red", "Red"),
        (FieldKind.DATE, "2026-09-01", "2026-09-01"),
        (FieldKind.YES_NO, "yes", "yes"),
    ],
)
def test_what_fits_is_kept_in_one_form(kind: FieldKind, text: str, kept: str) -> None:
    assert written(kind, BUSES, text) == kept


@pytest.mark.parametrize("kind", FieldKind)
def test_nothing_is_no_value(kind: FieldKind) -> None:
    assert written(kind, BUSES, " \u200b ") is None


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (FieldKind.TEXT, "x" * (LONGEST_TEXT + 1)),
        (FieldKind.NUMBER, "seven"),
        (FieldKind.NUMBER, "1e5"),
        (FieldKind.NUMBER, "NaN"),
        (FieldKind.NUMBER, "1234567890123"),
        (FieldKind.NUMBER, "=1+1"),
        (FieldKind.CHOICE, "Green"),
        (FieldKind.CHOICE, "red"),
        (FieldKind.DATE, "1.9.2026"),
        (FieldKind.DATE, "1026-09-01"),
        (FieldKind.YES_NO, "perhaps"),
    ],
)
def test_what_does_not_fit_is_refused(kind: FieldKind, text: str) -> None:
    with pytest.raises(Unfit):
        written(kind, BUSES, text)


def test_people_read_days_and_answers_in_words() -> None:
    assert shown(FieldKind.YES_NO, "yes") == "Yes"
    assert "2026" in shown(FieldKind.DATE, "2026-09-01")
    assert shown(FieldKind.TEXT, "Line 7") == "Line 7"
