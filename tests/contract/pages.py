"""Reading pages as a browser does: forms with their fields, tokens, texts."""

import io
import re
import zipfile
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

from werkzeug.test import TestResponse

from backoffice.spreadsheets import xlsx_files
from backoffice.storage.public_id import PATTERN
from tests.factories.paper import text_of

_IDENTIFIER = re.compile(rf"{PATTERN}\Z")
_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
_VARYING = (
    (re.compile(r"<code>[0-9a-f]{12}</code>"), "<code></code>"),
    (re.compile(r'nonce="[^"]*"'), 'nonce=""'),
    (re.compile(r'value="[^"]{60,}"'), 'value=""'),
)


@dataclass
class Form:
    """A form of a page. `identifiers` are the fields that carry public identifiers, with their values."""

    method: str = "get"
    action: str = ""
    identifiers: dict[str, set[str]] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: set[str] = set()
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("method", "get").lower(), given.get("action", "")))
        elif tag == "select":
            self._select = given.get("name", "")
        elif tag == "a":
            self.links.add(given.get("href", ""))
        name = self._select if tag == "option" else given.get("name", "")
        chooses = tag in {"option", "input", "button"} and name and self.forms
        if chooses and _IDENTIFIER.match(given.get("value", "")):
            self.forms[-1].identifiers.setdefault(name, set()).add(given["value"])


def forms(page: str) -> list[Form]:
    """The forms of a page."""
    reader = _Reader()
    reader.feed(page)
    return reader.forms


def links(page: str) -> set[str]:
    """Where a page's links lead."""
    reader = _Reader()
    reader.feed(page)
    return reader.links


def form_token(page: str) -> str:
    """The token that a page's forms carry."""
    found = _TOKEN.search(page)
    assert found, "The page has no form with a token."
    return found.group(1)


def body_of(response: TestResponse) -> str:
    """What an answer says, also where it is a document to print, a workbook, or files that are packed."""
    if response.mimetype == "application/pdf":
        return text_of(response.get_data())
    if response.mimetype in {xlsx_files.TYPE, "application/zip"}:
        with zipfile.ZipFile(io.BytesIO(response.get_data())) as packed:
            return "\n".join(_unpacked(packed, name) for name in packed.namelist())
    return response.get_data(as_text=True)


def _unpacked(packed: zipfile.ZipFile, name: str) -> str:
    content = packed.read(name)
    return text_of(content) if name.endswith(".pdf") else unescape(content.decode(errors="replace"))


def settled(page: str) -> str:
    """The page without what differs from one answer to the next: reference, nonce, token."""
    for pattern, instead in _VARYING:
        page = pattern.sub(instead, page)
    return page
