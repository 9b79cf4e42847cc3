"""Messages for the next page that offer to take back what was just done.

A message waits in the browser's cookie, which its owner can read: it holds no name of a child.
"""

from datetime import datetime
from typing import Any

from flask import abort, request


def undoable(sentence: str, *, url: str, **fields: str) -> dict[str, Any]:
    """A message for `flash` with a button "Undo" that sends these fields to the address."""
    return {"sentence": sentence, "url": url, "fields": fields}


def sent_moment(name: str) -> datetime:
    """The moment of what is to be taken back, as its button sends it. 400 for what is none."""
    try:
        moment = datetime.fromisoformat(request.form.get(name, ""))
    except ValueError:
        abort(400)
    if moment.tzinfo is None:
        abort(400)
    return moment
