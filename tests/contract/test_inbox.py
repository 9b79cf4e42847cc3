"""Whatever is mailed to somebody stays in their inbox, or stands in a short list that says why not."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import delete, func, select
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.routing import RequestRedirect

import backoffice
from backoffice.access.transaction import transaction
from backoffice.language.spoken import speaking
from backoffice.messages import core, registry, showing
from backoffice.messages.kind import Always, Choice, Group
from backoffice.messages.models import Message
from backoffice.messages.without import WITHOUT
from backoffice.outbox import core as core_mails
from backoffice.outbox import registry as mails
from backoffice.outbox.mail import Recipient
from backoffice.outbox.models import OutgoingMail
from backoffice.outbox.registry import KnownMail
from backoffice.outbox.rendering import Site
from backoffice.outbox.services import Letter, post_many
from backoffice.plugin import discover
from backoffice.settings import plugin_config
from tests.factories.posting import post
from tests.factories.world import SYSTEM, World

PLUGINS = discover(plugin_config("plugins")["installed"])
# Who is written to as nobody's account, and why. Whoever has one is told by it.
AS_NOBODY = {
    "backoffice/staff/services/invitations.py": "whoever is invited may have no account",
    "backoffice/families/services/letters.py": "whoever is invited may have no account",
    "backoffice/accounts/services/sign_up.py": "there is no account yet",
    "backoffice/privacy/erasure/letters.py": "the account is gone",
    "backoffice/privacy/holds/waiting.py": "the account is closed",
    "backoffice/outbox/checks.py": "a check renders it and sends nothing",
    "plugins/notifications/notices/queries.py": "the security contact of a school is an address",
    "plugins/notifications/notices/views.py": "a preview of the mail",
}


def every() -> tuple[KnownMail, ...]:
    mails.install(core_mails.MAILS, PLUGINS, Site("https://school.example", "help@company.example"))
    registry.install(core.KINDS, PLUGINS)
    return mails.current().mails


EVERY = every()
LEFT_OUT = {id(mail): why for mail, why in WITHOUT}
every_mail = pytest.mark.parametrize("known", EVERY, ids=lambda known: known.name)


@pytest.fixture(scope="module", autouse=True)
def _installed(world: World) -> None:
    """A database for them all."""
    del world


def current(known: KnownMail) -> KnownMail:
    return next(each for each in mails.current().mails if each.name == known.name)


def left() -> list[tuple[int, str, int | None]]:
    with transaction(SYSTEM) as tx:
        found = tx.execute(select(Message.account_id, Message.kind, Message.school_id)).all()
        return [(row[0], row[1], row[2]) for row in found]


@pytest.fixture
def nothing_told() -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Message))
        tx.execute(delete(OutgoingMail))


@every_mail
def test_a_mail_has_a_message_or_a_reason_for_none(known: KnownMail) -> None:
    has_message = known.name in registry.installed()
    why_not = LEFT_OUT.get(id(current(known).mail))
    assert has_message != bool(why_not), f"{known.name} needs a message or a reason for none, and not both."


@every_mail
def test_its_message_is_left_where_it_is_posted(known: KnownMail, world: World, nothing_told: None) -> None:
    person, mail = world.people["teacher"], current(known).mail
    to = Recipient(person.id, person.email, person.name)
    with transaction(SYSTEM) as tx:
        post(tx, mail, to=to, parameters=mail.parameters.example(), school_id=world.home.id)
        post_many(tx, mail, [Letter(to, mail.parameters.example())])
    expected = [] if known.name not in registry.installed() else [world.home.id, None]
    assert left() == [(person.id, known.name, school) for school in expected]


@every_mail
def test_an_address_that_is_nobodys_account_gets_the_mail_alone(known: KnownMail, nothing_told: None) -> None:
    mail = current(known).mail
    with transaction(SYSTEM) as tx:
        post(tx, mail, to=Recipient(None, "it@home.example", "IT"), parameters=mail.parameters.example())
        assert tx.scalar(select(func.count()).select_from(OutgoingMail)) == 1
    assert left() == []


every_kind = pytest.mark.parametrize("name", sorted(registry.installed()))


@every_kind
def test_its_mail_always_comes_for_a_reason_or_may_be_turned_off(name: str) -> None:
    kind = registry.installed()[name]
    assert isinstance(kind.by_mail, Always | Choice)
    assert kind.choice is None or kind.choice.group in showing.GROUPS
    assert showing.GROUPS.keys() == set(Group)


@every_kind
def test_its_sentence_is_short_and_in_the_readers_language(name: str, app: Flask) -> None:
    message = Message(kind=name, subject="q" * 16, once="1")
    with app.test_request_context():
        with speaking("en"):
            english = showing.line(message)
        with speaking("es"):
            spanish = showing.line(message)
    assert english.title != spanish.title
    assert english.sentence != spanish.sentence
    assert english.category
    for said in (english.sentence, spanish.sentence):
        assert said.endswith(".")
        assert len(said) <= 140
        assert "{" not in said


@every_kind
def test_where_it_leads_there_is_a_page(name: str, app: Flask) -> None:
    page = showing.line(Message(kind=name, subject="q" * 16, once="1")).page
    if not page:
        return
    try:
        found = app.url_map.bind("").match(page, "GET")
    except (MethodNotAllowed, RequestRedirect):
        pytest.fail(f"{name} leads to {page}, which nobody can open.")
    assert found


def test_without_what_it_is_about_a_message_leads_nowhere() -> None:
    assert showing.line(Message(kind="core.request-came", subject=None, once="1")).page == ""
    hostile = showing.line(Message(kind="core.request-came", subject="../../sign-out?x", once="1")).page
    assert hostile == "/console/inbox/requests/..%2F..%2Fsign-out%3Fx"


def test_nobody_is_written_to_as_nobody_without_a_reason() -> None:
    root = Path(backoffice.__file__).parents[1]
    files = [*root.glob("backoffice/**/*.py"), *root.glob("plugins/**/*.py")]
    found = {str(path.relative_to(root)) for path in files for _ in _as_nobody(path)}
    assert found == set(AS_NOBODY)


def _as_nobody(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if (
            isinstance(node, ast.Call)
            and getattr(node.func, "id", "") == "Recipient"
            and node.args
            and isinstance(node.args[0], ast.Constant)
            and not any(each.arg == "inbox" for each in node.keywords)
        ):
            yield node


def test_no_other_code_writes_mails() -> None:
    """What is beside the one place would leave no message."""
    root = Path(backoffice.__file__).parents[1]
    for path in (*root.glob("backoffice/**/*.py"), *root.glob("plugins/**/*.py")):
        said = path.read_text("utf-8")
        if path != root / "backoffice/outbox/services.py":
            assert "insert(OutgoingMail" not in said, path
            assert "_insert(tx, OutgoingMail" not in said, path
