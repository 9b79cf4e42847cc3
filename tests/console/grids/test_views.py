"""Saved views on a list: opened by a link, asked anew of whoever opens them, changed and saved again."""

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask import Flask
from sqlalchemy import delete, select

from backoffice.access import principal as principals
from backoffice.access.transaction import transaction
from backoffice.console import paging
from backoffice.console.grids import views as grid_views
from backoffice.console.students import StudentGrid
from backoffice.runtime import Runtime
from backoffice.saved_views import services
from backoffice.saved_views.models import SavedView, SharedWith
from tests.contract.routes import views
from tests.factories.statements import statements
from tests.factories.visitor import form_token, signed_in
from tests.factories.world import SYSTEM, World, saved_view
from tests.saved_views.test_services import change

CLASSES, STUDENTS = "/console/classrooms/", "/console/students/"


@pytest.fixture(autouse=True)
def _none(world: World) -> Iterator[None]:
    yield
    del world
    with transaction(SYSTEM) as tx:
        tx.execute(delete(SavedView))


def saved(world: World, who: str, state: str, grid: str = "students", name: str = "Narrowed") -> str:
    return services.save_view(principal=world.sign_in(who), grid=grid, name=name, state=state)


def shared(world: World, state: str, grid: str = "students") -> str:
    view, leader = saved(world, "leader", state, grid), world.sign_in("leader")
    services.share_view(
        principal=leader, view=view, school=world.home.public_id, shared_with=SharedWith.SCHOOL
    )
    return view


def asked(location: str | None) -> list[tuple[str, str]]:
    return sorted(parse_qsl(urlsplit(location or "").query))


def hrefs(page: str, words: str) -> list[str]:
    found = re.findall(rf'<a [^>]*href="([^"]*)"[^>]*>(?:(?!</a>).)*{words}', page, re.DOTALL)
    return [unescape(each) for each in found]


def state_of(page: str) -> str:
    (state,) = set(re.findall(r'name="state" value="([^"]*)"', page))
    return unescape(state)


def test_a_list_is_saved_as_it_is_shown_without_the_words(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "teacher")
    room = world.own_class.public_id
    page = browser.get(f"{STUDENTS}?classroom={room}&sort=-name&columns=name&junk=x&after={'2' * 16}").text
    found = browser.post(
        f"{STUDENTS}search",
        data={"csrf_token": form_token(page), "q": "Wilhelmina", "classroom": room, "sort": "-name"},
    ).text
    for shown in (page, found):
        assert "Wilhelmina" not in state_of(shown)
    assert sorted(parse_qsl(state_of(page))) == [
        ("classroom", room),
        ("columns", "name"),
        ("sort", "-name"),
    ]
    answer = browser.post(
        "/console/views/save",
        data={"csrf_token": form_token(page), "grid": "students", "state": state_of(page), "name": "Otters"},
    )
    opened = browser.get(answer.location)
    view = dict(asked(answer.location))["view"]
    assert asked(opened.location) == sorted([*parse_qsl(state_of(page)), ("view", view)])
    assert urlsplit(opened.location).path in {STUDENTS, "./"}
    shown = browser.get(f"{STUDENTS}{opened.location.removeprefix('./')}").text
    assert re.search(r'aria-current="page">Otters', shown)
    assert ">Changed<" not in shown


def test_a_name_is_asked_for_again_with_the_state_kept(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "teacher")
    token = form_token(browser.get(STUDENTS + "?sort=-name").text)
    fields = {"csrf_token": token, "grid": "students", "state": "sort=-name"}
    again = browser.post("/console/views/save", data={**fields, "name": ""})
    assert again.status_code == 422
    assert 'value="sort=-name"' in again.text
    assert "Give the view a name." in again.text


@pytest.mark.parametrize(
    "state", ["classroom={foreign}", "sort=points", "columns=name,secret", "columns=nothing", "sort=-"]
)
def test_nothing_is_saved_that_the_list_does_not_know(app: Flask, world: World, state: str) -> None:
    browser = signed_in(app, world, "teacher")
    fields = {
        "csrf_token": form_token(browser.get(STUDENTS + "?sort=-name").text),
        "grid": "students",
        "name": "Foxes",
        "state": state.format(foreign=world.foreign_class.public_id),
    }
    assert browser.post("/console/views/save", data=fields).status_code == 404
    own = saved(world, "teacher", "")
    assert browser.post(f"/console/views/{own}/keep", data=fields).status_code == 404
    for grid in ("nowhere", "outbox", ""):
        assert browser.post("/console/views/save", data={**fields, "grid": grid}).status_code == 404
    with transaction(SYSTEM) as tx:
        assert [each.state for each in tx.scalars(select(SavedView))] == [""]


def test_a_view_that_somebody_else_saved_meanwhile_is_not_written_over(app: Flask, world: World) -> None:
    browser, view = signed_in(app, world, "leader"), shared(world, "sort=-name")
    page = browser.get(f"{STUDENTS}?sort=active&view={view}").text
    (seen,) = re.findall(r'name="seen" value="(\w+)"', page)
    services.keep_state(principal=world.sign_in("leader"), view=view, state="sort=-active")

    def keep(seen: str) -> str:
        fields = {"csrf_token": form_token(page), "state": "sort=active", "seen": seen}
        answer = browser.post(f"/console/views/{view}/keep", data=fields)
        assert asked(answer.location) == [("sort", "active"), ("view", view)]
        return browser.get(answer.location).text

    def state() -> str:
        with transaction(SYSTEM) as tx:
            return tx.scalars(select(SavedView.state).where(SavedView.public_id == view)).one()

    again = keep(seen)
    assert ("Somebody else has saved this view meanwhile." in again, state()) == (True, "sort=-active")
    (now,) = re.findall(r'name="seen" value="(\w+)"', again)
    assert ("The view is saved as it is now." in keep(now), state()) == (True, "sort=active")
    # Sent twice, it has overtaken nobody.
    assert "The view is saved as it is now." in keep(now)


def test_words_that_no_list_asks_are_not_kept(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "teacher")
    token = form_token(browser.get(STUDENTS + "?sort=-name").text)
    state = "sort=-name&q=Wilhelmina&before=aaaa&view=all&name=Wilhelmina"
    fields = {"csrf_token": token, "grid": "students", "state": state, "name": "Kept"}
    assert browser.post("/console/views/save", data=fields).status_code == 303
    with transaction(SYSTEM) as tx:
        assert tx.scalars(select(SavedView.state)).all() == ["sort=-name"]


def test_a_leaders_view_shows_a_teacher_what_a_teacher_may_see(app: Flask, world: World) -> None:
    """The class that it is narrowed to is another's, so that is left out, without its name."""
    room = world.colleague_class
    view = shared(world, f"classroom={room.public_id}&sort=-name")
    leader, teacher = signed_in(app, world, "leader"), signed_in(app, world, "teacher")
    there = leader.get(f"{STUDENTS}?view={view}").location
    assert ("classroom", room.public_id) in asked(there)
    assert "Persephone" in leader.get(STUDENTS + there.removeprefix("./")).text
    here = teacher.get(f"{STUDENTS}?view={view}").location
    assert asked(here) == [("sort", "-name"), ("view", view)]
    page = teacher.get(STUDENTS + here.removeprefix("./")).text
    assert "Left out of this view: Class." in page
    assert "Wilhelmina" in page
    # As it is for this reader, it is unchanged; and they can save it as their own only.
    assert ">Changed<" not in page
    for secret in ("Persephone", "Leopold", room.name, room.public_id):
        assert secret not in page
    assert f"/console/views/{view}" not in page


def test_a_view_of_somebody_else_is_not_there(app: Flask, world: World) -> None:
    own = saved(world, "teacher", "sort=-name")
    with transaction(SYSTEM) as tx:
        _number, outside = saved_view(
            tx, grid="students", name="Outside", school_id=world.outside.id, shared_with="school"
        )
    for who, view in (("teacher", outside), ("leader", outside), ("leader", own), ("teacher", "2" * 16)):
        browser = signed_in(app, world, who)
        assert browser.get(f"{STUDENTS}?view={view}").status_code == 404
        for query in (f"view={view}&sort=-name", f"view={view}&columns="):
            page = browser.get(f"{STUDENTS}?{query}")
            assert (page.status_code, view in page.text, "Outside" in page.text) == (200, False, False)
    # Nor is it on another list.
    assert signed_in(app, world, "teacher").get(f"{CLASSES}?view={own}").status_code == 404


def test_of_many_schools_the_one_that_is_looked_at_brings_its_views(
    app: Flask, world: World, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(principals, "FEW_SCHOOLS", 1)
    view, leader = shared(world, "sort=-name"), signed_in(app, world, "leader")
    tab = re.compile(rf"\?view={view}\"[^>]*>Narrowed")
    at = ("", f"?school={world.home.public_id}", f"?school={world.elsewhere.public_id}")
    room = f"?classroom={world.own_class.public_id}"
    assert [bool(tab.search(leader.get(STUDENTS + each).text)) for each in (*at, room)] == [
        False,
        True,
        False,
        True,
    ]
    manage = leader.get("/console/views/").text
    assert ("narrow a list to that school" in manage, view in manage) == (True, False)
    # By its link it opens without, and stands among the tabs while it is open.
    there = leader.get(f"{STUDENTS}?view={view}").location
    assert asked(there) == [("sort", "-name"), ("view", view)]
    asked_of = []
    for more in range(2):
        with statements(runtime) as made:
            page = leader.get(STUDENTS + there.removeprefix("./")).text
        assert re.search(r'aria-current="page">Narrowed', page)
        asked_of.append((len(made), len([each for each in made if "saved_view.state" in each])))
        with transaction(SYSTEM) as tx:
            for number in range(20 * (1 - more)):
                of = {"school_id": world.elsewhere.id, "shared_with": "school"}
                saved_view(tx, grid="students", name=f"Other {number}", **of)
    assert asked_of[0] == asked_of[1]
    assert asked_of[0][1] == 1


def test_a_view_that_goes_meanwhile_leaves_the_list_as_it_is(app: Flask, world: World) -> None:
    """What was asked for beside it still holds, and an action that was under way arrives."""
    view, browser = saved(world, "teacher", ""), signed_in(app, world, "teacher")
    room = world.own_class.public_id
    at = f"{STUDENTS}?classroom={room}&columns=name&view={view}"
    page = browser.get(at).text
    services.delete_view(principal=world.sign_in("teacher"), view=view)
    # Nobody is ticked: the answer is a way back with a sentence.
    done = browser.post(at, data={"csrf_token": form_token(page), "action": "unenroll"})
    assert done.status_code == 303
    back = browser.get(done.location)
    assert (back.status_code, view in back.text) == (200, False)
    assert sorted(parse_qsl(state_of(back.text))) == [("classroom", room), ("columns", "name")]
    assert browser.get(f"{STUDENTS}?view={view}").status_code == 404


def test_a_changed_view_is_saved_saved_as_another_or_left(app: Flask, world: World) -> None:
    view = saved(world, "teacher", "sort=-name")
    browser = signed_in(app, world, "teacher")
    page = browser.get(f"{STUDENTS}?sort=-name&columns=name&view={view}").text
    assert ">Changed<" in page
    assert hrefs(page, "Back to") == [f"./?view={view}"]
    assert "Save as" in page
    # Links of the page stay within the view.
    assert all(f"view={view}" in each for each in hrefs(page, "Student</a"))
    kept = browser.post(
        f"/console/views/{view}/keep",
        data={"csrf_token": form_token(page), "state": state_of(page)},
    )
    assert asked(kept.location) == [("columns", "name"), ("sort", "-name"), ("view", view)]
    assert ">Changed<" not in browser.get(kept.location).text


def test_whoever_takes_the_last_filter_away_is_not_led_back_to_it(app: Flask, world: World) -> None:
    view = saved(world, "teacher", f"classroom={world.own_class.public_id}")
    browser = signed_in(app, world, "teacher")
    page = browser.get(f"{STUDENTS}?classroom={world.own_class.public_id}&view={view}").text
    (away,) = hrefs(page, "Remove Class")
    bare = browser.get(STUDENTS + away.removeprefix("./"))
    assert (bare.status_code, ">Changed<" in bare.text) == (200, True)
    # Nor is somebody who opens a view of nothing led in a circle.
    empty = saved(world, "teacher", "", name="Nothing")
    there = browser.get(f"{STUDENTS}?view={empty}").location
    assert browser.get(STUDENTS + there.removeprefix("./")).status_code == 200


def test_a_list_opens_with_its_default_and_all_is_a_click_away(app: Flask, world: World) -> None:
    room = world.own_class.public_id
    view = saved(world, "teacher", f"classroom={room}")
    change(world.sign_in("teacher"), view, opens=True)
    browser = signed_in(app, world, "teacher")
    there = browser.get(STUDENTS)
    assert (there.status_code, asked(there.location)) == (303, [("classroom", room), ("view", view)])
    page = browser.get(STUDENTS + there.location.removeprefix("./")).text
    assert hrefs(page, "All</a") == ["./?view=all"]
    assert hrefs(page, "Show all") == ["./?view=all"]
    everything = browser.get(f"{STUDENTS}?view=all")
    assert everything.status_code == 200
    # What is asked for by itself is shown as it is.
    assert browser.get(f"{STUDENTS}?sort=-name").status_code == 200
    assert signed_in(app, world, "co_teacher").get(STUDENTS).status_code == 200


def test_a_pinned_view_is_a_number_on_the_first_page(app: Flask, world: World) -> None:
    room = world.own_class
    view = saved(world, "teacher", f"classroom={room.public_id}", name="My otters")
    browser = signed_in(app, world, "teacher")
    assert "My otters" not in browser.get("/console/").text
    change(world.sign_in("teacher"), view, pinned=True)
    page = browser.get("/console/").text
    tile = page[page.index("My otters") :][:300]
    assert f'{STUDENTS}?view={view}">My otters' in page
    assert f'tile-value">{len(room.children)}</p>' in tile


def test_no_number_stands_under_a_name_that_means_other_rows(app: Flask, world: World) -> None:
    """Without its filter the view would count every student that its reader sees."""
    view = shared(world, f"classroom={world.colleague_class.public_id}")
    change(world.sign_in("leader"), view, pinned=True)
    own = saved(world, "teacher", f"classroom={world.colleague_class.public_id}", name="Once mine")
    change(world.sign_in("teacher"), own, pinned=True)
    there = signed_in(app, world, "leader").get("/console/").text
    tile = there[there.index("Narrowed") :][:300]
    assert f'tile-value">{len(world.colleague_class.children)}</p>' in tile
    page = signed_in(app, world, "teacher").get("/console/").text
    assert "Narrowed" not in page
    assert re.search(r'tile-value">\D+<', page[page.index("Once mine") :][:300])


def test_a_number_counts_what_its_reader_may_see_and_no_further_than_is_quick(
    app: Flask, world: World, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(world.sign_in("leader"), shared(world, ""), pinned=True)
    monkeypatch.setattr(grid_views, "grids", lambda: {"students": views(app)["console_students"]})
    found = {}
    for who in ("teacher", "leader"):
        # The grid asks who is at work, which a request would tell.
        monkeypatch.setattr(StudentGrid, "who", world.sign_in(who))
        with app.test_request_context(), transaction(world.sign_in(who)) as tx:
            with statements(runtime) as made:
                (number,) = grid_views.pinned_numbers(tx)
            found[who] = (number.value or 0, number.more, len(made))
    assert found["teacher"][:2] == (len(world.own_class.children), False)
    assert found["leader"][0] > found["teacher"][0]
    assert found["teacher"][2] == found["leader"][2]
    for module in (grid_views, paging):
        monkeypatch.setattr(module, "SORTABLE", 1)
    with app.test_request_context(), transaction(world.sign_in("leader")) as tx:
        assert [(each.value, each.more) for each in grid_views.pinned_numbers(tx)] == [(1, True)]
