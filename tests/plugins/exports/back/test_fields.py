"""Fields of a school's own come back with what is written in them, or it is said why not."""

import io
import json
import threading
import time
import zipfile
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text, update

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.fields import services as own
from backoffice.fields.models import ClassroomValue, CustomField, FieldKind, FieldSubject, StudentValue
from backoffice.fields.services import MOST_FIELDS
from backoffice.fields.values import LONGEST_TEXT, digest
from backoffice.privacy.holdings import Subject
from backoffice.schools.models import Classroom, Enrollment, Membership, School, Student
from backoffice.schools.services import classrooms, rosters
from plugins.exports.back import fields, services
from plugins.exports.back.fields import Staying
from plugins.exports.back.services import Came
from plugins.exports.content import Scope
from tests.factories import world as factory
from tests.factories.commands import Run
from tests.factories.world import SYSTEM, World
from tests.plugins.exports.back.places import Place, archive_of, came, empty
from tests.plugins.exports.back.test_reading import packed, refused
from tests.plugins.exports.content.conftest import opened

MEALS: Mapping[str, Any] = {"kind": FieldKind.CHOICE, "name": "Meal", "choices": ["Meat", "None"]}


@pytest.fixture
def home(world: World) -> Place:
    """A school with a class and a child, which has no fields yet."""
    of = empty(world, "leader")
    room = classrooms.create_classroom(principal=of.who, school=of.public_id, name="Otters")
    rosters.add_students(principal=of.who, classroom=room, text="Ida Larsson")
    return of


def add(of: Place, value: str | None = None, *, days_ago: float = 0, **more: Any) -> CustomField:
    """A field of a school, and a value about its only child or class."""
    with transaction(SYSTEM) as tx:
        school = tx.scalars(select(School).where(School.id == of.id)).one()
        subject = more.pop("subject", FieldSubject.STUDENT)
        made = factory.custom_field(tx, school, subject, **more)
        if value is not None:
            about, model = (Student, StudentValue), (Classroom, ClassroomValue)
            entity, values = about if subject is FieldSubject.STUDENT else model
            thing = tx.scalars(select(entity.id).where(entity.school_id == of.id)).one()
            key = {"student_id" if entity is Student else "classroom_id": thing}
            said = {"value": value, "value_index": digest(made, value)}
            at = clock.now() - timedelta(days=days_ago)
            tx.execute(insert(values).values(school_id=of.id, field_id=made.id, set_at=at, **key, **said))
    return made


def kept(of: Place) -> dict[str, list[str]]:
    """What the fields of a school are called, with what is written in each."""
    found: dict[str, list[str]] = {}
    with transaction(SYSTEM) as tx:
        own = select(CustomField).where(CustomField.school_id == of.id).order_by(CustomField.id)
        for field in tx.scalars(own):
            found[field.name or ""] = [
                value
                for model in (StudentValue, ClassroomValue)
                for value in tx.scalars(select(model.value).where(model.field_id == field.id))
            ]
    return found


def both(of: Place, into: Place) -> tuple[Came, tuple[Staying, ...]]:
    """Bring the whole of a school in; what came, and what the look at it said before."""
    whole = opened(of.scope).packed
    with archive_of(whole) as archive:
        looked = services.preview(principal=into.who, school=into.public_id, archive=archive)
    done = came(whole, into)
    assert (looked.counts, looked.staying) == (done.counts, done.staying)
    return done, done.staying


def test_who_manages_the_fields_has_them_made(world: World, home: Place) -> None:
    add(home, "Line 7", days_ago=3, keep_days=40)
    add(home, "Meat", **MEALS)
    add(home, name="Empty")
    add(home, "Room 4", subject=FieldSubject.CLASSROOM)
    into = empty(world, "leader")
    done, staying = both(home, into)
    assert staying == ()
    assert done.counts["custom-fields"] == 4
    assert kept(into) == kept(home)
    with transaction(SYSTEM) as tx:
        own = select(CustomField).where(CustomField.school_id == into.id)
        made = tx.scalars(own.order_by(CustomField.id)).all()
        value = tx.scalars(select(StudentValue).where(StudentValue.field_id == made[0].id)).one()
        noted = select(func.count()).where(AuditEntry.school_id == into.id, AuditEntry.verb == "fields.make")
        assert tx.scalar(noted) == 4
    assert (made[0].purpose, made[0].keep_days) == ("Who is to be sent home by which bus", 40)
    assert made[1].choices == ["Meat", "None"]
    assert value.due_at - value.set_at == timedelta(days=40)
    assert timedelta(days=3) <= clock.now() - value.set_at < timedelta(days=4)
    # It is found by the new field's own digest.
    assert value.value_index == digest(made[0], "line 7")


def test_a_teacher_fills_what_is_there_and_makes_nothing(world: World, home: Place) -> None:
    add(home, "Line 7")
    add(home, "Blue", name="Locker")
    into = empty(world)
    add(into, name="LOCKER", keep_days=7)
    done, staying = both(home, into)
    assert kept(into) == {"LOCKER": ["Blue"]}
    assert staying == (Staying(str(fields.NOT_YOURS), fields=1, values=1),)
    assert (done.counts["custom-fields"], done.counts["student-values"]) == (0, 1)
    assert "Line" not in staying[0].sentence
    assert "bus" not in staying[0].sentence


def test_a_sensitive_field_is_not_made_silently(world: World, home: Place) -> None:
    said: dict[str, Any] = {"need": "We cannot do without", "confirmed_at": clock.now()}
    add(home, "Nuts", name="Allergy", **said)
    add(home, "Line 7", subject=FieldSubject.STUDENT, purpose="By which bus, for medical reasons", **said)
    into, made = empty(world, "leader"), empty(world, "leader")
    _done, staying = both(home, into)
    assert kept(into) == {}
    assert staying == (Staying(str(fields.SENSITIVE), fields=2, values=2),)
    # Once it was made, and it was said there why, values go into it.
    add(made, name="Allergy", **said)
    both(home, made)
    assert kept(made) == {"Allergy": ["Nuts"]}


def test_by_command_too_nothing_sensitive_is_made(world: World, run: Run, home: Place, tmp_path: Any) -> None:
    add(home, "Nuts", name="Allergy", need="We have to", confirmed_at=clock.now())
    add(home, "Line 7")
    into, path = empty(world), tmp_path / "school.zip"
    path.write_bytes(opened(home.scope).packed)
    done = run("exports", "import", str(path), "--school", into.public_id)
    assert done.code == 0
    assert kept(into) == {"Zanzibar bus": ["Line 7"]}
    assert done.out.endswith(
        f"Not brought in: 1 field of the school's own · 1 value in such fields. {fields.SENSITIVE}\n"
    )


def test_a_field_of_another_school_is_not_written_in(world: World, home: Place) -> None:
    field = add(home, "Line 7")
    into, other = empty(world), empty(world)
    # By its identifier it would be found in a school that the teacher sees too.
    add(other, public_id=field.public_id)
    add(into, public_id=field.public_id, name="Locker")
    _done, staying = both(home, into)
    assert [each.why for each in staying] == [str(fields.NOT_YOURS)]
    assert kept(into) == {"Locker": []}
    assert kept(other) == {"Zanzibar bus": []}


def test_a_field_of_another_kind_or_of_classes_is_another_one(world: World, home: Place) -> None:
    add(home, "12", kind=FieldKind.TEXT, name="Locker")
    into = empty(world, "leader")
    add(into, kind=FieldKind.NUMBER, name="Locker")
    add(into, kind=FieldKind.TEXT, name="Locker", subject=FieldSubject.CLASSROOM)
    _done, staying = both(home, into)
    assert staying == (Staying(str(fields.OTHER_KIND), fields=1, values=1),)
    assert kept(into) == {"Locker": []}


def test_what_cannot_be_chosen_here_stays_out(world: World, home: Place) -> None:
    add(home, "Meat", **MEALS)
    into = empty(world, "leader")
    add(into, **{**MEALS, "choices": ["Fish", "None"]})
    _done, staying = both(home, into)
    assert staying == (Staying(str(fields.OTHER_CHOICES), values=1),)
    assert kept(into) == {"Meal": []}


def test_what_would_be_over_stays_out(world: World, home: Place) -> None:
    add(home, "Line 7", days_ago=30)
    into = empty(world)
    add(into, keep_days=30)
    _done, staying = both(home, into)
    assert staying == (Staying(str(fields.OVER), values=1),)
    assert kept(into) == {"Zanzibar bus": []}


def test_no_more_fields_than_there_may_be(world: World, home: Place) -> None:
    add(home, "Line 7", name="First")
    add(home, "Line 8", name="Second")
    add(home, "Room 4", name="Of classes", subject=FieldSubject.CLASSROOM)
    into = empty(world, "leader")
    for number in range(MOST_FIELDS - 1):
        add(into, name=f"Field {number}")
    _done, staying = both(home, into)
    assert staying == (Staying(str(fields.FULL), fields=1, values=1),)
    assert kept(into)["First"] == ["Line 7"]
    assert kept(into)["Of classes"] == ["Room 4"]
    assert len(kept(into)) == MOST_FIELDS + 1


def test_a_deleted_field_stays_deleted(world: World, home: Place) -> None:
    gone: dict[str, Any] = {"name": None, "purpose": None, "erased_at": clock.now(), "values_gone": 3}
    add(home, **gone)
    into = empty(world, "leader")
    _done, staying = both(home, into)
    assert (kept(into), staying) == ({}, ())


def test_of_who_left_only_who_leads_writes(world: World, home: Place) -> None:
    add(home, "Line 7")
    with transaction(SYSTEM) as tx:
        tx.execute(update(Enrollment).where(Enrollment.school_id == home.id).values(ended_at=clock.now()))
    into, led = empty(world), empty(world, "leader")
    add(into)
    _done, staying = both(home, into)
    assert staying == (Staying(str(fields.NOT_TAUGHT), values=1),)
    both(home, led)
    assert (kept(into), kept(led)) == ({"Zanzibar bus": []}, {"Zanzibar bus": ["Line 7"]})


def test_the_export_of_a_class_has_what_makes_a_field(world: World, home: Place) -> None:
    add(home, "Meat", **MEALS)
    with transaction(SYSTEM) as tx:
        room = tx.scalars(select(Classroom).where(Classroom.school_id == home.id)).one()
        scope = Scope(Subject.CLASSROOM, room.id, room.public_id)
    into = empty(world, "leader")
    assert came(opened(scope).packed, into).staying == ()
    assert kept(into) == {"Meal": ["Meat"]}


def test_the_own_teacher_of_a_personal_school_makes_fields(world: World, home: Place) -> None:
    add(home, "Line 7")
    into = empty(world)
    with transaction(SYSTEM) as tx:
        factory.make_personal(tx, into.id, world.people["teacher"])
    into = Place(into.id, into.public_id, world.sign_in("teacher"))
    _done, staying = both(home, into)
    assert (kept(into), staying) == ({"Zanzibar bus": ["Line 7"]}, ())


def test_parents_take_no_choices_along(world: World, home: Place) -> None:
    add(home, "Meat", **MEALS)
    with transaction(SYSTEM) as tx:
        child = tx.scalars(select(Student).where(Student.school_id == home.id)).one()
        scope = Scope(Subject.STUDENT, child.id, child.public_id, for_family=True)
    (row,) = opened(scope).rows("custom-fields")
    assert (row["name"], "choices" in row) == ("Meal", False)


def written_as(of: Place, kind: str, /, **more: Any) -> bytes:
    """The export of a school in whose rows of a kind something else stands."""
    with zipfile.ZipFile(io.BytesIO(opened(of.scope).packed)) as found:
        files = {name: found.read(name) for name in found.namelist()}
    rows = [{**row, **more} for row in json.loads(files[f"data/{kind}.json"])]
    files[f"data/{kind}.json"] = json.dumps(rows).encode()
    return packed(files)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"value": "Poison"}, "Choose one of what there is."),
        ({"value": "x" * (LONGEST_TEXT + 1)}, "A text is missing, or is too long."),
        ({"value": None}, "A text is missing, or is too long."),
        ({"field": "x" * 16}, "The field is not in this export"),
        ({"student": "x" * 16}, "The student is not in this export."),
        ({"set_at": "2100-01-01T00:00:00Z"}, "A date and time lies in the future."),
    ],
)
def test_a_value_that_is_none_is_refused(home: Place, more: Mapping[str, Any], said: str) -> None:
    add(home, "Meat", **MEALS)
    told = refused(written_as(home, "student-values", **more))
    assert len(told) == 1
    assert told[0].startswith(f"data/student-values.json, row 1: {said}")


@pytest.mark.parametrize(
    "more",
    [
        {"name": "x" * 61},
        {"purpose": "So"},
        {"purpose": None},
        {"choices": None},
        {"choices": ["Meat"]},
        {"choices": ["Meat", "MEAT"]},
        {"choices": "Meat"},
        {"choices": ["Meat", 3]},
        {"keep_days": 0},
        {"keep_days": 3661},
        {"subject": "account"},
        {"kind": "html"},
    ],
)
def test_a_field_that_is_none_is_refused(home: Place, more: Mapping[str, Any]) -> None:
    add(home, "Meat", **MEALS)
    told = refused(written_as(home, "custom-fields", **more))
    assert told[0].startswith("data/custom-fields.json, row 1: ")
    assert len(told) == 1


def test_two_fields_of_one_name_hold_one_value(home: Place) -> None:
    add(home, "Line 7", name="Bus one")
    add(home, "Line 8", name="Bus two")
    told = refused(written_as(home, "custom-fields", name="Bus"))
    assert told == ["data/student-values.json, row 2: The same stands there twice."]


def test_what_is_a_little_ahead_was_set_now(world: World, home: Place) -> None:
    add(home, "Line 7")
    ahead = (clock.now() + timedelta(hours=2)).isoformat()
    into = empty(world, "leader")
    came(written_as(home, "student-values", set_at=ahead), into)
    with transaction(SYSTEM) as tx:
        at = tx.scalars(select(StudentValue.set_at).where(StudentValue.school_id == into.id)).one()
    assert at <= clock.now()


def while_waiting(act: Callable[[], object]) -> threading.Thread:
    """Have somebody else begin something that waits for this transaction, or is done by now."""
    other = threading.Thread(target=act)
    other.start()
    end = clock.now() + timedelta(seconds=10)
    with transaction(SYSTEM) as tx:
        while other.is_alive() and not tx.scalar(
            text("select exists (select from pg_locks where not granted)")
        ):
            assert clock.now() < end, "Nobody waits."
            time.sleep(0.02)
    return other


@pytest.mark.parametrize("as_system", [False, True])
def test_who_deletes_a_field_waits_for_what_comes_into_it(
    world: World, home: Place, monkeypatch: pytest.MonkeyPatch, as_system: bool
) -> None:
    add(home, "Line 7")
    into, leads = empty(world), empty(world, "leader")
    with transaction(SYSTEM) as tx:
        led = update(Membership).where(Membership.school_id == leads.id).values(school_id=into.id)
        tx.execute(led)
    field, leader = add(into), world.sign_in("leader")
    whole, gone, others = fields.fit, list[int](), list[threading.Thread]()

    def looked(*given: Any) -> Any:
        found = whole(*given)

        def delete() -> None:
            gone.append(own.erase_field(principal=leader, field=field.public_id, typed="Zanzibar bus"))

        others.append(while_waiting(delete))
        return found

    monkeypatch.setattr(services, "fit", looked)
    who = Purpose("exports-import") if as_system else into.who
    done = came(opened(home.scope).packed, into, who=who)
    others[0].join(timeout=20)
    assert (done.counts["student-values"], done.staying) == (1, ())
    # It went with its field, and is counted there.
    assert (gone, kept(into)) == ([1], {"": []})


@pytest.mark.parametrize("as_system", [False, True])
def test_what_comes_into_a_field_waits_for_who_deletes_it(world: World, home: Place, as_system: bool) -> None:
    add(home, "Line 7")
    into = empty(world)
    field, brought = add(into), list[Came]()
    who = Purpose("exports-import") if as_system else into.who
    packed_up = opened(home.scope).packed
    with transaction(SYSTEM) as tx:
        tx.scalars(select(CustomField).where(CustomField.id == field.id).with_for_update()).one()
        other = while_waiting(lambda: brought.append(came(packed_up, into, who=who)))
        gone = {"name": None, "purpose": None, "erased_at": clock.now(), "values_gone": 0}
        tx.execute(update(CustomField).where(CustomField.id == field.id).values(**gone))
    other.join(timeout=20)
    # The system makes it anew, as it makes every field that is not there; a teacher makes none.
    staying = () if as_system else (Staying(str(fields.NOT_YOURS), fields=1, values=1),)
    assert [each.staying for each in brought] == [staying]
    assert kept(into) == ({"": [], "Zanzibar bus": ["Line 7"]} if as_system else {"": []})
