"""Children's names: reading pasted lists, searching sealed names, showing no more than is needed."""

import re
import unicodedata
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from backoffice.storage import keyring
from backoffice.wording import clean

LONGEST = 80
TOKEN_BYTES = 8
LONGEST_PREFIX = 12
_FIGURES = (
    *("star", "sun", "moon", "cloud", "leaf", "fish"),
    *("bird", "cat", "bear", "owl", "flower", "boat"),
)
_COLOURS = ("sky", "mint", "coral", "sun", "plum", "sea", "rose", "sand")
AVATARS = tuple(f"{figure}-{colour}" for figure in _FIGURES for colour in _COLOURS)
_NUMBERED = re.compile(r"^\d{1,3}\s*[.):]?\s+(?=\S)")
_NUMBER = re.compile(r"\d{1,3}\s*[.):]?$")


@dataclass(frozen=True)
class PastedName:
    """One line of a pasted list. `problem` is a sentence, or None if the line can be used."""

    line: int
    given: str
    family: str | None
    problem: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Equal for lines that name the same child."""
        return name_key(self.given, self.family)


@dataclass(frozen=True)
class Named:
    """Somebody on a list of names."""

    key: Hashable
    given: str
    family: str | None
    avatar: str


def read_pasted(text: str) -> list[PastedName]:
    """Read a list of names, one a line: "Ada Lovelace", "Lovelace, Ada", tabs, numbered lines."""
    read = []
    for number, raw in enumerate(text.splitlines(), start=1):
        # The columns of a spreadsheet, less the empty ones and a leading number.
        cells = [cell for cell in map(clean, raw.split("\t")) if cell]
        if len(cells) > 1 and _NUMBER.match(cells[0]):
            cells = cells[1:]
        if not cells:
            continue
        given, family = _parted(cells)
        read.append(PastedName(number, given, family or None, problem_with(given, family)))
    return read


def _parted(cells: list[str]) -> tuple[str, str]:
    if len(cells) > 1:
        return cells[0], " ".join(cells[1:])
    line = _NUMBERED.sub("", cells[0])
    if "," in line:
        family, _, given = line.partition(",")
    else:
        given, _, family = line.partition(" ")
    return given.strip(), family.strip()


def problem_with(given: str, family: str | None) -> str | None:
    """What is wrong with a name, as a sentence, or None."""
    if not given:
        return "Write a given name."
    if max(len(given), len(family or "")) > LONGEST:
        return f"Shorten the name to {LONGEST} letters."
    if "@" in given + (family or ""):
        return "This looks like an e-mail address. Write the name only."
    if not any(symbol.isalpha() for symbol in given):
        return "Write a name with letters."
    return None


def name_key(given: str, family: str | None) -> tuple[str, str]:
    """Equal for two spellings of one name that differ in case or accents."""
    return _plain(given), _plain(family or "")


def sort_key(given: str, family: str | None) -> tuple[str, str]:
    """The order of a class list: family name, then given name."""
    return _plain(family or given), _plain(given)


def tokens(*names: str | None, school_id: int) -> list[bytes]:
    """Keyed digests of every beginning of every word, for search by prefix within one school."""
    words = {word for name in names if name for word in _plain(name).split()}
    prefixes = {word[:size] for word in words for size in range(1, min(len(word), LONGEST_PREFIX) + 1)}
    return sorted(token(prefix, school_id=school_id) for prefix in prefixes)


def token(prefix: str, *, school_id: int) -> bytes:
    """The digest (8 bytes) that a name with this beginning carries in this school."""
    cut = _plain(prefix)[:LONGEST_PREFIX]
    return keyring.current().blind_index(cut, context=f"student.name {school_id}")[:TOKEN_BYTES]


def shown(people: Sequence[Named]) -> Mapping[Hashable, str]:
    """What a list of names shows for each: given name and initial ("Ada L.").

    Where two coincide they get one more letter of the family name, up to three and never the whole of it;
    where that does not part them, the avatar does, and both show the same text.
    """
    labels = {person.key: _label(person, 1) for person in people}
    for letters in (2, 3):
        twins = _coinciding(labels.values())
        for person in people:
            if labels[person.key] in twins:
                labels[person.key] = _label(person, letters)
    return labels


def _label(person: Named, letters: int) -> str:
    family = person.family or ""
    # Never the whole family name, however short it is.
    part = family[: min(letters, max(len(family) - 1, 1))].rstrip()
    return f"{person.given} {part}." if part else person.given


def _coinciding(labels: Iterable[str]) -> set[str]:
    seen: set[str] = set()
    twice: set[str] = set()
    for label in labels:
        (twice if label in seen else seen).add(label)
    return twice


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(s for s in decomposed if not unicodedata.combining(s)).casefold().strip()
