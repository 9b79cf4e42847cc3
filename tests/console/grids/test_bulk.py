"""Actions on all rows that fit: by what the list is narrowed to, previewed, capped, and typed where many."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import ColumnElement, delete, func, insert, select, update
from werkzeug.test import TestResponse

from backoffice import clock
from backoffice.access.lookup import rows_of
from backoffice.access.permissions import STUDENTS_UNENROLL
from backoffice.access.principal import Nobody, Principal
from backoffice.access.selection import OTHERS_FIT, Fitting, digest_of, keys_of
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.console import grid
from backoffice.console.grids.bulk import most_at_once, why_not
from backoffice.console.paging import PAGE_SIZE
from backoffice.outbox.models import MailState, OutgoingMail
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.schools import names
from backoffice.schools.models import Enrollment, Membership, Student
from backoffice.schools.services.students import end_enrollments
from backoffice.settings import Lists
from backoffice.web import identity
from tests.factories.statements import statements
from tests.factories.visitor import form_token, send, signed_in
from tests.factories.world import SYSTEM, Class, World, add_child, add_classroom

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


def answer(browser: FlaskClient, room: Class | str, asked: TestResponse, **more: str) -> TestResponse:
    """Send the question's own form, as a browser does."""
    names = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', asked.text))
    fields = {**names, "csrf_token": form_token(asked.text), "confirm": "yes", **more}
    return browser.post(room if isinstance(room, str) else page_of(room), data=fields)


def test_all_that_fit_are_offered_where_a_page_does_not_show_all(
    app: Flask, world: World, room: Class
) -> None:
    leader = signed_in(app, world, "leader")
    there = inside(room)
    assert f"The whole list: {there} students" in leader.get(page_of(room)).text
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


def test_many_are_moved_by_statements_that_stay_the_same(
    app: Flask, runtime: Runtime, world: World, room: Class
) -> None:
    """A parameter for each row would be too many for the database from some thousands on."""
    leader = signed_in(app, world, "leader")
    with transaction(SYSTEM) as tx:
        number, target = add_classroom(tx, world.elsewhere, "Room for all")
    asked, there = send(leader, page_of(room), {"action": "move", "whole": "yes"}), inside(room)
    with statements(runtime) as made:
        assert answer(leader, room, asked, target=target).status_code == 303
    assert (inside(room), max(each.count("%(") for each in made) < there) == (0, True)
    with transaction(SYSTEM) as tx:
        seats = tx.execute(
            select(Enrollment.avatar, Enrollment.balance).where(Enrollment.classroom_id == number)
        ).all()
    assert (len(seats), {balance for _, balance in seats}) == (there, {0})
    assert len({avatar for avatar, _ in seats}) == min(there, len(names.AVATARS))


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
    assert (again.status_code, OTHERS_FIT in again.text, inside(room)) == (200, True, there)
    assert answer(leader, room, again).status_code == 303


def test_as_many_others_are_looked_at_again(app: Flask, world: World, room: Class) -> None:
    """The number alone would be the same."""
    leader = signed_in(app, world, "leader")
    asked, there = ask(leader, room), inside(room)
    with transaction(SYSTEM) as tx:
        gone = update(Enrollment).where(Enrollment.student_id == room.children[0].id)
        tx.execute(gone.values(ended_at=clock.now()))
        add_child(tx, room, "Replacement", "Numbered")
    assert inside(room) == there
    again = answer(leader, room, asked)
    assert (again.status_code, OTHERS_FIT in again.text, inside(room)) == (200, True, there)


def test_who_comes_while_it_is_done_is_shown_before(
    app: Flask, world: World, room: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the page has compared the rows and before the service has locked the class."""
    leader = signed_in(app, world, "leader")

    def meanwhile(*of: Any) -> str | None:
        with transaction(SYSTEM) as tx:
            add_child(tx, room, "Aardvark", "Numbered")
        return why_not(*of)

    asked = ask(leader, room)
    with monkeypatch.context() as patched:
        patched.setattr(grid, "why_not", meanwhile)
        again = answer(leader, room, asked)
    there = inside(room)
    assert (again.status_code, OTHERS_FIT in again.text) == (200, True)
    assert f"and {there - 10} more will leave" in again.text
    assert answer(leader, room, again).status_code == 303
    assert inside(room) == 0


def test_a_service_does_nothing_to_others_than_were_shown(world: World, room: Class) -> None:
    there, who = inside(room), world.sign_in("leader")
    with transaction(who) as tx:
        keys = keys_of(tx, rows_of(tx.principal, Student, STUDENTS_UNENROLL).where(_is_in(room)), there)
    assert keys is not None

    def leave(most: int, seen: str) -> int:
        fitting = Fitting(lambda _tx, rows: rows.where(_is_in(room)), most, seen)
        return end_enrollments(principal=who, classroom=room.public_id, students=fitting).count

    for most, seen in ((there, digest_of(keys[1:])), (there - 1, digest_of(keys)), (there, "")):
        with pytest.raises(Rejected, match=OTHERS_FIT):
            leave(most, seen)
    assert inside(room) == there
    assert leave(there, digest_of(keys)) == there


def _is_in(room: Class) -> ColumnElement[bool]:
    return Student.id.in_(select(Enrollment.student_id).where(Enrollment.classroom_id == room.id))


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
    assert "At most 10 rows can be changed at once" in leader.get(page_of(room)).text
    teacher = signed_in(app, world, "teacher")
    send(teacher, page_of(world.own_class), {"action": "unenroll", "whole": "yes"})
    assert "At most 1 rows can be changed at once" in teacher.get(page_of(world.own_class)).text


def tick(browser: FlaskClient, room: Class, rows: list[str]) -> TestResponse:
    """The question that an action on some rows asks."""
    fields = {"action": "unenroll", "csrf_token": form_token(browser.get(page_of(room)).text), "rowid": rows}
    return browser.post(page_of(room), data=fields)


def ids_of(room: Class) -> list[str]:
    with transaction(SYSTEM) as tx:
        return list(tx.scalars(select(Student.public_id).where(_is_in(room))))


def test_no_more_are_ticked_than_a_page_shows(app: Flask, world: World, room: Class) -> None:
    leader, there = signed_in(app, world, "leader"), inside(room)
    assert tick(leader, room, ids_of(room)[:PAGE_SIZE]).text.count('name="rowid"') == PAGE_SIZE
    assert tick(leader, room, ids_of(room)[: PAGE_SIZE + 1]).status_code == 303
    assert "Of ticked rows, at most 50 are changed at once. Tick fewer." in leader.get(page_of(room)).text
    assert inside(room) == there


def test_ticked_rows_are_capped_and_typed_too(
    app: Flask, world: World, room: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    _limits(monkeypatch, Lists(most_leader=3, most_teacher=1, typed_from=2))
    leader, there, rows = signed_in(app, world, "leader"), inside(room), ids_of(room)
    assert tick(leader, room, rows[:4]).status_code == 303
    assert "Of ticked rows, at most 3 are changed at once. Tick fewer." in leader.get(page_of(room)).text
    asked = tick(leader, room, rows[:3])
    assert "Type 3 to confirm" in asked.text
    for typed, left in (("", 0), ("2", 0), ("3", 3)):
        fields = {"rowid": rows[:3], "csrf_token": form_token(asked.text), "confirm": "yes", "typed": typed}
        leader.post(page_of(room), data={"action": "unenroll", **fields})
        assert inside(room) == there - left, typed


@pytest.mark.parametrize(
    ("led", "founder", "schools", "most"),
    [
        ({1, 2}, False, {1, 2}, 9),
        ({1}, False, {1, 2}, 5),
        ({1}, False, set(), 5),
        ({1}, False, None, 9),
        (set(), False, None, 5),
        (set(), True, {1}, 9),
    ],
)
def test_as_a_leader_one_may_do_more_where_all_rows_are_of_led_schools(
    led: set[int], founder: bool, schools: set[int] | None, most: int
) -> None:
    who = Principal(Nobody(), led_schools=frozenset(led), founder=founder)
    assert most_at_once(who, Lists(most_leader=9, most_teacher=5), schools) == most


def test_whoever_leads_another_school_is_a_teacher_where_the_rows_are(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the schools of the rows themselves, be they ticked or all that fit."""
    _limits(monkeypatch, Lists(most_leader=10, most_teacher=1))
    with transaction(SYSTEM) as tx:
        grant = {"school_id": world.outside.id, "account_id": world.people["teacher"].id, "role": "leader"}
        tx.execute(insert(Membership).values(created_at=clock.now(), **grant))
    try:
        teacher, rows = signed_in(app, world, "teacher"), ids_of(world.own_class)
        assert (len(rows) > 1, ask(teacher, world.own_class).status_code) == (True, 303)
        assert "At most 1 rows can be changed" in teacher.get(page_of(world.own_class)).text
        assert tick(teacher, world.own_class, rows).status_code == 303
        assert "Of ticked rows, at most 1 are changed" in teacher.get(page_of(world.own_class)).text
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(
                delete(Membership).where(
                    Membership.school_id == world.outside.id,
                    Membership.account_id == world.people["teacher"].id,
                )
            )


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
    asked = send(founder, page, {"action": "retry", "whole": "yes"})
    assert answer(founder, page, asked).status_code == 303
    with transaction(SYSTEM) as tx:
        assert (count > 0, tx.scalar(failed)) == (True, 0)
