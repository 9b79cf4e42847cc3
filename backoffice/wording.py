"""Text as people type it, made fit to keep."""

import unicodedata


def clean(text: str) -> str:
    """Text as it is kept: composed Unicode, single spaces, no invisible characters."""
    visible = "".join(
        " " if symbol.isspace() else symbol
        for symbol in text
        if symbol.isspace() or unicodedata.category(symbol)[0] != "C"
    )
    # Composed last: what parted two letters is gone by now.
    return " ".join(unicodedata.normalize("NFC", visible).split())
