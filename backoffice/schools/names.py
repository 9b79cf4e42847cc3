"""Children's names: what may be one, searching sealed names, showing no more than is needed."""

import unicodedata
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from backoffice.language.texts import gettext
from backoffice.storage import keyring
from backoffice.wording import clean

# What is equal for spellings of one name.
NameKey = tuple[str, str]

LONGEST = 80
TOKEN_BYTES = 8
LONGEST_PREFIX = 12
FIGURES = (
    *("star", "sun", "moon", "cloud", "leaf", "fish"),
    *("bird", "cat", "bear", "owl", "flower", "boat"),
)
COLOURS = ("sky", "mint", "coral", "sun", "plum", "sea", "rose", "sand")
AVATARS = tuple(f"{figure}-{colour}" for figure in FIGURES for colour in COLOURS)
# What a name has no use for, and a page, a formula or a program might take for its own.
_SIGNS = frozenset('<>{}[]=|\\"^~$%#*+_?:;')
# Colours and shapes that only change the picture before them.
_OF_PICTURES = frozenset("\ufe0e\ufe0f\u20e3\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")


def picture(figure: str | None, colour: str | None) -> str | None:
    """A figure in a colour, as pages draw it; None if either is missing."""
    return f"{figure}-{colour}" if figure and colour else None


@dataclass(frozen=True)
class Named:
    """Somebody on a list of names."""

    key: Hashable
    given: str
    family: str | None
    avatar: str


def written(text: str) -> str:
    """A name as it is kept: clean, and without little pictures."""
    return clean("".join(symbol for symbol in text if not _is_picture(symbol)))


def problem_with(given: str, family: str | None) -> str | None:
    """What is wrong with a name, as a sentence, or None."""
    whole = given + (family or "")
    if not given:
        return gettext("Write a given name.")
    if max(len(given), len(family or "")) > LONGEST:
        return gettext("Shorten the name to %(most)s letters.", most=LONGEST)
    if "@" in whole:
        return gettext("This looks like an e-mail address. Write the name only.")
    if signs := " ".join(sorted(_SIGNS.intersection(whole))):
        return gettext("Leave out %(signs)s, which no name has.", signs=signs)
    if not any(symbol.isalpha() for symbol in whole):
        return gettext("Write a name with letters.")
    return None


def name_key(given: str, family: str | None) -> NameKey:
    """Equal for two spellings of one name that differ in case or accents."""
    return plain(given), plain(family or "")


def sort_key(given: str, family: str | None) -> tuple[str, str]:
    """The order of a class list: family name, then given name."""
    return plain(family or given), plain(given)


def begins(name: str, search: str) -> bool:
    """Whether every word that is looked for begins a word of the name."""
    words = plain(name).split()
    return all(any(word.startswith(begin) for word in words) for begin in plain(search).split())


def tokens(*names: str | None, school_id: int) -> list[bytes]:
    """Keyed digests of every beginning of every word, for search by prefix within one school."""
    words = {word for name in names if name for word in plain(name).split()}
    prefixes = {word[:size] for word in words for size in range(1, min(len(word), LONGEST_PREFIX) + 1)}
    return sorted(token(prefix, school_id=school_id) for prefix in prefixes)


def token(prefix: str, *, school_id: int) -> bytes:
    """The digest (8 bytes) that a name with this beginning carries in this school."""
    cut = plain(prefix)[:LONGEST_PREFIX]
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
    # Never the whole family name, however short it is: one of a single letter is not shown at all.
    part = family[: min(letters, max(len(family) - 1, 0))].rstrip()
    return f"{person.given} {part}." if part else person.given


def _coinciding(labels: Iterable[str]) -> set[str]:
    seen: set[str] = set()
    twice: set[str] = set()
    for label in labels:
        (twice if label in seen else seen).add(label)
    return twice


def plain(text: str) -> str:
    """Text for comparing: without case, accents and width."""
    if text.isascii():
        # Nothing to take apart: most names, and each list sorts by thousands of them.
        return text.lower().strip()
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(s for s in decomposed if not unicodedata.combining(s)).casefold().strip()


def _is_picture(symbol: str) -> bool:
    return symbol in _OF_PICTURES or unicodedata.category(symbol) == "So"
