"""The palette knows every job that the console has a page for: whatever has a form of its own is found.

All pages are walked that each role may open and that lie at a fixed address, or below a class, a job or a
plugin: those of the menu, those that its pages lead to, and those of plugins. Of each the forms within the
frame are looked at, and where they are sent. What lies below another record is found by that record.
"""

import re
from collections.abc import Iterator, Mapping
from html import unescape
from string import ascii_lowercase
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException

from backoffice.access.transaction import transaction
from backoffice.console import find
from backoffice.console.grid import Grid
from backoffice.jobs import registry, scheduler
from tests.contract.pages import form_token, forms, links
from tests.contract.routes import Route, door, routes, views
from tests.factories.visitor import signed_in
from tests.factories.world import SYSTEM, Class, World, make_personal

ROLES = ("founder", "leader", "officer", "teacher", "co_teacher", "helper", "outsider")
BELOW = {"classroom", "job", "plugin"}
# What a list does with its rows; the palette finds the list in the menu.
OF_LISTS = {"act", "search", "narrow", "export_found"}
# Pages with a form to which no action of the palette leads, each with the reason.
CELL = "one cell of a list, which its row leads to; the form of the whole is found"
WITHOUT: Mapping[str, str] = {
    "console_find.index": "the palette itself",
    "console_inbox.index": "its forms are those of all messages, to which an action leads",
    "console_classrooms.cell_name": CELL,
    "console_classrooms.cell_mark": CELL,
    "console_classrooms.fields": "stands on the page of the class, where its school has fields",
    "console_class_teachers.leave": "for who has a role there, which the page of the teachers knows",
}
# What else pages lie below, and how somebody comes there by the palette.
NAMED = "found by its name"
ROW = "a row of a list that is in the menu"
REACHED: Mapping[str, str] = {
    "student": NAMED,
    "account": NAMED,
    "school": "its classes are found by its name, and the list of schools is in the menu",
    "district": "stands on the page of subscriptions, which is in the menu",
    "saved_view": "its list with it is found by its name, and all views by an action",
    "action": "stands on the page of its class that an action leads to",
    "worry": "stands in the inbox, which is in the menu",
    "guardian_request": "stands in the inbox, which is in the menu",
    "event": ROW,
    "report": ROW,
    "incident": ROW,
    "drill_event": "stands on the page of its incident",
    "concerned_school": "stands on the page of its incident",
    "notice": "stands on the page of its incident's notices",
    "custom_field": ROW,
    "invoice": "stands on the page of what its school has subscribed to, which is in the menu",
    **dict.fromkeys(
        ("quote", "purchase_order", "tax_certificate"),
        "stands on the pages that its school's subscription leads to",
    ),
    "field_receipt": ROW,
    "import": ROW,
    "large_change": "an action leads to all of one's own",
    "erasure": "an action leads to all of one's own",
    **{
        f"{kind}_change": "stands below the form of its record"
        for kind in ("student", "classroom", "action", "school", "plugin", "job")
    },
}


@pytest.fixture(scope="module", autouse=True)
def _alone(world: World) -> None:
    """Somebody who signed up alone, and jobs with their times."""
    scheduler.sync()
    with transaction(SYSTEM) as tx:
        make_personal(tx, world.foreign_class.school_id, world.people["outsider"])


@pytest.fixture(autouse=True)
def _all(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is found, and not the first of it alone."""
    monkeypatch.setattr(find, "MOST_FOUND", 10_000)


def pages(app: Flask, room: Class) -> Iterator[tuple[Route, str]]:
    """The console's pages at a fixed address or below these, with their addresses."""
    named = {
        "classroom": [room.public_id],
        "job": list(registry.installed()),
        "plugin": [each.name for each in app.extensions["backoffice"].plugins],
    }
    for route in routes(app):
        kinds = set(route.kinds.values())
        if route.method != "GET" or door(app, route) is None or not (kinds <= BELOW and len(kinds) < 2):
            continue
        for value in named[kinds.pop()] if kinds else [""]:
            yield route, route.address(app, **dict.fromkeys(route.kinds, value))


def does(app: Flask, client: FlaskClient, address: str) -> set[str]:
    """Where the forms of a page are sent that do more than narrowing a list or choosing of its rows."""
    answer = client.get(address)
    if answer.status_code != 200 or answer.mimetype != "text/html":
        return set()
    frame = answer.text.partition("<main")[2]
    sent = [urljoin(address, each.action) for each in forms(frame) if each.method == "post"]
    return {taken for each in sent if (taken := takes(app, each))}


def takes(app: Flask, address: str) -> str | None:
    """The endpoint that takes a form, if it is more than a list's."""
    try:
        endpoint, _values = app.url_map.bind("localhost").match(urlsplit(address).path, "POST")
    except HTTPException:
        return None
    blueprint, _, name = endpoint.rpartition(".")
    return None if isinstance(views(app).get(blueprint), Grid) and name in OF_LISTS else endpoint


def known(client: FlaskClient, room: Class) -> set[str]:
    """Where the actions and classes lead that the palette finds, whatever is typed."""
    token = form_token(client.get("/console/find/").text)
    found = set()
    for words in (*ascii_lowercase, room.name):
        page = client.post("/console/find/", data={"csrf_token": token, "q": words, "part": "1"}).text
        for title, inside in re.findall(r'<section aria-label="([^"]+)">(.*?)</section>', page, re.DOTALL):
            if title in {"Actions", "Classes"}:
                found |= {urlsplit(unescape(each)).path for each in links(inside)}
    return found


@pytest.fixture(scope="module")
def missed() -> set[str]:
    """The exceptions that were of use."""
    return set()


@pytest.mark.parametrize("role", ROLES)
def test_every_page_with_a_form_is_found(app: Flask, world: World, missed: set[str], role: str) -> None:
    client = signed_in(app, world, role)
    room = world.foreign_class if role == "outsider" else world.own_class
    offered = known(client, room)
    acting = {(route.endpoint, address) for route, address in pages(app, room) if does(app, client, address)}
    unknown = {endpoint for endpoint, address in acting if address not in offered}
    missed |= unknown
    assert unknown <= set(WITHOUT)
    # All have something to do, but for whom the console has numbers alone.
    assert bool({endpoint for endpoint, _address in acting} - set(WITHOUT)) is (role != "officer")


def test_what_lies_below_a_record_is_reached(app: Flask) -> None:
    kinds = {
        kind
        for route in routes(app)
        if route.method == "GET" and door(app, route) is not None
        for kind in route.kinds.values()
    }
    assert kinds == BELOW | set(REACHED)


def test_no_exception_is_idle(missed: set[str]) -> None:
    assert missed == set(WITHOUT)
