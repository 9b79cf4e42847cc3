"""The page on which a school's days are set, and the ways to it."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from backoffice.access.transaction import transaction
from backoffice.schools.models import School, SchoolKind, TeachingRole
from tests.factories.visitor import field_value, form_token, send, signed_in
from tests.factories.world import SYSTEM, World, make_personal

HERE = "/console/school-days/"
PACIFIC = "America/Los_Angeles"


@pytest.fixture
def page(client: FlaskClient, world: World) -> Iterator[str]:
    """The address of the home school's page; its leader is signed in. Afterwards all is as before."""
    client.set_cookie("account", world.token("leader"))
    yield f"{HERE}?school={world.home.public_id}"
    before = {"kind": SchoolKind.SCHOOL, "school_days": ["mon"], "time_zone": PACIFIC}
    with transaction(SYSTEM) as tx:
        tx.execute(update(School).where(School.id == world.home.id).values(before))


def ticked(text: str) -> list[str]:
    """The days that a page's form has ticked."""
    boxes = re.findall(r"<input [^>]*name=\"days\"[^>]*>", text)
    assert len(boxes) == 7
    return [re.findall(r'value="(\w+)"', box)[0] for box in boxes if " checked" in box]


def chosen(text: str) -> list[str]:
    """The time zones that a page's form has chosen."""
    (zones,) = re.findall(r'<select [^>]*name="time_zone".*?</select>', text, re.DOTALL)
    return re.findall(r'<option selected value="([^"]+)"', zones)


def test_nobody_sets_the_days_over_another(client: FlaskClient, page: str) -> None:
    opened = client.get(page).text
    seen = {"csrf_token": form_token(opened), "seen": field_value(opened, "seen")}
    mine = {"days": ["wed"], "time_zone": PACIFIC, "language": "en"}
    send(client, page, {"days": ["tue", "fri"], "time_zone": "Europe/Rome", "language": "en"})
    late = client.post(page, data=seen | mine)
    assert (late.status_code, "now it is Tue, Fri, Rome" in late.text) == (422, True)
    shown = client.get(page).text
    assert (ticked(shown), chosen(shown)) == (["tue", "fri"], ["Europe/Rome"])
    seen["seen"] = field_value(late.text, "seen")
    assert client.post(page, data=seen | mine).status_code == 303
    assert ticked(client.get(page).text) == ["wed"]


def test_a_leader_sets_the_days_from_the_list_of_schools(
    client: FlaskClient, world: World, page: str
) -> None:
    assert f'href="{page}"' in client.get("/console/schools/").text
    shown = client.get(page).text
    assert (ticked(shown), chosen(shown)) == (["mon"], [PACIFIC])
    # What most people of the country have comes first, in words that they use.
    first, _, rest = shown.partition("<optgroup")[2].partition("</optgroup>")
    assert ('label="United States"' in first, "Los Angeles (Pacific)" in first) == (True, True)
    assert ('value="Europe/Rome"' in rest, f'value="{PACIFIC}"' in rest) == (True, False)
    done = send(client, page, {"days": ["wed", "fri"], "time_zone": "Europe/Rome"})
    assert (done.status_code, done.location) == (303, "/console/schools/"), done.text
    listed = client.get("/console/schools/").text
    assert ("Saved. Doors that keep hours follow at once." in listed, "Wed, Fri" in listed) == (True, True)
    shown = client.get(page).text
    assert (ticked(shown), chosen(shown)) == (["wed", "fri"], ["Europe/Rome"])


def test_what_is_refused_stands_beside_its_field(client: FlaskClient, page: str) -> None:
    answer = send(client, page, {"time_zone": PACIFIC})
    assert (answer.status_code, 'id="days-error"' in answer.text, ticked(answer.text)) == (422, True, [])
    # The line above the form leads to the boxes.
    assert 'href="#days-0"' in answer.text
    assert '<fieldset id="days"' in answer.text
    answer = send(client, page, {"days": ["mon", "tue"], "time_zone": "Mars/North"})
    assert (answer.status_code, 'id="time_zone-error"' in answer.text) == (422, True)
    assert ticked(answer.text) == ["mon", "tue"]


def test_of_several_schools_one_is_chosen(client: FlaskClient, world: World, page: str) -> None:
    listed = client.get(HERE).text
    assert page.partition("?")[2] in listed
    assert f"school={world.elsewhere.public_id}" in listed
    assert client.get(f"{HERE}?school={world.outside.public_id}").status_code == 404


def test_a_teacher_sets_them_in_a_school_of_their_own_alone(app: Flask, world: World, page: str) -> None:
    teacher, door = signed_in(app, world, "teacher"), f"/console/classrooms/{world.own_class.public_id}/entry"
    assert "Mon, as your school has set them." in teacher.get(door).text
    assert (HERE in teacher.get(door).text, teacher.get(page).status_code) == (False, 404)
    assert "A leader of your school sets its days" in teacher.get(HERE).text
    with transaction(SYSTEM) as tx:
        make_personal(tx, world.home.id, world.people["teacher"])
    assert f'href="{page}"' in teacher.get(door).text
    done = send(teacher, HERE, {"days": ["tue", "mon"], "time_zone": PACIFIC})
    assert (done.status_code, done.location) == (303, "/console/classrooms/"), done.text
    assert "Mon, Tue, as your school has set them." in teacher.get(door).text
    co_teacher = signed_in(app, world, "co_teacher")
    assert (HERE in co_teacher.get(door).text, co_teacher.get(HERE).status_code) == (False, 404)


def test_a_leader_comes_to_them_from_the_door_of_a_class(
    client: FlaskClient, world: World, page: str
) -> None:
    assert f'href="{page}"' in client.get(f"/console/classrooms/{world.own_class.public_id}/entry").text


@pytest.mark.parametrize("role", ["helper", "founder", "officer"])
def test_nobody_else_comes_to_the_page(app: Flask, world: World, page: str, role: str) -> None:
    client = signed_in(app, world, role)
    assert (client.get(page).status_code, client.get(HERE).status_code) == (404, 404)
    if role != "helper":
        listed = client.get("/console/schools/").text
        assert (">School days<" in listed, HERE in listed) == (True, False)


def test_whoever_signed_up_alone_finds_days_and_year_before_there_is_a_class(
    app: Flask, world: World, page: str
) -> None:
    teacher, guest = signed_in(app, world, "teacher"), signed_in(app, world, "colleague")
    held = (TeachingRole.account_id == world.people["teacher"].id, TeachingRole.role == "owner")
    with transaction(SYSTEM) as tx:
        make_personal(tx, world.home.id, world.people["teacher"])
        tx.execute(update(TeachingRole).where(*held).values(account_id=world.people["outsider"].id))
    try:
        menu = teacher.get("/console/").text
        assert (f'href="{HERE}"' in menu, 'href="/console/school-year/"' in menu) == (True, True)
        assert "No class is going on" in teacher.get("/console/school-year/").text
        assert send(teacher, HERE, {"days": ["fri"], "time_zone": PACIFIC}).status_code == 303
        assert ticked(teacher.get(HERE).text) == ["fri"]
        # A colleague whom they invited has a class there, and no say in it.
        assert (HERE in guest.get("/console/").text, guest.get(page).status_code) == (False, 404)
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(
                update(TeachingRole)
                .where(TeachingRole.account_id == world.people["outsider"].id)
                .where(TeachingRole.classroom_id == world.own_class.id)
                .values(account_id=world.people["teacher"].id)
            )


def test_an_old_name_is_shown_where_a_school_has_it(client: FlaskClient, world: World, page: str) -> None:
    assert "Asia/Calcutta" not in client.get(page).text
    with transaction(SYSTEM) as tx:
        tx.execute(update(School).where(School.id == world.home.id).values(time_zone="Asia/Calcutta"))
    assert chosen(client.get(page).text) == ["Asia/Calcutta"]
