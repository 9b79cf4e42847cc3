"""The fields that a school has of its own: their page, the forms of students and classes, lists and files."""

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.fields.models import ClassroomValue, CustomField, FieldKind, FieldSubject, StudentValue
from tests.factories import world as factory
from tests.factories.visitor import send
from tests.factories.world import SYSTEM, World, custom_field

HERE = "/console/fields/"
STUDENTS = "/console/students/"
FORM = {
    "subject": "student",
    "kind": "text",
    "name": "Bus line",
    "purpose": "To send children home by the right bus",
    "keep_days": "365",
}


@pytest.fixture(autouse=True)
def _without(world: World) -> Iterator[None]:
    del world
    with transaction(SYSTEM) as tx:
        tx.execute(delete(CustomField))
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(delete(CustomField))


@pytest.fixture
def leader(client: FlaskClient, world: World) -> FlaskClient:
    client.set_cookie("account", world.token("leader"))
    return client


@pytest.fixture
def teacher(client: FlaskClient, world: World) -> FlaskClient:
    client.set_cookie("account", world.token("teacher"))
    return client


def made(world: World, subject: FieldSubject = FieldSubject.STUDENT, **values: object) -> CustomField:
    with transaction(SYSTEM) as tx:
        return custom_field(tx, world.home, subject, **values)


def filled(field: CustomField, thing: factory.Child | factory.Class, value: str) -> None:
    with transaction(SYSTEM) as tx:
        factory.field_value(tx, field, thing, value)


def fields() -> list[CustomField]:
    with transaction(SYSTEM) as tx:
        return list(tx.scalars(select(CustomField).order_by(CustomField.id)))


def test_a_leader_makes_a_field_and_changes_it(leader: FlaskClient, world: World) -> None:
    new = f"{HERE}new?school={world.home.public_id}"
    answer = send(leader, new, FORM)
    assert answer.status_code == 303, answer.text
    (field,) = fields()
    assert (field.name, field.keep_days, field.school_id) == ("Bus line", 365, world.home.id)
    listed = leader.get(answer.location).text
    assert all(words in listed for words in ("Bus line", "365 days", FORM["purpose"], "Text"))
    own = f"{HERE}{field.public_id}"
    change = {"name": "Coach", "purpose": FORM["purpose"], "keep_days": "30"}
    assert send(leader, own, change).status_code == 303
    assert "30 days" in leader.get(answer.location).text


def test_a_word_that_laws_protect_stops_and_asks(leader: FlaskClient, world: World) -> None:
    new = f"{HERE}new?school={world.home.public_id}"
    shown = leader.get(new).text
    assert 'name="needed"' not in shown
    asked = send(leader, new, FORM | {"name": "Religión"})
    assert (asked.status_code, fields()) == (422, [])
    assert "“religion” stands for something" in asked.text
    assert 'name="needed"' in asked.text
    without = send(leader, new, FORM | {"name": "Religión", "needed": "y"})
    assert (without.status_code, fields()) == (422, [])
    said = {"name": "Religión", "needed": "y", "need": "Lessons are held apart"}
    assert send(leader, new, FORM | said).status_code == 303
    (field,) = fields()
    assert field.need == "Lessons are held apart"
    assert "Protected more by law" in leader.get(f"{HERE}?school={world.home.public_id}").text


@pytest.mark.parametrize("missing", ["name", "purpose", "keep_days"])
def test_without_purpose_or_time_nothing_is_saved(leader: FlaskClient, world: World, missing: str) -> None:
    answer = send(leader, f"{HERE}new?school={world.home.public_id}", FORM | {missing: ""})
    assert (answer.status_code, fields()) == (422, [])
    assert f'id="{missing}-error"' in answer.text


def test_a_teacher_finds_no_page_of_fields(teacher: FlaskClient, world: World) -> None:
    field = made(world)
    for address in (HERE, f"{HERE}new", f"{HERE}{field.public_id}", f"{HERE}{field.public_id}/erase"):
        assert teacher.get(address).status_code == 404


def test_another_schools_field_is_not_there(leader: FlaskClient, world: World) -> None:
    with transaction(SYSTEM) as tx:
        foreign = custom_field(tx, world.outside, FieldSubject.STUDENT).public_id
    for tail in ("", "/erase", "/receipt"):
        assert leader.get(f"{HERE}{foreign}{tail}").status_code == 404
    assert leader.get(f"{HERE}?school={world.outside.public_id}").status_code == 404
    assert leader.get(f"{STUDENTS}?field_{foreign}=x").status_code == 200
    assert leader.get(f"{STUDENTS}?columns=field_{foreign}").status_code == 404


def test_a_field_goes_with_its_values_once_its_name_is_typed(leader: FlaskClient, world: World) -> None:
    field = made(world, name="Bus line")
    filled(field, world.own_class.children[0], "Line 7")
    erase = f"{HERE}{field.public_id}/erase"
    assert "1 value" in leader.get(erase).text
    assert send(leader, erase, {"typed": "Bus"}).status_code == 422
    done = send(leader, erase, {"typed": "bus line"})
    assert done.location == f"{HERE}{field.public_id}/receipt"
    receipt = leader.get(done.location).text
    assert field.public_id in receipt
    assert "Ruth Leader" in receipt
    assert "<dt>Values erased</dt><dd>1</dd>" in receipt
    assert "Bus line" not in re.sub(r"<nav.*?</nav>", "", receipt, flags=re.DOTALL)
    with transaction(SYSTEM) as tx:
        assert tx.scalars(select(StudentValue)).all() == []
    assert field.public_id in leader.get(f"{HERE}?school={world.home.public_id}").text
    assert leader.get(f"{HERE}{field.public_id}").status_code == 404


def test_a_teacher_fills_in_a_student_and_reads_it(teacher: FlaskClient, world: World) -> None:
    text, day = made(world, name="Bus line"), made(world, name="Since", kind=FieldKind.DATE)
    meal = made(world, name="Meal", kind=FieldKind.CHOICE, choices=["Meat", "None"])
    child = world.own_class.children[0]
    own = f"{STUDENTS}{child.public_id}"
    assert "Fields of the school" in teacher.get(own).text
    page = f"{own}/fields?classroom={world.own_class.public_id}"
    bad = send(teacher, page, {f"field_{day.public_id}": "soon", f"field_{text.public_id}": "Line 7"})
    assert (bad.status_code, "Choose a day" in bad.text) == (422, True)
    done = send(
        teacher,
        page,
        {
            f"field_{text.public_id}": "<b>Line 7</b>",
            f"field_{day.public_id}": "2026-09-01",
            f"field_{meal.public_id}": "Meat",
        },
    )
    assert done.status_code == 303
    shown = teacher.get(own).text
    assert all(each in shown for each in ("&lt;b&gt;Line 7&lt;/b&gt;", "Meat", "2026"))
    assert "<b>Line 7" not in shown


def test_who_fills_in_over_somebody_else_is_told(teacher: FlaskClient, world: World) -> None:
    field, child = made(world, name="Bus line"), world.own_class.children[0]
    page, name = f"{STUDENTS}{child.public_id}/fields", f"field_{field.public_id}"
    opened = teacher.get(page).text
    filled(field, child, "Line 9")
    token = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', opened)[0]
    seen = re.findall(r'name="seen"[^>]*value="([^"]+)"', opened)[0]
    late = teacher.post(page, data={"csrf_token": token, "seen": seen, name: "Line 7"})
    assert (late.status_code, "Bus line: Line 9" in late.text) == (422, True)


def test_a_class_is_filled_in_by_its_teacher_and_not_by_its_helper(
    teacher: FlaskClient, world: World
) -> None:
    field = made(world, FieldSubject.CLASSROOM, name="Room")
    own = f"/console/classrooms/{world.own_class.public_id}"
    assert send(teacher, f"{own}/fields", {f"field_{field.public_id}": "Hall 3"}).status_code == 303
    assert "Hall 3" in teacher.get(own).text
    teacher.set_cookie("account", world.token("helper"))
    assert "Hall 3" in teacher.get(own).text
    assert f"{own}/fields" not in teacher.get(own).text
    assert teacher.get(f"{own}/fields").status_code == 404
    with transaction(SYSTEM) as tx:
        assert tx.scalars(select(ClassroomValue.value)).all() == ["Hall 3"]


def test_a_column_is_shown_to_who_asks_for_it(teacher: FlaskClient, world: World) -> None:
    field, child = made(world, name="Bus line"), world.own_class.children[0]
    filled(field, child, "Line 7")
    usual = teacher.get(STUDENTS).text
    assert "Line 7" not in usual
    assert f'value="field_{field.public_id}"' in usual
    asked = teacher.get(f"{STUDENTS}?columns=name,field_{field.public_id}").text
    assert all(words in asked for words in ("Line 7", "Bus line", "Wilhelmina"))
    # Nobody else's: of the class of a colleague nothing is told.
    teacher.set_cookie("account", world.token("colleague"))
    theirs = teacher.get(f"{STUDENTS}?columns=name,field_{field.public_id}").text
    assert "Persephone" in theirs
    assert "Line 7" not in theirs


def test_who_runs_several_schools_sees_the_fields_of_the_one_that_is_chosen(
    leader: FlaskClient, world: World
) -> None:
    field = made(world, name="Bus line")
    filled(field, world.own_class.children[0], "Line 7")
    columns = f"columns=name,field_{field.public_id}"
    assert leader.get(f"{STUDENTS}?{columns}").status_code == 404
    assert "Line 7" in leader.get(f"{STUDENTS}?school={world.home.public_id}&{columns}").text
    assert "Line 7" in leader.get(f"{STUDENTS}?classroom={world.own_class.public_id}&{columns}").text
    assert leader.get(f"{STUDENTS}?school={world.elsewhere.public_id}&{columns}").status_code == 404


def test_what_is_typed_in_a_filter_stands_in_no_address(teacher: FlaskClient, world: World) -> None:
    field, (first, second) = made(world, name="Bus line"), world.own_class.children
    filled(field, first, "Line 7")
    filled(field, second, "Line 8")
    name = f"field_{field.public_id}"
    to = send(teacher, f"{STUDENTS}search", {name: "line 7"}, page=STUDENTS)
    assert to.status_code == 303
    assert "ine" not in to.location.partition(name)[2]
    shown = teacher.get(f"{STUDENTS}{to.location.removeprefix('./')}").text
    assert ("Wilhelmina" in shown, "Bartholomew" in shown) == (True, False)
    assert "Bus line: Line 7" in shown


def test_a_choice_is_filtered_by_its_digest(teacher: FlaskClient, world: World) -> None:
    field = made(world, name="Meal", kind=FieldKind.CHOICE, choices=["Meat", "None"])
    filled(field, world.own_class.children[1], "None")
    page = teacher.get(STUDENTS).text
    (choice,) = re.findall(r'<option value="(digest-[0-9a-f]{32})">None</option>', page)
    shown = teacher.get(f"{STUDENTS}?field_{field.public_id}={choice}").text
    assert ("Wilhelmina" in shown, "Bartholomew" in shown) == (False, True)
    assert "Meal: None" in shown


def test_what_is_blank_in_a_filter_asks_for_nothing(teacher: FlaskClient, world: World) -> None:
    field = made(world, name="Bus line")
    filled(field, world.own_class.children[0], "Line 7")
    name = f"field_{field.public_id}"
    shown = teacher.get(f"{STUDENTS}?{name}=+%E2%80%8B+")
    assert shown.status_code == 200
    assert all(words in shown.text for words in ("Wilhelmina", "Bartholomew"))
    to = send(teacher, f"{STUDENTS}search", {name: " "}, page=STUDENTS)
    assert (to.status_code, name in to.location) == (303, False)


def test_a_value_that_looks_like_a_digest_is_found(teacher: FlaskClient, world: World) -> None:
    field, number = made(world, name="Locker"), "0123456789abcdef" * 2
    filled(field, world.own_class.children[0], number)
    to = send(teacher, f"{STUDENTS}search", {f"field_{field.public_id}": number}, page=STUDENTS)
    assert (to.status_code, number in to.location) == (303, False)
    shown = teacher.get(f"{STUDENTS}{to.location.removeprefix('./')}").text
    assert ("Wilhelmina" in shown, "Bartholomew" in shown) == (True, False)


def test_what_laws_protect_more_is_on_no_page_of_who_helps(teacher: FlaskClient, world: World) -> None:
    field = made(world, name="Allergies", need="The nurse has to know", confirmed_at=clock.now())
    plain = made(world, name="Bus line")
    child = world.own_class.children[0]
    filled(field, child, "Nuts")
    own = f"{STUDENTS}{child.public_id}"
    assert all(words in teacher.get(own).text for words in ("Allergies", "Nuts", "Bus line"))
    teacher.set_cookie("account", world.token("helper"))
    shown = teacher.get(own).text
    # That nothing is given says nobody to whom it may be hidden.
    assert not any(words in shown for words in ("Allergies", "Nuts", "Bus line"))
    assert teacher.get(f"{STUDENTS}?columns=name,field_{field.public_id}").status_code == 404
    assert teacher.get(f"{STUDENTS}?columns=name,field_{plain.public_id}").status_code == 200


def test_a_mistyped_day_is_said_beside_its_filter(teacher: FlaskClient, world: World) -> None:
    field = made(world, name="Since", kind=FieldKind.DATE)
    answer = teacher.get(f"{STUDENTS}?field_{field.public_id}=soon")
    assert (answer.status_code, "Choose a day" in answer.text) == (422, True)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_file_has_the_columns_that_are_asked_for(leader: FlaskClient, world: World, kind: str) -> None:
    field = made(world, name="=Bus")
    filled(field, world.own_class.children[0], "=1+1")
    asked = f"school={world.home.public_id}&columns=name,field_{field.public_id}"
    answer = leader.get(f"{STUDENTS}export.{kind}?{asked}")
    assert answer.status_code == 200
    if kind == "csv":
        assert '"\'=Bus"' in answer.text
        assert '"\'=1+1"' in answer.text
    else:
        assert len(answer.data) > 1000


def test_the_list_of_classes_has_their_own(teacher: FlaskClient, world: World) -> None:
    field = made(world, FieldSubject.CLASSROOM, name="Seats", kind=FieldKind.NUMBER)
    filled(field, world.own_class, "12.5")
    rooms = "/console/classrooms/"
    assert "12.5" in teacher.get(f"{rooms}?columns=name,field_{field.public_id}").text
    to = send(teacher, f"{rooms}narrow", {f"field_{field.public_id}": "12,50"}, page=rooms)
    assert to.status_code == 303
    assert "Ownclass" in teacher.get(f"{rooms}{to.location.removeprefix('./')}").text


def test_the_inventory_says_of_each_field_what_for_and_for_how_long(
    leader: FlaskClient, world: World
) -> None:
    made(world, name="Bus line", keep_days=90)
    shown = leader.get("/console/inventory/").text
    assert all(words in shown for words in ("Bus line", "90 days", "Home Hollow School"))
    leader.set_cookie("account", world.token("officer"))
    assert "Bus line" not in leader.get("/console/inventory/").text


def test_neither_a_child_nor_a_parent_sees_what_is_written(client: FlaskClient, world: World) -> None:
    filled(made(world, name="Bus line"), world.own_class.children[0], "Line 7")
    client.set_cookie("account", world.token("parent"))
    for address in ("/family", f"/family/{world.own_class.children[0].public_id}"):
        assert "Line 7" not in client.get(address).text
