"""Every mail of the core and of every plugin, as its example fills it."""

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from backoffice.outbox import core, registry
from backoffice.outbox.mail import Mail, NoParameters, Parameters, Recipient
from backoffice.outbox.registry import KnownMail, MailError
from backoffice.outbox.rendering import LONGEST_LINE, PARTS, Rendered, Site
from backoffice.plugin import discover
from backoffice.settings import plugin_config

SITE = Site("https://school.example", "help@company.example")
HOSTILE = "<script>alert(1)</script>{{ 7 * 7 }}{% raw %}\"'&\r\nBcc: everybody@people.example"
SOMEBODY = Recipient(None, "somebody@people.example", "Wilhelmina O'Quartermaine")


def everything() -> tuple[KnownMail, ...]:
    registry.install(core.MAILS, discover(plugin_config("plugins")["installed"]), SITE)
    return registry.current().mails


MAILS = everything()


@pytest.fixture(autouse=True)
def installed() -> None:
    registry.install(core.MAILS, discover(plugin_config("plugins")["installed"]), SITE)


def rendered(known: KnownMail, parameters: Any = None, to: Recipient = SOMEBODY) -> Rendered:
    mail = next(each for each in registry.current().mails if each.name == known.name).mail
    return registry.current().templates.render(known.name, parameters or mail.parameters.example(), to)


class Page(HTMLParser):
    """Tags, attributes and texts of an HTML part."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.unclosed: list[str] = []
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "br", "hr"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unclosed.append(tag)


every_mail = pytest.mark.parametrize("known", MAILS, ids=lambda known: known.name)


@every_mail
def test_it_is_filled_in_both_parts(known: KnownMail) -> None:
    mail = rendered(known)
    assert mail.subject
    assert mail.subject == " ".join(mail.subject.split())
    for said in (mail.text, mail.html):
        assert "Hello Wilhelmina" in said
        assert len(said) > 300


@every_mail
def test_it_has_its_footer_in_both_parts(known: KnownMail) -> None:
    mail, (text, html) = rendered(known), registry.current().templates.footers()
    for footer, said in ((text, mail.text), (html, mail.html)):
        assert said.count(footer) == 1
        for part in ("password", "https://school.example/report", "help@company.example"):
            assert part in footer


@every_mail
def test_its_text_part_is_wrapped(known: KnownMail) -> None:
    for line in rendered(known).text.splitlines():
        assert len(line) <= LONGEST_LINE or "https://" in line, line


@every_mail
def test_its_html_part_is_whole_and_loads_nothing(known: KnownMail) -> None:
    page = Page(rendered(known).html)
    assert (page.open, page.unclosed) == ([], [])
    assert not {tag for tag, _attributes in page.tags} & {"img", "link", "script", "table", "form", "iframe"}
    for tag, attributes in page.tags:
        assert not {"src", "srcset", "background", "style"} & set(attributes), tag
        target = attributes.get("href") or ""
        # Links lead to our own site, without a word that tells who followed them.
        assert tag != "a" or target.startswith(("https://school.example/", "mailto:help@company.example"))
        assert "?" not in target
    assert "url(" not in rendered(known).html


@every_mail
def test_hostile_values_stay_values(known: KnownMail) -> None:
    example = known.mail.parameters.example()
    texts = {
        field.name: HOSTILE for field in fields(example) if isinstance(getattr(example, field.name), str)
    }
    plain = Page(rendered(known).html)
    mail = rendered(known, replace(example, **texts), replace(SOMEBODY, name=HOSTILE))
    page = Page(mail.html)
    # No value becomes an attribute or a tag; other words may choose other paragraphs.
    shapes = {(tag, frozenset(attributes)) for tag, attributes in page.tags}
    strange = shapes - {(tag, frozenset(attributes)) for tag, attributes in plain.tags}
    assert strange <= {(tag, frozenset()) for tag in ("p", "ul", "li", "h1", "dl", "dt", "dd")}
    assert "\n" not in mail.subject
    assert "\r" not in mail.subject
    assert "49" not in mail.text.replace("{{ 7 * 7 }}", "")


@every_mail
def test_its_parameters_have_an_example(known: KnownMail) -> None:
    example: Any = known.mail.parameters.example()
    assert isinstance(example, Parameters)
    assert isinstance(example, known.mail.parameters)
    assert is_dataclass(example)


@every_mail
def test_there_is_nothing_but_its_templates_in_its_folder(known: KnownMail) -> None:
    assert {file.name for file in known.folder.iterdir()} == set(PARTS)


def test_every_folder_of_templates_is_of_a_mail() -> None:
    checkout = Path(registry.__file__).parents[2]
    found = {path for part in ("backoffice", "plugins") for path in checkout.glob(f"{part}/**/emails/*")}
    listed = {known.folder for known in MAILS}
    # A plugin that is not installed here may have mails of its own.
    off = {path for path in found if path.parts[-4] == "plugins" and path not in listed}
    assert {path for path in found if path.is_dir()} - off == listed


# -- what stops the start


@pytest.fixture
def declare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Installs one mail of a package made for the test."""
    package = tmp_path / f"package_{uuid4().hex}"
    folder = package / "emails" / "note"
    folder.mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(parameters: type[Any] = NoParameters, **parts: str) -> None:
        for part in PARTS:
            content = parts.get(part.replace(".", "_"), "Something")
            if content:
                (folder / part).write_text(content, "utf-8")
        registry.install([(package.name, Mail("note", parameters))], [], SITE)

    return install


def problems(install: Callable[[], None]) -> list[str]:
    before = registry.current()
    with pytest.raises(MailError) as raised:
        install()
    assert registry.current() is before
    return raised.value.problems


def test_a_missing_template_is_told(declare: Callable[..., None]) -> None:
    (said,) = problems(lambda: declare(body_html=""))
    assert said.startswith("The mail core.note has no template body.html in ")


def test_a_variable_that_nothing_fills_is_told(declare: Callable[..., None]) -> None:
    assert problems(lambda: declare(body_txt="{{ recipient }} {{ nobody }}", subject_txt="{{ base }}")) == [
        "The mail core.note uses base in subject.txt, which is none of its parameters.",
        "The mail core.note uses nobody in body.txt, which is none of its parameters.",
    ]


def test_what_is_no_template_is_told(declare: Callable[..., None]) -> None:
    assert problems(lambda: declare(body_txt="a\n{% if %}")) == [
        "The mail core.note has a template body.txt that cannot be read: line 2."
    ]


def test_a_parameter_that_every_mail_has_already_is_told(declare: Callable[..., None]) -> None:
    @dataclass(frozen=True)
    class Doubled(NoParameters):
        recipient: str = "Somebody"

    (said,) = problems(lambda: declare(Doubled))
    assert "given already" in said
