"""Messages for the next page that offer to take back what was just done.

A message waits in the browser's cookie, which its owner can read: it holds no name of a child.
"""

from typing import Any


def undoable(sentence: str, *, url: str, **fields: str) -> dict[str, Any]:
    """A message for `flash` with a button "Undo" that sends these fields to the address."""
    return {"sentence": sentence, "url": url, "fields": fields}
