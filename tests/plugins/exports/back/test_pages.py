"""The page on which an export is brought back."""

import io
import json
import re
import zipfile

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete
from werkzeug.test import TestResponse

from backoffice.access.transaction import transaction
from backoffice.schools.models import Membership, TeachingRole
from backoffice.web import cookies
from plugins.exports.back.fields import NOT_YOURS
from plugins.exports.back.reading import UNPACKED_BY_PAGE
from plugins.exports.content.manifest import FORMAT, VERSION
from tests.contract.pages import form_token
from tests.factories.world import SYSTEM, World
from tests.plugins.exports.back.places import Place, counts_of, empty
from tests.plugins.exports.content.conftest import Scopes, opened

BACK = "/console/exports/back"
CONFIRM = f"{BACK}/confirm"


@pytest.fixture
def packed(scopes: Scopes) -> bytes:
    """The export of the own class."""
    return opened(scopes["classroom"]).packed


class Browser:
    """A browser of one of the people."""

    def __init__(self, app: Flask, world: World, role: str) -> None:
        self.client: FlaskClient = app.test_client()
        self.client.set_cookie(cookies.ACCOUNT, world.token(role))

    def look(self, packed: bytes, into: Place) -> TestResponse:
        """Send a file."""
        token = form_token(self.client.get(BACK).text)
        data = {"csrf_token": token, "school": into.public_id, "file": (io.BytesIO(packed), "mila.zip")}
        return self.client.post(BACK, data=data)

    def confirm(self, page: str, **more: str) -> TestResponse:
        """Send what the page carries."""
        found = re.search(r'name="carried" value="([^"]+)"', page)
        carried = found.group(1) if found else ""
        return self.client.post(CONFIRM, data={"csrf_token": form_token(page), "carried": carried, **more})


def test_looked_at_then_brought_in(app: Flask, world: World, packed: bytes) -> None:
    into, browser = empty(world), Browser(app, world, "teacher")
    page = browser.look(packed, into)
    assert page.status_code == 200
    assert "This comes in" in page.text
    assert "What lets somebody in is made anew." in page.text
    assert "Some of it is known here" not in page.text
    assert "2 fields of the school&#39;s own · 2 values in such fields" in page.text
    assert str(NOT_YOURS) in page.text
    assert counts_of(into)["classrooms"] == 0
    done = browser.confirm(page.text)
    assert (done.status_code, done.location) == (303, "/console/classrooms/")
    told = browser.client.get("/console/classrooms/").text
    assert "1 class with its students and points came in" in told
    assert f"Not brought in: 2 fields of the school&#39;s own · 2 values in such fields. {NOT_YOURS}" in told
    assert counts_of(into)["students"] == 2
    again = browser.confirm(page.text, anew="y")
    assert again.status_code == 303
    assert "brought in already" in browser.client.get("/console/classrooms/").text
    assert counts_of(into)["students"] == 2


def test_what_is_known_is_to_be_said(app: Flask, world: World, packed: bytes) -> None:
    into, browser = empty(world), Browser(app, world, "teacher")
    browser.confirm(browser.look(packed, into).text)
    page = browser.look(packed, into)
    assert "Some of it is known here" in page.text
    unsaid = browser.confirm(page.text)
    assert unsaid.status_code == 422
    assert "Say that it is to be created anew" in unsaid.text
    assert counts_of(into)["classrooms"] == 1
    assert browser.confirm(unsaid.text, anew="y").status_code == 303
    assert counts_of(into)["classrooms"] == 2


def test_what_is_wrong_is_said_and_nothing_of_the_file(app: Flask, world: World, packed: bytes) -> None:
    into, browser = empty(world), Browser(app, world, "teacher")
    page = browser.look(packed[:-50], into)
    assert page.status_code == 422
    assert "This is no export of ours" in page.text
    assert "mila" not in page.text
    nothing = browser.look(b"", into)
    assert nothing.status_code == 422
    assert counts_of(into)["classrooms"] == 0


def test_what_unpacks_without_end_is_soon_refused(app: Flask, world: World) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        said = {"files": {"data/x.json": "0" * 64}, "counts": {}, "format": FORMAT, "version": VERSION}
        scope = {"kind": "classroom", "public_id": "cgpz8yfrsjhfhpdf", "for_family": False}
        archive.writestr("manifest.json", json.dumps({**said, "scope": scope}))
        archive.writestr("data/x.json", b" " * (UNPACKED_BY_PAGE + 1))
    page = Browser(app, world, "teacher").look(bomb.getvalue(), empty(world))
    assert page.status_code == 422
    assert "more than can be brought in here at once" in page.text


def test_what_is_carried_is_sealed_and_opens_for_nobody_else(app: Flask, world: World, packed: bytes) -> None:
    into, browser = empty(world), Browser(app, world, "teacher")
    page = browser.look(packed, into).text
    child = world.own_class.children[0]
    assert child.given not in page
    assert child.public_id not in page
    other = Browser(app, world, "colleague")
    token = form_token(other.client.get(BACK).text)
    found = re.search(r'name="carried" value="([^"]+)"', page)
    assert found is not None
    for carried in (found.group(1), found.group(1)[:-8], "", "x"):
        refused = other.client.post(CONFIRM, data={"csrf_token": token, "carried": carried, "anew": "y"})
        assert refused.status_code == 422
    without = browser.client.post(CONFIRM, data={"carried": found.group(1)})
    assert without.status_code in {400, 403, 422}
    assert counts_of(into)["classrooms"] == 0


def test_a_school_in_which_one_does_not_work_is_no_choice(app: Flask, world: World, packed: bytes) -> None:
    into, browser = empty(world, "colleague"), Browser(app, world, "teacher")
    assert browser.look(packed, into).status_code == 422
    assert counts_of(into)["classrooms"] == 0


def test_whoever_lost_the_place_meanwhile_brings_in_nothing(app: Flask, world: World, packed: bytes) -> None:
    into, browser = empty(world), Browser(app, world, "teacher")
    page = browser.look(packed, into).text
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Membership).where(Membership.school_id == into.id))
    assert browser.confirm(page).status_code == 404
    assert counts_of(into)["classrooms"] == 0


@pytest.mark.parametrize("role", ["parent", "founder", "officer"])
def test_who_makes_no_classes_has_no_such_page(app: Flask, world: World, role: str) -> None:
    browser = Browser(app, world, role)
    assert browser.client.get(BACK).status_code == 404
    assert browser.client.post(BACK, data={}).status_code in {400, 404}
    assert browser.client.post(CONFIRM, data={}).status_code in {400, 404}


def test_a_teacher_without_a_class_finds_the_page(app: Flask, world: World) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(delete(TeachingRole).where(TeachingRole.account_id == world.people["colleague"].id))
    browser = Browser(app, world, "colleague")
    assert browser.client.get("/console/exports/").status_code == 404
    assert browser.client.get(BACK).status_code == 200
