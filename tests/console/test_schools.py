"""How a school's staff sign in, as its leader sets it in the console."""

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
from tests.factories.world import SYSTEM, World


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
