"""The list of schools, and how a school's staff sign in, as its leader sets it in the console."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from backoffice.accounts.providers.services import asking, directory
from backoffice.accounts.services import proof
from tests.factories.visitor import send, signed_in
from tests.factories.vouching import enrol
from tests.factories.world import SYSTEM, World, add_school, make_personal

LIST = "/console/schools/"


@pytest.fixture
def leader(app: Flask, world: World) -> Iterator[FlaskClient]:
    """A browser that came in by Google, from the school's domain."""
    client = signed_in(app, world, "leader")
    mine = AccountSession.account_id == world.people["leader"].id
    with transaction(SYSTEM) as tx:
        tx.execute(update(AccountSession).where(mine).values(came_by="google", came_from="home.example"))
    yield client
    asking.ask_nothing(principal=SYSTEM, school=world.home.public_id)


def page_of(world: World) -> str:
    return f"/console/schools/{world.home.public_id}/sign-in"


def test_a_leader_asks_for_a_domain_and_lifts_it(app: Flask, world: World, leader: FlaskClient) -> None:
    teacher = signed_in(app, world, "teacher")
    assert teacher.get("/console/classrooms/").status_code == 200
    assert "As they like" in leader.get("/console/schools/").text
    answer = send(leader, page_of(world), {"domain": "home.example"})
    assert (answer.status_code, answer.location) == (303, "/console/schools/"), answer.text
    assert "From home.example" in leader.get("/console/schools/").text
    assert 'value="home.example"' in leader.get(page_of(world)).text
    assert teacher.get("/console/classrooms/").status_code == 404
    assert send(leader, page_of(world), {"domain": ""}).status_code == 303
    assert teacher.get("/console/classrooms/").status_code == 200


def test_a_domain_that_one_does_not_come_from_is_refused_beside_its_field(
    world: World, leader: FlaskClient
) -> None:
    answer = send(leader, page_of(world), {"domain": "another.example"})
    assert (answer.status_code, "domain-error" in answer.text) == (422, True)
    assert "Sign in that way yourself first" in answer.text


def test_the_way_there_is_shown_where_there_is_something_to_ask_for(
    app: Flask, world: World, leader: FlaskClient
) -> None:
    del app
    assert page_of(world) not in leader.get("/console/schools/").text
    enrol("http://127.0.0.1:1")
    assert page_of(world) in leader.get("/console/schools/").text
    directory.withdraw(principal=SYSTEM, name="google")


def test_it_takes_a_fresh_proof(world: World, leader: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "LASTS", timedelta(0))
    assert leader.get(page_of(world)).location == "/account/prove"


@pytest.mark.parametrize("role", ["teacher", "founder", "officer", "outsider"])
def test_nobody_else_comes_to_the_page(app: Flask, world: World, role: str) -> None:
    client = signed_in(app, world, role)
    assert client.get(page_of(world)).status_code == 404
    assert page_of(world) not in client.get("/console/schools/").text


# -- the list


def listed(page: str) -> list[str]:
    """The names of the schools that a page lists."""
    return re.findall(r'<th scope="row"[^>]*>(?:<a[^>]*>)?(?:<bdi>)?([^<]+)', page)


@pytest.fixture(scope="module")
def many(world: World) -> None:
    """Sixty schools more: the list has two pages."""
    with transaction(SYSTEM) as tx:
        for n in range(60, 0, -1):
            add_school(tx, f"Reservoir Number{n:02}", world.district_id)


@pytest.mark.usefixtures("many")
def test_a_school_is_found_by_its_name(app: Flask, world: World) -> None:
    leader = signed_in(app, world, "leader")
    assert "Reservoir Number60" not in leader.get(LIST).text, "it is on the second page"
    found = send(leader, f"{LIST}search", {"q": "number60"}, page=LIST)
    assert (found.status_code, listed(found.text)) == (200, ["Reservoir Number60"])
    foreign, none = (
        send(leader, f"{LIST}search", {"q": words}, page=LIST).text for words in (world.outside.name, "zzz")
    )
    assert (listed(foreign), listed(none)) == ([], [])


@pytest.mark.usefixtures("many")
def test_schools_are_sorted_by_name_and_show_the_columns_that_one_chooses(app: Flask, world: World) -> None:
    leader = signed_in(app, world, "leader")
    there = listed(leader.get(LIST).text)
    assert (there[:3], there[2:]) == (
        ["Elsewhere Elms School", "Home Hollow School", "Reservoir Number01"],
        [f"Reservoir Number{n:02}" for n in range(1, 49)],
    )
    assert listed(leader.get(f"{LIST}?sort=-name").text)[0] == "Reservoir Number60"
    narrow = leader.get(f"{LIST}?columns=name,days").text
    assert (">Mon<" in narrow, "Not required" in narrow) == (True, False)


def test_a_name_that_is_hidden_is_not_found_by_guessing(app: Flask, world: World) -> None:
    with transaction(SYSTEM) as tx:
        hidden = add_school(tx, "Wolfgang Wilderness", None)
        make_personal(tx, hidden.id, world.people["outsider"])
    founder = signed_in(app, world, "founder")

    def found(words: str) -> list[str]:
        return listed(send(founder, f"{LIST}search", {"q": words}, page=LIST).text)

    assert found("outside") == [world.outside.name]
    assert (found("wolfgang"), found("teacher")) == ([], ["A teacher&#39;s own school"])
