"""The page of permissions, read as somebody reads it: what is said of each, and which roles it ticks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Line:
    """One permission: the words of its row, and the roles that the page ticks."""

    words: list[str] = field(default_factory=list)
    roles: set[str] = field(default_factory=set)

    @property
    def text(self) -> str:
        """All that the row says."""
        return " ".join(" ".join(self.words).split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.roles: list[str] = []
        self.lines: dict[str, Line] = {}
        self._line = Line()
        self._cell = -1
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self._line, self._cell = Line(), -1
        if tag == "td":
            self._cell += 1
        if tag == "th" and dict(attrs).get("class") == "is-badge":
            self._inside = "role"
        if tag in {"td", "code"} or (tag == "th" and dict(attrs).get("scope") == "row"):
            self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == "code":
            self._inside = "th"
        elif tag in {"td", "th"}:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "role":
            self.roles.append(data.strip())
        elif self._inside == "td" and data.strip() == "yes":
            self._line.roles.add(self.roles[self._cell])
        elif self._inside == "code":
            self.lines[data.strip()] = self._line
        elif self._inside == "th":
            self._line.words.append(data)


def read(page: str) -> tuple[list[str], Mapping[str, Line]]:
    """The roles that head the page's columns, and its lines by the names of the permissions."""
    reader = _Reader()
    reader.feed(page)
    return reader.roles, reader.lines
