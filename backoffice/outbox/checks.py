"""Whether no mail of ours asks for a secret or carries one, and a fake can be reported."""

import re
from collections.abc import Iterator
from dataclasses import fields
from html.parser import HTMLParser

from jinja2 import TemplateError

from backoffice.controls.check import Check, Finding, Looking, falls_short, holds
from backoffice.controls.looking import count, some
from backoffice.outbox import registry
from backoffice.outbox.mail import Recipient
from backoffice.outbox.registry import KnownMail, Registry

SOMEBODY = Recipient(None, "somebody@people.example", "Somebody")
SECRETS = (
    r"(?:pass\s?-?words?|passphrases?|passcodes?|pins?|otps?|codes?|one-time|recovery"
    r"|log-?in (?:data|details|information))"
)
_SECRET = re.compile(rf"\b{SECRETS}\b", re.IGNORECASE)
_ASKS = re.compile(
    r"\b(send|reply|repl(?:y|ies)|respond|answer|tell|give|enter|type|fill|confirm|share|provide|submit|verify|write"
    r"|forward|let us know|need|require|ask)\b",
    re.IGNORECASE,
)
# "Your PIN is 1234", "Password: hunter2".
_CARRIES = re.compile(rf"\b{SECRETS}\b\s*(?:is|are|=|:|-)\s*\S", re.IGNORECASE)
_NAMES_A_SECRET = re.compile(r"(?:^|_)(?:password|passphrase|passcode|pin|otp|code|secret)s?(?:_|$)")
_OPENS_A_LINK = re.compile(r"(?:^|_)token(?:_|$)")
_FORM = frozenset({"form", "input", "textarea", "select", "button", "script", "iframe", "object", "embed"})
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n\s*\n|\n(?=- )")


def _links(base_url: str) -> re.Pattern[str]:
    """A link to a page of ours: it opens that page once, and nobody can be asked to type it."""
    return re.compile(rf"{re.escape(base_url.rstrip('/'))}/[\w./-]*")


def no_password_mail(look: Looking) -> Finding:
    """Every mail in both parts, as its example fills it: no sentence asks for a secret or carries one."""
    mails = registry.current()
    wrong = [f"{known.name} {words}" for known in mails.mails for words in _wrong(mails, known, look)]
    if wrong:
        return falls_short(f"{some(wrong)}.")
    unreported = what_hinders_reports(look)
    if unreported:
        return falls_short(unreported)
    return holds(
        f"{count(len(mails.mails), 'mail')} in two parts: none asks for a password, PIN or code"
        " or carries one, each says so and where to report fakes; /report answers and names the address."
    )


def _wrong(mails: Registry, known: KnownMail, look: Looking) -> Iterator[str]:
    """What is wrong with a mail, in words after its name."""
    example = known.mail.parameters.example()
    tokens = [str(getattr(example, each.name)) for each in fields(example) if _OPENS_A_LINK.search(each.name)]
    for field in fields(known.mail.parameters):
        if _NAMES_A_SECRET.search(field.name):
            yield f"carries {field.name}"
    try:
        rendered = mails.templates.render(known.name, example, SOMEBODY)
    except TemplateError:
        yield "cannot be filled"
        return
    ours = _links(look.settings.base_url)
    for part, said, footer in zip(
        ("text", "HTML"), (rendered.text, rendered.html), mails.templates.footers(), strict=True
    ):
        if footer not in said:
            yield f"has no footer in its {part} part"
        rest = ours.sub("", said.replace(footer, "", 1))
        if any(token in rest for token in tokens):
            yield f"shows what opens a link outside of it in its {part} part"
        yield from _what_a_part_says(rendered.subject, rest, part)


def _what_a_part_says(subject: str, said: str, part: str) -> Iterator[str]:
    if part == "HTML":
        tags, said = _seen(said)
        if tags & _FORM:
            yield f"has a {min(tags & _FORM)} in its HTML part"
    yield from _what_it_says(f"{subject}.\n\n{said}", part)


def _what_it_says(said: str, part: str) -> Iterator[str]:
    for sentence in _SENTENCE.split(said):
        words = " ".join(sentence.split())
        if _CARRIES.search(words):
            yield f"carries a secret in its {part} part"
        elif _SECRET.search(words) and _ASKS.search(words):
            yield f"asks for a secret in its {part} part"


def what_hinders_reports(look: Looking) -> str | None:
    """Why nobody can report anything at /report, if so."""
    address = look.settings.report_address
    if address is None:
        return "No address takes reports: set BACKOFFICE_ALERT_MAIL."
    response = look.app.test_client(use_cookies=False).get("/report", base_url=look.settings.base_url)
    if response.status_code >= 400:  # noqa: PLR2004 - where errors begin
        return f"/report answers {response.status_code}."
    return None if address in response.text else "/report does not name the address."


class _Seen(HTMLParser):
    """The text of a page as it is read, block by block, and the tags that it is made of."""

    INLINE = frozenset({"a", "b", "em", "i", "span", "strong", "code"})

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.tags.add(tag)
        self._hidden += tag in {"style", "title"}
        if tag not in self.INLINE:
            self.texts.append("\n\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"style", "title"}
        if tag not in self.INLINE:
            self.texts.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.texts.append(data)


def _seen(page: str) -> tuple[set[str], str]:
    reader = _Seen()
    reader.feed(page)
    return reader.tags, "".join(reader.texts)


CHECKS = (Check("no-password-mail", no_password_mail),)
