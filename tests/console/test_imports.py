"""Importing into the list of students: what is asked, what is shown, and what is done."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, func, insert, select, update
from werkzeug.test import TestResponse

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.console.grids.imports import shown_groups
from backoffice.imports.carrying import TOO_LATE
from backoffice.imports.limits import MOST_ROWS
from backoffice.imports.plan import Plan, PlannedRow, RowState
from backoffice.outbox.models import OutgoingMail
from backoffice.runtime import Runtime
from backoffice.schools.models import Classroom, Enrollment, Student, TeachingRole
from tests.factories.visitor import form_token, signed_in
from tests.factories.world import SYSTEM, World, add_classroom

PAGE = "/console/students/import"


@pytest.fixture
def teacher(app: Flask, world: World) -> FlaskClient:
    return signed_in(app, world, "teacher")


def brought(client: FlaskClient, content: bytes | str, page: str = PAGE, **fields: str) -> TestResponse:
    """Bring a list, as a file."""
    data = content.encode() if isinstance(content, str) else content
    token = form_token(client.get(page).text)
    sent = {"csrf_token": token, "file": (io.BytesIO(data), "Ada.csv"), **fields}
    return client.post(page, data=sent, content_type="multipart/form-data")


def fields_of(page: str) -> dict[str, str]:
    """What the form of the preview sends."""
    found = dict(re.findall(r'<input[^>]*type="hidden" name="([^"]+)" value="([^"]*)"', page))
    found |= dict(re.findall(r'<input[^>]*name="(csrf_token)"[^>]*value="([^"]*)"', page))
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'selected value="([^"]*)"|value="([^"]*)" selected', options)
        found[name] = (chosen[1] or chosen[2]) if chosen else ""
    if re.search(r'name="heads" value="yes" checked', page):
        found["heads"] = "yes"
    return found


def counts(page: str) -> list[int]:
    """New, changed, the same, to look at."""
    chips = re.search(r'<p class="chips import-counts">(.*?)</p>', page, re.DOTALL)
    assert chips, page
    return [int(number.replace(",", "")) for number in re.findall(r">([\d,]+) ", chips.group(1))]


def confirmed(client: FlaskClient, page: str, at: str = PAGE, **more: str) -> TestResponse:
    """Confirm what the page shows."""
    return client.post(f"{at}/confirm", data={**fields_of(page), **more})


def names_in(world: World) -> list[str]:
    with transaction(SYSTEM) as tx:
        here = select(Enrollment.student_id).where(
            Enrollment.classroom_id == world.own_class.id, Enrollment.ended_at.is_(None)
        )
        rows = tx.scalars(select(Student).where(Student.id.in_(here)))
        return sorted(f"{row.given_name} {row.family_name or ''}".strip() for row in rows)


def trail() -> list[str]:
    with transaction(SYSTEM) as tx:
        return list(tx.scalars(select(AuditEntry.verb).order_by(AuditEntry.id)))


def test_a_list_is_looked_at_and_then_brought_in(teacher: FlaskClient, world: World) -> None:
    first, second = world.own_class.children
    room = world.own_class.name
    with transaction(SYSTEM) as tx:
        mails = tx.scalar(select(func.count()).select_from(OutgoingMail))
    text = (
        "ID;Vorname;Nachname;Klasse;Geburtstag\n"
        f"{first.public_id};Wilma;Quartermaine;{room};1.1.2016\n"
        f";{second.given.upper()};{second.family};{room};\n"
        f";Zoë;Zimmer;{room};2.2.2016\n"
        f";Nobody;Known;No such class;\n"
        f"{world.foreign_class.children[0].public_id};Seraphina;Ravenscroft;{room};\n"
    )
    page = unescape(brought(teacher, text.encode("cp1252")).text)
    assert counts(page) == [1, 1, 1, 2]
    assert re.search(r"<del><bdi>Wilhelmina</bdi></del>.*<ins><bdi>Wilma</bdi></ins>", page)
    assert "There is no such class here." in page
    assert "There is no student of this ID here." in page
    assert "Ravenscroft" in page
    assert "Import 1 new, change 1" in page
    assert "Zoë Zimmer" not in names_in(world)
    before = trail()
    done = confirmed(teacher, page)
    assert (done.status_code, done.location) == (303, "/console/students/")
    assert names_in(world) == [f"{second.given} {second.family}", "Wilma Quartermaine", "Zoë Zimmer"]
    assert trail()[len(before) :] == ["students.import"]
    # Confirmed twice: nothing is left to do, and nobody stands there twice.
    again = confirmed(teacher, page)
    assert again.status_code == 409
    assert "nothing was changed" in again.text
    assert len(names_in(world)) == 3
    # It can be undone where it was done.
    undo = f"/console/classrooms/{world.own_class.public_id}"
    token = form_token(teacher.get(undo).text)
    teacher.post(f"{undo}/undo-last", data={"csrf_token": token})
    assert names_in(world) == ["Bartholomew Zephyrine", "Wilhelmina Quartermaine"]
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(func.count()).select_from(OutgoingMail)) == mails


def test_what_is_exported_comes_back_as_the_same(teacher: FlaskClient, world: World) -> None:
    for kind in ("csv", "xlsx"):
        content = teacher.get(f"/console/students/export.{kind}").data
        page = brought(teacher, content).text
        assert counts(page) == [0, 0, 2, 0], kind
        assert "There is nothing to do." in page
    current = teacher.get(f"{PAGE}/current.csv").data
    assert counts(brought(teacher, current).text) == [0, 0, 2, 0]
    lines = list(csv.reader(io.StringIO(current.decode("utf-8-sig"))))
    assert lines[0] == ["ID", "Given name", "Family name", "Classes"]
    assert {line[0] for line in lines[1:]} == {child.public_id for child in world.own_class.children}
    assert teacher.get(f"{PAGE}/blank.csv").text.strip() == '\ufeff"ID","Given name","Family name","Classes"'
    pasted = {"csrf_token": form_token(teacher.get(PAGE).text), "pasted": content_of(lines)}
    assert counts(teacher.post(PAGE, data=pasted).text) == [0, 0, 2, 0]


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(
    ("own", "other", "third", "ids"),
    [
        ("Maths, advanced", "Cranes", "Third", 0),
        ("Maths", "Cranes; late", "Third", 1),
        ("Otters", "OTTERS", "Third", 2),
        ("A", "B", "A, B", 2),
        ("A; B", "Cranes", "CRANES", 2),
    ],
)
def test_classes_that_a_name_does_not_tell_come_back_by_their_ids(
    app: Flask, world: World, own: str, other: str, third: str, ids: int
) -> None:
    rooms = {world.own_class.id: own, world.colleague_class.id: other}
    school = {"school": world.home.public_id}
    leader = signed_in(app, world, "leader")
    with transaction(SYSTEM) as tx:
        for number, name in rooms.items():
            tx.execute(update(Classroom).where(Classroom.id == number).values(name=name))
        made, _ = add_classroom(tx, world.home, third)
    try:
        current = leader.get(f"{PAGE}/current.csv?school={world.home.public_id}").data
        lines = list(csv.reader(io.StringIO(current.decode("utf-8-sig"))))[1:]
        assert counts(brought(leader, current, **school).text) == [0, 0, len(lines), 0]
        (both,) = (line[3] for line in lines if line[0] == world.own_class.children[0].public_id)
        written = {world.own_class.public_id, world.colleague_class.public_id}.intersection(both.split(", "))
        assert len(written) == ids
    finally:
        with transaction(SYSTEM) as tx:
            for room in (world.own_class, world.colleague_class):
                tx.execute(update(Classroom).where(Classroom.id == room.id).values(name=room.name))
            tx.execute(delete(Classroom).where(Classroom.id == made))


@pytest.fixture
def shared(world: World) -> Iterator[None]:
    """The teacher's first child is in the colleague's class as well, where the teacher helps."""
    child, room = world.own_class.children[0], world.colleague_class
    role = {"classroom_id": room.id, "account_id": world.people["teacher"].id}
    with transaction(SYSTEM) as tx:
        tx.execute(insert(TeachingRole).values(school_id=room.school_id, role="helper", **role))
        seat = {"classroom_id": room.id, "student_id": child.id, "balance": 71_077}
        tx.execute(
            insert(Enrollment).values(
                school_id=room.school_id, avatar="owl-plum", joined_at=clock.now(), **seat
            )
        )
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(delete(TeachingRole).filter_by(**role))
        tx.execute(
            delete(Enrollment).where(Enrollment.classroom_id == room.id, Enrollment.student_id == child.id)
        )


@pytest.mark.usefixtures("shared")
def test_a_file_tells_nothing_of_a_class_that_one_only_helps_in(teacher: FlaskClient, world: World) -> None:
    name = world.colleague_class.name
    page = teacher.get("/console/students/").text
    assert (name in page, "71079" in page) == (True, True)
    for path in ("export.csv", "import/current.csv"):
        text = teacher.get(f"/console/students/{path}").text
        assert (world.own_class.name in text, name in text, "71079" in text) == (True, False, False), path


def test_every_row_that_changes_something_is_shown() -> None:
    rows = [PlannedRow(at, state, f"Child {at}") for state in RowState for at in range(MOST_ROWS)]
    shown = {state: len(rows) for state, rows, _count in shown_groups(Plan(rows))}
    assert (shown[RowState.CHANGED], shown[RowState.REFUSED]) == (MOST_ROWS, MOST_ROWS)
    assert all(count == MOST_ROWS for _state, _rows, count in shown_groups(Plan(rows)))


def content_of(lines: list[list[str]]) -> str:
    return "\n".join("\t".join(line) for line in lines)


def test_columns_are_corrected_by_selects(teacher: FlaskClient, world: World) -> None:
    text = f"Wie,Wo\nNadia Newcomer,{world.own_class.name}\n"
    page = brought(teacher, text).text
    assert "Say which column holds the names." in page
    assert "import-counts" not in page
    said = {**fields_of(page), "col-0": "whole", "col-1": "whole", "heads": "yes"}
    assert "Two columns are said to be" in teacher.post(PAGE, data=said).text
    page = teacher.post(PAGE, data=said | {"col-1": "classes"}).text
    assert counts(page) == [1, 0, 0, 0]
    # What is confirmed is what was shown, whatever the selects say by now.
    other = confirmed(teacher, page, **{"col-1": ""})
    assert other.status_code == 422
    assert "Look at what would happen now" in other.text
    assert counts(other.text) == [0, 0, 0, 1]
    assert "Nadia Newcomer" not in names_in(world)


def test_a_name_of_another_class_is_asked_about(app: Flask, world: World) -> None:
    leader = signed_in(app, world, "leader")
    child, room = world.colleague_class.children[0], world.own_class.name
    text = f"Student,Class\n{child.given} {child.family},{room}\n"
    page = unescape(brought(leader, text, school=world.home.public_id).text)
    assert counts(page) == [0, 0, 0, 1]
    assert f"A student of this name is in {world.colleague_class.name}." in page
    said = fields_of(page)
    page = leader.post(PAGE, data=said | {"answer": "another"}).text
    assert counts(page) == [1, 0, 0, 0]
    page = leader.post(PAGE, data=fields_of(page) | {"answer": "same"}).text
    assert counts(page) == [0, 1, 0, 0]
    assert confirmed(leader, page).status_code == 303
    with transaction(SYSTEM) as tx:
        seats = select(func.count()).where(Enrollment.student_id == child.id, Enrollment.ended_at.is_(None))
        assert tx.scalar(seats) == 2
    assert f"{child.given} {child.family}" in names_in(world)


def test_of_many_schools_one_is_chosen_and_of_others_nothing_is_known(app: Flask, world: World) -> None:
    leader = signed_in(app, world, "leader")
    text = f"Student,Class\nNora New,{world.own_class.name}\n"
    page = brought(leader, text).text
    assert "Choose a school." in page
    for foreign in (world.outside.public_id, "x", "aaaaaaaaaaaaaaaa"):
        answer = leader.post(PAGE, data=fields_of(page) | {"school": foreign})
        assert answer.status_code == 404 or "Choose a school." in answer.text, foreign
    there = leader.post(PAGE, data=fields_of(page) | {"school": world.elsewhere.public_id}).text
    assert "There is no such class here." in there
    here = leader.post(PAGE, data=fields_of(page) | {"school": world.home.public_id}).text
    assert counts(here) == [1, 0, 0, 0]
    # By its ID a class of another school is none either.
    foreign = f"Student,Class\nNora New,{world.foreign_class.public_id}\n"
    page = brought(leader, foreign, school=world.home.public_id).text
    assert "There is no such class here." in page


def test_rows_that_changed_meanwhile_are_shown_again(teacher: FlaskClient, world: World) -> None:
    child = world.own_class.children[0]
    page = brought(teacher, f"ID,Given name\n{child.public_id},Willa\n").text
    assert counts(page) == [0, 1, 0, 0]
    token = {"csrf_token": form_token(page), "given_name": "Minnie", "family_name": "Quartermaine"}
    assert teacher.post(f"/console/students/{child.public_id}/edit", data=token).status_code == 303
    answer = confirmed(teacher, page)
    assert answer.status_code == 409
    assert "Something has changed since you looked" in answer.text
    assert "<del><bdi>Minnie</bdi></del>" in answer.text
    assert "Minnie Quartermaine" in names_in(world)
    assert confirmed(teacher, answer.text).status_code == 303
    assert "Willa Quartermaine" in names_in(world)


def test_a_right_that_ended_changes_nothing(app: Flask, world: World) -> None:
    client = signed_in(app, world, "co_teacher")
    child, room = world.own_class.children[0], world.own_class
    page = brought(client, f"ID,Given name,Class\n{child.public_id},Wanda,\n,Nora,{room.name}\n").text
    assert counts(page) == [1, 1, 0, 0]
    before = names_in(world)
    role = (
        TeachingRole.classroom_id == room.id,
        TeachingRole.account_id == world.people["co_teacher"].id,
    )
    with transaction(SYSTEM) as tx:
        tx.execute(update(TeachingRole).where(*role).values(role="helper"))
    try:
        # A helper adds nobody anywhere: the door is closed.
        assert confirmed(client, page).status_code == 404
        assert names_in(world) == before
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(update(TeachingRole).where(*role).values(role="co_teacher"))


def test_what_a_page_carries_is_its_readers_and_ends(app: Flask, teacher: FlaskClient, world: World) -> None:
    page = brought(teacher, f"Student,Class\nNora New,{world.own_class.name}\n").text
    other = signed_in(app, world, "co_teacher")
    stolen = fields_of(page) | {"csrf_token": form_token(other.get(PAGE).text)}
    for carried in (stolen["carried"], "nonsense", "é", stolen["carried"][:-8] + "AAAAAAA="):
        answer = other.post(f"{PAGE}/confirm", data=stolen | {"carried": carried})
        assert (answer.status_code, TOO_LATE in answer.text) == (422, True)
    assert "Nora" not in page.replace("<bdi>Nora New</bdi>", "").replace("such as", "")
    with time_machine.travel(clock.now() + timedelta(minutes=61), tick=False):
        late = signed_in(app, world, "teacher")
        again = fields_of(page) | {"csrf_token": form_token(late.get(PAGE).text)}
        answer = late.post(f"{PAGE}/confirm", data=again)
    assert (answer.status_code, TOO_LATE in answer.text) == (422, True)
    assert "Nora New" not in names_in(world)


def test_many_rows_take_a_typed_number_and_too_many_are_refused(teacher: FlaskClient, world: World) -> None:
    def text(many: int) -> str:
        rows = "".join(f"Child Number{at},{world.own_class.name}\n" for at in range(many))
        return f"Student,Class\n{rows}"

    before = len(names_in(world))
    page = brought(teacher, text(501)).text
    assert "You may bring in at most 500 rows at once." in page
    assert "/import/confirm" not in page
    # A page that somebody has made does no more.
    forced = confirmed(teacher, page, typed="501")
    assert (forced.status_code, "at most 500 rows" in forced.text) == (422, True)
    page = brought(teacher, text(120)).text
    wrong = confirmed(teacher, page, typed="12")
    assert (wrong.status_code, "Type 120 to confirm" in wrong.text) == (422, True)
    assert len(names_in(world)) == before
    assert confirmed(teacher, wrong.text, typed="120").status_code == 303
    assert len(names_in(world)) == before + 120


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "Choose a file, or paste rows."),
        (b"PK\x03\x04 no archive", "This workbook cannot be read."),
        (b"Name\0,\0Class" * 9, "This is no list that can be read."),
        (b'Name,Class\n"Ada,4B\nBea,4B', "Line 2 cannot be read."),
    ],
)
def test_what_cannot_be_read_is_said(teacher: FlaskClient, content: bytes, sentence: str) -> None:
    answer = brought(teacher, content)
    assert (answer.status_code, sentence in answer.text) == (422, True)


def test_whoever_brings_lists_too_often_waits(app: Flask, runtime: Runtime, world: World) -> None:
    client = signed_in(app, world, "co_teacher")
    page = brought(client, f"Student,Class\nNora Never,{world.own_class.name}\n").text
    throttles = runtime.settings.throttles.model_copy(update={"import_account": "1/hour"})
    before = app.extensions["backoffice"]
    app.extensions["backoffice"] = replace(
        before, settings=runtime.settings.model_copy(update={"throttles": throttles})
    )
    try:
        assert brought(client, "").status_code == 422
        # Not even opened: what it carries is nonsense.
        for refused in (brought(client, "Name"), confirmed(client, page, carried="nonsense")):
            assert (refused.status_code, "Wait 60 minutes" in refused.text) == (429, True)
        assert client.get(PAGE).status_code == 200
        assert brought(signed_in(app, world, "leader"), "").status_code == 422
    finally:
        app.extensions["backoffice"] = before
    assert "Nora Never" not in names_in(world)


def test_names_of_files_and_children_stay_out_of_addresses_and_logs(
    teacher: FlaskClient, world: World, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    page = brought(teacher, f"Student,Class\nNora Unheard,{world.own_class.name}\n")
    done = confirmed(teacher, page.text)
    assert done.status_code == 303
    heard = caplog.text + "".join(capsys.readouterr()) + str(done.location)
    assert "Unheard" not in heard
    assert "Ada.csv" not in heard + page.text


def test_a_list_of_classes_is_brought_in_as_it_was_taken_out(teacher: FlaskClient, world: World) -> None:
    page = "/console/classrooms/import"
    for path in ("export.csv", "export.xlsx", "import/current.csv"):
        content = teacher.get(f"/console/classrooms/{path}").data
        assert counts(brought(teacher, content, page).text)[2:] == [1, 0], path
    own = world.own_class
    shown = unescape(
        brought(teacher, f"ID,Class\n{own.public_id},Renamed Robins\n,Fresh Finches\n,\n", page).text
    )
    assert counts(shown) == [1, 1, 0, 0]
    assert re.search(rf"<del><bdi>{own.name}</bdi></del>.*<ins><bdi>Renamed Robins</bdi></ins>", shown)
    assert "A new class is yours, with an open door and a code." in shown
    done = confirmed(teacher, shown, page)
    assert (done.status_code, done.location) == (303, "/console/classrooms/")
    listed = teacher.get("/console/classrooms/").text
    assert "Imported: 1 class is new, 1 has another name." in listed
    assert ("Fresh Finches" in listed, "Renamed Robins" in listed, own.name in listed) == (True, True, False)
    again = confirmed(teacher, shown, page)
    assert (again.status_code, "nothing was changed" in again.text) == (409, True)
    # A list of one column without a heading is one of names.
    assert counts(brought(teacher, "Fresh Finches\nOther Otters\n", page).text) == [1, 0, 1, 0]
    # Its last changes have the name as it was.
    assert own.name in teacher.get(f"/console/classrooms/{own.public_id}/edit").text


@pytest.mark.parametrize("of", ["students", "classrooms"])
def test_the_school_of_the_list_is_chosen_and_else_none(app: Flask, world: World, of: str) -> None:
    """So that nobody brings a list into another school than the one that they look at."""
    leader = signed_in(app, world, "leader")

    def offered(chosen: str) -> list[tuple[str, str]]:
        page = leader.get(f"/console/{of}/import{chosen}").text
        found = re.findall(r'<option( selected)? value="(\w*)"', page.partition('id="school"')[2])
        return [(value, selected) for selected, value in found]

    for school in (world.home, world.elsewhere):
        there = offered(f"?school={school.public_id}")
        assert [value for value, selected in there if selected] == [school.public_id]
    for unknown in ("", f"?school={world.outside.public_id}"):
        assert [value for value, selected in offered(unknown) if value and selected] == []
        assert world.outside.public_id not in {value for value, _selected in offered(unknown)}
