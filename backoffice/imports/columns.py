"""The columns that a list may bring, and which of them a file's headings mean."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SIGNS = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class ImportColumn:
    """One column of a list. `known_as` are further headings that mean it, in any spelling."""

    key: str
    title: str
    known_as: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """A line of a file: its number there, and the texts of its cells by the keys of their columns."""

    line: int
    cells: Mapping[str, str]

    def cell(self, key: str) -> str:
        """The text of a cell; nothing where the column is not brought."""
        return self.cells.get(key, "")


def matched(headings: Sequence[str], columns: Sequence[ImportColumn]) -> list[str | None]:
    """Which column each heading means, by its key; None of those that mean none, or one that is taken."""
    meanings = {
        folded(text): column.key
        for column in columns
        for text in (column.key, column.title, *column.known_as)
    }
    found: list[str | None] = []
    for heading in headings:
        key = meanings.get(folded(heading))
        found.append(key if key not in found else None)
    return found


def folded(text: str) -> str:
    """A heading without case, accents, spaces and signs."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return _SIGNS.sub("", "".join(sign for sign in decomposed if not unicodedata.combining(sign)))
