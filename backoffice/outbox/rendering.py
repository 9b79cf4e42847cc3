"""Filling a mail's templates: the subject in one line, the text part wrapped, the HTML part escaped.

Greeting and footer are added here, so that no mail can go without them.
"""

import base64
import hashlib
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, Environment, FunctionLoader, StrictUndefined, meta, select_autoescape
from markupsafe import Markup

from backoffice.language import catalogues, moments
from backoffice.language.spoken import speaking
from backoffice.language.texts import speak_in
from backoffice.outbox.mail import Recipient

SUBJECT, TEXT, HTML = PARTS = ("subject.txt", "body.txt", "body.html")
LAYOUTS = Path(__file__).parent / "templates" / "outbox"
# What every template may use beside its mail's parameters.
GIVEN = frozenset({"recipient", "language", "base_url", "report_address"})
# What says a text in the recipient's language.
SAYS = frozenset({"_", "gettext", "ngettext"})
LONGEST_LINE = 76
LONGEST_SUBJECT = 120


@dataclass(frozen=True)
class Site:
    """What mails say of the site: where it is, and the address that takes reports, if there is one."""

    base_url: str
    report_address: str | None


@dataclass(frozen=True)
class Rendered:
    """A mail as it will be read."""

    subject: str
    text: str
    html: str


class Templates:
    """The templates of all mails, by full name, and the layouts around them."""

    def __init__(self, folders: Mapping[str, Path], site: Site) -> None:
        self._folders, self._site = folders, site
        self._environment = _environment(FunctionLoader(self._source))

    def variables(self, mail: str, part: str) -> frozenset[str]:
        """The names that a template expects to be given.

        Raises `FileNotFoundError`, and Jinja's `TemplateSyntaxError` for what is no template.
        """
        return _undeclared((self._folders[mail] / part).read_text("utf-8"))

    def render(self, mail: str, parameters: Any, to: Recipient) -> Rendered:
        """The mail for one person. `parameters` is a dataclass. Raises Jinja's `UndefinedError`."""
        language = catalogues.known(to.language) or catalogues.ENGLISH
        with speaking(language):
            return self._render(mail, parameters, _one_line(to.name), language)

    def _render(self, mail: str, parameters: Any, recipient: str, language: str) -> Rendered:
        given = self._given() | {"recipient": recipient, "language": language}
        values = given | {field.name: getattr(parameters, field.name) for field in fields(parameters)}
        subject, text, html = (self._fill(f"{mail}/{part}", values) for part in PARTS)
        return Rendered(
            subject=_one_line(subject)[:LONGEST_SUBJECT],
            text=wrapped(self._fill("layout.txt", given | {"body": text.strip()})),
            html=self._fill(
                "layout.html",
                given | {"body": Markup(html.strip()), "subject": subject.strip()},  # noqa: S704 - rendered with autoescaping
            ),
        )

    def footers(self) -> tuple[str, str]:
        """What stands at the end of every mail, as text and as HTML."""
        text, html = (self._fill(name, self._given()) for name in ("footer.txt", "footer.html"))
        return wrapped(text).strip(), html.strip()

    def _given(self) -> dict[str, Any]:
        return {"base_url": self._site.base_url.rstrip("/"), "report_address": self._site.report_address}

    def _fill(self, name: str, values: Mapping[str, Any]) -> str:
        return self._environment.get_template(name).render(values)

    def _source(self, name: str) -> str | None:
        mail, _, part = name.rpartition("/")
        path = (self._folders[mail] if mail else LAYOUTS) / part
        return path.read_text("utf-8") if path.is_file() else None


def _environment(loader: BaseLoader | None) -> Environment:
    made = Environment(
        loader=loader,
        autoescape=select_autoescape(["html"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    speak_in(made)
    made.filters["moment"] = _moment
    made.filters["long_day"] = moments.long_day
    return made


@cache
def _undeclared(source: str) -> frozenset[str]:
    # Reading all templates is most of what opening a process takes, and some open more than one runtime.
    return frozenset(meta.find_undeclared_variables(_environment(None).parse(source))) - SAYS


def style_source() -> str:
    """The one style sheet of HTML parts, as a source of a content security policy."""
    # A template that is included loses its last line end.
    content = (LAYOUTS / "style.css").read_text("utf-8").removesuffix("\n")
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def wrapped(text: str) -> str:
    """The text in lines of at most 76 characters; an address or word that is longer stays whole."""
    lines = []
    for line in text.splitlines():
        rest = "  " if line.startswith("- ") else ""
        filled = textwrap.wrap(
            line.rstrip(),
            LONGEST_LINE,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
            drop_whitespace=True,
        )
        # The mark before a footer ends with a space, which wrapping would take.
        lines += [line] if line == "-- " else filled or [""]
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _moment(at: datetime) -> str:
    """A moment as mails say it, in UTC: a mail cannot know where it is read."""
    return f"{moments.long_moment(at.astimezone(UTC))} UTC"
