"""What can be written in a field, by its kind: the one form in which it is kept, and how people read it."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from backoffice.fields.models import CustomField, FieldKind
from backoffice.language.moments import day_of_year
from backoffice.language.texts import gettext, lazy
from backoffice.storage import keyring
from backoffice.wording import clean

LONGEST_TEXT = 200
_NUMBER = re.compile(r"([-+]?)(\d{1,12})(?:[.,](\d{1,4}))?", re.ASCII)
FIRST_YEAR, LAST_YEAR = 1900, 2200
YES, NO = "yes", "no"
SAID = {YES: lazy("Yes"), NO: lazy("No")}


class Unfit(ValueError):
    """What was written is nothing that the field can hold; `sentence` says what to write."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def written(kind: FieldKind, choices: Sequence[str], text: str) -> str | None:
    """What somebody wrote, as it is kept; None if nothing. Raises `Unfit`."""
    text = clean(text)
    if not text:
        return None
    match kind:
        case FieldKind.TEXT:
            return _text(text)
        case FieldKind.NUMBER:
            return _number(text)
        case FieldKind.DATE:
            return _day(text)
    if text not in (choices if kind is FieldKind.CHOICE else (YES, NO)):
        raise Unfit(gettext("Choose one of what there is."))
    return text


def shown(kind: FieldKind, value: str) -> str:
    """A value as people read it."""
    match kind:
        case FieldKind.DATE:
            return day_of_year(date.fromisoformat(value))
        case FieldKind.YES_NO:
            return str(SAID[value])
        case _:
            return value


def digest(field: CustomField, value: str) -> bytes:
    """By what the rows with one value of a field are found; small and large letters are the same."""
    return keyring.current().blind_index(value.casefold(), context=f"custom_field.{field.public_id}")


def kept(field: CustomField, value: str, at: datetime) -> dict[str, Any]:
    """The columns of a value that was set at a moment. How long it is kept the database says."""
    return {"value": value, "value_index": digest(field, value), "set_at": at}


def _text(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise Unfit(gettext("Write at most %(most)s characters.", most=LONGEST_TEXT))
    return text


def _number(text: str) -> str:
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise Unfit(gettext("Write a number, such as 12 or 12.5."))
    sign, whole, places = found.groups()
    whole, places = whole.lstrip("0") or "0", (places or "").rstrip("0")
    plain = f"{whole}.{places}" if places else whole
    return f"-{plain}" if sign == "-" and plain != "0" else plain


def _day(text: str) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise Unfit(gettext("Choose a day, such as 2026-09-01."))
    return day.isoformat()
