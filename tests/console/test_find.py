"""What is found by typing: pages, actions and records, each only by who may reach them."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, insert, select

from backoffice.access.transaction import transaction
from backoffice.console import find, find_records
from backoffice.console.find import FindPage
from backoffice.jobs import scheduler
from backoffice.runtime import Runtime
from backoffice.schools import finding
from backoffice.schools.finding import MOST_FOUND
from backoffice.schools.models import Classroom, Enrollment, Student, TeachingRole, TeachingRoleName
from tests.contract.routes import OWN, door, routes, views
from tests.factories.statements import statements
from tests.factories.visitor import form_token, signed_in
from tests.factories.world import SYSTEM, Child, World, add_child, add_classroom, view_name

ADDRESS = "/console/find/"
_GROUP = re.compile(r'<section aria-label="([^"]+)">(.*?)</section>', re.DOTALL)
_ITEM = re.compile(r'<a href="([^"]+)"><span>(.*?)</span>')
NAMESAKE = ("Zebulon", "Zimmerwald")


@pytest.fixture(scope="module")
def namesakes(world: World) -> dict[str, Child]:
    """Two children of one name: in the teacher's class, and in a school outside."""
    with transaction(SYSTEM) as tx:
        return {
            "own": add_child(tx, world.own_class, *NAMESAKE),
            "foreign": add_child(tx, world.foreign_class, *NAMESAKE),
        }


def look(client: FlaskClient, words: str) -> dict[str, dict[str, str]]:
    """What is found: titles and addresses by group."""
    token = form_token(client.get(ADDRESS).text)
    page = client.post(ADDRESS, data={"csrf_token": token, "q": words, "part": "1"})
    assert page.status_code == 200
    return {
        title: {unescape(name): url for url, name in _ITEM.findall(inside)}
        for title, inside in _GROUP.findall(page.text)
    }


def test_before_anything_is_typed_the_pages_of_the_menu_are_offered(app: Flask, world: World) -> None:
    for role in ("teacher", "leader", "founder", "officer"):
        client = signed_in(app, world, role)
        page = client.get(ADDRESS).text
        menu = set(re.findall(r'<li><a href="([^"]+)"(?: aria-current="page")?><svg', page))
        found = {title: dict(_ITEM.findall(inside)) for title, inside in _GROUP.findall(page)}
        assert set(found) == {"Pages"}
        assert set(found["Pages"]) == menu


@pytest.mark.parametrize(
    ("role", "whose"),
    [("teacher", "own"), ("leader", "own"), ("helper", "own"), ("outsider", "foreign")],
)
def test_a_child_is_found_where_it_is_ones_own_and_its_namesake_elsewhere_is_not(
    app: Flask, world: World, namesakes: dict[str, Child], role: str, whose: str
) -> None:
    found = look(signed_in(app, world, role), "zimm zeb")
    assert found["Students"] == {" ".join(NAMESAKE): f"/console/students/{namesakes[whose].public_id}"}


@pytest.mark.parametrize("role", ["founder", "officer", "colleague"])
def test_who_may_not_read_a_child_finds_none(
    app: Flask, world: World, namesakes: dict[str, Child], role: str
) -> None:
    del namesakes
    assert look(signed_in(app, world, role), "zimm") == {}


def test_one_letter_finds_no_name(app: Flask, world: World, namesakes: dict[str, Child]) -> None:
    del namesakes
    assert "Students" not in look(signed_in(app, world, "teacher"), "z")
    leader = signed_in(app, world, "leader")
    for name in (world.own_class.name, world.people["helper"].name, "Elsewhere Elms School"):
        assert set(look(leader, name[0])) <= {"Pages", "Actions"}


def test_no_more_than_four_words_are_looked_for(
    app: Flask, world: World, namesakes: dict[str, Child]
) -> None:
    teacher = signed_in(app, world, "teacher")
    assert "Students" not in look(teacher, "zimm zeb zi nobody")
    found = look(teacher, "zimm zeb zi ze nobody")
    assert list(found["Students"].values()) == [f"/console/students/{namesakes['own'].public_id}"]


def test_it_is_said_where_there_are_more_names_than_are_read_and_the_own_classes_come_first(
    app: Flask, world: World, many: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    del many
    said = {f"Not all {kind} were looked at: there are more than 2." for kind in ("classes", "teachers")}
    clients = {role: signed_in(app, world, role) for role in ("leader", "teacher")}
    token = {role: form_token(client.get(ADDRESS).text) for role, client in clients.items()}

    def page(role: str, words: str) -> str:
        data = {"csrf_token": token[role], "q": words, "part": "1"}
        return clients[role].post(ADDRESS, data=data).text

    assert "Not all" not in page("leader", "quorum")
    monkeypatch.setattr(finding, "MOST_READ", 2)
    found = page("leader", "quorum")
    assert [each for each in said if each not in found] == []
    assert "Not all" not in page("leader", "q")
    # What one teaches is read whole.
    taught = page("teacher", "quorum")
    assert len(re.findall(r'/console/classrooms/\w+"><span>Quorum \d+<', taught)) == MOST_FOUND
    assert "Not all" not in taught


def test_whoever_searches_too_often_is_told_when_to_go_on(app: Flask, runtime: Runtime, world: World) -> None:
    client = signed_in(app, world, "co_teacher")
    token = form_token(client.get(ADDRESS).text)
    few = runtime.settings.model_copy(
        update={"throttles": runtime.settings.throttles.model_copy(update={"find_account": "1/hour"})}
    )
    before = app.extensions["backoffice"]
    app.extensions["backoffice"] = replace(before, settings=few)
    try:
        data = {"csrf_token": token, "q": "zimm"}
        assert client.post(ADDRESS, data=data).status_code == 200
        for part in ({}, {"part": "1"}):
            refused = client.post(ADDRESS, data=data | part)
            assert (refused.status_code, "Wait 60 minutes" in refused.text) == (429, True)
            assert 'aria-label="Students"' not in refused.text
        # The pages of the menu are there without a search.
        assert client.get(ADDRESS).status_code == 200
        assert signed_in(app, world, "teacher").get(ADDRESS).status_code == 200
    finally:
        app.extensions["backoffice"] = before


def test_classes_teachers_and_schools_are_found_by_who_reaches_them(app: Flask, world: World) -> None:
    leader, teacher = (signed_in(app, world, role) for role in ("leader", "teacher"))
    room = world.colleague_class
    assert room.name in look(leader, room.name)["Classes"]
    assert "Classes" not in look(teacher, room.name)
    person = world.people["helper"]
    assert look(leader, person.name)["Teachers"] == {person.name: f"/console/teachers/{person.public_id}"}
    assert "Teachers" not in look(teacher, person.name)
    assert list(look(leader, "elsewhere elms")["Schools"]) == ["Elsewhere Elms School"]
    for role in ("teacher", "founder", "outsider"):
        assert "Schools" not in look(signed_in(app, world, role), "elsewhere elms")
    assert "Schools" not in look(leader, "outside")


def test_an_action_is_found_by_its_words_and_those_of_its_class(app: Flask, world: World) -> None:
    room = world.own_class
    found = look(signed_in(app, world, "teacher"), f"paste {room.name}")
    assert found["Actions"] == {
        f"Paste names into {room.name}": f"/console/classrooms/{room.public_id}/paste"
    }
    assert f"Award the whole class {room.name}" in look(signed_in(app, world, "helper"), "award")["Actions"]
    assert "Actions" not in look(signed_in(app, world, "helper"), "paste")
    assert look(signed_in(app, world, "teacher"), "make class")["Actions"]["Make a class"]


def test_an_action_is_offered_for_those_classes_alone_in_which_one_may_do_it(
    app: Flask, world: World
) -> None:
    room = world.colleague_class
    helps = {"school_id": room.school_id, "classroom_id": room.id, "account_id": world.people["teacher"].id}
    with transaction(SYSTEM) as tx:
        tx.execute(insert(TeachingRole).values(**helps, role=TeachingRoleName.HELPER))
    try:
        client = signed_in(app, world, "teacher")
        assert f"Award the whole class {room.name}" in look(client, f"award {room.name}")["Actions"]
        assert "Actions" not in look(client, f"paste {room.name}")
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(
                delete(TeachingRole).where(
                    TeachingRole.classroom_id == room.id, TeachingRole.account_id == helps["account_id"]
                )
            )


def test_each_command_leads_to_a_page_behind_the_door_that_it_names(app: Flask, world: World) -> None:
    looked_at = {
        route.address(app, **dict.fromkeys(route.kinds, world.own_class.public_id)): (
            door(app, route) or route.endpoint
        )
        for route in routes(app)
        if route.method == "GET" and set(route.kinds) <= {"public_id"}
    }
    seen = 0
    for view in views(app).values():
        for command in view.commands:
            assert set(command.doors) <= set(view.doors), command
            there = looked_at[urlsplit(command.address(world.own_class.public_id)).path]
            if isinstance(view, FindPage):
                assert there in OWN, command
            else:
                assert there == (view, command.page or command.door), command
            seen += 1
    assert seen


def test_of_each_kind_eight_are_shown(app: Flask, world: World, many: list[int]) -> None:
    teacher = signed_in(app, world, "teacher")
    found = look(teacher, "quorum")
    assert {kind: len(items) for kind, items in found.items()} == dict.fromkeys(
        ("Classes", "Actions", "Students"), MOST_FOUND
    )

    def said() -> dict[str, str]:
        data = {"csrf_token": form_token(teacher.get(ADDRESS).text), "q": "quorum", "part": "1"}
        groups = _GROUP.findall(teacher.post(ADDRESS, data=data).text)
        return {title: " ".join(re.findall(r"data-more>([^<]+)<", inside)) for title, inside in groups}

    listed = "More fit: type further, or use the list."
    assert said() == {"Classes": listed, "Actions": "More fit: type further.", "Students": listed}
    # Of students who came first, whatever they are called; and just as many are all.
    with transaction(SYSTEM) as tx:
        made = sorted(tx.scalars(select(Enrollment.student_id).where(Enrollment.classroom_id.in_(many))))
        first = set(tx.scalars(select(Student.public_id).where(Student.id.in_(made[:MOST_FOUND]))))
        assert {url.rpartition("/")[2] for url in found["Students"].values()} <= first | {
            *tx.scalars(select(Student.public_id).where(Student.id == made[MOST_FOUND]))
        }
        tx.execute(delete(Student).where(Student.id.in_(made[MOST_FOUND:])))
    assert said()["Students"] == ""


@pytest.fixture
def many(world: World) -> Iterator[list[int]]:
    """Twelve classes of the teacher with a child each, all called alike."""
    room = world.own_class
    with transaction(SYSTEM) as tx:
        made = [add_classroom(tx, world.home, f"Quorum {number}")[0] for number in range(12)]
        for number in made:
            teaches = {"account_id": world.people["teacher"].id, "role": TeachingRoleName.OWNER}
            tx.execute(insert(TeachingRole).values(school_id=room.school_id, classroom_id=number, **teaches))
            add_child(tx, replace(room, id=number), "Quorum", f"Quill {number} {made[0]}")
    yield made
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Classroom).where(Classroom.id.in_(made)))


@pytest.mark.parametrize("role", ["teacher", "leader"])
def test_looking_asks_as_often_of_much_as_of_little(
    app: Flask, runtime: Runtime, world: World, request: pytest.FixtureRequest, role: str
) -> None:
    client = signed_in(app, world, role)
    token = form_token(client.get(ADDRESS).text)
    asked = []
    for word in (world.own_class.children[0].given, "quorum"):
        if word == "quorum":
            request.getfixturevalue("many")
        with statements(runtime) as counted:
            page = client.post(ADDRESS, data={"csrf_token": token, "q": word, "part": "1"})
        assert "Students" in page.text
        asked.append(len(counted))
    assert asked[0] == asked[1] <= 10


def test_what_is_looked_for_is_in_no_address_and_without_its_token_nothing_is_found(
    app: Flask, world: World
) -> None:
    client = signed_in(app, world, "teacher")
    given = world.own_class.children[0].given
    assert given not in client.get(f"{ADDRESS}?q={given}&part=1").text
    assert client.post(ADDRESS, data={"q": given}).status_code == 400
    whole = client.post(ADDRESS, data={"csrf_token": form_token(client.get(ADDRESS).text), "q": given})
    assert "<h1>Find</h1>" in whole.text
    assert given in whole.text


def test_what_people_do_is_found_by_whom_may_do_it(app: Flask, world: World) -> None:
    jobs = {
        "invite teacher": ("/console/invitations/new", {"leader"}),
        "import students": ("/console/students/import", {"leader", "teacher"}),
        "import classes": ("/console/classrooms/import", {"leader", "teacher", "helper"}),
        "export students": ("/console/students/#exports", {"leader", "teacher"}),
        "export classes": ("/console/classrooms/#exports", {"leader", "teacher"}),
        "roster": ("/console/rosters/new", {"leader"}),
        "begin year": ("/console/school-year/", {"leader"}),
        "make field": ("/console/fields/new", {"leader"}),
        "school days": ("/console/school-days/", {"leader"}),
        "who may do what": ("/console/permissions/", {"leader", "founder"}),
        "what data is held": ("/console/inventory/", {"leader", "founder", "officer"}),
        "settings rosters": ("/console/plugins/rosters/settings", {"founder"}),
        "password": ("/account/password", {"leader", "teacher", "helper", "founder", "officer"}),
        "sign out": ("/sign-out", {"leader", "teacher", "helper", "founder", "officer"}),
    }
    for role in ("leader", "teacher", "helper", "founder", "officer"):
        client = signed_in(app, world, role)
        for words, (address, who) in jobs.items():
            actions = look(client, words).get("Actions", {})
            assert (address in actions.values()) is (role in who), (role, words)


def test_actions_are_found_by_other_words_and_never_by_those_of_their_signs(app: Flask, world: World) -> None:
    client = signed_in(app, world, "leader")
    assert "Import students" in look(client, "csv upload stud")["Actions"]
    assert "Make a class" in look(client, "new")["Actions"]
    assert "Actions" not in look(client, "{name}")


def test_all_that_is_offered_to_a_founder_opens(app: Flask, world: World) -> None:
    scheduler.sync()
    client = signed_in(app, world, "founder")
    seen = set()
    for words in ("run", "pause", "change", "settings", "switch", "check"):
        found = look(client, words)
        seen |= {url for kind in ("Actions", "Jobs", "Plugins") for url in found.get(kind, {}).values()}
    assert {"/console/jobs/trust.check", "/console/jobs/trust.check/time"} <= seen
    assert "/console/plugins/trust/switch" in seen
    for url in seen:
        assert client.get(url).status_code == 200, url


def test_jobs_and_plugins_are_found_by_founders_alone(app: Flask, world: World) -> None:
    for role in ("founder", "leader", "officer", "teacher"):
        client = signed_in(app, world, role)
        assert look(client, "forget mail").get("Jobs") == (
            {"Forget old mails": "/console/jobs/core.forget-mail"} if role == "founder" else None
        )
        assert look(client, "roster").get("Plugins") == (
            {"Rosters": "/console/plugins/rosters"} if role == "founder" else None
        )
        assert not {"Jobs", "Plugins", "Views"} & set(look(client, "r"))


def test_views_are_found_by_who_sees_them(app: Flask, world: World) -> None:
    teacher = signed_in(app, world, "teacher")
    name = view_name(world.people["teacher"].name)
    (title, url), *others = look(teacher, name)["Views"].items()
    assert (title, others) == (name, [])
    assert url.startswith("/console/classrooms/?view=")
    assert teacher.get(url).headers["Location"].startswith("./?sort=-name&view=")
    for role in ("leader", "co_teacher", "founder"):
        assert name not in look(signed_in(app, world, role), name).get("Views", {})


def test_it_is_said_where_not_all_views_are_looked_at(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(app, world, "teacher")
    name = view_name(world.people["teacher"].name)
    data = {"csrf_token": form_token(client.get(ADDRESS).text), "q": name}
    assert "Not all saved views" not in client.post(ADDRESS, data=data).text
    for module in (find, find_records):
        monkeypatch.setattr(module, "MOST_LISTED", 0)
    said = "Not all saved views were looked at: there are more than 0. Each list has its own."
    assert said in client.post(ADDRESS, data=data).text
