"""Reading a pasted list of names, one child a line, as it comes from a person, a letter or a spreadsheet.

A line that may be something else (a heading, a formula, a number) is never made a child in silence: it
carries a problem, and a teacher decides.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from backoffice.language.texts import lazy
from backoffice.schools.names import NameKey, name_key, plain, problem_with, written

_BULLETS = "-\u2010\u2011\u2012\u2013\u2014\u2212*\u2022\u2023\u2043\u00b7> "
_QUOTES = '"\u201c\u201d\u201e\u00ab\u00bb'
# "1.", "12)", "(3)", "#4", "3 -", or a number with a space behind it.
_NUMBERED = re.compile(rf"^[(#]*\d+(?:\s*[.):\]{re.escape(_BULLETS.strip())}]+\s*|\s+)(?=\S)")
_SUFFIXES = frozenset({"jr", "jr.", "sr", "sr.", "ii", "iii", "iv"})
_WORD = re.compile(r"\b[^\W\d_]+\b")

_GIVEN_TITLES = frozenset({"first", "given", "forename", "prenom", "vorname", "nombre", "nombres"})
_FAMILY_TITLES = frozenset({"last", "family", "surname", "apellido", "apellidos", "nachname"})
_ONLY_TITLES = frozenset(
    (
        *("name", "names", "student", "students", "pupil", "pupils", "child", "children", "grade", "class"),
        *("classroom", "roster", "homeroom", "surname", "forename", "gender", "birthday", "room", "section"),
        *("period", "year", "prenom", "vorname", "nombre", "nombres", "apellido", "apellidos", "nachname"),
    )
)
# Words that may stand in a heading, but may be a child's name as well: "My" and "No" are.
_ALSO_TITLES = frozenset(
    (
        *(
            "middle",
            "full",
            "preferred",
            "id",
            "no",
            "nr",
            "number",
            "list",
            "of",
            "the",
            "my",
            "our",
            "date",
        ),
        *(
            "teacher",
            "birth",
            "dob",
            "sex",
            "email",
            "e",
            "mail",
            "school",
            "form",
            "group",
            "code",
            "points",
        ),
    )
)
_TITLES = _GIVEN_TITLES | _FAMILY_TITLES | _ONLY_TITLES | _ALSO_TITLES

HEADING = lazy("This looks like a heading and not like a child.")
LEFT_OUT = lazy("The other columns are left out.")


@dataclass(frozen=True)
class PastedName:
    """One line of a pasted list. `problem` is a sentence, or None if the line can be used.

    `note` is a sentence about what of a good line was left out, or None.
    """

    line: int
    given: str
    family: str | None
    problem: str | None = None
    note: str | None = None

    @property
    def key(self) -> NameKey:
        """Equal for lines that name the same child."""
        return name_key(self.given, self.family)


class _Columns(NamedTuple):
    """Where a heading says that the names stand."""

    given: int
    family: int


class _Found(NamedTuple):
    """The names on a line, and how many of its cells they took."""

    given: str
    family: str
    cells: int


def read_pasted(text: str) -> list[PastedName]:
    """Read a list of names: "Ada Lovelace", "Lovelace, Ada", numbered, in quotes, in columns.

    In columns the given name comes first, before a comma the family name, unless a heading above says
    otherwise. Of more columns than two the names are taken and the rest is left out.
    """
    read: list[PastedName] = []
    columns: _Columns | None = None
    for number, raw in enumerate(text.splitlines(), start=1):
        titles = _cells(raw, commas=1)
        if not any(titles):
            continue
        if _is_heading(titles):
            columns = _columns_under(titles) or columns
            read.append(PastedName(number, " ".join(filter(None, titles)), None, HEADING))
        else:
            read.append(_name_on(number, raw, columns))
    return read


def _cells(raw: str, *, commas: int) -> list[str]:
    """The cells of a line, bare. Commas part cells only where there are so many, or quotes."""
    line = raw.strip(" ").lstrip(_BULLETS)
    cells = [line]
    if delimiter := next((each for each in "\t;" if each in line), None):
        cells = line.split(delimiter)
    elif line.startswith('"') or line.count(",") >= commas:
        cells = _by_commas(line)
    return [_bare(cell) for cell in cells]


def _by_commas(line: str) -> list[str]:
    try:
        return next(csv.reader([line], skipinitialspace=True))
    except csv.Error:  # longer than a cell may be
        return line.split(",")


def _bare(cell: str) -> str:
    """The cell without bullets, numbering and quotes around it."""
    text = _NUMBERED.sub("", written(cell).lstrip(_BULLETS), count=1).lstrip(_BULLETS)
    if text[:1] in _QUOTES and text[-1:] in _QUOTES:
        text = text.strip(_QUOTES)
    return text.strip()


def _name_on(number: int, raw: str, columns: _Columns | None) -> PastedName:
    cells = _cells(raw, commas=1 if columns else 2)
    filled = [cell for cell in cells if cell]
    if len(filled) > 1 and not _has_letters(filled[0]):
        filled = filled[1:]  # the line's number, or the child's in another system
    if columns and len(cells) > max(columns):
        found = _Found(cells[columns.given], cells[columns.family], len(columns))
    else:
        found = _found(filled, commas="\t" not in raw and ";" not in raw)
    problem = problem_with(found.given, found.family)
    note = LEFT_OUT if len(filled) > found.cells and problem is None else None
    return PastedName(number, found.given, found.family or None, problem, note)


def _found(filled: Sequence[str], *, commas: bool) -> _Found:
    spoken = [cell for cell in filled if _has_letters(cell)] or filled
    if len(spoken) == 1 or "," in spoken[0]:
        return _Found(*_parted(spoken[0]), cells=1)
    first, second, *rest = spoken
    if not commas:
        return _Found(first, second, cells=2)
    if rest and rest[0].casefold() in _SUFFIXES:
        return _Found(second, f"{first} {rest[0]}", cells=3)
    return _Found(second, first, cells=2)


def _parted(line: str) -> tuple[str, str]:
    if "," in line:
        family, _, given = line.partition(",")
    else:
        given, _, family = line.partition(" ")
    return given.strip(), family.strip()


def _is_heading(cells: Sequence[str]) -> bool:
    # A word with a digit in it ("4B") tells neither way.
    words = [word for cell in cells for word in _WORD.findall(plain(cell))]
    sure = any(word in _ONLY_TITLES for word in words)
    pair = sum(word in _GIVEN_TITLES | _FAMILY_TITLES for word in words) > 1
    return (sure or pair) and all(word in _TITLES for word in words)


def _columns_under(titles: Sequence[str]) -> _Columns | None:
    given, family = (
        next((place for place, title in enumerate(titles) if words.intersection(plain(title).split())), None)
        for words in (_GIVEN_TITLES, _FAMILY_TITLES)
    )
    return None if given is None or family is None or given == family else _Columns(given, family)


def _has_letters(text: str) -> bool:
    return any(symbol.isalpha() for symbol in text)
