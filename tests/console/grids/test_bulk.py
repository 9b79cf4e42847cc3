"""Actions on all rows that fit: by what the list is narrowed to, previewed, capped, and typed where many."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.console import grid
from backoffice.console.grids.bulk import CHANGED
from backoffice.outbox.models import MailState, OutgoingMail
from backoffice.runtime import Runtime
from backoffice.schools.models import Enrollment
from backoffice.settings import Lists
from backoffice.web import identity
from tests.factories.statements import statements
from tests.factories.visitor import form_token, send, signed_in
from tests.factories.world import SYSTEM, Class, World, add_child

MANY = 60


@pytest.fixture(scope="module")
def room(world: World) -> Class:
    """A class of more than one page, half of whom are called alike."""
    with transaction(SYSTEM) as tx:
        for n in range(MANY):
            add_child(tx, world.elsewhere_class, f"{'Odd' if n % 2 else 'Even'}{n:02}", "Numbered")
    return world.elsewhere_class


@pytest.fixture(autouse=True)
def as_before(room: Class) -> Iterator[None]:
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(update(Enrollment).where(Enrollment.classroom_id == room.id).values(ended_at=None))


def page_of(room: Class) -> str:
    return f"/console/students/?classroom={room.public_id}"


def inside(room: Class) -> int:
    with transaction(SYSTEM) as tx:
        here = select(func.count()).where(Enrollment.classroom_id == room.id, Enrollment.ended_at.is_(None))
        return tx.scalar(here) or 0


def ask(browser: FlaskClient, room: Class, **more: str) -> TestResponse:
    """The question that an action on all that fit asks."""
    return send(browser, page_of(room), {"action": "unenroll", "whole": "yes", **more})


def answer(browser: FlaskClient, room: Class, asked: TestResponse, **more: str) -> TestResponse:
    """Send the question's own form, as a browser does."""
    names = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', asked.text))
    fields = {**names, "csrf_token": form_token(asked.text), "confirm": "yes", **more}
    return browser.post(page_of(room), data=fields)


def test_all_that_fit_are_offered_where_a_page_does_not_show_all(
    app: Flask, world: World, room: Class
) -> None:
    leader = signed_in(app, world, "leader")
    there = inside(room)
    assert f"All that fit: {there} students" in leader.get(page_of(room)).text
    assert 'name="whole"' not in leader.get(page_of(world.own_class)).text


def test_all_that_fit_are_changed_at_once(app: Flask, runtime: Runtime, world: World, room: Class) -> None:
    leader, there = signed_in(app, world, "leader"), inside(room)
    asked = ask(leader, room)
    assert asked.text.count('name="rowid"') == 0
    assert f"and {there - 10} more will leave {room.name}" in asked.text
    with transaction(SYSTEM) as tx:
        noted = select(func.count()).where(AuditEntry.verb == "students.unenroll")
        before = tx.scalar(noted) or 0
    with statements(runtime) as made:
        assert answer(leader, room, asked).status_code == 303
    updates = [each for each in made if each.startswith("UPDATE app.enrollment")]
    with transaction(SYSTEM) as tx:
        assert (inside(room), len(updates), tx.scalar(noted)) == (0, 1, before + 1)


def test_those_that_a_search_found_are_changed_and_no_others(app: Flask, world: World, room: Class) -> None:
    leader, there = signed_in(app, world, "leader"), inside(room)
    asked = ask(leader, room, q="odd")
    assert 'name="q" value="odd"' in asked.text
    assert answer(leader, room, asked).status_code == 303
    assert inside(room) == there - MANY // 2


def test_moved_are_all_that_fit(app: Flask, world: World, room: Class) -> None:
    leader = signed_in(app, world, "leader")
    asked = send(leader, page_of(room), {"action": "move", "whole": "yes"})
    assert 'name="target"' in asked.text
    assert answer(leader, room, asked, target=room.public_id).status_code == 200
    assert inside(room) > MANY


def test_a_list_that_has_changed_is_looked_at_again(app: Flask, world: World, room: Class) -> None:
    leader = signed_in(app, world, "leader")
    asked = ask(leader, room)
    with transaction(SYSTEM) as tx:
        add_child(tx, room, "Newcomer", "Numbered")
    there = inside(room)
    again = answer(leader, room, asked)
    assert (again.status_code, CHANGED in again.text, inside(room)) == (200, True, there)
    assert answer(leader, room, again).status_code == 303


def test_many_are_typed(app: Flask, world: World, room: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    _limits(monkeypatch, Lists(typed_from=2))
    leader, there = signed_in(app, world, "leader"), inside(room)
    asked = ask(leader, room)
    assert f"Type {there} to confirm" in asked.text
    for typed in ("", "yes", str(there + 1)):
        refused = answer(leader, room, asked, typed=typed)
        assert (refused.status_code, inside(room)) == (200, there), typed
    assert answer(leader, room, asked, typed=f" {there} ").status_code == 303
    assert inside(room) == 0


def test_more_than_a_role_may_is_refused(
    app: Flask, world: World, room: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    _limits(monkeypatch, Lists(most_leader=10, most_teacher=1))
    leader, there = signed_in(app, world, "leader"), inside(room)
    refused = ask(leader, room)
    assert (refused.status_code, inside(room)) == (303, there)
    assert "at most 10 are changed at once" in leader.get(page_of(room)).text
    teacher = signed_in(app, world, "teacher")
    send(teacher, page_of(world.own_class), {"action": "unenroll", "whole": "yes"})
    assert "at most 1 are changed at once" in teacher.get(page_of(world.own_class)).text


def _limits(monkeypatch: pytest.MonkeyPatch, lists: Lists) -> None:
    monkeypatch.setattr(grid, "settings", lambda: identity.settings().model_copy(update={"lists": lists}))


def test_all_of_another_school_are_nobody(app: Flask, world: World, room: Class) -> None:
    outsider, there = signed_in(app, world, "outsider"), inside(room)
    fields = {"action": "unenroll", "whole": "yes", "confirm": "yes", "expected": str(there)}
    sent = send(outsider, page_of(room), fields, page="/console/families/")
    assert (sent.status_code, inside(room)) == (404, there)


def test_what_is_for_ticked_rows_alone_is_for_no_others(app: Flask, world: World) -> None:
    leader = signed_in(app, world, "leader")
    fields = {"action": "approve", "whole": "yes", "confirm": "yes", "expected": "1"}
    assert send(leader, "/console/families/", fields).status_code == 404


def test_all_mails_that_were_given_up_are_tried_again(app: Flask, world: World) -> None:
    founder, page = signed_in(app, world, "founder"), "/console/outbox/?state=failed"
    failed = select(func.count()).where(OutgoingMail.state == MailState.FAILED)
    with transaction(SYSTEM) as tx:
        count = tx.scalar(failed) or 0
    fields = {"action": "retry", "whole": "yes", "expected": str(count), "confirm": "yes"}
    assert send(founder, page, fields).status_code == 303
    with transaction(SYSTEM) as tx:
        assert (count > 0, tx.scalar(failed)) == (True, 0)
