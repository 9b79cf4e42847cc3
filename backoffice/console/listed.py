"""Words one after another, as they stand in a sentence."""

from collections.abc import Iterable


def listed(words: Iterable[str]) -> str:
    """The words with commas between them: "Art, Maths"."""
    return ", ".join(map(str, words))
