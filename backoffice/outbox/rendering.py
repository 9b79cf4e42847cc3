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
# Where the body and the footer of the text go; no name has these.
_BODY, _FOOTER = "\0", "\1"
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


# What a mail says to several people, by its name, its parameters and the language.
Kept = dict[tuple[str, Any, str], Rendered]


class Templates:
    """The templates of all mails, by full name, and the layouts around them."""

    def __init__(self, folders: Mapping[str, Path], site: Site) -> None:
        self._folders, self._site = folders, site
        self._environment = _environment(FunctionLoader(self._source))
        self._personal: dict[str, bool] = {}
        self._feet: dict[str, tuple[str, Markup]] = {}

    def variables(self, mail: str, part: str) -> frozenset[str]:
        """The names that a template expects to be given.

        Raises `FileNotFoundError`, and Jinja's `TemplateSyntaxError` for what is no template.
        """
        return _undeclared((self._folders[mail] / part).read_text("utf-8"))

    def render(self, mail: str, parameters: Any, to: Recipient, kept: Kept | None = None) -> Rendered:
        """The mail for one person. `parameters` is a dataclass. Raises Jinja's `UndefinedError`.

        Whoever renders one mail for many people gives the same `kept` each time: what says the same to
        several is filled once.
        """
        language = catalogues.known(to.language) or catalogues.ENGLISH
        with speaking(language):
            name = _one_line(to.name.replace(_BODY, "").replace(_FOOTER, ""))
            return self._render(mail, parameters, name, language, kept)

    def _render(
        self, mail: str, parameters: Any, recipient: str, language: str, kept: Kept | None
    ) -> Rendered:
        given = self._given() | {"recipient": recipient, "language": language}
        if kept is None or self._names_its_recipient(mail):
            filled = self._filled(mail, parameters, given)
        else:
            filled = kept.get((mail, parameters, language)) or self._filled(mail, parameters, given)
            kept[mail, parameters, language] = filled
        text_foot, html_foot = self._footers(language)
        return Rendered(
            subject=_one_line(filled.subject)[:LONGEST_SUBJECT],
            text=self._around(given, filled.text, text_foot),
            html=self._fill(
                "layout.html",
                given
                | {
                    "body": Markup(filled.html),  # noqa: S704 - rendered with autoescaping
                    "subject": filled.subject.strip(),
                    "footer": html_foot,
                },
            ),
        )

    def _around(self, given: Mapping[str, Any], body: str, footer: str) -> str:
        """Body and footer are wrapped already, and may be the same for many."""
        marked = wrapped(self._fill("layout.txt", {**given, "body": _BODY, "footer": _FOOTER}))
        return marked.replace(_FOOTER, footer, 1).replace(_BODY, body, 1)

    def _filled(self, mail: str, parameters: Any, given: Mapping[str, Any]) -> Rendered:
        values = {**given, **{field.name: getattr(parameters, field.name) for field in fields(parameters)}}
        subject, text, html = (self._fill(f"{mail}/{part}", values) for part in PARTS)
        return Rendered(subject, wrapped(text.strip()).removesuffix("\n"), html.strip())

    def _names_its_recipient(self, mail: str) -> bool:
        if mail not in self._personal:
            self._personal[mail] = any("recipient" in self.variables(mail, part) for part in PARTS)
        return self._personal[mail]

    def _footers(self, language: str) -> tuple[str, Markup]:
        """The same in each mail of a language."""
        if language not in self._feet:
            text, html = (self._fill(name, self._given()) for name in ("footer.txt", "footer.html"))
            self._feet[language] = wrapped(text).removesuffix("\n"), Markup(html)  # noqa: S704 - rendered with autoescaping
        return self._feet[language]

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
        # Most lines are short, and nothing happens to them but this.
        if len(line) <= LONGEST_LINE and line.isprintable():
            lines.append(line if line == "-- " else line.rstrip())
            continue
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
