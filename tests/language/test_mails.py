"""A mail is in its recipient's language, subject and both parts."""

import pytest

from backoffice.language.catalogues import CORE
from backoffice.language.gathering import FOLDERS, ROOT, written
from backoffice.outbox import registry
from backoffice.outbox.core import MAILS
from backoffice.outbox.mail import Recipient
from backoffice.runtime import Runtime

# Long enough that no translation has it by accident.
LONG = 18
SENTENCES = [
    text
    for each in written(CORE.parent, "es")
    for text in ((each.id,) if isinstance(each.id, str) else each.id)
    if len(text) >= LONG and "%" not in text and "<" not in text
]


@pytest.mark.parametrize("name", [mail.name for _package, mail in MAILS])
def test_every_mail_is_in_spanish(runtime: Runtime, name: str) -> None:
    del runtime
    mail = next(mail for _package, mail in MAILS if mail.name == name)
    known = registry.current().of(mail)
    to = Recipient(None, "somebody@people.example", "Wilhelmina", "es")
    spanish = registry.current().templates.render(known.name, mail.parameters.example(), to)
    english = registry.current().templates.render(
        known.name, mail.parameters.example(), Recipient(None, to.address, to.name)
    )
    assert spanish.text.startswith("Hola, Wilhelmina:\n\n")
    assert '<html lang="es">' in spanish.html
    assert spanish.subject != english.subject
    flat = [" ".join(part.split()) for part in (spanish.subject, spanish.text, spanish.html)]
    assert [text for text in SENTENCES for part in flat if text in part] == []
    assert not any("%(" in part for part in flat)


def test_no_line_end_of_a_text_part_is_trimmed() -> None:
    """Jinja takes the one after a block: paragraphs would run into each other."""
    templates = (path for path in ROOT.glob("backoffice/**/*.txt") if FOLDERS & {*path.parts})
    assert [path for path in templates if "{% endtrans %}\n" in path.read_text("utf-8")] == []


def test_in_an_unknown_language_a_mail_is_english(runtime: Runtime) -> None:
    del runtime
    mail = next(mail for _package, mail in MAILS if mail.name == "password-changed")
    known = registry.current().of(mail)
    to = Recipient(None, "somebody@people.example", "Wilhelmina", "../es")
    rendered = registry.current().templates.render(known.name, mail.parameters.example(), to)
    assert rendered.subject == "Your password was changed"
    assert '<html lang="en">' in rendered.html
