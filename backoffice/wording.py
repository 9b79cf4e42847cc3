"""Text as people type it, made fit to keep."""

import unicodedata


def clean(text: str) -> str:
    """Text as it is kept: composed Unicode, single spaces, no invisible characters."""
    composed = unicodedata.normalize("NFC", text)
    visible = "".join(
        " " if symbol.isspace() else symbol
        for symbol in composed
        if symbol.isspace() or unicodedata.category(symbol)[0] != "C"
    )
    return " ".join(visible.split())
