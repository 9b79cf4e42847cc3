"""Parents ask to correct or delete: who sees it, the clock, the mails, the answer."""

import re
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.families.kinds import REQUESTS
from backoffice.families.models import GuardianLink, GuardianStatus
from backoffice.families.requests import queries, services
from backoffice.families.requests.letters import write_request_letters
from backoffice.families.requests.models import DUE_AFTER, GuardianRequest, RequestKind
from backoffice.messages.models import MailChoice
from backoffice.privacy.retention.runs import Rules, run_kinds
from backoffice.problems import Rejected, Throttled
from backoffice.schools.models import (
    Classroom,
    Enrollment,
    Membership,
    School,
    SchoolKind,
    Student,
    TeachingRole,
)
from backoffice.settings import Throttles
from tests.factories.visitor import send, signed_in
from tests.factories.world import NO_LIMIT, SYSTEM, Child, Class, World, make_personal
from tests.families.post import mailed

WISH = "The family name is written wrongly"
DONE = "It is spelt as you wrote it now."


@pytest.fixture(autouse=True)
def nothing_asked(world: World) -> Iterator[None]:
    """No parent has asked anything."""
    with transaction(SYSTEM) as tx:
        tx.execute(delete(GuardianRequest))
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(delete(GuardianRequest))
        tx.execute(update(Enrollment).values(ended_at=None))


def ask(
    world: World, role: str = "parent", kind: str = RequestKind.CORRECT, throttles: Throttles = NO_LIMIT
) -> str:
    """Ask about the first child of the own class; what it is called outside."""
    services.ask(
        principal=world.sign_in(role),
        student=world.own_class.children[0].public_id,
        kind=kind,
        note=WISH,
        throttles=throttles,
    )
    with transaction(SYSTEM) as tx:
        newest = select(GuardianRequest.public_id).order_by(GuardianRequest.id.desc()).limit(1)
        return tx.scalars(newest).one()


def answer(world: World, request: str, role: str = "teacher") -> None:
    services.answer(principal=world.sign_in(role), request=request, answer=DONE)


def written() -> dict[str, int]:
    return write_request_letters(Purpose("test"))


def asked_before(**ago: int) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(update(GuardianRequest).values(asked_at=clock.now() - timedelta(**ago)))


def waits_for(world: World, role: str) -> int:
    with transaction(world.sign_in(role)) as tx:
        return len(queries.waiting(tx))


def test_it_waits_for_whoever_teaches_the_child_or_leads_the_school(world: World) -> None:
    ask(world)
    assert {role for role in world.people if waits_for(world, role)} == {"teacher", "co_teacher", "leader"}


def test_only_an_approved_parent_asks_and_sees_it(world: World) -> None:
    for role in ("foreign_parent", "teacher", "outsider"):
        with pytest.raises(NotFound):
            ask(world, role)
    child, parent = world.own_class.children[0], world.people["foreign_parent"]
    link = {"school_id": world.own_class.school_id, "student_id": child.id, "account_id": parent.id}
    with transaction(SYSTEM) as tx:
        tx.execute(
            insert(GuardianLink).values(**link, status=GuardianStatus.APPROVED, created_at=clock.now())
        )
    try:
        # The other parent of the same child.
        ask(world)
        with transaction(world.sign_in("foreign_parent")) as tx:
            assert queries.own(tx, child.public_id) == []
            assert tx.execute(select(GuardianRequest.id)).all() == []
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(
                delete(GuardianLink).where(
                    GuardianLink.account_id == parent.id, GuardianLink.student_id == child.id
                )
            )


def test_what_waits_is_not_asked_twice_and_not_too_often(world: World) -> None:
    ask(world)
    with pytest.raises(Rejected):
        ask(world)
    ask(world, kind=RequestKind.DELETE)
    slow = Throttles(request_account="1/hour")
    with pytest.raises(Rejected):
        ask(world, throttles=slow)
    with pytest.raises(Throttled):
        ask(world, throttles=slow)


@pytest.mark.parametrize(("kind", "note"), [("correct", " "), ("forget", WISH), ("delete", "x" * 1001)])
def test_what_cannot_be_asked(world: World, kind: str, note: str) -> None:
    with pytest.raises(Rejected):
        services.ask(
            principal=world.sign_in("parent"),
            student=world.own_class.children[0].public_id,
            kind=kind,
            note=note,
            throttles=NO_LIMIT,
        )


def test_the_owner_is_told_reminded_and_the_parent_gets_the_answer(world: World) -> None:
    teacher, parent = world.people["teacher"].email, world.people["parent"].email
    before = len(mailed(teacher)), len(mailed(parent))
    request = ask(world)
    assert written() == {"came": 1, "due": 0, "answered": 0}
    asked_before(days=22, hours=23)
    assert written() == {"came": 0, "due": 0, "answered": 0}
    asked_before(days=23, minutes=1)
    assert [written()["due"], written()["due"]] == [1, 0]
    told = mailed(teacher)[before[0] :]
    assert [f"/console/inbox/requests/{request}" in each for each in told] == [True, True]
    assert [each for each in told if "Wilhelmina" in each or WISH in each] == []
    answer(world, request)
    assert [written()["answered"], written()["answered"]] == [1, 0]
    (said,) = mailed(parent)[before[1] :]
    assert DONE in said


def test_of_a_child_in_no_class_the_leader_is_told(world: World) -> None:
    child, leader = world.own_class.children[0], world.people["leader"].email
    before = len(mailed(leader))
    ask(world)
    with transaction(SYSTEM) as tx:
        tx.execute(update(Enrollment).where(Enrollment.student_id == child.id).values(ended_at=clock.now()))
    written()
    assert len(mailed(leader)) == before + 1


def test_after_the_link_has_ended_nothing_is_mailed(world: World) -> None:
    parent = world.people["parent"]
    before = len(mailed(parent.email))
    request = ask(world)
    answer(world, request)
    theirs = update(GuardianLink).where(
        GuardianLink.account_id == parent.id, GuardianLink.student_id == world.own_class.children[0].id
    )
    with transaction(SYSTEM) as tx:
        tx.execute(theirs.values(status=GuardianStatus.REVOKED, told=GuardianStatus.REVOKED))
    written()
    try:
        assert len(mailed(parent.email)) == before
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(theirs.values(status=GuardianStatus.APPROVED))


def test_it_is_answered_once_and_not_by_who_asked(world: World) -> None:
    request, teacher = ask(world), world.people["teacher"]
    with pytest.raises(NotFound):
        answer(world, request, "helper")
    with transaction(SYSTEM) as tx:
        tx.execute(update(GuardianRequest).values(account_id=teacher.id))
    with pytest.raises(NotFound):
        answer(world, request)
    answer(world, request, "co_teacher")
    with pytest.raises(Rejected):
        answer(world, request, "leader")
    # Not even past the services.
    with transaction(world.sign_in("leader")) as tx:
        tx.execute(update(GuardianRequest).values(answer="Other", answered_by=world.people["leader"].id))
    with transaction(SYSTEM) as tx:
        assert tx.scalars(select(GuardianRequest.answer)).one() == DONE
    with pytest.raises(SQLAlchemyError), transaction(world.sign_in("leader")) as tx:
        tx.execute(update(GuardianRequest).values(asked_at=clock.now()))


def test_answered_ones_are_forgotten_after_six_months_and_others_never(world: World) -> None:
    request = ask(world)
    ask(world, kind=RequestKind.DELETE)
    answer(world, request)
    asked_before(days=400)
    with transaction(SYSTEM) as tx:
        past = REQUESTS.before(clock.now()) - timedelta(minutes=1)
        tx.execute(
            update(GuardianRequest).where(GuardianRequest.answered_at.is_not(None)).values(answered_at=past)
        )
    run_kinds(Purpose("test"), [REQUESTS], rules=Rules(most_share=5))
    with transaction(SYSTEM) as tx:
        assert tx.scalars(select(GuardianRequest.kind)).all() == [RequestKind.DELETE]


def test_from_the_parents_page_to_the_inbox_and_back(world: World, app: Flask) -> None:
    parent, teacher = signed_in(app, world, "parent"), signed_in(app, world, "teacher")
    own = f"/family/{world.own_class.children[0].public_id}"
    assert "/ask?kind=delete" in parent.get(own).text
    assert send(parent, f"{own}/ask", {"kind": "correct", "note": ""}).status_code == 422
    assert send(parent, f"{own}/ask", {"kind": "correct", "note": WISH}).location == own
    page = parent.get(own).text
    assert ["The school has it" in page, "is to answer by" in page] == [True, True]
    inbox = teacher.get("/console/inbox/").text
    assert [each in inbox for each in ("Pia Parent", "30 days left")] == [True, True]
    where = inbox.partition('href="/console/inbox/requests/')[2][:16]
    where = f"/console/inbox/requests/{where}"
    assert WISH in teacher.get(where).text
    asked_before(days=32)
    assert "Overdue by 2 days" in signed_in(app, world, "leader").get("/console/inbox/").text
    assert send(teacher, f"{where}/answer", {"answer": " "}, page=where).status_code == 422
    assert send(teacher, f"{where}/answer", {"answer": DONE}, page=where).location == "/console/inbox/"
    assert DONE in parent.get(own).text
    assert "Answered to parents" in teacher.get("/console/inbox/").text


def test_what_is_due_tomorrow_is_not_due_today(world: World, app: Flask) -> None:
    zone = ZoneInfo(world.sign_in("teacher").time_zone)
    noon = datetime.combine(clock.now().astimezone(zone).date(), time(12), zone)
    with time_machine.travel(noon, tick=False):
        ask(world)
        teacher = signed_in(app, world, "teacher")
        for due, said in (
            (timedelta(hours=11), "Due today"),
            (timedelta(hours=13), "1 day left"),
            (timedelta(hours=-1), "Overdue"),
            (timedelta(hours=-13), "Overdue by 1 day"),
        ):
            with transaction(SYSTEM) as tx:
                tx.execute(update(GuardianRequest).values(asked_at=clock.now() - DUE_AFTER + due))
            states = re.findall(r'class="chip[^>]*>([^<]+)<', teacher.get("/console/inbox/").text)
            assert said in states


@pytest.fixture
def nobodys_class(world: World) -> Iterator[None]:
    """Schools, classes and who teaches them are as before when the test has changed them."""
    roles = (TeachingRole.school_id, TeachingRole.classroom_id, TeachingRole.account_id, TeachingRole.role)
    with transaction(SYSTEM) as tx:
        before = [dict(row._mapping) for row in tx.execute(select(*roles))]
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(update(School).values(kind=SchoolKind.SCHOOL))
        tx.execute(update(Classroom).values(archived_at=None))
        tx.execute(update(Membership).values(suspended_at=None))
        tx.execute(delete(TeachingRole))
        tx.execute(insert(TeachingRole).values(before))


def set_values(entity: Any, number: Any, **values: object) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(update(entity).where(number).values(**values))


def out_of_class(child: Child) -> None:
    set_values(Enrollment, Enrollment.student_id == child.id, ended_at=clock.now())


def archived(room: Class) -> None:
    set_values(Classroom, Classroom.id == room.id, archived_at=clock.now(), door="closed")


def ask_outside(world: World) -> str:
    """The other school's parent asks about the own child."""
    child = world.foreign_class.children[0].public_id
    parent = world.sign_in("foreign_parent")
    services.ask(principal=parent, student=child, kind="correct", note=WISH, throttles=NO_LIMIT)
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(GuardianRequest.public_id)).one()


def told_since(world: World, before: dict[str, int]) -> dict[str, int]:
    """How many mails about requests each of the people got since."""
    now = requests_mailed(world)
    return {role: now[role] - before[role] for role in now if now[role] != before[role]}


def requests_mailed(world: World) -> dict[str, int]:
    written()
    return {
        role: sum("/console/inbox/requests/" in each for each in mailed(person.email))
        for role, person in world.people.items()
    }


@pytest.mark.usefixtures("nobodys_class")
@pytest.mark.parametrize("leaves", ["ended", "archived"])
def test_in_a_personal_school_its_own_teacher_answers_for_a_child_without_a_class(
    world: World, app: Flask, leaves: str
) -> None:
    room, child = world.foreign_class, world.foreign_class.children[0]
    with transaction(SYSTEM) as tx:
        make_personal(tx, world.outside.id, world.people["outsider"])
        make_personal(tx, world.elsewhere.id, world.people["elsewhere"])
    out_of_class(child) if leaves == "ended" else archived(room)
    before = requests_mailed(world)
    request = ask_outside(world)
    assert told_since(world, before) == {"outsider": 1}
    asked_before(days=23, minutes=1)
    assert told_since(world, before) == {"outsider": 2}
    assert {role for role in world.people if waits_for(world, role)} == {"outsider"}
    own = signed_in(app, world, "outsider")
    assert "To answer" in own.get("/console/").text
    where = f"/console/inbox/requests/{request}"
    page = own.get(where).text
    assert [each in page for each in (child.given, "Fred Foreignparent", "in no class of yours now")] == [
        True,
        True,
        leaves == "ended",
    ]
    with pytest.raises(NotFound):
        answer(world, request, "elsewhere")
    # Not even past the service.
    with transaction(world.sign_in("elsewhere")) as tx:
        stranger = world.people["elsewhere"].id
        tx.execute(update(GuardianRequest).values(answer="x", answered_by=stranger, answered_at=clock.now()))
        assert tx.scalars(select(Student.id).where(Student.id == child.id)).all() == []
    assert send(own, f"{where}/answer", {"answer": DONE}, page=where).location == "/console/inbox/"
    # What was to be known for it is closed again.
    with transaction(world.sign_in("outsider")) as tx:
        seen = tx.scalars(select(Student.id).where(Student.id == child.id)).all()
    assert seen == ([] if leaves == "ended" else [child.id])


@pytest.mark.usefixtures("nobodys_class")
def test_who_was_invited_into_a_personal_school_answers_for_own_classes_only(world: World) -> None:
    with transaction(SYSTEM) as tx:
        make_personal(tx, world.home.id, world.people["colleague"])
    set_values(Membership, Membership.account_id == world.people["leader"].id, suspended_at=clock.now())
    out_of_class(world.own_class.children[0])
    before = requests_mailed(world)
    ask(world)
    assert told_since(world, before) == {"colleague": 1}
    assert {role for role in world.people if waits_for(world, role)} == {"colleague"}


@pytest.mark.usefixtures("nobodys_class")
def test_where_nobody_is_left_it_is_not_asked_and_the_page_says_so(world: World, app: Flask) -> None:
    child = world.foreign_class.children[0]
    page, parent = f"/family/{child.public_id}", signed_in(app, world, "foreign_parent")
    assert f"{page}/ask" in parent.get(page).text
    request = ask_outside(world)
    out_of_class(child)
    before = requests_mailed(world)
    with pytest.raises(Rejected) as refused:
        ask_outside(world)
    assert str(refused.value) == services.NOBODY
    for shown in (parent.get(page).text, parent.get(f"{page}/ask").text):
        assert ("Write to the school itself" in shown, f'action="{page}/ask"' in shown) == (True, False)
    assert f"{page}/ask?" not in parent.get(page).text
    # The child stands on the parent's list, and what came before waits for somebody.
    assert f'href="{page}"' in parent.get("/family").text
    with transaction(SYSTEM) as tx:
        make_personal(tx, world.outside.id, world.people["outsider"])
    assert told_since(world, before) == {"outsider": 1}
    answer(world, request, "outsider")


@pytest.mark.usefixtures("nobodys_class")
def test_of_a_class_without_an_owner_leaders_are_told_and_then_co_teachers(world: World) -> None:
    before = requests_mailed(world)
    with transaction(SYSTEM) as tx:
        tx.execute(delete(TeachingRole).where(TeachingRole.account_id == world.people["teacher"].id))
    ask(world)
    assert told_since(world, before) == {"leader": 1}
    set_values(Membership, Membership.account_id == world.people["leader"].id, suspended_at=clock.now())
    ask(world, kind=RequestKind.DELETE)
    assert told_since(world, before) == {"leader": 1, "co_teacher": 1}


@pytest.mark.usefixtures("nobodys_class")
def test_where_nobody_wants_the_mail_they_get_it_all_the_same(world: World) -> None:
    before = requests_mailed(world)
    with transaction(SYSTEM) as tx:
        tx.execute(update(MailChoice).values(unwanted=["core.request-came"]))
    try:
        ask(world)
        assert told_since(world, before) == {"teacher": 1}
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(update(MailChoice).values(unwanted=[]))


def test_of_a_child_in_an_archived_class_alone_the_leader_is_told(world: World) -> None:
    archived(world.own_class)
    before = requests_mailed(world)
    request = ask(world)
    assert told_since(world, before) == {"leader": 1}
    answer(world, request, "leader")
