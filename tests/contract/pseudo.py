"""A language that nobody speaks, in which each text stands between brackets: what a page says outside of them
never went through gettext.

What is filled into a sentence stands outside of its brackets. So an English word within a translated sentence
is found, too.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from babel.dates import get_day_names
from flask_wtf import FlaskForm

from backoffice.accounts import places
from backoffice.console import students, weekdays
from backoffice.language import moments, texts

# The fonts of papers have these.
OPEN, CLOSE = "«", "»"
# What a text has filled in, and its markup.
_PLACE = re.compile(r"(%\(\w+\)[sd]|%%|\{\w*\}|<[^>]*>)")
_SAID = re.compile(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}")
# A single letter is an initial, or the sign of a unit.
_WORD = re.compile(r"[^\W\d_]{2}")
# Attributes that are shown by the browser or by a style, or are read aloud.
READ = frozenset(
    {
        *("title", "aria-label", "aria-description", "aria-roledescription", "aria-valuetext"),
        *("placeholder", "alt", "label", "data-label", "data-all", "data-sort-by", "data-saved"),
        *("data-again", "data-given-up", "data-leave", "data-failed", "data-busy"),
    }
)
SILENT = frozenset({"script", "style"})
BUTTONS = frozenset({"submit", "button", "reset"})
VOID = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})


def marked(text: str) -> str:
    """The text with brackets around all that it says itself."""
    # Every second part is a place.
    return "".join(
        part if number % 2 or not part.strip() else f"{OPEN}{part}{CLOSE}"
        for number, part in enumerate(_PLACE.split(text))
    )


class Pseudo:
    """The catalogue of that language, as ours and as that of WTForms. It has every text."""

    def gettext(self, text: str) -> str:
        """A text."""
        return marked(text)

    def ngettext(self, one: str, many: str, num: int) -> str:
        """The form of a text that goes with a number."""
        return marked(one if num == 1 else many)

    ugettext, ungettext = gettext, ngettext


def speak_pseudo(patch: pytest.MonkeyPatch) -> None:
    """Say everything in that language: texts, and what a locale says of moments, days and places."""
    spoken, days = Pseudo(), get_day_names

    def day_names(*args: Any, **options: Any) -> dict[int, str]:
        return {number: marked(name) for number, name in days(*args, **options).items()}

    patch.setattr(texts, "translations", lambda _language: spoken)
    patch.setattr(FlaskForm.Meta, "get_translations", lambda _self, _form: spoken)
    for name in ("format_date", "format_datetime", "format_timedelta", "format_unit"):
        patch.setattr(moments, name, _marking(getattr(moments, name)))
    for name in ("country_name", "city_name"):
        patch.setattr(places, name, _marking(getattr(places, name)))
    patch.setattr(weekdays, "get_day_names", day_names)
    # It remembers days as they were said before, and would go on saying them like this.
    patch.setattr(students, "_of_day", students._of_day.__wrapped__)


def _marking(says: Callable[..., str]) -> Callable[..., str]:
    def marks(*args: Any, **options: Any) -> str:
        said = says(*args, **options)
        # Of a pattern that is a text itself, the brackets are there.
        return said if OPEN in said else f"{OPEN}{said}{CLOSE}"

    return marks


def unsaid(read: Iterable[str], data: re.Pattern[str]) -> Iterator[str]:
    """Which of the texts that are read have words outside of the brackets that are no data."""
    for text in read:
        rest, shorter = text, _SAID.sub(" ", text)
        while shorter != rest:
            rest, shorter = shorter, _SAID.sub(" ", shorter)
        if _WORD.search(data.sub(" ", rest)):
            yield " ".join(text.split())


def read_in(page: str) -> list[str]:
    """What is read on a page, and read aloud from it, but for what is marked as being in another language."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.read


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []
        # Of each element that is open, whether nobody reads it, or it is in a language of its own.
        self._passed_over = [False]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        passed = self._passed_over[-1] or tag in SILENT or (tag != "html" and "lang" in given)
        if tag not in VOID:
            self._passed_over.append(passed)
        if not passed:
            self.read += [value for name, value in given.items() if name in READ]
            if tag == "input" and given.get("type") in BUTTONS:
                self.read.append(given.get("value", ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Of drawings: nothing is in it.
        del tag, attrs

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self._passed_over.pop()

    def handle_data(self, data: str) -> None:
        if not self._passed_over[-1]:
            self.read.append(data)
