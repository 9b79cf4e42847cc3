"""The grid: a fixed number of queries, search and filters, actions asked twice, exports that are safe."""

import re
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from backoffice.access.permissions import STUDENTS_READ
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.console import batches
from backoffice.console.grid import Column, Grid
from backoffice.console.guard import GuardedView
from backoffice.console.paging import PAGE_SIZE
from backoffice.runtime import Runtime
from backoffice.schools.models import Enrollment, Student
from tests.factories.statements import statements
from tests.factories.visitor import form_token, send, signed_in
from tests.factories.world import SYSTEM, World, add_child


@pytest.mark.parametrize("page", ["/console/students/", "/console/classrooms/"])
def test_a_page_asks_the_same_with_few_rows_and_with_many(
    app: Flask, runtime: Runtime, world: World, page: str
) -> None:
    browser = signed_in(app, world, "outsider")
    browser.get(page)
    with statements(runtime) as few:
        assert browser.get(page).status_code == 200
    with transaction(SYSTEM) as tx:
        for number in range(48):
            add_child(tx, world.foreign_class, f"Many{number}", f"Of {page}")
    with statements(runtime) as many:
        assert browser.get(page).status_code == 200
    assert len(few) == len(many) <= 12


def test_a_page_reads_no_school_that_it_does_not_show(app: Flask, runtime: Runtime, world: World) -> None:
    """Of several schools the frame says only how many they are."""
    browser = signed_in(app, world, "leader")
    with statements(runtime) as asked:
        assert "2 schools" in browser.get("/console/families/").text
    assert not [statement for statement in asked if "FROM app.school" in statement.replace("\n", " ")]


@pytest.mark.parametrize(
    ("words", "found"),
    [("wilh", True), ("QUARTER", True), ("wil quar", True), ("helmina", False), ("zzz", False)],
)
def test_search_finds_the_beginnings_of_names(app: Flask, world: World, words: str, found: bool) -> None:
    page = search(signed_in(app, world, "teacher"), words)
    assert (page.status_code, "Wilhelmina Quartermaine" in page.text) == (200, found)


def test_search_forgives_accents(app: Flask, world: World) -> None:
    with transaction(SYSTEM) as tx:
        add_child(tx, world.own_class, "Zoë", "Ångström")
    page = search(signed_in(app, world, "teacher"), "angst zoe")
    assert "Zoë Ångström" in page.text


def test_search_parts_words_as_names_are_parted(app: Flask, world: World) -> None:
    """An accent that stands by itself parts them."""
    name = "O\u00b4Brien"
    with transaction(SYSTEM) as tx:
        child = add_child(tx, world.own_class, "Oisin", name)
    browser = signed_in(app, world, "teacher")
    for words in (name, "o brien", f"ois {name} oisi {name} bri"):
        assert child.public_id in search(browser, words).text, words


def test_searches_of_lists_are_counted_with_those_of_the_whole_console(
    app: Flask, runtime: Runtime, world: World
) -> None:
    browser, page = signed_in(app, world, "teacher"), "/console/students/"
    throttles = runtime.settings.throttles.model_copy(update={"find_account": "2/hour"})
    few = runtime.settings.model_copy(update={"throttles": throttles})
    token = form_token(browser.get(page).text)
    data = {"csrf_token": token, "q": "wilh", "action": "leave", "whole": "yes"}
    before = app.extensions["backoffice"]
    app.extensions["backoffice"] = replace(before, settings=few)
    try:
        assert browser.post(f"{page}search", data=data).status_code == 200
        assert browser.post("/console/find/", data=data).status_code == 200
        for where in ("search", "narrow", "export.csv", ""):
            refused = browser.post(f"{page}{where}", data=data)
            assert (refused.status_code, "Wait 60 minutes" in refused.text) == (429, True), where
        assert browser.post("/console/find/", data=data).status_code == 429
        # What looks for no words is not counted.
        assert browser.get(page).status_code == 200
        assert browser.post(page, data=data | {"q": ""}).status_code == 200
    finally:
        app.extensions["backoffice"] = before


def test_a_corrected_name_is_found_as_it_is_now(app: Flask, world: World) -> None:
    with transaction(SYSTEM) as tx:
        child = add_child(tx, world.own_class, "Mispelt", "Wrongly")
    browser = signed_in(app, world, "teacher")
    assert child.public_id in search(browser, "mispelt wrong").text
    corrected = {"given_name": "Gwendolyn", "family_name": "Ashdown"}
    assert send(browser, f"/console/students/{child.public_id}/edit", corrected).status_code == 303
    for words, found in (("gwen", True), ("ashd gwend", True), ("mispelt", False), ("wrongly", False)):
        assert (child.public_id in search(browser, words).text) is found, words


def test_a_search_is_in_no_address(app: Flask, world: World) -> None:
    """Addresses stay in histories, in logs of proxies and in cookies; names do not belong there."""
    browser = signed_in(app, world, "teacher")
    with transaction(SYSTEM) as tx:
        for number in range(PAGE_SIZE):
            add_child(tx, world.own_class, f"Ninefold{number}", "Nimble")
    page = search(browser, "ninef", classroom=world.own_class.public_id)
    assert page.request.path == "/console/students/search"
    assert page.request.query_string == b""
    links = re.findall(r'(?:href|action|src)="([^"]*)"', page.text)
    assert not [link for link in links if "inef" in link.lower()]
    assert "Ninefold" in browser.get("/console/students/?q=wilh").text, "Words of an address are not heard."


def test_a_search_goes_on_over_its_pages_under_its_filter(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "leader")
    with transaction(SYSTEM) as tx:
        for number in range(PAGE_SIZE + 1):
            add_child(tx, world.elsewhere_class, f"Tenfold{number:02}", "Tepid")
        add_child(tx, world.own_class, "Tenfold99", "Tepid")
    here = {"classroom": world.elsewhere_class.public_id}
    first = search(browser, "tenf", **here)
    (after,) = re.findall(r'name="after" value="([^"]+)"', first.text)
    second = search(browser, "tenf", **here, after=after)
    (before,) = re.findall(r'name="before" value="([^"]+)"', second.text)
    back = search(browser, "tenf", **here, before=before)
    found = [set(re.findall(r"Tenfold\d\d", page.text)) for page in (first, second, back)]
    assert (len(found[0]), len(found[1]), found[0] & found[1], found[2]) == (PAGE_SIZE, 1, set(), found[0])
    assert "Tenfold99" not in found[0] | found[1]


def test_a_search_for_nothing_leads_to_the_list(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "leader")
    classroom = world.own_class.public_id
    assert search(browser, " ", classroom=classroom).location == f"./?classroom={classroom}"
    assert browser.get("/console/students/search").location == "./"


def test_what_a_search_found_is_exported_alone(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "teacher")
    answer = send(browser, "/console/students/export.csv", {"q": "wilh"}, page="/console/students/")
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    assert ("Wilhelmina" in answer.text, "Bartholomew" in answer.text) == (True, False)


def search(browser: FlaskClient, words: str, **more: str) -> TestResponse:
    """Look for words on the list of students."""
    fields = {"q": words, **more}
    return send(browser, "/console/students/search", fields, page="/console/students/")


def test_the_filter_by_class_shows_that_class(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "leader")
    page = browser.get(f"/console/students/?classroom={world.elsewhere_class.public_id}").text
    assert ("Ottoline" in page, "Wilhelmina" in page) == (True, False)


def test_a_foreign_class_is_no_filter(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "teacher")
    foreign = world.foreign_class.public_id
    assert browser.get(f"/console/students/?classroom={foreign}").status_code == 404
    assert browser.get(f"/console/students/export.csv?classroom={foreign}").status_code == 404


def test_a_bulk_action_is_asked_twice(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "colleague")
    classroom, child = world.colleague_class, world.colleague_class.children[1]
    page = f"/console/students/?classroom={classroom.public_id}"
    left = (
        select(func.count())
        .select_from(Enrollment)
        .where(Enrollment.student_id == child.id, Enrollment.ended_at.is_not(None))
    )
    fields = {"action": "unenroll", "rowid": child.public_id}
    asked = send(browser, page, fields)
    with transaction(SYSTEM) as tx:
        before = tx.scalar(left)
    done = browser.post(page, data={"csrf_token": form_token(asked.text), "confirm": "yes", **fields})
    with transaction(SYSTEM) as tx:
        after = tx.scalar(left)
        still_there = tx.scalar(select(Student.id).where(Student.id == child.id))
    assert (asked.status_code, before, done.status_code, after) == (200, 0, 303, 1)
    assert still_there == child.id


def test_an_export_is_a_spreadsheet_that_runs_nothing(app: Flask, world: World) -> None:
    with transaction(SYSTEM) as tx:
        add_child(tx, world.own_class, "=HYPERLINK('x')", "@Name")
        exported = select(func.count()).where(AuditEntry.verb == "students.export")
        before = tx.scalar(exported)
    answer = signed_in(app, world, "teacher").get("/console/students/export.csv")
    text = answer.get_data(as_text=True)
    assert answer.mimetype == "text/csv"
    assert text.startswith('\ufeff"Student","Classes","Points"')
    assert "'=HYPERLINK" in text
    assert "Persephone" not in text
    with transaction(SYSTEM) as tx:
        assert tx.scalar(exported) == (before or 0) + 1


def test_an_export_is_whole_however_long(app: Flask, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH", 3)
    with transaction(SYSTEM) as tx:
        for number in range(10):
            add_child(tx, world.own_class, f"Onelist{number}", "Ofmany")
    exported = signed_in(app, world, "teacher").get("/console/students/export.csv").text
    assert sorted(re.findall(r"Onelist(\d)", exported)) == [str(number) for number in range(10)]


def test_an_export_is_noted_in_every_school_whose_rows_it_holds(app: Flask, world: World) -> None:
    """So that its leader, who reads the trail of the own schools, finds it there."""

    def of(verb: str) -> Any:
        return select(AuditEntry.school_id).where(AuditEntry.verb == verb)

    noted = of("classrooms.export")
    signed_in(app, world, "leader").get("/console/classrooms/export.csv").get_data()
    with transaction(SYSTEM) as tx:
        assert set(tx.scalars(noted)) == {world.home.id, world.elsewhere.id}
    signed_in(app, world, "leader").get("/console/teachers/export.csv").get_data()
    signed_in(app, world, "leader").get("/console/students/import/current.csv").get_data()
    signed_in(app, world, "founder").get("/console/schools/export.csv").get_data()
    with transaction(SYSTEM) as tx:
        assert set(tx.scalars(of("students.export"))) == {world.home.id, world.elsewhere.id}
        assert set(tx.scalars(of("accounts.export"))) == {world.home.id, world.elsewhere.id}
        assert {world.home.id, world.outside.id} < set(tx.scalars(of("schools.export")))
    signed_in(app, world, "outsider").get("/console/classrooms/export.csv").get_data()
    with transaction(world.sign_in("leader")) as tx:
        assert set(tx.scalars(noted)) == {world.home.id, world.elsewhere.id}


def test_a_view_without_doors_cannot_be_defined() -> None:
    with pytest.raises(TypeError, match="has no doors"):
        type("Open", (GuardedView,), {})


PLACED = {"title": "Rows", "address": "rows"}


def test_a_grid_without_columns_cannot_be_defined() -> None:
    with pytest.raises(TypeError, match="no entity or no columns"):
        type("Bare", (Grid,), PLACED | {"doors": {"index": STUDENTS_READ}, "entity": Student})
    with pytest.raises(TypeError, match="no entity or no columns"):
        type("Nothing", (Grid,), PLACED | {"doors": {"index": STUDENTS_READ}, "columns": (Column("a", "A"),)})


def test_a_grid_that_offers_a_search_has_a_door_to_it() -> None:
    searching = {"entity": Student, "columns": (Column("a", "A"),), "search_placeholder": "Find"}
    with pytest.raises(TypeError, match="a search without a door"):
        type("Searching", (Grid,), PLACED | searching | {"doors": {"index": STUDENTS_READ}})


def test_whoever_only_sees_a_list_takes_nothing_out(app: Flask, world: World) -> None:
    teacher = signed_in(app, world, "teacher")
    assert teacher.get("/console/families/").status_code == 200
    assert "export.csv" not in teacher.get("/console/families/").text
    assert teacher.get("/console/families/export.csv").status_code == 404
    assert "export.csv" in signed_in(app, world, "leader").get("/console/families/").text
