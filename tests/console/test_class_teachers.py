"""The page of a class's teachers, and what a helper who was made one there can open."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, insert, select, update

from backoffice.access.transaction import transaction
from backoffice.schools.models import Action, Enrollment, Student, TeachingRole
from backoffice.staff.models import Invitation
from tests.contract.routes import door, routes
from tests.factories.visitor import form_token, send, signed_in
from tests.factories.world import SYSTEM, World


@pytest.fixture
def page(client: FlaskClient, world: World) -> Iterator[str]:
    """The address of the page; the owner is signed in. Afterwards the staff is as it was."""
    with transaction(SYSTEM) as tx:
        before = tx.execute(select(TeachingRole.__table__)).mappings().all()
    client.set_cookie("account", world.token("teacher"))
    yield f"/console/classrooms/{world.own_class.public_id}/teachers"
    with transaction(SYSTEM) as tx:
        tx.execute(delete(TeachingRole))
        tx.execute(insert(TeachingRole), [{k: v for k, v in row.items() if k != "origin"} for row in before])


def test_an_owner_adds_changes_and_ends(client: FlaskClient, world: World, page: str) -> None:
    colleague = world.people["colleague"]
    text = client.get(page).text
    assert (colleague.public_id in text, "Tilda Teacher" in text, "The only owner" in text) == (
        *(True, True),
        False,
    )
    fields = {"account": colleague.public_id, "role": "helper"}
    assert send(client, f"{page}/give", fields, page=page).location == page
    assert "They are told by mail" in client.get(page).text
    send(client, f"{page}/change", {**fields, "role": "owner"}, page=page)
    asked = send(client, f"{page}/take", {"rowid": colleague.public_id}, page=page)
    assert (asked.status_code, "Colin Colleague does not see" in asked.text) == (200, True)
    done = send(client, f"{page}/take", {"rowid": colleague.public_id, "confirm": "yes"}, page=page)
    assert done.location == page
    assert 'aria-label="End the role of Colin' not in client.get(page).text
    # What is no role, and who is nobody here, is said and changes nothing.
    send(client, f"{page}/give", {**fields, "role": "king"}, page=page)
    assert "Choose what they will be." in client.get(page).text
    assert (
        send(client, f"{page}/take", {"rowid": world.people["outsider"].public_id}, page=page).status_code
        == 404
    )


def test_the_only_owner_stays_and_others_leave(
    app: Flask, client: FlaskClient, world: World, page: str
) -> None:
    assert "Leave this class" not in client.get(page).text
    send(client, f"{page}/leave", {"confirm": "yes"})
    assert "You are the only owner" in client.get(page).text
    helper = signed_in(app, world, "helper")
    text = helper.get(page).text
    assert ("Leave this class" in text, "Add somebody" in text, "/change" in text) == (True, False, False)
    assert send(helper, f"{page}/leave", {"confirm": "yes"}).location == "/console/"
    assert helper.get(page).status_code == 404


def test_somebody_without_an_account_is_invited(client: FlaskClient, world: World, page: str) -> None:
    fields = {"email": "nadia@people.example", "name": "Nadia Newcomer", "role": "helper"}
    assert send(client, f"{page}/invite", fields).location == page
    text = client.get(page).text
    assert ("nadia@people.example" in text, "On its way" in text) == (True, True)
    with transaction(SYSTEM) as tx:
        made = tx.scalars(
            select(Invitation.public_id).where(Invitation.classroom_id == world.own_class.id)
        ).one()
    assert send(client, f"{page}/again", {"invitation": made}, page=page).location == page
    send(client, f"{page}/withdraw", {"invitation": made}, page=page)
    assert "nadia@people.example" not in client.get(page).text


# Everything in the console that answers a helper, who is of the school as well and may make an own class.
# Points, the class as it is, its children's records; no list as a file, nothing that changes or removes. What
# brings classes in makes new ones, which are whoever's who brought them.
OPEN_TO_A_HELPER = {
    *(
        "console_large-changes.index",
        "console_erasures.index",
        "console_students.narrow",
        "console_classrooms.narrow",
    ),
    "console_inbox.index",
    *("console_density.index", "console_find.index", "console_find.search", "console_views.index"),
    "console_classrooms.import_blank",
    "console_classrooms.import_confirmed",
    "console_classrooms.import_rows",
    *("console.index", "console_classrooms.index", "console_classrooms.search", "console_classrooms.new"),
    *("console_classrooms.details", "console_students.index", "console_students.search"),
    *("console_students.details", "console_class_live.live"),
    *("console_class_teachers.teachers", "console_class_teachers.leave"),
    *("console_class_points.award", "console_class_points.board"),
    *("console_class_points.history", "console_class_points.totals", "console_class_points.groups"),
    *("plugin_exports_exports.back", "plugin_exports_exports.back_confirmed"),
}


def test_a_helper_awards_points_sees_no_exports_and_deletes_nothing(
    app: Flask, client: FlaskClient, world: World, page: str
) -> None:
    send(
        client, f"{page}/give", {"account": world.people["colleague"].public_id, "role": "helper"}, page=page
    )
    with transaction(SYSTEM) as tx:
        # So that nothing is open by the class that they own.
        tx.execute(
            delete(TeachingRole).where(
                TeachingRole.account_id == world.people["colleague"].id,
                TeachingRole.classroom_id == world.colleague_class.id,
            )
        )
        action = tx.scalars(select(Action.public_id).where(Action.classroom_id == world.own_class.id)).first()
        before = tx.scalars(select(Student.id).order_by(Student.id)).all()
    helper, child = signed_in(app, world, "colleague"), world.own_class.children[0]
    token = form_token(helper.get("/console/classrooms/new").text)
    named = {
        "classroom": world.own_class.public_id,
        "student": child.public_id,
        "action": action,
        "account": world.people["helper"].public_id,
        "school": world.home.public_id,
    }
    opened = set()
    for route in routes(app):
        if door(app, route) is None or not set(route.kinds.values()) <= set(named):
            continue
        address = route.address(app, **{name: str(named[kind]) for name, kind in route.kinds.items()})
        answer = (
            helper.get(address)
            if route.method == "GET"
            else helper.post(address, data={"csrf_token": token, "form": "", "action": "unenroll"})
        )
        if answer.status_code != 404:
            opened.add(route.endpoint)
    assert opened == OPEN_TO_A_HELPER
    room = helper.get(f"/console/classrooms/{world.own_class.public_id}").text
    listed = helper.get(f"/console/students/?classroom={world.own_class.public_id}").text
    for word in ("export", "Archive", "Take out", "Merge", "/paste", "/edit", "unenroll"):
        assert word not in room + listed + helper.get(f"/console/students/{child.public_id}").text, word
    award = f"/console/classrooms/{world.own_class.public_id}/points"
    sent = {"form": str(uuid4()), "whom": "chosen", "student": child.public_id, "for": action}
    assert send(helper, award, sent).status_code == 303
    with transaction(SYSTEM) as tx:
        assert tx.scalars(select(Student.id).order_by(Student.id)).all() == before
        balance = tx.scalar(
            select(Enrollment.balance).where(
                Enrollment.student_id == child.id, Enrollment.classroom_id == world.own_class.id
            )
        )
    assert balance is not None
    assert balance > 0


def test_a_class_from_a_roster_says_what_the_next_one_does(
    client: FlaskClient, world: World, page: str
) -> None:
    said = "The next roster changes only what a roster gave"
    assert said not in client.get(page).text
    seats = update(Enrollment).where(Enrollment.classroom_id == world.own_class.id)
    with transaction(SYSTEM) as tx:
        tx.execute(seats.values(in_source=True))
    shown = client.get(page).text
    client.set_cookie("account", world.token("leader"))
    year = client.get(f"/console/school-year/?school={world.home.public_id}").text
    with transaction(SYSTEM) as tx:
        tx.execute(seats.values(in_source=None))
    assert said in shown
    assert "The next roster changes nothing in an archived class." in year
