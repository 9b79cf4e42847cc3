"""Text as people type it, made fit to keep."""

import unicodedata
from uuid import UUID

# Letters and signs without a shape: the fillers of Hangul and Khmer, and the empty pattern of Braille.
_BLANK = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def clean(text: str) -> str:
    """Text as it is kept: composed Unicode, single spaces, no invisible characters."""
    visible = "".join(
        " " if _is_gap(symbol) else symbol
        for symbol in text
        if _is_gap(symbol) or unicodedata.category(symbol)[0] != "C"
    )
    # Composed last: what parted two letters is gone by now.
    return " ".join(unicodedata.normalize("NFC", visible).split())


def is_uuid(text: str) -> bool:
    """Whether this is a UUID as pages write it, such as the one-time mark of a form."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def spoken(name: str) -> str:
    """A technical name as a heading says it: `roster_upload` is "Roster upload"."""
    words = name.replace("-", " ").replace("_", " ")
    return words[:1].upper() + words[1:]


def _is_gap(symbol: str) -> bool:
    return symbol.isspace() or symbol in _BLANK
