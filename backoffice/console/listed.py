"""Words one after another, as they stand in a sentence."""

from collections.abc import Iterable, Sequence

from backoffice.language.moments import amount
from backoffice.language.texts import gettext


def listed(words: Iterable[str]) -> str:
    """The words with commas between them: "Art, Maths"."""
    return ", ".join(map(str, words))


def some_of(names_of_all: Sequence[str], most: int = 10, *, of: int = 0) -> str:
    """Names in a sentence, as many as can be read: "Kim Park, Liam Nguyen and 3 more"; `of` so many."""
    many = max(of, len(names_of_all))
    if many > most + 1:
        return gettext(
            "%(names)s and %(count)s more", names=listed(names_of_all[:most]), count=amount(many - most)
        )
    *others, last = names_of_all
    return gettext("%(names)s and %(last)s", names=listed(others), last=last) if others else last
