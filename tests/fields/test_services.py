"""Fields of a school's own: who makes, fills, changes and deletes them, and what becomes of their values."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, ProgrammingError

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import STUDENTS_EDIT
from backoffice.access.policy import visible
from backoffice.access.principal import Nobody, Principal
from backoffice.access.seen import version
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.models import AccountSession
from backoffice.accounts.services.proof import ProofNeeded
from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.fields import queries, services
from backoffice.fields.kinds import FIELD_VALUES
from backoffice.fields.models import ClassroomValue, CustomField, FieldKind, FieldSubject, StudentValue
from backoffice.fields.services import Wanted
from backoffice.privacy.holdings import Subject
from backoffice.privacy.holds.models import HoldState, LegalHold
from backoffice.privacy.retention.queries import take
from backoffice.problems import Overtaken, Rejected
from backoffice.schools.models import Classroom, Enrollment, School, SchoolKind, Student
from backoffice.schools.services.archiving import archive
from backoffice.schools.services.merging import merge_students, preview_merge
from backoffice.storage import functions
from backoffice.storage.public_id import new_public_id
from tests.factories.world import SYSTEM, World, custom_field, field_value, make_personal

BUS = Wanted("Bus line", "To send children home by the right bus", 400)
MEALS = Wanted("Meal", "So that the kitchen knows what to cook", 30, ("Meat", "None"))


@pytest.fixture(autouse=True)
def _none(world: World) -> Iterator[None]:
    _without_fields()
    yield
    _without_fields()
    with transaction(SYSTEM) as tx:
        over = {"state": HoldState.RELEASED, "release_at": clock.now(), "ended_at": clock.now()}
        tx.execute(update(LegalHold).where(LegalHold.state == HoldState.IN_FORCE).values(**over))
        tx.execute(update(School).where(School.id == world.outside.id).values(kind=SchoolKind.SCHOOL))


def _without_fields() -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(delete(CustomField))


def made(
    world: World,
    wanted: Wanted = BUS,
    subject: FieldSubject = FieldSubject.STUDENT,
    kind: FieldKind = FieldKind.TEXT,
    who: str = "leader",
) -> str:
    return services.make_field(
        principal=world.sign_in(who),
        school=world.home.public_id,
        subject=subject,
        kind=kind,
        wanted=wanted,
    )


def filled(world: World, field: str, value: str, who: str = "teacher", child: int = 0) -> None:
    services.write_student_values(
        principal=world.sign_in(who),
        student=world.own_class.children[child].public_id,
        written={field: value},
    )


def kept(field: str) -> dict[int, str]:
    """Values by student or class."""
    with transaction(SYSTEM) as tx:
        row = the(field)
        model, column, _ = queries.OF[FieldSubject(row.subject)]
        found = tx.execute(select(column, model.value).where(model.field_id == row.id))
        return {row[0]: row[1] for row in found}


def the(field: str) -> CustomField:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(CustomField).where(CustomField.public_id == field)).one()


def last_detail(verb: str) -> dict[str, Any]:
    with transaction(SYSTEM) as tx:
        of = select(AuditDetail).join(AuditEntry, AuditEntry.id == AuditDetail.entry_id)
        newest = of.where(AuditEntry.verb == verb).order_by(AuditEntry.id.desc()).limit(1)
        detail: dict[str, Any] = tx.scalars(newest).one().detail
        return detail


def proven(world: World, role: str) -> Principal:
    who = world.sign_in(role)
    with transaction(SYSTEM) as tx:
        own = AccountSession.id == who.session_id
        tx.execute(update(AccountSession).where(own).values(proven_at=clock.now()))
    return who


def test_a_field_is_made_filled_and_read(world: World) -> None:
    field, child = made(world), world.own_class.children[0]
    filled(world, field, " Line 7 ")
    assert kept(field) == {child.id: "Line 7"}
    filled(world, field, "Line 8", who="leader")
    assert kept(field) == {child.id: "Line 8"}
    filled(world, field, "")
    assert kept(field) == {}


@pytest.mark.parametrize(
    "role", ["teacher", "co_teacher", "helper", "officer", "founder", "outsider", "parent"]
)
def test_only_who_leads_a_school_makes_its_fields(world: World, role: str) -> None:
    field = made(world)
    with pytest.raises(NotFound):
        made(world, replace(BUS, name="Another"), who=role)
    with pytest.raises(NotFound):
        services.change_field(principal=world.sign_in(role), field=field, wanted=BUS)
    with pytest.raises(NotFound):
        services.erase_field(principal=proven(world, role), field=field, typed=BUS.name)


def test_whoever_has_a_school_of_their_own_makes_its_fields(world: World) -> None:
    with transaction(SYSTEM) as tx:
        make_personal(tx, world.outside.id, world.people["outsider"])
    field = services.make_field(
        principal=world.sign_in("outsider"),
        school=world.outside.public_id,
        subject=FieldSubject.CLASSROOM,
        kind=FieldKind.TEXT,
        wanted=BUS,
    )
    services.erase_field(principal=proven(world, "outsider"), field=field, typed="bus line")
    assert the(field).erased_at


def test_of_nobody_nothing_is_made(world: World) -> None:
    field = made(world)
    nobody = Principal(Nobody())
    with pytest.raises(NotFound):
        services.make_field(
            principal=nobody,
            school=world.home.public_id,
            subject=FieldSubject.STUDENT,
            kind=FieldKind.TEXT,
            wanted=BUS,
        )
    with pytest.raises(NotFound):
        services.write_student_values(
            principal=nobody, student=world.own_class.children[0].public_id, written={field: "x"}
        )


@pytest.mark.parametrize(
    ("wanted", "kind", "wrong"),
    [
        (replace(BUS, name=" "), FieldKind.TEXT, "name"),
        (replace(BUS, purpose=""), FieldKind.TEXT, "purpose"),
        (replace(BUS, keep_days=None), FieldKind.TEXT, "keep_days"),
        (replace(BUS, keep_days=0), FieldKind.TEXT, "keep_days"),
        (replace(BUS, keep_days=3661), FieldKind.TEXT, "keep_days"),
        (BUS, FieldKind.CHOICE, "choices"),
        (replace(MEALS, choices=("Meat", "meat")), FieldKind.CHOICE, "choices"),
        (replace(BUS, name="Religion"), FieldKind.TEXT, "needed"),
        (replace(BUS, purpose="To know of each diagnosis"), FieldKind.TEXT, "needed"),
        (replace(MEALS, choices=("Alergia", "None")), FieldKind.CHOICE, "needed"),
        (replace(BUS, name="SSN", needed=True), FieldKind.TEXT, "need"),
    ],
)
def test_without_purpose_and_time_and_with_words_that_need_more_nothing_is_made(
    world: World, wanted: Wanted, kind: FieldKind, wrong: str
) -> None:
    with pytest.raises(Rejected) as said:
        made(world, wanted, kind=kind)
    assert list(said.value.fields) == [wrong]
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(func.count(CustomField.id))) == 0


def test_a_leader_who_says_why_gets_such_a_field_and_the_trail_keeps_the_reason(world: World) -> None:
    wanted = replace(BUS, name="Allergies", needed=True, need="The nurse has to know")
    field = the(made(world, wanted))
    assert (field.need, field.confirmed_by) == ("The nurse has to know", world.people["leader"].id)
    detail = last_detail("fields.make")
    assert (detail["need"], detail["families_told"]) == ("The nurse has to know", True)
    # Other words are not asked about again; a new one is.
    change = replace(wanted, purpose="Allergies that the kitchen knows of", needed=False, need="")
    services.change_field(principal=world.sign_in("leader"), field=field.public_id, wanted=change)
    with pytest.raises(Rejected):
        services.change_field(
            principal=world.sign_in("leader"),
            field=field.public_id,
            wanted=replace(change, purpose="Allergies and each diagnosis"),
        )


def test_two_fields_of_one_name_are_refused_and_more_than_twenty(world: World) -> None:
    made(world)
    with pytest.raises(Rejected):
        made(world, replace(BUS, name="BUS LINE"))
    made(world, subject=FieldSubject.CLASSROOM)
    with transaction(SYSTEM) as tx:
        there = queries.fields_of(tx, world.home.id, FieldSubject.STUDENT)
        for number in range(services.MOST_FIELDS - len(there)):
            custom_field(tx, world.home, FieldSubject.STUDENT, name=f"Number {number}")
    with pytest.raises(Rejected):
        made(world, replace(BUS, name="One more"))


@pytest.mark.parametrize(
    "role", ["helper", "colleague", "elsewhere", "outsider", "parent", "founder", "officer"]
)
def test_whoever_may_not_change_a_student_writes_nothing_about_it(world: World, role: str) -> None:
    field = made(world)
    with pytest.raises(NotFound):
        filled(world, field, "Line 7", who=role)
    assert kept(field) == {}


def test_a_field_of_another_school_or_of_classes_is_none_of_a_student(world: World) -> None:
    with transaction(SYSTEM) as tx:
        foreign = custom_field(tx, world.outside, FieldSubject.STUDENT, name="Theirs").public_id
    rooms = made(world, subject=FieldSubject.CLASSROOM)
    for field in (foreign, rooms, "0" * 16):
        with pytest.raises(NotFound):
            filled(world, field, "Line 7")


@pytest.mark.parametrize("role", ["helper", "colleague", "parent"])
def test_whoever_reads_a_student_reads_what_is_written_and_nobody_else(world: World, role: str) -> None:
    field = made(world)
    filled(world, field, "Line 7")
    with transaction(world.sign_in(role)) as tx:
        found = queries.values_of(tx, FieldSubject.STUDENT, [thing(world)])
    assert [dict(each) for each in found.values()] == (
        [{the(field).id: "Line 7"}] if role == "helper" else []
    )


def test_what_laws_protect_more_is_nothing_for_who_helps(world: World) -> None:
    wanted = replace(BUS, name="Allergies", needed=True, need="The nurse has to know")
    field, room = made(world, wanted), made(world, wanted, FieldSubject.CLASSROOM)
    filled(world, field, "Nuts")
    services.write_classroom_values(
        principal=world.sign_in("teacher"), classroom=world.own_class.public_id, written={room: "Some"}
    )
    numbers = {the(field).id, the(room).id}
    for role, seen in (("leader", True), ("teacher", True), ("co_teacher", True), ("helper", False)):
        with transaction(world.sign_in(role)) as tx:
            of_children = queries.values_of(tx, FieldSubject.STUDENT, [thing(world)])
            of_rooms = queries.values_of(tx, FieldSubject.CLASSROOM, [the_room(world)])
            fields = {each.id for each in queries.fields_of(tx, world.home.id)}
            raw = [*tx.scalars(select(StudentValue.value)), *tx.scalars(select(ClassroomValue.value))]
        assert (bool(of_children), bool(of_rooms), bool(raw)) == (seen, seen, seen)
        assert (numbers <= fields, numbers & fields == numbers) == (seen, seen)


def the_room(world: World) -> Any:
    class Thing:
        id, school_id, public_id = world.own_class.id, world.home.id, world.own_class.public_id

    return Thing()


def thing(world: World) -> Any:
    child = world.own_class.children[0]

    class Thing:
        id, school_id, public_id = child.id, world.home.id, child.public_id

    return Thing()


def test_the_database_refuses_what_the_policy_forgot(world: World) -> None:
    field = the(made(world))
    row = {
        "school_id": world.home.id,
        "student_id": world.own_class.children[0].id,
        "field_id": field.id,
        "value": "Line 7",
        "value_index": b"7",
        "set_at": clock.now(),
    }
    for role in ("colleague", "parent", "outsider"):
        with pytest.raises(ProgrammingError), transaction(world.sign_in(role)) as tx:
            tx.execute(insert(StudentValue).values(**row))
    with pytest.raises(ProgrammingError), transaction(world.sign_in("leader")) as tx:
        tx.execute(delete(StudentValue))
    # A field of another school, and one that is of classes.
    with transaction(SYSTEM) as tx:
        foreign = custom_field(tx, world.outside, FieldSubject.STUDENT, name="Theirs").id
        rooms = custom_field(tx, world.home, FieldSubject.CLASSROOM, name="Rooms").id
    for other in (foreign, rooms):
        with pytest.raises(DBAPIError), transaction(world.sign_in("leader")) as tx:
            tx.execute(insert(StudentValue).values(**{**row, "field_id": other}))


def test_a_child_reads_nothing_that_the_school_writes_about_it(world: World) -> None:
    filled(world, made(world), "Line 7")
    with transaction(world.student(world.own_class, world.own_class.children[0])) as tx:
        assert not tx.scalars(select(StudentValue)).all()
        assert not tx.scalars(select(CustomField)).all()


def test_nobody_writes_over_what_somebody_else_wrote_meanwhile(world: World) -> None:
    field, child = made(world), world.own_class.children[0]
    before = services.seen_of([the(field)], {})
    filled(world, field, "Line 7")
    with pytest.raises(Overtaken):
        services.write_student_values(
            principal=world.sign_in("teacher"),
            student=child.public_id,
            written={field: "Line 9"},
            seen=before,
        )
    assert kept(field) == {child.id: "Line 7"}


def test_what_does_not_fit_is_said_beside_its_field_and_nothing_is_written(world: World) -> None:
    first, second = made(world), made(world, replace(BUS, name="Size"), kind=FieldKind.NUMBER)
    with pytest.raises(Rejected) as said:
        services.write_student_values(
            principal=world.sign_in("teacher"),
            student=world.own_class.children[0].public_id,
            written={first: "Line 7", second: "large"},
        )
    assert list(said.value.fields) == [f"field_{second}"]
    assert kept(first) == {}


def test_values_are_sealed_and_the_trail_names_none(world: World) -> None:
    field = made(world)
    filled(world, field, "Platypus line")
    detail = last_detail("students.fill")
    assert detail["student"] == world.own_class.children[0].id
    assert detail["fields"] == [the(field).id]
    assert "Platypus" not in str(detail)
    with transaction(SYSTEM) as tx:
        raw = tx.execute(text("select value, value_index from app.student_value")).all()
    assert all(b"latypus" not in bytes(cell) for row in raw for cell in row)


def test_one_value_in_two_fields_leaves_no_common_trace(world: World) -> None:
    one, other = made(world), made(world, replace(BUS, name="Line home"))
    filled(world, one, "Line 7")
    filled(world, other, "Line 7")
    with transaction(SYSTEM) as tx:
        numbers = [the(one).id, the(other).id]
        found = tx.scalars(select(StudentValue.value_index).where(StudentValue.field_id.in_(numbers))).all()
    assert len(set(found)) == 2


def test_a_class_has_its_own(world: World) -> None:
    field = made(world, subject=FieldSubject.CLASSROOM)
    room = world.own_class
    write = services.write_classroom_values
    write(principal=world.sign_in("teacher"), classroom=room.public_id, written={field: "Hall"})
    assert kept(field) == {room.id: "Hall"}
    with pytest.raises(NotFound):
        write(principal=world.sign_in("helper"), classroom=room.public_id, written={field: "x"})
    write(principal=world.sign_in("teacher"), classroom=room.public_id, written={field: ""})
    assert kept(field) == {}
    assert last_detail("classrooms.fill")["classroom"] == room.id


def test_a_choice_that_is_chosen_stays(world: World) -> None:
    field = made(world, MEALS, kind=FieldKind.CHOICE)
    filled(world, field, "Meat")
    leader = world.sign_in("leader")
    with pytest.raises(Rejected):
        services.change_field(principal=leader, field=field, wanted=replace(MEALS, choices=("Fish", "None")))
    services.change_field(
        principal=leader, field=field, wanted=replace(MEALS, choices=("Meat", "Fish", "Rice"))
    )
    assert the(field).choices == ["Meat", "Fish", "Rice"]


def at_once(
    world: World, field: str, value: str, manage: Callable[[Transaction, CustomField], object]
) -> list[object]:
    """What becomes of writing a value while somebody manages its field, and is done only afterwards."""
    done: list[object] = []

    def write() -> None:
        try:
            filled(world, field, value)
            done.append("written")
        except (Rejected, NotFound, DBAPIError) as refused:
            done.append(refused)

    writer = threading.Thread(target=write)
    with transaction(proven(world, "leader")) as tx:
        held = queries.field_to_manage(tx, field, lock=True)
        writer.start()
        until_somebody_waits()
        manage(tx, held)
    writer.join(timeout=20)
    assert not writer.is_alive()
    return done


def until_somebody_waits() -> None:
    with transaction(SYSTEM) as tx:
        for _ in range(400):
            if tx.scalar(text("select exists (select from pg_locks where not granted)")):
                return
            time.sleep(0.02)
    raise AssertionError("Nobody waits.")


def test_whoever_writes_waits_for_whoever_changes_the_field_and_both_get_through(world: World) -> None:
    field = made(world)
    filled(world, field, "Line 7")
    row = the(field)

    def change(tx: Transaction, held: CustomField) -> None:
        held.keep_days = 30
        tx.flush()
        functions.keep_as_field_says(tx, school_id=held.school_id, field_id=held.id)

    assert at_once(world, field, "Line 8", change) == ["written"]
    with transaction(SYSTEM) as tx:
        value = tx.scalars(select(StudentValue).where(StudentValue.field_id == row.id)).one()
        assert (value.value, value.due_at - value.set_at) == ("Line 8", timedelta(days=30))


def test_whoever_writes_first_in_a_field_that_is_deleted_is_told(world: World) -> None:
    field = made(world)

    def erase(tx: Transaction, held: CustomField) -> None:
        functions.erase_field(tx, school_id=held.school_id, field_id=held.id, at=clock.now())

    (refused,) = at_once(world, field, "Line 7", erase)
    assert isinstance(refused, Rejected)
    assert refused.fields == {"": services.DELETED_MEANWHILE}
    assert kept(field) == {}


def test_a_choice_that_goes_is_not_written_by_whoever_looked_before(world: World) -> None:
    field = made(world, MEALS, kind=FieldKind.CHOICE)

    def change(tx: Transaction, held: CustomField) -> None:
        services._keep_chosen(tx, held, replace(MEALS, choices=("Fish", "None")))
        held.choices = ["Fish", "None"]

    (refused,) = at_once(world, field, "Meat", change)
    assert isinstance(refused, Rejected)
    assert list(refused.fields) == [f"field_{field}"]
    assert kept(field) == {}


def test_a_choice_that_somebody_is_writing_stays(world: World) -> None:
    field = made(world, MEALS, kind=FieldKind.CHOICE)
    done: list[object] = []

    def change() -> None:
        try:
            fewer = replace(MEALS, choices=("Fish", "None"))
            services.change_field(principal=leader, field=field, wanted=fewer)
            done.append("changed")
        except Rejected as refused:
            done.append(refused)

    leader, manager = world.sign_in("leader"), threading.Thread(target=change)
    with transaction(world.sign_in("teacher")) as tx:
        child = find(tx, Student, world.own_class.children[0].public_id, permission=STUDENTS_EDIT)
        services._write(tx, FieldSubject.STUDENT, child, {field: "Meat"}, None)
        manager.start()
        until_somebody_waits()
    manager.join(timeout=20)
    assert [type(each) for each in done] == [Rejected]
    assert the(field).choices == ["Meat", "None"]


def test_values_go_when_their_field_says_and_a_new_time_counts_for_all(world: World) -> None:
    field = made(world)
    filled(world, field, "Line 7")
    filled(world, field, "Line 8", child=1)
    with transaction(SYSTEM) as tx:
        tx.execute(
            update(StudentValue)
            .where(StudentValue.student_id == world.own_class.children[0].id)
            .values(set_at=clock.now() - timedelta(days=399))
        )
    assert taken() == 0
    leader = world.sign_in("leader")
    services.change_field(principal=leader, field=field, wanted=replace(BUS, keep_days=300))
    assert taken() == 1
    assert kept(field) == {world.own_class.children[1].id: "Line 8"}


def taken() -> int:
    """How many values a run of retention takes now."""
    with transaction(SYSTEM) as tx:
        return sum(take(tx, rows, before=FIELD_VALUES.before(clock.now())) for rows in FIELD_VALUES.rows)


def test_deleting_a_field_erases_its_values_and_leaves_a_receipt(world: World) -> None:
    field, other = made(world), made(world, replace(BUS, name="Line home"))
    for each in (field, other):
        filled(world, each, "Line 7")
        filled(world, each, "Line 8", child=1)
    with pytest.raises(Rejected):
        services.erase_field(principal=proven(world, "leader"), field=field, typed="Bus")
    assert len(kept(field)) == 2
    assert services.erase_field(principal=proven(world, "leader"), field=field, typed=" bus  LINE ") == 2
    row = the(field)
    assert (row.name, row.purpose, row.choices, row.need) == (None, None, None, None)
    assert (row.values_gone, row.erased_by) == (2, world.people["leader"].id)
    assert kept(field) == {}
    assert len(kept(other)) == 2
    assert last_detail("fields.erase")["values"] == 2
    with pytest.raises(NotFound):
        filled(world, field, "Line 9")
    with pytest.raises(NotFound):
        services.change_field(principal=world.sign_in("leader"), field=field, wanted=BUS)


def test_a_field_is_not_deleted_without_a_fresh_proof(world: World) -> None:
    field, who = made(world), world.sign_in("leader")
    with transaction(SYSTEM) as tx:
        own = AccountSession.id == who.session_id
        tx.execute(update(AccountSession).where(own).values(proven_at=clock.now() - timedelta(hours=3)))
    with pytest.raises(ProofNeeded):
        services.erase_field(principal=who, field=field, typed=BUS.name)


def hold(world: World, subject: Subject) -> None:
    number = {
        Subject.STUDENT: world.own_class.children[0].id,
        Subject.CLASSROOM: world.own_class.id,
        Subject.SCHOOL: world.home.id,
    }[subject]
    with transaction(SYSTEM) as tx:
        tx.execute(
            insert(LegalHold).values(
                id=tx.take_id(LegalHold),
                public_id=new_public_id(),
                subject=subject,
                subject_id=number,
                outside="x" * 16,
                school_id=world.home.id,
                state=HoldState.IN_FORCE,
                reason="A file",
                review_on=clock.now().date(),
                proposed_at=clock.now(),
                confirmed_at=clock.now(),
            )
        )


@pytest.mark.parametrize("subject", [Subject.STUDENT, Subject.CLASSROOM, Subject.SCHOOL])
def test_what_has_to_be_kept_is_not_emptied(world: World, subject: Subject) -> None:
    field, room = made(world), made(world, subject=FieldSubject.CLASSROOM)
    filled(world, field, "Line 7")

    def write(value: str) -> None:
        services.write_classroom_values(
            principal=world.sign_in("teacher"), classroom=world.own_class.public_id, written={room: value}
        )

    write("Hall")
    hold(world, subject)
    with pytest.raises(Rejected) as said:
        filled(world, field, "")
    assert said.value.fields == {"": services.NOT_TO_BE_EMPTIED}
    with pytest.raises(Rejected):
        write("")
    assert (len(kept(field)), len(kept(room))) == (1, 1)
    # What is wrong can be put right all the same.
    filled(world, field, "Line 8")
    assert list(kept(field).values()) == ["Line 8"]


@pytest.mark.parametrize("subject", [Subject.STUDENT, Subject.CLASSROOM, Subject.SCHOOL])
def test_what_has_to_be_kept_is_not_erased_with_its_field(world: World, subject: Subject) -> None:
    field = made(world)
    filled(world, field, "Line 7")
    hold(world, subject)
    with pytest.raises(Rejected):
        services.erase_field(principal=proven(world, "leader"), field=field, typed=BUS.name)
    assert len(kept(field)) == 1


def test_nobody_writes_over_what_somebody_else_made_of_a_field(world: World) -> None:
    field = made(world)
    before = version(*services.shown(the(field)))
    leader = world.sign_in("leader")
    services.change_field(principal=leader, field=field, wanted=replace(BUS, name="Coach"), seen=before)
    with pytest.raises(Overtaken):
        services.change_field(principal=leader, field=field, wanted=replace(BUS, name="Tram"), seen=before)


def test_erased_values_of_classes_go_with_the_class(world: World) -> None:
    with transaction(SYSTEM) as tx:
        field = custom_field(tx, world.home, FieldSubject.CLASSROOM, name="Rooms here")
        field_value(tx, field, world.own_class, "Hall")
        found = tx.scalars(select(ClassroomValue).where(ClassroomValue.field_id == field.id)).one()
        assert found.due_at - found.set_at == timedelta(days=365)


def test_of_two_who_are_one_child_what_is_written_comes_along(world: World) -> None:
    same, other = made(world), made(world, replace(BUS, name="Line home"))
    filled(world, same, "Line 7")
    filled(world, same, "Line 8", child=1)
    filled(world, other, "Line 9", child=1)
    keeper, merged = world.own_class.children
    leader = world.sign_in("leader")
    both = {"keeper": keeper.public_id, "merged": merged.public_id}
    seen = preview_merge(principal=leader, **both).seen
    merge_students(principal=leader, **both, seen=seen)
    assert (kept(same), kept(other)) == ({keeper.id: "Line 7"}, {keeper.id: "Line 9"})


# The last: with the class, its code has ended.
@pytest.fixture
def last_year(world: World) -> Iterator[None]:
    """The class is archived, and its first child is in one of a colleague."""
    room, seat = Classroom.id == world.own_class.id, {"avatar": "cat", "joined_at": clock.now(), "balance": 0}
    child, theirs = world.own_class.children[0].id, world.colleague_class.id
    with transaction(SYSTEM) as tx:
        archive(tx, tx.scalars(select(Classroom).where(room)).one())
        of = {"school_id": world.home.id, "classroom_id": theirs}
        tx.execute(insert(Enrollment).values(**of, student_id=child, **seat))
    yield
    with transaction(SYSTEM) as tx:
        new = (Enrollment.classroom_id == theirs, Enrollment.student_id == child)
        tx.execute(delete(Enrollment).where(*new))
        tx.execute(update(Classroom).where(room).values(archived_at=None))


@pytest.mark.usefixtures("last_year")
def test_whoever_taught_a_child_last_year_reads_nothing_that_is_written_now(world: World) -> None:
    field = made(world)
    filled(world, field, "Line 7", who="colleague")
    for role in ("teacher", "co_teacher", "helper", "colleague"):
        with transaction(world.sign_in(role)) as tx:
            found = queries.values_of(tx, FieldSubject.STUDENT, [thing(world)])
            raw = tx.scalars(select(StudentValue.value)).all()
        assert (bool(found), bool(raw)) == (role == "colleague", role == "colleague")
    # Without the database's own isolation it is the same.
    who = world.sign_in("helper")
    with transaction(SYSTEM) as tx:
        assert not tx.scalars(visible(who, select(StudentValue.value))).all()


def test_whoever_has_a_school_of_their_own_changes_a_field_with_all_that_is_written(world: World) -> None:
    room, child = world.foreign_class, world.foreign_class.children[0]
    meal = replace(MEALS, keep_days=400)
    with transaction(SYSTEM) as tx:
        make_personal(tx, world.outside.id, world.people["outsider"])
        archive(tx, tx.scalars(select(Classroom).where(Classroom.id == room.id)).one())
    who = world.sign_in("outsider")
    fields = {
        subject: services.make_field(
            principal=who,
            school=world.outside.public_id,
            subject=subject,
            kind=FieldKind.CHOICE,
            wanted=meal,
        )
        for subject in FieldSubject
    }
    for subject, field in fields.items():
        with transaction(SYSTEM) as tx:
            field_value(tx, the(field), child if subject is FieldSubject.STUDENT else room, "Meat")
        with transaction(who) as tx:
            assert queries.count_values(tx, queries.field_to_manage(tx, field)) == 1
        with pytest.raises(Rejected) as said:
            services.change_field(principal=who, field=field, wanted=replace(meal, choices=("Fish", "None")))
        assert list(said.value.fields) == ["choices"]
        services.change_field(principal=who, field=field, wanted=replace(meal, keep_days=30))
        model, _, _ = queries.OF[subject]
        with transaction(SYSTEM) as tx:
            value: Any = tx.scalars(select(model).where(model.field_id == the(field).id)).one()
            assert value.due_at - value.set_at == timedelta(days=30)
    # Of a school that is not theirs nobody counts or changes anything.
    row = the(fields[FieldSubject.STUDENT])
    with transaction(world.sign_in("leader")) as tx:
        assert functions.count_in_field(tx, school_id=row.school_id, field_id=row.id) == 0
