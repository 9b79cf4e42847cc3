"""Telling whether two written names may be one child's. It decides nothing: a person is asked.

Names are compared as words without case, accents and hyphens. All words of the shorter name must be found
in the longer one; one of them may be written differently (a short form, an initial, a letter), so that names
of two words always have one in common. By that word the others are found: 400 lines against the 5,000 names
of a school take less than a second.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from backoffice.language.texts import lazy
from backoffice.schools.names import NameKey, name_key, plain
from backoffice.schools.nicknames import FORMS

MOST_ALIKE = 3
# Of shorter words a letter more or less makes another name: Mia and Mila, Ben and Ken.
SHORTEST_WITH_A_SLIP = 4
_PARTED = str.maketrans(dict.fromkeys("-\u2010\u2011\u2012\u2013.", " ") | dict.fromkeys("'\u2019\u02bc`"))
# Letters that lose no accent by themselves, and the German way to write letters that do.
_LETTERS = (
    *(("ø", "o"), ("ł", "l"), ("đ", "d"), ("ð", "d"), ("þ", "th"), ("\u0131", "i"), ("æ", "a"), ("œ", "o")),
    *(("ae", "a"), ("oe", "o"), ("ue", "u")),
)
Words = tuple[str, ...]


class Place(StrEnum):
    """Where somebody stands who may be meant by a line of a list."""

    HERE = "here"  # in the class
    LEFT = "left"  # was in the class before
    ELSEWHERE = "elsewhere"  # in another class, where who pastes sees them
    LINE = "line"  # further up in the list


@dataclass(frozen=True)
class Known:
    """Somebody whom a line may mean. `answer` is what a person answers to say so.

    `student_id` is None for a line further up.
    """

    answer: str
    place: Place
    given: str
    family: str | None
    student_id: int | None = None

    @property
    def name(self) -> str:
        """Given and family name."""
        return f"{self.given} {self.family or ''}".strip()


@dataclass(frozen=True)
class Alike:
    """Somebody whom a line may mean, and in what the names differ, in words."""

    known: Known
    why: str


class Matcher:
    """Finds those among the known whose names are, or may be, the name on a line."""

    def __init__(self, known: Iterable[Known]) -> None:
        self._known: list[Known] = []
        self._words: list[Words] = []
        self._keys: list[NameKey] = []
        self._same: dict[NameKey, list[Known]] = {}
        self._by_word: dict[str, list[int]] = {}
        # Names of one word share none with their like: looked through one by one, those of the class only.
        self._single: list[int] = []
        self._near: list[int] = []
        for each in known:
            self.add(each)

    def add(self, known: Known) -> None:
        """Know one more."""
        number, words = len(self._known), words_of(known.given, known.family)
        key = name_key(known.given, known.family)
        self._known.append(known)
        self._words.append(words)
        self._keys.append(key)
        self._same.setdefault(key, []).append(known)
        for word in set(words):
            self._by_word.setdefault(word, []).append(number)
        if known.place is not Place.ELSEWHERE:
            self._near.append(number)
            if len(words) == 1:
                self._single.append(number)

    def same(self, given: str, family: str | None) -> Sequence[Known]:
        """Those whose name is this one, but for case and accents."""
        return self._same.get(name_key(given, family), ())

    def alike(self, given: str, family: str | None) -> Sequence[Alike]:
        """Those whose names may be other ways to write this one, the likeliest first; a few at the most."""
        key, words = name_key(given, family), words_of(given, family)
        numbers = {number for word in words for number in self._by_word.get(word, ())}
        numbers.update(self._near if len(words) == 1 else self._single)
        found = []
        for number in sorted(numbers):
            known = self._known[number]
            if self._keys[number] == key:
                continue
            if known.place is Place.ELSEWHERE and min(len(words), len(self._words[number])) == 1:
                # A given name alone says nothing of a whole school.
                continue
            why = difference(words, self._words[number])
            if why is not None:
                found.append((_WEIGHTS[why], tuple(Place).index(known.place), number, Alike(known, why)))
        return [alike for *_, alike in sorted(found, key=lambda each: each[:3])[:MOST_ALIKE]]


def words_of(given: str, family: str | None) -> Words:
    """The words of a name for comparing, the given ones first."""
    text = plain(f"{given} {family or ''}").translate(_PARTED)
    for letter, other in _LETTERS:
        text = text.replace(letter, other)
    return tuple(text.split())


def _lines_by_form() -> Mapping[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for number, line in enumerate(FORMS.splitlines()):
        for form in words_of(line, None):
            found.setdefault(form, set()).add(number)
    return {form: frozenset(lines) for form, lines in found.items()}


_LINES_OF = _lines_by_form()
_NONE: frozenset[int] = frozenset()

OTHER_SPELLING = lazy("Written a little differently.")
OTHER_ORDER = lazy("The same words in another order.")
MIDDLE_NAME = lazy("A middle or second name more or less.")
SHORT_FORM = lazy("A short form of the name.")
INITIAL = lazy("An initial instead of the name.")
SLIP = lazy("One letter differs.")
GIVEN_ONLY = lazy("The family name is missing.")
_WEIGHTS = {
    why: weight
    for weight, why in enumerate(
        (OTHER_SPELLING, OTHER_ORDER, MIDDLE_NAME, SHORT_FORM, INITIAL, GIVEN_ONLY, SLIP)
    )
}


def difference(one: Words, other: Words) -> str | None:
    """In what two names differ that may be one child's, as a sentence; None if they are two children's."""
    if sorted(one) == sorted(other):
        return OTHER_SPELLING if one == other else OTHER_ORDER
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) < min(2, len(longer)):
        return GIVEN_ONLY if shorter == longer[:1] else None
    open_, rest = list(longer), []
    for word in shorter:
        if word in open_:
            open_.remove(word)
        else:
            rest.append(word)
    if len(rest) > 1:
        return None
    # Which word stands for the one that is left: where both names are as long, there is one.
    whys = [_word_difference(word, each, longer) for word in rest for each in open_]
    known = [why for why in whys if why is not None]
    return min(known, key=_WEIGHTS.__getitem__, default=None) if rest else MIDDLE_NAME


def _word_difference(word: str, other: str, longer: Words) -> str | None:
    # Only what stands before the last word is a given name.
    if (len(longer) == 1 or other != longer[-1]) and _may_be_one(word, other):
        return SHORT_FORM
    brief, full = sorted((word, other), key=len)
    if len(brief) == 1:
        return INITIAL if full.startswith(brief) else None
    return SLIP if len(full) >= SHORTEST_WITH_A_SLIP <= len(brief) and _one_slip(brief, full) else None


def _may_be_one(word: str, other: str) -> bool:
    """Whether two given names are forms of one name."""
    return not _LINES_OF.get(word, _NONE).isdisjoint(_LINES_OF.get(other, _NONE))


def _one_slip(brief: str, full: str) -> bool:
    """Whether one letter more, another letter, or two letters changed round make one word of the other."""
    # Names that differ in a digit were numbered by somebody, to tell them apart.
    if len(full) - len(brief) > 1 or not (brief + full).isalpha():
        return False
    at = next((n for n, letter in enumerate(brief) if letter != full[n]), len(brief))
    if len(brief) < len(full):
        return brief[at:] == full[at + 1 :]
    turned = brief[at + 1 : at + 2] + brief[at : at + 1]
    return brief[at + 1 :] == full[at + 1 :] or turned + brief[at + 2 :] == full[at:]
