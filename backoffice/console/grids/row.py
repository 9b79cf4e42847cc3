"""What a list has of each of its things: a row of cells."""

import re
from collections.abc import Sequence
from datetime import datetime, tzinfo
from html import escape as between_tags
from typing import NamedTuple

from flask import current_app
from markupsafe import Markup, escape

from backoffice.language.moments import amount
from backoffice.web.times import ago, exact

_MEANS_SOMETHING = re.compile("[&<>\"']").search


class Cell(NamedTuple):
    """One cell. `kind`: text, number, time, badge, code; `tone` colours a badge.

    `exact` is of a moment what its text only says by and by; it stands in the title. Of a mark, it is what
    the picture shows, and of a number its digits alone.
    """

    text: str | None
    kind: str = "text"
    url: str | None = None
    tone: str | None = None
    datetime: str | None = None
    exact: str | None = None

    @property
    def shown(self) -> Markup:
        """What stands in it on a page."""
        if self.text is None:
            return Markup()
        said = safe(self.text)
        match self.kind:
            case "mark":
                said = f'{_picture(self.text)}<span class="visually-hidden">{safe(self.exact or "")}</span>'
            case "badge":
                said = f'<span class="chip chip-{safe(self.tone or "mute")}">{said}</span>'
            case "code":
                said = f"<code>{said}</code>"
        return Markup(said)  # noqa: S704 - each text in it went through `safe`, which tests try with hostile ones

    @property
    def in_file(self) -> str | None:
        """Its text in a file, which is read at another time, and by programs: "2027-03-01 04:00:00"."""
        if self.kind == "time" and self.datetime:
            return self.datetime[:19].replace("T", " ")
        text = self.exact or self.text
        return text and str(text)


class Row(NamedTuple):
    """One row, with the address of its own page if it has one."""

    public_id: str
    url: str | None
    cells: Sequence[Cell]


def moment(at: datetime, zone: tzinfo) -> Cell:
    """The cell of a moment: how long ago it was, and the exact one beside it."""
    local = at.astimezone(zone)
    return Cell(ago(at), "time", datetime=local.isoformat(timespec="seconds"), exact=exact(local))


def number(count: int) -> Cell:
    """The cell of a number: as the reader writes it, and its digits for a file."""
    return Cell(amount(count), "number", exact=str(count))


def safe(text: str) -> str:
    """The text as it can stand in a page, between tags and in an attribute."""
    # Nearly all are plain, and the library's own function makes an object of each. Quotes are its own.
    if type(text) is str:
        if not _MEANS_SOMETHING(text):
            return text
        return between_tags(text, quote=False).replace('"', "&#34;").replace("'", "&#39;")
    return str(escape(text))


def _picture(name: str) -> str:
    picture: str = current_app.jinja_env.get_template("web/avatars.html").module.avatar(name)  # type: ignore[attr-defined]
    return picture
