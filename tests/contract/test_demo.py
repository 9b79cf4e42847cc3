"""The demo's classes are lived in, and our promises about them hold there."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import func, select

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.models import Account
from backoffice.controls import core
from backoffice.controls.check import Looking, State
from backoffice.demo.classroom import OLD, PIN
from backoffice.demo.seed import Seeded, seed
from backoffice.families.requests.models import GuardianRequest
from backoffice.fields.models import ClassroomValue, CustomField, FieldKind, StudentValue
from backoffice.fields.services import Wanted, checked
from backoffice.fields.words import sensitive_in
from backoffice.messages import showing
from backoffice.messages.models import Message
from backoffice.outbox.models import MailContent, MailState, OutgoingMail
from backoffice.runtime import Runtime
from backoffice.schools.award_models import PointAward
from backoffice.schools.models import Classroom, ClassroomCode, CodeKind, Door, Enrollment, School, Student
from backoffice.schools.services.codes import is_live
from backoffice.settings import Passwords, Throttles
from backoffice.storage.roles import DatabaseRole
from backoffice.students.models import StudentSession
from backoffice.students.pins import digits
from backoffice.students.tablet_models import ClassroomTablet
from backoffice.students.worries.models import Worry
from tests.factories.visitor import send
from tests.factories.world import SYSTEM, come_in, names_behind

PROMISES = ("code-sign-in", "student-pin", "pin-override", "shared-computers", "report-suspicious")
CHECKS = {check.control: check for check in core.CHECKS}


@pytest.fixture(scope="module")
def seeded(runtime: Runtime) -> Seeded:
    """The demo's data in the module's database, with what plugins have for it."""
    return seed(Passwords(), parts=[each.demo for each in runtime.plugins if each.demo is not None])


@pytest.fixture
def tx(seeded: Seeded) -> Iterator[Transaction]:
    with transaction(SYSTEM) as opened:
        yield opened


def first(tx: Transaction, seeded: Seeded) -> Classroom:
    return tx.scalars(select(Classroom).where(Classroom.public_id == seeded.classroom)).one()


@pytest.mark.parametrize("promise", PROMISES)
def test_a_promise_about_classrooms_holds(app: Flask, runtime: Runtime, seeded: Seeded, promise: str) -> None:
    settings = runtime.settings.model_copy(update={"throttles": Throttles()})
    engine = runtime.database.engine(DatabaseRole.SYSTEM)
    with Transaction(Purpose("test"), bind=engine.execution_options(postgresql_readonly=True)) as tx:
        finding = CHECKS[promise].look(Looking(app, settings, tx))
    assert finding.state == State.HOLDS, finding


def test_a_child_comes_in_by_the_code_that_the_demo_tells(tx: Transaction, seeded: Seeded) -> None:
    room = first(tx, seeded)
    standing = (ClassroomCode.classroom_id == room.id, ClassroomCode.kind == CodeKind.STANDING)
    code = tx.scalars(select(ClassroomCode.code).where(*standing)).one()
    assert seeded.student in {choice.public_id for choice in names_behind(code)}
    assert come_in(code, seeded.student).vouchers


def test_the_first_class_is_in_the_middle_of_a_term(tx: Transaction, seeded: Seeded) -> None:
    room = first(tx, seeded)
    here = Enrollment.classroom_id == room.id
    pins = tx.execute(
        select(Student.id, Student.pin_hash)
        .join(Enrollment, Enrollment.student_id == Student.id)
        .where(here, Student.pin_hash.is_not(None))
    ).all()
    assert len(pins) >= 5
    assert digits.verify(PIN, pins[0].pin_hash or "", student_id=pins[0].id)
    assert tx.scalar(select(func.count()).where(here, Enrollment.goal.is_(None))) == 0
    weeks = func.count(func.date_trunc("week", PointAward.awarded_at).distinct())
    assert (tx.scalar(select(weeks).where(PointAward.classroom_id == room.id)) or 0) > 3
    lesson = (ClassroomCode.classroom_id == room.id, ClassroomCode.kind == CodeKind.LESSON)
    assert len(tx.scalars(select(ClassroomCode).where(*lesson, is_live(clock.now()))).all()) == 1
    tablet = tx.scalars(select(ClassroomTablet).where(ClassroomTablet.classroom_id == room.id)).one()
    assert (tablet.token_digest is None, tablet.voided_at) == (False, None)
    assert len(
        tx.scalars(select(StudentSession.id).where(StudentSession.classroom_id == room.id)).all()
    ) > len(pins)
    assert tx.scalars(select(Worry).where(Worry.classroom_id == room.id)).all()
    assert tx.scalars(select(GuardianRequest).where(GuardianRequest.school_id == room.school_id)).all()


def test_the_others_show_what_a_class_can_choose(tx: Transaction, seeded: Seeded) -> None:
    rooms = tx.scalars(select(Classroom)).all()
    assert {room.door for room in rooms} >= {Door.OPEN, Door.SCHOOL_DAYS, Door.CLOSED}
    assert [room.name for room in rooms if room.archived_at] == [OLD]
    assert any(room.pins_required for room in rooms)
    assert all(room.colour and room.icon for room in rooms if not room.archived_at)


def test_its_first_school_has_fields_of_its_own(tx: Transaction, seeded: Seeded) -> None:
    fields = tx.scalars(select(CustomField).order_by(CustomField.id)).all()
    assert [(each.subject, each.kind, each.name) for each in fields] == [
        ("student", "choice", "Bus"),
        ("student", "yes_no", "Photos allowed"),
        ("classroom", "text", "Room"),
    ]
    school = tx.scalars(select(School).where(School.public_id == seeded.school)).one()
    assert {each.school_id for each in fields} == {school.id}
    for each in fields:
        # Each could be made so by hand, and nothing of it asks for a reason.
        wanted = Wanted(each.name or "", each.purpose or "", each.keep_days, tuple(each.choices or ()))
        assert checked(wanted, FieldKind(each.kind)) == wanted
        assert not sensitive_in(wanted.texts)
    buses = tx.scalars(select(StudentValue).where(StudentValue.field_id == fields[0].id)).all()
    children = tx.scalar(select(func.count()).select_from(Student).where(Student.school_id == school.id)) or 0
    assert 0 < len(buses) < children
    assert {each.value for each in buses} == set(fields[0].choices or ())
    rooms = tx.scalars(select(ClassroomValue.value).where(ClassroomValue.field_id == fields[2].id)).all()
    assert len(set(rooms)) == len(rooms) >= 6


def test_its_people_have_been_told_things_some_of_which_they_read(tx: Transaction, seeded: Seeded) -> None:
    for role in ("teacher", "leader", "parent", "founder"):
        account = select(Account.id).where(Account.public_id == seeded.accounts[role]["public_id"])
        told = tx.scalars(select(Message).where(Message.account_id == account.scalar_subquery())).all()
        assert len(told) >= 3
        assert {each.read_at is None for each in told} == {True, False}
        assert all(each.created_at <= clock.now() for each in told)
        lines = [showing.line(each) for each in told]
        assert all(line.sentence for line in lines)
    # Nothing of it goes out again, and nothing of what it said is kept.
    assert tx.scalar(select(func.count()).where(OutgoingMail.state != MailState.SENT)) == 0
    assert tx.scalar(select(func.count()).select_from(MailContent)) == 0


def test_its_leader_was_told_of_an_incident(app: Flask, seeded: Seeded) -> None:
    browser, leader = app.test_client(), seeded.accounts["leader"]
    send(browser, "/sign-in", {"email": leader["email"], "password": leader["password"]})
    listed = browser.get("/console/school-incidents/").text
    where = re.search(r"/console/school-incidents/\w{16}", listed)
    assert where is not None
    page = browser.get(where.group()).text
    for said in ("Two class lists were shown", "Maple Street Elementary", "Closed", "Sent: 1"):
        assert said in page
