"""A leader brings a roster in: what is kept of it, what is told, and who may look."""

import io
import json
import re
import tempfile
import zipfile
from hashlib import sha256
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from werkzeug import formparser
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.console.picker import fields
from backoffice.runtime import Runtime
from backoffice.schools.models import Student
from backoffice.storage.roles import DatabaseRole
from backoffice.web import cookies
from plugins.rosters import queries, services, views
from plugins.rosters.importing.alone.queries import Alone
from plugins.rosters.importing.outcome import LEFT_ALONE
from plugins.rosters.importing.places import Target
from plugins.rosters.models import ImportState, RosterImport, RosterUpload
from plugins.rosters.reading.package import Limits
from plugins.rosters.reading.report import Report
from tests.contract.pages import form_token
from tests.factories import oneroster
from tests.factories.world import SYSTEM, World, add_school
from tests.plugins.rosters.reading.sets import written, zip_of

NEW = "/console/rosters/new"
SET = oneroster.zipped(oneroster.Shape(students=20))


@pytest.fixture
def leader(app: Flask, world: World) -> FlaskClient:
    return signed_in(app, world, "leader")


@pytest.fixture
def no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may be written to a temporary file while a request is served."""

    def refuse(*_arguments: Any, **_options: Any) -> None:
        raise AssertionError("An upload touched the disk.")

    monkeypatch.setattr(formparser, "SpooledTemporaryFile", refuse)
    monkeypatch.setattr(tempfile, "mkstemp", refuse)


def signed_in(app: Flask, world: World, role: str) -> FlaskClient:
    browser = app.test_client()
    browser.set_cookie(cookies.ACCOUNT, world.token(role))
    return browser


def send(browser: FlaskClient, place: str, content: bytes) -> TestResponse:
    return browser.post(NEW, **upload(form_token(browser.get(NEW).text), place, content))


def upload(token: str, place: str, content: bytes) -> dict[str, Any]:
    """A form that is sent. Put together here: the client would use a file of its own for a large one."""
    fields = {"csrf_token": token, "place": place, "file": FileStorage(io.BytesIO(content), "set.zip")}
    boundary, body = encode_multipart(fields)
    return {"data": body, "content_type": f"multipart/form-data; boundary={boundary}"}


def last() -> RosterImport:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(RosterImport).order_by(RosterImport.id.desc()).limit(1)).one()


def work() -> None:
    """What a worker does with the last upload."""
    services.run_upload(principal=Purpose("rosters.import"), number=last().id, tick=lambda _lines: None)


def test_a_roster_comes_in(leader: FlaskClient, world: World) -> None:
    sent = send(leader, world.elsewhere.public_id, SET)
    assert (sent.status_code, sent.location) == (303, f"/console/rosters/{last().public_id}")
    assert last().state == ImportState.WAITING
    waiting = leader.get(sent.location or "").text
    assert "Waiting" in waiting
    assert "You can leave this page" in waiting
    assert 'data-reload="4" data-reload-for="180"' in waiting
    work()
    page = unescape(leader.get(sent.location or "").text)
    assert "Done" in page
    assert "Students new</dt><dd>20</dd>" in page
    assert "Dropped, and never stored" in page
    assert "Passwords <code" in page
    assert "Nobody becomes a leader by a roster:" in page
    assert "The names go from this report after 30 days." in page
    assert last().public_id in leader.get("/console/rosters/").text


def test_a_report_names_whom_it_left_alone_to_who_may_see_them(leader: FlaskClient, world: World) -> None:
    send(leader, world.home.public_id, SET)
    work()
    own, foreign = world.own_class, world.foreign_class
    child, helper = own.children[0], world.people["helper"]
    pairs = {
        "children left out": [[own.id, child.id], [foreign.id, foreign.children[0].id], [own.id, 0]],
        "teachers left in": [[own.id, helper.id]],
        "new classes beside ones begun here": [[own.id, world.colleague_class.id]],
    }
    assert pairs.keys() <= {kind.counted for kind in Alone}
    with transaction(SYSTEM) as tx:
        row = tx.get_one(RosterImport, last().id)
        row.names = dict(pairs)
        sayings = {what: LEFT_ALONE[what] for what in pairs}
        row.report = {**(row.report or {}), "left_alone": sayings, "counts": dict.fromkeys(pairs, 3)}
    page = unescape(leader.get(f"/console/rosters/{last().public_id}").text)
    assert "Children left out: 3" in page
    assert LEFT_ALONE["children left out"] in page
    assert f'href="/console/students/{child.public_id}"><bdi>{child.given} {child.family}</bdi>' in page
    assert f"<bdi>{helper.name}</bdi>" in page
    assert f"<bdi>{world.colleague_class.name}</bdi>" in page
    assert foreign.name not in page
    assert foreign.children[0].given not in page


def test_what_is_dropped_is_not_kept(leader: FlaskClient, world: World) -> None:
    """Not even sealed: the upload is opened, and holds no address of a child, no phone, no password."""
    send(leader, world.home.public_id, SET)
    with transaction(SYSTEM) as tx:
        kept = b"".join(tx.scalars(select(RosterUpload.content).where(RosterUpload.import_id == last().id)))
    with io.BytesIO(kept) as stream, zipfile.ZipFile(stream) as package:
        names = package.namelist()
        users = package.read("users.csv").decode()
    assert "demographics.csv" not in names
    rows = [line.split(",") for line in users.splitlines() if line]
    heading = rows[0]
    for column in ("password", "phone", "sms", "middleName", "identifier", "grades"):
        assert {row[heading.index(column)] for row in rows[1:]} == {""}
    children = [row for row in rows[1:] if row[heading.index("role")] == "student"]
    assert {row[heading.index("email")] for row in children} == {""}


def test_no_transaction_is_open_while_a_roster_is_read(
    leader: FlaskClient, runtime: Runtime, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may take long, and an open one holds up what cleans the tables."""
    reduced, opened = views._reduced, []
    looked = text("""
        select count(*) from pg_locks l join pg_database d on d.oid = l.database
         where d.datname = current_database() and l.pid <> pg_backend_pid() and l.locktype = 'relation'
    """)

    def looking(content: bytes, report: Report) -> tuple[bytes, int]:
        with runtime.database.engine(DatabaseRole.OWNER).connect() as connection:
            opened.append(connection.scalar(looked))
        return reduced(content, report)

    monkeypatch.setattr(views, "_reduced", looking)
    assert send(leader, world.home.public_id, SET).status_code == 303
    assert opened == [0]


def test_files_with_errors_store_nothing(leader: FlaskClient, world: World) -> None:
    before = last().id
    content = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(SET)) as good,
        zipfile.ZipFile(content, "w") as bad,
    ):
        for name in good.namelist():
            text = good.read(name).decode()
            bad.writestr(name, text.replace(",student,", ",wizard,", 1) if name == "users.csv" else text)
    answer = send(leader, world.home.public_id, content.getvalue())
    page = unescape(answer.text)
    assert answer.status_code == 422
    assert "Nothing was brought in" in page
    assert "users.csv" in page
    assert "wizard" not in page
    assert last().id == before


def test_a_set_that_unpacks_to_more_than_a_page_reads_is_refused(
    leader: FlaskClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = last().id
    monkeypatch.setattr(views, "UPLOADED", Limits(total_bytes=1000))
    answer = send(leader, world.home.public_id, SET)
    assert (answer.status_code, "The set is too large." in answer.text) == (422, True)
    assert last().id == before


def test_what_the_page_takes_the_worker_takes(leader: FlaskClient, world: World) -> None:
    """Also when much was left out, which reads as very many empty lines."""
    rows = {name: [*lines] for name, lines in oneroster.files(oneroster.Shape(students=3)).items()}
    gone = [*rows["orgs.csv"][1]]
    gone[rows["orgs.csv"][0].index("status")] = "tobedeleted"
    digests = (sha256(b"%d" % number).hexdigest() for number in range(Limits().empty_lines + 1))
    rows["orgs.csv"][1:1] = [(digest, *gone[1:]) for digest in digests]
    content = zip_of({name: written([list(line) for line in lines]) for name, lines in rows.items()})
    assert send(leader, world.elsewhere.public_id, content).status_code == 303
    work()
    assert last().state == ImportState.DONE


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 broken", SET[: len(SET) // 2]])
def test_what_is_no_set_is_refused_in_a_sentence(leader: FlaskClient, world: World, content: bytes) -> None:
    before = last().id
    answer = send(leader, world.home.public_id, content)
    assert answer.status_code == 422
    assert "Traceback" not in answer.text
    assert last().id == before


def test_an_upload_without_a_file_is_told(leader: FlaskClient, world: World) -> None:
    token = form_token(leader.get(NEW).text)
    answer = leader.post(NEW, data={"csrf_token": token, "place": world.home.public_id})
    assert (answer.status_code, "Choose the zip file." in answer.text) == (422, True)


def test_nobody_brings_a_roster_into_a_foreign_school(app: Flask, leader: FlaskClient, world: World) -> None:
    before = last().id
    assert send(leader, world.outside.public_id, SET).status_code == 422
    for role in ("teacher", "founder", "officer", "outsider"):
        assert signed_in(app, world, role).get(NEW).status_code == 404
    assert last().id == before


def test_of_many_places_one_is_found_by_its_name(
    leader: FlaskClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the district, which is offered before its schools."""
    with transaction(SYSTEM) as tx:
        made = [add_school(tx, f"Reservoir Number{n}", world.district_id) for n in range(1, 31)]
    last = made[-1].public_id
    few = leader.get(NEW).text
    assert ("data-picker=" in few, re.findall(r'<option[^>]*value="(\w+)"', few)[0]) == (
        False,
        world.district,
    )
    monkeypatch.setattr(fields, "MOST_CHOICES", 20)

    def found(words: str) -> list[str]:
        token = form_token(leader.get(NEW).text)
        sent = {"csrf_token": token, "find": "place", "find-place": words}
        answer = leader.post(NEW, data=sent)
        assert (answer.status_code, "Choose the zip file." in answer.text) == (200, False)
        return re.findall(r'<option[^>]*value="(\w+)"', answer.text)

    assert found("number30") == [last]
    assert found("its schools") == [world.district]
    assert found(world.outside.name) == []
    for place in (last, world.district):
        sent = send(leader, place, SET)
        assert (sent.status_code, went_into(place)) == (303, True)
    listed = leader.get("/console/rosters/").text
    assert ("Reservoir Number30" in listed, "Reservoir Number29" in listed) == (True, False)
    refused = send(leader, world.outside.public_id, SET)
    assert (refused.status_code, "Not a valid choice" in refused.text) == (422, True)


def went_into(place: str) -> bool:
    """Whether the last import goes into the school or the district of this public identifier."""
    with transaction(SYSTEM) as tx:
        target = queries.target_of(tx, last())
    return place in {target.school, target.district}


def test_a_large_body_is_taken_by_this_page_alone_and_in_memory(
    leader: FlaskClient, app: Flask, world: World, no_disk: None
) -> None:
    large = SET + b"\0" * (1 << 20)
    token = form_token(leader.get(NEW).text)

    def post(browser: FlaskClient, address: str) -> int:
        return browser.post(address, **upload(token, world.home.public_id, large)).status_code

    assert post(leader, NEW) in {303, 422}
    assert post(leader, "/console/classrooms/new") == 413
    assert post(app.test_client(), NEW) == 413


def test_problems_are_a_list_to_work_through(leader: FlaskClient, world: World) -> None:
    send(leader, world.home.public_id, SET)
    number = last().id
    problem = {
        "severity": "warning",
        "file": "users.csv",
        "line": 7,
        "column": "email",
        "sentence": "=This is wrong.",
        "remedy": "Mend it.",
    }
    with transaction(SYSTEM) as tx:
        row = tx.get_one(RosterImport, number)
        row.report = json.loads(json.dumps({**(row.report or {}), "problems": [problem]}))
    answer = leader.get(f"/console/rosters/{last().public_id}/problems.csv")
    assert answer.mimetype == "text/csv"
    cells = ("warning", "users.csv", "7", "email", "'=This is wrong.", "Mend it.")
    assert answer.text.splitlines()[1] == ",".join(f'"{cell}"' for cell in cells)


def test_a_roster_is_looked_at_before_it_comes_in(leader: FlaskClient, world: World) -> None:
    place = world.elsewhere.public_id
    content = oneroster.zipped(oneroster.Shape(students=24))
    fields = upload(form_token(leader.get(NEW).text), place, content)
    assert 'name="look_first" type="checkbox" value="y"' in leader.get(NEW).text
    boundary = fields["content_type"].partition("boundary=")[2].encode()
    looked = b'Content-Disposition: form-data; name="look_first"\r\n\r\ny\r\n--'
    fields["data"] = fields["data"].replace(
        b"--" + boundary, b"--" + boundary + b"\r\n" + looked + boundary, 1
    )
    address = leader.post(NEW, **fields).location or ""
    students = pupils()
    work()
    assert (last().state, last().look_first, pupils()) == (ImportState.LOOKED, True, students)
    page = unescape(leader.get(address).text)
    assert "This is what will happen" in page
    assert re.search(r"<dt>Students</dt><dd>.*?4 new.*?20 the same", page, re.DOTALL)
    # A worker that comes again does nothing, and somebody who leads nothing there sees nothing.
    work()
    outsider = signed_in(leader.application, world, "outsider")
    token = form_token(outsider.get("/account").text)
    assert outsider.post(f"{address}/bring-in", data={"csrf_token": token}).status_code == 404
    # Something changes before it is confirmed: it is shown once more.
    with transaction(SYSTEM) as tx:
        row = tx.get_one(RosterImport, last().id)
        row.report = {**(row.report or {}), "counts": {"students new": 3}}
    bring = from_page(page)
    stale = leader.post(f"{address}/bring-in", data=bring, follow_redirects=True)
    assert services.ANOTHER_BY_NOW in stale.text
    work()
    assert (last().state, pupils()) == (ImportState.LOOKED, students)
    bring = from_page(leader.get(address).text)
    assert leader.post(f"{address}/bring-in", data=bring).status_code == 303
    assert "already" in unescape(leader.post(f"{address}/bring-in", data=bring, follow_redirects=True).text)
    work()
    assert (last().state, pupils()) == (ImportState.LOOKED, students)
    assert (
        services.ANOTHER_BY_NOW in leader.post(f"{address}/bring-in", data=bring, follow_redirects=True).text
    )
    page = leader.get(address).text
    assert "Something has changed since you looked" in page
    leader.post(f"{address}/bring-in", data=from_page(page))
    work()
    assert (last().state, pupils()) == (ImportState.DONE, students + 4)
    with transaction(SYSTEM) as tx:
        assert not tx.scalars(select(RosterUpload).where(RosterUpload.import_id == last().id)).all()


def from_page(page: str) -> dict[str, str]:
    """What the button that brings a roster in sends."""
    seen = re.search(r'name="seen" value="(\w+)"', page)
    assert seen
    return {"csrf_token": form_token(page), "seen": seen[1]}


def test_what_nobody_brings_in_is_deleted_after_a_day(leader: FlaskClient, world: World) -> None:
    target = Target(school=world.elsewhere.public_id)
    services.queue_upload(principal=world.sign_in("leader"), target=target, content=[SET], look_first=True)
    work()
    assert last().state == ImportState.LOOKED
    services.give_up(principal=Purpose("rosters.forget-uploads"), before=clock.now())
    assert last().state == ImportState.FAILED
    page = leader.get(f"/console/rosters/{last().public_id}").text
    assert "Nobody brought this roster in" in page
    with transaction(SYSTEM) as tx:
        assert not tx.scalars(select(RosterUpload).where(RosterUpload.import_id == last().id)).all()


def pupils() -> int:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).select_from(Student)) or 0
