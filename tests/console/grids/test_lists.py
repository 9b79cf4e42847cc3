"""Lists as the browser sees them: what is asked for goes along, can be taken away, and opens no door."""

import re
from datetime import date, timedelta
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.permissions import ACCOUNTS_RESET, STUDENTS_READ
from backoffice.access.transaction import transaction
from backoffice.console import paging
from backoffice.console.grid import Cell, Column, Grid, Row
from backoffice.console.grids.columns import By
from backoffice.schools.models import Classroom, Door, Student
from tests.factories.visitor import form_token, send, signed_in
from tests.factories.world import SYSTEM, World, add_child

PAGE = "/console/students/"
DAY = date(2026, 3, 1)


@pytest.fixture(scope="module", autouse=True)
def many(world: World) -> list[str]:
    """Sixty children of one school, each last in on a day of its own, the first long ago."""
    with transaction(SYSTEM) as tx:
        tx.execute(update(Student).values(active_on=DAY + timedelta(days=300)))
        made = [add_child(tx, world.elsewhere_class, f"Single{n:02}", "Smith") for n in range(60)]
        for n, child in enumerate(made):
            tx.execute(
                update(Student).where(Student.id == child.id).values(active_on=DAY + timedelta(days=n // 2))
            )
    return [child.public_id for child in made]


def shown(page: str) -> list[str]:
    """The rows of a page, in order; a box to tick names its row once more."""
    return list(dict.fromkeys(re.findall(r"Single\d\d", page)))


def links(page: str, words: str) -> list[str]:
    """Where the links lead that have these words."""
    found = re.findall(rf'<a [^>]*href="([^"]*)"[^>]*>(?:(?!</a>).)*{words}', page, re.DOTALL)
    return [unescape(each).replace("./", PAGE) for each in found]


@pytest.mark.parametrize("sort", ["active", "-active"])
def test_a_sorted_list_is_whole_both_ways(app: Flask, world: World, sort: str) -> None:
    browser = signed_in(app, world, "leader")
    school = world.elsewhere.public_id
    first = browser.get(f"{PAGE}?school={school}&sort={sort}").text
    (older,) = links(first, "Next")
    second = browser.get(older).text
    (newer,) = links(second, "Previous")
    back = browser.get(newer).text
    names = shown(first) + shown(second)
    days = [int(name[-2:]) // 2 for name in names]
    assert (len(names), len(set(names)), shown(back)) == (60, 60, shown(first))
    assert days == sorted(days, reverse=sort == "-active")
    assert f"sort={sort}" in older
    assert f"school={school}" in older
    assert not re.search(r"2026-0\d-\d\d", older + newer), "No value is in an address."


def test_a_row_that_went_leads_to_the_first_page(app: Flask, world: World) -> None:
    browser, sorted_so = signed_in(app, world, "leader"), f"{PAGE}?sort=active"
    assert shown(browser.get(f"{sorted_so}&after={'2' * 16}").text) == shown(browser.get(sorted_so).text)


def test_headings_ask_for_the_other_direction(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "leader")
    by_name = browser.get(PAGE).text
    assert by_name.count("aria-sort") == by_name.count('aria-sort="ascending"') == 1
    (by_day,) = links(by_name, "Last in</a")
    assert by_day == f"{PAGE}?sort=-active"
    latest = browser.get(by_day).text
    assert latest.count('aria-sort="descending"') == 1
    assert links(latest, "Last in</a") == [f"{PAGE}?sort=active"]
    assert links(latest, "Student</a") == [f"{PAGE}?sort=name"]
    names = [
        shown(browser.get(f"{PAGE}?sort={sort}&school={world.elsewhere.public_id}").text)
        for sort in ("name", "-name")
    ]
    assert names[0][:1] == ["Single00"]
    assert names[1][0] > names[1][-1]


@pytest.mark.parametrize(
    "query",
    ["sort=points", "sort=id", "sort=--active", "columns=secret", "columns=name,pin_hash", "active=ever"],
)
def test_what_is_not_offered_is_not_there(app: Flask, world: World, query: str) -> None:
    browser = signed_in(app, world, "leader")
    for address in (PAGE, f"{PAGE}export.csv"):
        assert browser.get(f"{address}?{query}").status_code == 404, address


@pytest.mark.parametrize("typed", ["2026-02-30", "9999-12-31", "yesterday", "20260301"])
def test_what_is_mistyped_is_said_beside_it_and_the_list_shown_without(
    app: Flask, world: World, typed: str
) -> None:
    browser, school = signed_in(app, world, "leader"), world.elsewhere.public_id
    query = f"school={school}&active_from={typed}&sort=active"
    page = browser.get(f"{PAGE}?{query}")
    assert (page.status_code, shown(page.text)) == (422, shown(browser.get(f"{PAGE}?sort=active").text))
    assert 'href="#filter-active_from">Last in: from</a>' in page.text
    (field,) = re.findall(r'<input[^>]*name="active_from"[^>]*>', page.text)
    assert f'value="{typed}" min="1900-01-01" max="9000-12-31" aria-invalid="true"' in field
    assert "Choose a day of the years 1900 to 9000." in page.text
    assert '<details class="filters" open>' in page.text
    assert typed not in "".join(links(page.text, "")), "what cannot be read goes along with nothing"
    # Found or picked of a form as well.
    found = send(browser, f"{PAGE}search", {"q": "sing", "active_from": typed}, page=PAGE)
    narrowed = send(browser, f"{PAGE}narrow", {"active_from": typed}, page=PAGE)
    assert [each.status_code for each in (found, narrowed)] == [422, 422]
    # A file or an action would be of other rows than were meant.
    assert browser.get(f"{PAGE}export.csv?{query}").status_code == 404
    done = {"action": "leave", "rowid": "x", "csrf_token": form_token(page.text)}
    assert browser.post(f"{PAGE}?{query}", data=done).status_code == 404


def test_beyond_what_can_be_sorted_names_are_no_order(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "SORTABLE", 10)
    page = signed_in(app, world, "leader").get(f"{PAGE}?school={world.elsewhere.public_id}").text
    assert "aria-sort" not in page
    assert not links(page, "Student</a")
    assert links(page, "Last in</a")


def test_each_filter_can_be_taken_away_by_itself(app: Flask, world: World) -> None:
    browser, room = signed_in(app, world, "leader"), world.elsewhere_class
    query = f"classroom={room.public_id}&active_to=2026-03-02&sort=active&columns=name%2Cactive"
    page = browser.get(f"{PAGE}?{query}").text
    assert shown(page) == ["Single00", "Single01", "Single02", "Single03"]
    chips = re.search(r'<ul class="filter-chips".*?</ul>', page, re.DOTALL)
    assert chips is not None
    assert f"Class: {room.name}" in chips.group()
    assert "Last in: to 2 Mar 2026" in chips.group()
    (without_class,) = links(page, f"Remove Class: {room.name}")
    assert without_class == f"{PAGE}?{query.partition('&')[2]}"
    assert shown(browser.get(without_class).text) == shown(page)
    assert links(page, "Show all") == [PAGE]
    assert f'href="export.csv?{query.replace("&", "&amp;")}"' in page
    exported = browser.get(f"{PAGE}export.csv?{query}").text.splitlines()
    assert exported[0] == '\ufeff"Student","Last in"'
    assert [line[1:9] for line in exported[1:]] == shown(page)


def test_an_export_is_in_the_order_that_is_shown(app: Flask, world: World) -> None:
    exported = signed_in(app, world, "leader").get(f"{PAGE}export.csv?sort=-active").text
    days = [int(name[-2:]) // 2 for name in shown(exported)]
    assert days == sorted(days, reverse=True)


@pytest.mark.parametrize("sort", ["name", "-name"])
def test_an_export_is_in_the_order_of_names_as_the_pages_are(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    monkeypatch.setattr(paging, "PAGE_SIZE", 500)
    browser = signed_in(app, world, "leader")
    on_page = shown(browser.get(f"{PAGE}?sort={sort}").text)
    assert len(on_page) == 60
    assert on_page == sorted(on_page, reverse=sort == "-name")
    assert shown(browser.get(f"{PAGE}export.csv?sort={sort}").text) == on_page


def test_an_export_of_more_than_can_be_sorted_is_in_the_order_of_the_pages(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE_SIZE", 500)
    monkeypatch.setattr(paging, "SORTABLE", 5)
    # What is large is noted for a minute, beyond this test.
    large = paging.LargeLists()
    monkeypatch.setattr(paging, "LARGE", large)
    browser = signed_in(app, world, "leader")
    on_page = shown(browser.get(f"{PAGE}?sort=-name").text)
    assert on_page == sorted(on_page)
    assert shown(browser.get(f"{PAGE}export.csv?sort=-name").text) == on_page


def test_a_search_goes_on_under_filters_order_and_columns(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "leader")
    fields = {"q": "sing", "active_to": "2026-03-02", "sort": "-active", "columns": "name,points"}
    page = send(browser, f"{PAGE}search", fields, page=PAGE).text
    assert shown(page) == ["Single03", "Single02", "Single01", "Single00"]
    assert re.findall(r'<th scope="col"', page) == ['<th scope="col"'] * 2
    kept = re.search(r'<form id="found".*?</form>', page, re.DOTALL)
    assert kept is not None
    assert {name for name in ("q", "active_to", "columns", "sort") if f'name="{name}"' in kept.group()} == {
        "q",
        "active_to",
        "columns",
    }
    # Its chip is taken away in a form, so that the words stay out of the address.
    (chip,) = re.findall(r"<li><span>Last in.*?</form>", page, re.DOTALL)
    assert ('name="q"' in chip, 'name="active_to"' in chip, 'name="sort"' in chip) == (True, False, True)


def test_where_nothing_fits_it_is_said_what_to_take_away(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "leader")
    filtered = browser.get(f"{PAGE}?active_from=2999-01-01").text
    searched = send(browser, f"{PAGE}search", {"q": "zzz"}, page=PAGE).text
    said = ("Take a filter away, or show all.", "Try fewer letters, or show all.")
    assert [[each in page for each in said] for page in (filtered, searched)] == [
        [True, False],
        [False, True],
    ]


def test_an_action_is_done_under_the_filters_of_its_list(app: Flask, world: World) -> None:
    browser, room = signed_in(app, world, "leader"), world.elsewhere_class
    with transaction(SYSTEM) as tx:
        late = add_child(tx, room, "Latecomer", "Smith")
        tx.execute(update(Student).where(Student.id == late.id).values(active_on=date(2030, 1, 1)))
    query = f"{PAGE}?classroom={room.public_id}&active_to=2026-12-31&sort=active"
    answer = send(browser, query, {"action": "unenroll", "rowid": late.public_id}, page=query)
    assert (answer.status_code, "Latecomer" in answer.text) == (303, False)
    assert answer.location == query


def test_columns_are_left_out_but_never_the_first(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "leader")
    for query, heads in (("", 4), ("?columns=points", 2), ("?columns=name&columns=points&columns=active", 3)):
        page = browser.get(PAGE + query).text
        assert page.count('<th scope="col"') == heads, query
    page = browser.get(f"{PAGE}?columns=points&columns=active").text
    (older,) = links(page, "Next")
    assert "columns=name%2Cpoints%2Cactive" in older
    assert 'name="columns" value="classes">' in page


def test_a_column_may_be_for_some_alone(app: Flask, world: World) -> None:
    view = next(each for each in app.extensions["admin"][0]._views if each.endpoint == "console_students")
    whole = type(view).columns
    quiet = Column("quiet", "Quietly", permission=ACCOUNTS_RESET)
    (name, *others) = whole
    type(view).columns = (name, quiet, *others)
    rows, of_file = type(view).rows, type(view).rows_of_file

    def with_one_more(self: Grid, tx: object, things: object) -> list[Row]:
        found = rows(self, tx, things)
        return [each._replace(cells=[each.cells[0], Cell("hush"), *each.cells[1:]]) for each in found]

    try:
        type(view).rows = with_one_more
        type(view).rows_of_file = lambda self, tx, things, _permission: with_one_more(self, tx, things)
        browser = signed_in(app, world, "leader")
        page = browser.get(PAGE).text
        exported = browser.get(f"{PAGE}export.csv").text
        asked_for = browser.get(f"{PAGE}?columns=quiet").status_code
    finally:
        type(view).columns, type(view).rows, type(view).rows_of_file = whole, rows, of_file
    assert ("Quietly" in page, "hush" in page, "hush" in exported, asked_for) == (False, False, False, 404)
    assert "Last in" in page


def test_a_list_sorts_by_no_column_that_may_be_empty() -> None:
    columns = (Column("a", "A", sort=By(Classroom.archived_at, ("ix_classroom_archived",))),)
    declared = {"title": "Rows", "address": "rows", "doors": {"index": STUDENTS_READ}}
    with pytest.raises(TypeError, match="which may be empty"):
        type("Sorted", (Grid,), {**declared, "entity": Classroom, "columns": columns})


def test_archived_classes_are_shown_when_asked_for(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "leader")
    page = browser.get("/console/classrooms/?archived=yes").text
    assert world.own_class.name not in page
    assert "Show: Archived classes" in page
    assert browser.get("/console/classrooms/?archived=no").status_code == 404
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(Classroom.id).where(Classroom.archived_at.is_(None)).limit(1))


def test_whoever_has_archived_classes_alone_finds_them(app: Flask, world: World) -> None:
    """The list of those of now is empty, and its filter is the only way to the others."""
    room = Classroom.id == world.own_class.id
    with transaction(SYSTEM) as tx:
        tx.execute(update(Classroom).where(room).values(archived_at=clock.now(), door=Door.CLOSED))
    try:
        browser = signed_in(app, world, "teacher")
        page = browser.get("/console/classrooms/").text
        assert ("No classes yet" in page, world.own_class.name in page) == (True, False)
        assert '<select class="form-select" name="archived">' in page
        (there,) = links(page, "Or look at archived ones")
        archived = browser.get(there.replace(PAGE, "/console/classrooms/")).text
        assert world.own_class.name in archived
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(update(Classroom).where(room).values(archived_at=None, door=Door.OPEN))
