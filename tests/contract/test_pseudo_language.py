"""Whatever a person reads has gone through gettext: pages, papers and answers to forms are read in a language
in which each text is marked.

`test_texts.py` finds what stands outside of gettext where it is written. Here is found what it cannot see,
such as a name of the code that a page prints.

Lists as files are not looked at: programs read them, and their headings are English.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from http import HTTPStatus

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from backoffice.access import policy
from backoffice.access.permissions import Permission
from backoffice.access.transaction import transaction
from backoffice.console.grids import filters
from backoffice.console.paging import LargeLists
from backoffice.console.picker import fields
from backoffice.controls import registry as promises
from backoffice.jobs import registry as jobs
from backoffice.schools import finding
from backoffice.storage.public_id import PATTERN
from backoffice.web import errors
from plugins.notifications import clocks
from plugins.trust.models import ControlResult
from tests.contract.actors import KINDS, NAMED, Actor, Thing
from tests.contract.matrix import Matrix, Tally
from tests.contract.pages import body_of
from tests.contract.pseudo import marked, read_in, speak_pseudo, unsaid
from tests.contract.routes import FORMS, PUBLIC, Filled, Route, form_keys, permission_of
from tests.factories.visitor import send, signed_in
from tests.factories.world import SYSTEM, World

ROLES = ("founder", "leader", "teacher", "parent", "student", "nobody")
# As whom a form is tried: the first who may. Forms for everybody are for those who are not signed in.
WHO_MAY = ("teacher", "leader", "founder", "parent", "student")
# Pages on which one of many is picked.
WITH_PICKERS = (
    "/console/students/",
    "/console/classrooms/",
    "/console/classrooms/new",
    "/console/invitations/new",
)
# What is rightly the same in every language, and why.
RIGHTLY: Mapping[str, str] = {
    r"Classroom Back Office": "the name of the product",
    r"English|Español": "languages, each in its own",
    r"\b(?:CSV|Excel|UTC)\b": "names of formats and of the zone of all zones",
    r"\d (?:min|ms)\b": "signs of units",
    r"\b[A-Z]{2}, [A-Z]{2}\b": "a state and a country, as their codes",
    r"\S+@\S+": "an e-mail address",
    r"(?:(?<!\w)|\blocalhost:8000)/[\w./-]*": "an address, or a path",
    r"\b[\w-]+\.csv\b": "the name of a file",
    r"\bbackoffice \w+": "a command",
    rf"\b(?:{PATTERN}|[0-9a-f]{{12}})\b": "an identifier, or the reference of a request",
    r"\b(?:[A-Z\d]{3,4}-)+[A-Z\d]{4}\b": "a code of a class or of a letter",
    r"\b[a-z\d]{5}-[a-z\d]{5}\b": "a recovery code",
    r"\b[A-Z\d]{8}-\d{4}\b|\bQ-\d{4}-[A-Z\d]{8}\b|\bPO-\w+\b": "numbers of an invoice, a quote and an order",
    r"\b(?:evt|sub|cus|in)_\w+\b": "what Stripe calls something",
    r"\b(?:invoice|customer|checkout)(?:\.[a-z_]+)+\b": "what happened, in Stripe's words",
    r"\bSigned by Ottilie Orderly\b": "a paper that a school has handed in",
    r"\bMA\b": "a state, as its code",
    r"\b[0-9a-f]{64}\b": "the fingerprint of a key",
    r"(?:\b[A-Z2-7]{4}\b ?){8}": "the secret of a second factor",
    r"\b(?:Safari|Telephone|test browser)\b": "devices of the stage",
    r"\b(?:Former|Narrowed by|Ingrid Invited to)\b": "what people and things of the world were called",
    r"Newly Brought Newts|Newton Newcomer|Brought Badgers": "who and what is in a file that is brought in",
    r"Who is to be sent home by which bus": "what a school of the world has a field for",
    r"https?://[\w./-]+": "an address of another host",
    r"\bhooks\.example\b": "the host of a district's system",
    r"\bUSD\b": "a currency, by its code",
    r"\bwhsec_[\w+/=]+": "the secret of a district's system",
    r"(?:The |A (?:late )?|Call the )?[Nn]arwhal[^«»]*": "what founders wrote in the world",
    r"\bOn Monday\b|Walrus loose|A walrus plays narwhal": "more of it",
    r"\b[A-Z]{2}-[A-Z]{2}\b": "a place, by its code",
    r"\bbreach-[a-z]+ \d+\b": "the name of a template",
    r"^From$|Your password\?": "the head and the words of a mail that was reported in the world",
    r"Quillfeather asked for it|^1,000 .*\. Done\.$": "what somebody wrote, or was told, in the world",
}
# What chooses what a form does; without it, nothing would be left that could be wrong.
_CHOOSE = frozenset({"action", "confirm", "rowid"})


@pytest.fixture(autouse=True)
def _pseudo(monkeypatch: pytest.MonkeyPatch, matrix: Matrix) -> None:
    """From here on; what was set up before spoke English."""
    del matrix
    speak_pseudo(monkeypatch)


@pytest.fixture(scope="module")
def data(matrix: Matrix) -> str:
    """The pattern of what is no text: `RIGHTLY`, and the names of the world and of parts of the product."""
    with transaction(SYSTEM) as tx:
        # What checks found is public, kept word for word, and marked as English on its own page.
        evidence = set(tx.scalars(select(ControlResult.evidence)))
    laws = {name for rule in clocks.law().rule for name in (rule.law, rule.citation, rule.office) if name}
    parts = {*policy.declared(), *jobs.installed(), *(each.id for each in promises.current().controls)}
    return "|".join([_exactly(matrix.stage.texts | evidence | laws | parts), *RIGHTLY])


def _exactly(names: Iterable[str]) -> str:
    longest_first = sorted(names, key=len, reverse=True)
    return rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)"


def read_of(response: TestResponse) -> list[str]:
    """What a person reads of an answer; nothing of one that leads on, which browsers do not show."""
    if response.status_code in {302, 303}:
        return []
    match response.mimetype:
        case "text/html":
            return read_in(response.text)
        case "application/pdf":
            # A sentence may go over several lines.
            return [" ".join(body_of(response).split())]
        case "application/json":
            said = response.get_json()
            return [said["said"]] if "said" in said else []
    return []


def tried(matrix: Matrix, actor: Actor, route: Route) -> Iterator[Thing | None]:
    """On what a page is looked at: parts of the product one by one, and of all else one thing."""
    kind = next(iter(route.kinds.values()), None)
    permission = permission_of(matrix.app, route)
    if kind is None:
        yield None
    elif kind in {*KINDS, *NAMED}:
        may = [each for each in matrix.stage.own(actor, kind) if matrix.may(actor, route, permission, each)]
        yield from may if kind in NAMED else may[:1]


@pytest.mark.by_turns
@pytest.mark.parametrize("role", ROLES)
def test_pages_say_nothing_outside_of_gettext(matrix: Matrix, tally: Tally, data: str, role: str) -> None:
    actor = matrix.actor(role)
    known = re.compile(data)
    for route in matrix.routes:
        if route.method != "GET":
            continue
        for thing in tried(matrix, actor, route):
            response = matrix.knock(actor, route, thing)
            matrix.settle()
            tally.problems += [f"{role} {route}: {each}" for each in unsaid(read_of(response), known)]
    tally.verdict()


def test_answers_to_forms_say_nothing_outside_of_gettext(matrix: Matrix, tally: Tally, data: str) -> None:
    """Neither where a form is filled in as it should be, nor where it is empty."""
    for route in matrix.routes:
        if route.method != "POST":
            continue
        for key, permission in form_keys(matrix.app, route):
            for actor, thing in _first(matrix, route, permission):
                filled = FORMS[key](matrix.stage, actor, thing)
                known = re.compile(f"{data}|{_exactly(_typed(filled))}")
                for sent in (filled, _emptied(filled)):
                    response = _answer(matrix, actor, route, thing, sent)
                    tally.problems += [f"{route} {key}: {each}" for each in unsaid(read_of(response), known)]
    tally.verdict()


def _first(
    matrix: Matrix, route: Route, permission: Permission | None
) -> Iterator[tuple[Actor, Thing | None]]:
    """Who tries a form, on what."""
    kind = next(iter(route.kinds.values()), None)
    if route.endpoint in PUBLIC and kind is None:
        for role in ("nobody", "student"):
            yield matrix.actor(role), None
        return
    for actor in map(matrix.actor, WHO_MAY):
        things = [None] if kind is None else matrix.stage.own(actor, kind) if kind in {*KINDS, *NAMED} else []
        for thing in things:
            if matrix.may(actor, route, permission, thing):
                yield actor, thing
                return


def _typed(filled: Filled) -> set[str]:
    """What somebody wrote into the fields."""
    found = set()
    for value in filled.fields.values():
        for each in value if isinstance(value, list) else [value]:
            found |= {each, *re.split(r"[\s,]+", each)} if isinstance(each, str) else set()
    return {each for each in found if each.strip()}


def _emptied(filled: Filled) -> Filled:
    fields = {name: value if name in _CHOOSE else "" for name, value in filled.fields.items()}
    return replace(filled, fields=fields)


def _answer(matrix: Matrix, actor: Actor, route: Route, thing: Thing | None, sent: Filled) -> TestResponse:
    """The page to which a form leads; afterwards everything is as before."""
    browser = matrix.stage.browser(matrix.app, actor)
    address = route.address(matrix.app, **{name: thing.public_id for name in route.kinds if thing})
    fields = {name: value() if callable(value) else value for name, value in sent.fields.items()}
    response = browser.post(
        address, data={"csrf_token": actor.token, **fields}, query_string=sent.query or {}
    )
    if response.status_code == HTTPStatus.SEE_OTHER and response.location.startswith("/"):
        response = browser.get(response.location)
    matrix.settle()
    return response


def test_what_is_too_much_for_a_page_is_said_through_gettext(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch, tally: Tally, data: str
) -> None:
    """Where one of many is looked for by its name, and where not all names were looked at."""
    monkeypatch.setattr(filters, "LARGE", LargeLists())
    for module in (filters, fields):
        monkeypatch.setattr(module, "MOST_CHOICES", 1)
    monkeypatch.setattr(finding, "MOST_READ", 1)
    leader = signed_in(app, world, "leader")
    pages = [leader.get(address) for address in WITH_PICKERS]
    assert [each.status_code for each in pages] == [200] * len(pages)
    assert all("data-picker" in each.text for each in pages)
    pages.append(send(leader, "/console/find/", {"q": "quorum"}))
    assert "find-none" in pages[-1].text
    for page in pages:
        known = re.compile(data)
        tally.problems += [f"{page.request.path}: {each}" for each in unsaid(read_of(page), known)]
    tally.verdict()


@pytest.mark.parametrize("status", [400, 404, 406, 414, 418, 422, 500, 501, 599])
def test_every_failure_is_said_through_gettext(app: Flask, data: str, status: int) -> None:
    with app.test_request_context():
        page = errors.answer(status).get_data(as_text=True)
    assert list(unsaid(read_in(page), re.compile(data))) == []


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ("<p>Hello</p>", ["Hello"]),
        (f"<p>{marked('Hello %(name)s') % {'name': 'class'}}</p>", [f"{marked('Hello ')}class"]),
        ('<p title="Look here"><b>12</b> — R.</p>', ["Look here"]),
        ('<input type="submit" value="Send"><script>let said;</script>', ["Send"]),
        ('<html lang="en"><p lang="en">Quoted <br>word for word</p>Mine</html>', ["Mine"]),
        (f"<p>{marked('One %(counted)s') % {'counted': marked('two')}}</p>", []),
    ],
)
def test_what_stands_outside_is_found(page: str, found: list[str]) -> None:
    assert list(unsaid(read_in(page), re.compile("Classroom Back Office"))) == found
