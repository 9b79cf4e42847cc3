"""Changes of so many rows that a worker makes them: as whoever confirmed them, once, and all or nothing."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, func, insert, null, select, update
from sqlalchemy.exc import ProgrammingError

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from backoffice.audit.models import AuditEntry
from backoffice.console.grids import large
from backoffice.console.large_changes import TOLD_WITHIN
from backoffice.jobs import registry
from backoffice.jobs.models import JobRun, QueuedJob
from backoffice.jobs.runs import Again, run_queued
from backoffice.large_changes import services
from backoffice.large_changes.models import ChangeState, LargeChange
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.schools import names
from backoffice.schools.models import Classroom, Enrollment, Membership, Student
from backoffice.schools.services import changes, classrooms, leaving
from backoffice.schools.services.changes import UNDONE_WITHIN
from backoffice.settings import Lists
from backoffice.storage.public_id import new_public_id
from tests.console.grids.test_bulk import _limits, answer
from tests.factories.statements import statements
from tests.factories.visitor import form_token, send, signed_in
from tests.factories.world import SYSTEM, Class, World, add_child, add_classroom

MANY = 550
ALL = "/console/students/?school={school}"


@pytest.fixture(scope="module")
def room(world: World) -> Class:
    crowd(world.elsewhere_class, MANY)
    return world.elsewhere_class


def crowd(room: Class, many: int) -> None:
    """So many children in a class, the half of whom have no points."""
    token = names.tokens("Pupil", None, school_id=room.school_id)
    kept = {"school_id": room.school_id, "name_tokens": token, "created_at": clock.now()}
    here = {"school_id": room.school_id, "classroom_id": room.id}
    seat = {**here, "avatar": "owl-plum", "joined_at": clock.now()}
    with transaction(SYSTEM) as tx:
        numbers = tx.take_ids(Student, many)
        tx.execute(
            insert(Student),
            [{**kept, "id": n, "public_id": new_public_id(), "given_name": f"Pupil {n}"} for n in numbers],
        )
        tx.execute(insert(Enrollment), [{**seat, "student_id": n, "balance": n % 2} for n in numbers])


@pytest.fixture(autouse=True)
def as_before(room: Class, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    _limits(monkeypatch, Lists(worker_from=30, typed_from=5_000))
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(update(Enrollment).where(Enrollment.classroom_id == room.id).values(ended_at=None))
        tx.execute(delete(LargeChange))
        tx.execute(delete(QueuedJob))
        tx.execute(delete(JobRun))


def address(world: World) -> str:
    return ALL.format(school=world.elsewhere.public_id)


def seated(room: Class) -> int:
    with transaction(SYSTEM) as tx:
        here = select(func.count()).where(Enrollment.classroom_id == room.id, Enrollment.ended_at.is_(None))
        return tx.scalar(here) or 0


def confirmed(browser: FlaskClient, world: World, **more: str) -> str:
    """Ask for all students of a school to leave their classes, and confirm; where that leads."""
    here = address(world)
    asked = send(browser, here, {"action": "leave", "whole": "yes", **more})
    sent = answer(browser, here, asked, **more)
    assert sent.status_code == 303, sent.text
    return sent.location


def work(app: Flask) -> None:
    """Do what waits in the queue, as a worker does."""
    with transaction(SYSTEM) as tx:
        waiting = tx.execute(select(QueuedJob.id, QueuedJob.args).where(QueuedJob.task_name == services.JOB))
        jobs = [(row.id, row.args) for row in waiting]
    for number, arguments in jobs:
        run_queued(registry.one(services.JOB), number=number, arguments=arguments, app=app)


def only(world: World) -> LargeChange:
    del world
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(LargeChange)).one()


def said(world: World) -> tuple[str, str]:
    change = only(world)
    return change.state, (change.said or {}).get("sentence", "")


def noted(verb: str) -> int:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).where(AuditEntry.verb == verb)) or 0


def test_many_rows_are_changed_by_a_worker_and_its_page_tells(app: Flask, world: World, room: Class) -> None:
    leader, there, entries = signed_in(app, world, "leader"), seated(room), noted("students.leave")
    asked = send(leader, address(world), {"action": "leave", "whole": "yes"})
    assert f"{there} students lose their place in 1 class" in asked.text
    assert f"{there - MANY // 2} of them have points there" in asked.text
    assert "changed in the background" in asked.text
    page = confirmed(leader, world)
    waits = leader.get(page).text
    assert ("Waiting for its turn" in waits, "Stop it" in waits, seated(room)) == (True, True, there)
    work(app)
    done = leader.get(f"{page}?part=1").text
    assert (seated(room), f"{there} students left 1 class" in done, "data-under-way" in done) == (
        0,
        True,
        False,
    )
    assert noted("students.leave") == entries + 1
    assert f"{there} students" in leader.get(large.HERE).text
    room_page = leader.get(f"/console/classrooms/{room.public_id}").text
    assert "Undo" in room_page


def test_the_page_looks_on_until_what_became_of_it_is_told(app: Flask, world: World, room: Class) -> None:
    leader = signed_in(app, world, "leader")
    page = confirmed(leader, world)
    work(app)
    with transaction(SYSTEM) as tx:
        tx.execute(update(LargeChange).values(said=null()))
    part = leader.get(f"{page}?part=1").text
    assert ("It is done." in part, "data-under-way" in part, "Stop it" in part) == (True, True, False)
    with transaction(SYSTEM) as tx:
        tx.execute(update(LargeChange).values(finished_at=clock.now() - TOLD_WITHIN))
    assert "data-under-way" not in leader.get(f"{page}?part=1").text


def test_the_page_offers_to_undo_it_for_a_day(app: Flask, world: World, room: Class) -> None:
    leader, there = signed_in(app, world, "leader"), seated(room)
    here = f"/console/students/?classroom={room.public_id}"
    page = answer(leader, here, send(leader, here, {"action": "unenroll", "whole": "yes"})).location
    work(app)
    assert seated(room) == 0
    undo = f"/console/classrooms/{room.public_id}/undo"
    (left_at,) = re.findall(rf'action="{undo}".*?name="left_at" value="([^"]+)"', leader.get(page).text)
    send(leader, undo, {"left_at": unescape(left_at)}, page=page)
    assert seated(room) == there
    with transaction(SYSTEM) as tx:
        tx.execute(update(LargeChange).values(finished_at=LargeChange.finished_at - UNDONE_WITHIN))
    assert undo not in leader.get(page).text


def test_confirmed_twice_it_is_made_once(app: Flask, world: World, room: Class) -> None:
    leader = signed_in(app, world, "leader")
    asked = send(leader, address(world), {"action": "leave", "whole": "yes"})
    first, second = (answer(leader, address(world), asked).location for _ in range(2))
    assert first == second
    assert only(world).state == ChangeState.WAITING
    work(app)
    entries = noted("students.leave")
    # Confirmed once more: the places that were shown are no more.
    assert "Other rows fit now" in answer(leader, address(world), asked).text
    work(app)
    assert (seated(room), noted("students.leave")) == (0, entries)


def test_a_list_that_has_changed_meanwhile_is_left_alone(app: Flask, world: World, room: Class) -> None:
    leader = signed_in(app, world, "leader")
    page = confirmed(leader, world)
    with transaction(SYSTEM) as tx:
        late = add_child(tx, room, "Late", "Comer")
    there = seated(room)
    work(app)
    assert (seated(room), only(world).state) == (there, ChangeState.REFUSED)
    assert "Other rows fit now" in leader.get(page).text
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Student).where(Student.id == late.id))


def test_places_that_nobody_was_shown_are_kept(app: Flask, world: World, room: Class) -> None:
    """Given a place in next year's class meanwhile, the same students have others than were counted."""
    there, child = seated(room), room.children[0]
    made = classrooms.create_classroom(
        principal=world.sign_in("leader"), school=world.elsewhere.public_id, name="Next Newts"
    )
    confirmed(signed_in(app, world, "leader"), world)
    with transaction(SYSTEM) as tx:
        fresh = tx.scalars(select(Classroom.id).where(Classroom.public_id == made)).one()
        place = {"school_id": room.school_id, "classroom_id": fresh, "student_id": child.id}
        tx.execute(insert(Enrollment).values(**place, avatar="owl-plum", balance=0, joined_at=clock.now()))
    work(app)
    with transaction(SYSTEM) as tx:
        theirs = (Enrollment.student_id == child.id, Enrollment.ended_at.is_(None))
        places = tx.scalar(select(func.count()).where(*theirs))
        tx.execute(delete(Classroom).where(Classroom.id == fresh))
    assert (places, seated(room), only(world).state) == (2, there, ChangeState.REFUSED)


def test_places_that_nobody_was_shown_are_kept_of_ticked_rows_too(
    app: Flask, world: World, room: Class
) -> None:
    leader, child = signed_in(app, world, "leader"), room.children[0]
    asked = send(leader, address(world), {"action": "leave", "rowid": child.public_id})
    with transaction(SYSTEM) as tx:
        fresh, _ = add_classroom(tx, world.elsewhere, "Later Larks")
        place = {"school_id": room.school_id, "classroom_id": fresh, "student_id": child.id}
        tx.execute(insert(Enrollment).values(**place, avatar="owl-plum", balance=0, joined_at=clock.now()))
    theirs = select(func.count()).where(Enrollment.student_id == child.id, Enrollment.ended_at.is_(None))

    def places() -> int:
        with transaction(SYSTEM) as tx:
            return tx.scalar(theirs) or 0

    try:
        again = answer(leader, address(world), asked)
        assert (again.status_code, "Other rows fit now" in again.text, places()) == (200, True, 2)
        assert "loses a place in 2 classes" in again.text
        assert (answer(leader, address(world), again).status_code, places()) == (303, 0)
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(delete(Classroom).where(Classroom.id == fresh))


def test_whoever_may_no_more_when_it_begins_changes_nothing(app: Flask, world: World, room: Class) -> None:
    leader, there = signed_in(app, world, "leader"), seated(room)
    confirmed(leader, world)
    leads = Membership.account_id == world.people["leader"].id
    with transaction(SYSTEM) as tx:
        tx.execute(update(Membership).where(leads).values(suspended_at=clock.now()))
    work(app)
    with transaction(SYSTEM) as tx:
        tx.execute(update(Membership).where(leads).values(suspended_at=None))
    assert (seated(room), only(world).state) == (there, ChangeState.REFUSED)


def test_whoever_has_signed_out_before_it_begins_changes_nothing(
    app: Flask, world: World, room: Class
) -> None:
    leader, there = signed_in(app, world, "leader"), seated(room)
    confirmed(leader, world)
    with transaction(SYSTEM) as tx:
        ended = update(AccountSession).where(AccountSession.id == only(world).session_id)
        tx.execute(ended.values(ended_at=clock.now()))
    work(app)
    assert said(world) == (ChangeState.REFUSED, "You were signed out before it began. Nothing was changed.")
    assert seated(room) == there


def test_a_worker_that_dies_leaves_all_or_nothing(
    app: Flask, world: World, room: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it is committed: nothing, and the next one makes it. After that: all, and no second time."""
    leader, there, entries = signed_in(app, world, "leader"), seated(room), noted("students.leave")
    confirmed(leader, world)

    def dies(*_arguments: object, **_more: object) -> None:
        raise OSError

    with monkeypatch.context() as broken:
        broken.setattr(leaving, "record_by_school", dies)
        with pytest.raises(Again):
            work(app)
    assert (seated(room), only(world).state) == (there, ChangeState.CHANGING)
    # The next one makes it, and dies before it has said so.
    with monkeypatch.context() as broken:
        broken.setattr(services, "end_change", dies)
        with pytest.raises(Again):
            work(app)
    assert (seated(room), only(world).state) == (0, ChangeState.DONE)
    with transaction(SYSTEM) as tx:
        tx.execute(update(Enrollment).where(Enrollment.classroom_id == room.id).values(ended_at=None))
    work(app)
    assert (seated(room), noted("students.leave")) == (there, entries + 1)
    assert "It is done." in leader.get(f"{large.HERE}{only(world).public_id}").text


def test_it_is_stopped_as_long_as_it_waits_and_no_later(app: Flask, world: World, room: Class) -> None:
    leader, there = signed_in(app, world, "leader"), seated(room)
    page = confirmed(leader, world)
    assert send(leader, f"{page}/stop", {}, page=page).status_code == 303
    work(app)
    assert (seated(room), only(world).state) == (there, ChangeState.STOPPED)
    page = confirmed(leader, world)
    with transaction(SYSTEM) as tx:
        begun = update(LargeChange).where(LargeChange.state == ChangeState.WAITING)
        tx.execute(begun.values(state=ChangeState.CHANGING))
    token = form_token(leader.get(large.HERE).text)
    refused = leader.post(f"{page}/stop", data={"csrf_token": token}, follow_redirects=True)
    assert "cannot be stopped any more" in refused.text


def test_stopped_while_it_is_taken_up_it_is_not_made(world: World, room: Class) -> None:
    """A worker that was overtaken notes nothing, and so does nothing."""
    leader = world.sign_in("leader")
    asked = services.Confirmed("console_students", "leave", (), "seen", 1)
    services.ask_for_change(principal=leader, confirmed=asked)
    services.stop_change(principal=leader, change=only(world).public_id)
    with pytest.raises(Rejected), transaction(leader) as tx:
        services.noting(only(world).id)(tx, 1)
    assert only(world).state == ChangeState.STOPPED
    assert services.take_up(services.PURPOSE, number=only(world).id) is None


def test_nobody_else_sees_or_stops_it(app: Flask, world: World, room: Class) -> None:
    page = confirmed(signed_in(app, world, "leader"), world)
    change = page.rpartition("/")[2]
    for other in ("teacher", "founder", "outsider", "officer"):
        assert signed_in(app, world, other).get(page).status_code == 404, other
        with pytest.raises(NotFound):
            services.stop_change(principal=world.sign_in(other), change=change)
    assert only(world).state == ChangeState.WAITING


def test_nobody_elses_session_makes_it(world: World) -> None:
    """Neither does the database take one, nor a worker come in by it."""
    leader, teacher = world.sign_in("leader"), world.sign_in("teacher")
    services.ask_for_change(
        principal=leader, confirmed=services.Confirmed("console_students", "leave", (), "seen", 1)
    )
    number = only(world).id
    with transaction(SYSTEM) as tx:
        tx.execute(update(LargeChange).values(session_id=teacher.session_id))
    change = services.take_up(services.PURPOSE, number=number)
    assert change is not None
    assert change.credential is None
    refused = pytest.raises(ProgrammingError, match="row-level security")
    with refused, transaction(leader) as tx:
        tx.execute(
            insert(LargeChange).values(
                public_id=new_public_id(),
                account_id=leader.account_id,
                session_id=teacher.session_id,
                grid="console_students",
                action="leave",
                asked=services.FORGOTTEN,
                fingerprint=b"another",
                count=1,
                state=ChangeState.WAITING,
                asked_at=clock.now(),
            )
        )


def test_only_so_many_wait_at_once(world: World) -> None:
    leader = world.sign_in("leader")
    for n in range(services.MOST_UNDER_WAY):
        services.ask_for_change(
            principal=leader, confirmed=services.Confirmed("console_students", "leave", (), str(n), 1)
        )
    with pytest.raises(Rejected, match="under way"):
        services.ask_for_change(
            principal=leader, confirmed=services.Confirmed("console_students", "leave", (), "more", 1)
        )


def test_what_nobody_ends_is_given_up_and_old_ones_are_forgotten(world: World) -> None:
    """With the words that were looked for; and whoever asked can ask for others."""
    leader = world.sign_in("leader")
    asked = services.Confirmed("console_students", "leave", [("q", "pupil")], "old", 1)
    for back, left in ((services.GIVEN_UP_AFTER, [ChangeState.FAILED]), (timedelta(days=30, seconds=1), [])):
        with transaction(SYSTEM) as tx:
            tx.execute(delete(LargeChange))
        services.ask_for_change(principal=leader, confirmed=asked)
        with transaction(SYSTEM) as tx:
            tx.execute(update(LargeChange).values(asked_at=clock.now() - back, state=ChangeState.CHANGING))
        services.forget_changes(services.PURPOSE)
        with transaction(SYSTEM) as tx:
            kept = tx.scalars(select(LargeChange)).all()
            assert [(each.state, each.asked) for each in kept] == [
                (state, services.FORGOTTEN) for state in left
            ]


def test_few_rows_and_many_take_the_same_statements(runtime: Runtime, world: World, room: Class) -> None:
    leader, counts = world.sign_in("leader"), []
    with transaction(SYSTEM) as tx:
        here = select(Student.public_id).join(Enrollment, Enrollment.student_id == Student.id)
        pupils = list(tx.scalars(here.where(Enrollment.classroom_id == room.id)))
    for some in (pupils[:50], pupils[50:]):
        with statements(runtime) as made:
            assert leaving.leave_classes(principal=leader, students=some).students == len(some)
        counts.append(len(made))
    assert len(pupils) > MANY
    assert counts[0] == counts[1] < 16, counts


def test_each_school_has_its_entry_and_each_class_its_undo(world: World, room: Class) -> None:
    leader, entries = world.sign_in("leader"), noted("students.leave")
    home, elsewhere = world.own_class.children[0], room.children[0]
    some = [home.public_id, elsewhere.public_id, world.foreign_class.children[0].public_id]
    left = leaving.leave_classes(principal=leader, students=some)
    assert (left, noted("students.leave")) == (leaving.LeftClasses(2, 2), entries + 2)
    for each in (room, world.own_class):
        assert changes.undo_last_change(principal=leader, classroom=each.public_id).count == 1
    with transaction(SYSTEM) as tx:
        ids = [home.id, elsewhere.id]
        still = select(func.count()).where(Enrollment.student_id.in_(ids), Enrollment.ended_at.is_(None))
        assert tx.scalar(still) == len(ids)


def test_a_change_of_another_school_takes_nobody_there(app: Flask, world: World, room: Class) -> None:
    """The whole list of a teacher is of the own classes, and the verb leaves others as they are."""
    there = seated(room)
    teacher = world.sign_in("teacher")
    with transaction(SYSTEM) as tx:
        foreign = list(tx.scalars(select(Student.public_id).where(Student.school_id == world.elsewhere.id)))
    assert leaving.leave_classes(principal=teacher, students=foreign) == leaving.LeftClasses(0, 0)
    assert seated(room) == there
    del app


def test_words_that_were_searched_stand_in_no_address(app: Flask, world: World, room: Class) -> None:
    leader, there = signed_in(app, world, "leader"), seated(room)
    page = confirmed(leader, world, q="pupil")
    assert re.fullmatch(rf"{large.HERE}\w+", page)
    assert ["q", "pupil"] in only(world).asked["values"]
    work(app)
    # What is over needs them no more.
    assert (seated(room), only(world).asked["values"]) == (there - MANY, [])
