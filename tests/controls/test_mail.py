"""The promise about mails: it holds, and it falls short for every way in which a mail could break it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask

from backoffice.app import build
from backoffice.controls.check import Finding, State
from backoffice.outbox import core, registry
from backoffice.outbox.mail import Mail, NoParameters
from backoffice.outbox.rendering import Site
from backoffice.runtime import Runtime
from backoffice.settings import Settings
from tests.controls.conftest import Look

ADDRESS = "help@company.example"


@pytest.fixture
def settings(runtime: Runtime) -> Settings:
    return runtime.settings.model_copy(update={"mail_from": f"Help <{ADDRESS}>"})


@pytest.fixture
def told(runtime: Runtime, settings: Settings) -> Flask:
    """The application that knows where reports go."""
    return build(Runtime(settings, runtime.database, runtime.plugins))


@pytest.fixture
def found(look: Look, settings: Settings, told: Flask) -> Callable[[], Finding]:
    return lambda: look("no-password-mail", settings=settings, app=told)


@dataclass(frozen=True)
class WithPin(NoParameters):
    """A mail that is given what no mail may carry."""

    new_pin: str = "1234"

    @classmethod
    def example(cls) -> "WithPin":
        """The only value."""
        return cls()


@dataclass(frozen=True)
class WithLink(NoParameters):
    """A mail that leads to a page of ours."""

    token: str = "q" * 43

    @classmethod
    def example(cls) -> "WithLink":
        """The only value."""
        return cls()


Ship = Callable[..., None]


@pytest.fixture
def ship(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Ship:
    """Makes one more mail the process's."""
    package = tmp_path / f"careless_{uuid4().hex}"
    folder = package / "emails" / "note"
    folder.mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(registry, "_installed", None)

    def shipped(
        text: str = "Something.",
        html: str = "<p>Something.</p>",
        subject: str = "A note",
        parameters: type = NoParameters,
    ) -> None:
        for part, content in (("subject.txt", subject), ("body.txt", text), ("body.html", html)):
            (folder / part).write_text(content, "utf-8")
        mail = Mail("note", parameters)
        registry.install((*core.MAILS, (package.name, mail)), [], Site(settings.base_url, ADDRESS))

    return shipped


def test_it_holds(found: Callable[[], Finding]) -> None:
    finding = found()
    assert finding.state is State.HOLDS, finding.evidence


@pytest.mark.parametrize(
    "text",
    [
        "Your class has been made. Have a good start.",
        "You can choose a new password on our site: https://school.example/reset/x",
        "Your school now shares points with parents. A PIN protects each child.",
    ],
)
def test_a_harmless_mail_is_harmless(ship: Ship, found: Callable[[], Finding], text: str) -> None:
    ship(text, f"<p>{text}</p>")
    finding = found()
    assert finding.state is State.HOLDS, finding.evidence


ASKING = [
    "Please send us your password.",
    "Reply with your PIN so that we can help.",
    "To keep your account, confirm your pass word below.",
    "Tell your teacher the one-time number that you got.",
    "Enter the recovery words on the page.",
    "We need\nyour\npassword by tomorrow.",
    "SHARE YOUR CODE WITH US.",
    "Type your log-in details here.",
]


@pytest.mark.parametrize("text", ASKING)
@pytest.mark.parametrize("part", ["text", "html"])
def test_a_mail_that_asks_falls_short(ship: Ship, found: Callable[[], Finding], text: str, part: str) -> None:
    ship(**{part: f"<div>Hello.</div><p>{text}</p>" if part == "html" else f"Hello.\n\n{text}"})
    finding = found()
    assert finding.state is State.FALLS_SHORT
    assert "core.note asks for a secret" in finding.evidence


def test_a_question_hidden_in_tags_is_found(ship: Ship, found: Callable[[], Finding]) -> None:
    ship(html="<p>Send us your <b>pass</b>word, <i>please</i>.</p>")
    assert found().state is State.FALLS_SHORT


@pytest.mark.parametrize("text", ["Your PIN is 1234.", "Password: hunter2", "The code = 77"])
def test_a_mail_that_carries_one_falls_short(ship: Ship, found: Callable[[], Finding], text: str) -> None:
    ship(text)
    finding = found()
    assert (finding.state, "carries a secret" in finding.evidence) == (State.FALLS_SHORT, True)


def test_a_mail_that_is_given_one_falls_short(ship: Ship, found: Callable[[], Finding]) -> None:
    ship(parameters=WithPin)
    finding = found()
    assert (finding.state, "carries new_pin" in finding.evidence) == (State.FALLS_SHORT, True)


def test_a_link_to_us_may_follow_the_word(ship: Ship, found: Callable[[], Finding]) -> None:
    text = "Choose a new password: {{ base_url }}/reset/{{ token }}"
    ship(text, f"<p>{text}</p>", parameters=WithLink)
    finding = found()
    assert finding.state is State.HOLDS, finding.evidence


@pytest.mark.parametrize(
    "text", ["Go to {{ base_url }}/reset and type {{ token }}", "https://elsewhere.example/{{ token }}"]
)
def test_what_opens_a_link_stands_in_none_but_ours(
    ship: Ship, found: Callable[[], Finding], text: str
) -> None:
    ship(text, f"<p>{text}</p>", parameters=WithLink)
    finding = found()
    assert (finding.state, "outside of it in its text part" in finding.evidence) == (State.FALLS_SHORT, True)


def test_a_subject_that_asks_falls_short(ship: Ship, found: Callable[[], Finding]) -> None:
    ship(subject="Confirm your password")
    assert found().state is State.FALLS_SHORT


@pytest.mark.parametrize("tag", ["form", "input", "button", "iframe"])
def test_a_mail_with_a_form_falls_short(ship: Ship, found: Callable[[], Finding], tag: str) -> None:
    ship(html=f"<{tag}>")
    finding = found()
    assert (finding.state, f"a {tag} in its HTML part" in finding.evidence) == (State.FALLS_SHORT, True)


@pytest.mark.parametrize("layout", ["layout.txt", "layout.html"])
def test_a_mail_without_a_footer_falls_short(
    ship: Ship, found: Callable[[], Finding], monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    ship()
    templates = registry.current().templates
    source = templates._source
    monkeypatch.setattr(
        templates._environment.loader,
        "load_func",
        lambda name: "{{ body }}" if name == layout else source(name),
    )
    finding = found()
    assert (finding.state, "has no footer" in finding.evidence) == (State.FALLS_SHORT, True)


def test_a_mail_that_cannot_be_filled_falls_short(ship: Ship, found: Callable[[], Finding]) -> None:
    ship("{{ recipient.nothing }}")
    finding = found()
    assert (finding.state, "cannot be filled" in finding.evidence) == (State.FALLS_SHORT, True)


def test_without_an_address_it_falls_short(look: Look, runtime: Runtime) -> None:
    untold = runtime.settings.model_copy(update={"alert_mail": None})
    finding = look("no-password-mail", settings=untold)
    assert (finding.state, "BACKOFFICE_ALERT_MAIL" in finding.evidence) == (State.FALLS_SHORT, True)


def test_a_page_that_does_not_answer_falls_short(
    found: Callable[[], Finding], told: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(told.view_functions, "reports.report", lambda: ("", 500))
    assert found().evidence == "/report answers 500."
    monkeypatch.setitem(told.view_functions, "reports.report", lambda: "Nothing")
    assert found().evidence == "/report does not name the address."
