"""What changes of records are kept, who sees them, and putting one back."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import sleep
from typing import Any

import pytest
import time_machine
from sqlalchemy import delete, func, select, text, update

from backoffice import clock
from backoffice.access.lookup import Closed, NotFound
from backoffice.access.principal import Principal, Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.care.services.requirement import require_second_factor
from backoffice.accounts.models import AccountSession
from backoffice.accounts.providers.services.asking import NOT_FROM_THERE, ask_of_staff
from backoffice.accounts.services.proof import ProofNeeded
from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.changes.keeping import ALREADY, OVERTAKEN, version
from backoffice.changes.models import (
    CHANGES,
    Change,
    ClassroomChange,
    PluginChange,
    StudentChange,
)
from backoffice.changes.queries import MOST, last_changes, people_of
from backoffice.changes.services import GONE, NO_HOURS, NO_MARK, forget_old, put_back
from backoffice.host.models import PluginState
from backoffice.host.services import set_plugin
from backoffice.jobs import scheduler
from backoffice.jobs.models import JobSchedule
from backoffice.jobs.services import change_time
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.schools.doors import Hours
from backoffice.schools.models import Action, Classroom, Door, NamesShown, School, Student
from backoffice.schools.services.actions import add_action, change_action
from backoffice.schools.services.archiving import archive_classroom, mark_classroom
from backoffice.schools.services.classrooms import create_classroom, rename_classroom
from backoffice.schools.services.doors import keep_hours, set_door
from backoffice.schools.services.rosters import add_students
from backoffice.schools.services.school_days import set_school_days
from backoffice.schools.services.showing import show_as
from backoffice.schools.services.students import correct_student
from backoffice.storage import keyring
from backoffice.storage.keyring import KeyPurpose, Keyring, KeyringError
from backoffice.storage.roles import DatabaseRole
from backoffice.students.pins.overrides import require_pins
from tests.factories.statements import statements
from tests.factories.world import SYSTEM, World, add_app


@pytest.fixture
def teacher(world: World) -> Principal:
    return world.sign_in("teacher")


@pytest.fixture
def leader(world: World) -> Principal:
    return world.sign_in("leader")


@pytest.fixture
def room(world: World, teacher: Principal) -> Iterator[str]:
    """A class of the teacher's with two students; afterwards they are gone."""
    made = create_classroom(principal=teacher, school=world.home.public_id, name="Kept Kestrels")
    add_students(principal=teacher, classroom=made, text="Ada Lovelace\nAlan Turing")
    with transaction(SYSTEM) as tx:
        children = tx.scalars(select(Student.id).order_by(Student.id.desc()).limit(2)).all()
    yield made
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Student).where(Student.id.in_(children)))


@pytest.fixture
def ada(room: str) -> str:
    with transaction(SYSTEM) as tx:
        newest = select(Student).order_by(Student.id.desc()).limit(2)
        return next(each.public_id for each in tx.scalars(newest) if each.given_name == "Ada")


def correct(who: Principal, student: str, given: str, family: str | None = None) -> None:
    correct_student(principal=who, student=student, given_name=given, family_name=family)


def row_of(model: type[Any], public_id: str) -> Any:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(model).where(model.public_id == public_id)).one()


def kept(who: Principal, model: type[Any], public_id: str) -> Sequence[Change]:
    with transaction(who) as tx:
        return last_changes(tx, row_of(model, public_id))


def values(changes: Sequence[Change]) -> list[tuple[str, Any, Any]]:
    return [(each.field, each.difference["before"], each.difference["after"]) for each in changes]


def name_of(public_id: str) -> tuple[str, str | None]:
    row = row_of(Student, public_id)
    return row.given_name, row.family_name


def back(
    who: Principal, change: Change, now: Any, *, installed: Sequence[Any] = (), public_id: str | None = None
) -> None:
    put_back(
        principal=who,
        model=type(change),
        change=public_id or change.public_id,
        seen=version(now),
        installed=installed,
    )


# -- what is kept


def test_a_corrected_name_is_kept_with_who_and_put_back_by_the_same_verb(
    teacher: Principal, leader: Principal, ada: str
) -> None:
    correct(teacher, ada, "Augusta", "King")
    correct(teacher, ada, "Augusta", "King")
    correct(leader, ada, "Gus")
    found = kept(teacher, Student, ada)
    assert values(found) == [
        ("name", ["Augusta", "King"], ["Gus", None]),
        ("name", ["Ada", "Lovelace"], ["Augusta", "King"]),
    ]
    with transaction(teacher) as tx:
        assert people_of(tx, found)[teacher.account_id or 0] == "Tilda Teacher"
    # An older one, past what came in between.
    back(teacher, found[1], ["Gus", None])
    assert name_of(ada) == ("Ada", "Lovelace")
    newest = kept(teacher, Student, ada)[0]
    assert values([newest]) == [("name", ["Gus", None], ["Ada", "Lovelace"])]
    with transaction(SYSTEM) as tx:
        verbs = tx.scalars(select(AuditEntry.verb).order_by(AuditEntry.id.desc()).limit(2)).all()
        details = tx.scalars(select(AuditDetail.detail).order_by(AuditDetail.entry_id.desc()).limit(2)).all()
    assert set(verbs) == {"students.correct", "changes.put-back"}
    assert "Ada" not in str(details)
    assert {"change": found[1].id, "field": "name"}.items() <= details[1].items()


def test_each_field_of_a_class_is_kept_by_itself_and_put_back_by_itself(
    teacher: Principal, room: str
) -> None:
    def rename(name: str, *, shared: bool) -> None:
        rename_classroom(principal=teacher, classroom=room, name=name, shared_devices=shared)

    rename("Renamed Rails", shared=False)
    mark_classroom(principal=teacher, classroom=room, icon="owl", colour="plum")
    mark_classroom(principal=teacher, classroom=room, icon="cat", colour="plum")
    show_as(principal=teacher, classroom=room, how=NamesShown.AVATARS)
    require_pins(principal=teacher, classroom=room, required=True)
    keep_hours(principal=teacher, classroom=room, hours=Hours(480, 720))
    keep_hours(principal=teacher, classroom=room, hours=Hours(480, 900))
    found = {(each.field, str(each.difference["after"])): each for each in kept(teacher, Classroom, room)}
    assert {(field, before, after) for field, before, after in map(_hashable, found.values())} == {
        ("name", "Kept Kestrels", "Renamed Rails"),
        ("shared_devices", "True", "False"),
        ("mark", "[None, None]", "['owl', 'plum']"),
        ("mark", "['owl', 'plum']", "['cat', 'plum']"),
        ("names_shown", "names", "avatars"),
        ("pins_required", "False", "True"),
        ("hours", "None", "[480, 720]"),
        ("hours", "[480, 720]", "[480, 900]"),
    }
    now: Mapping[tuple[str, str], Any] = {
        ("name", "Renamed Rails"): "Renamed Rails",
        ("mark", "['cat', 'plum']"): ["cat", "plum"],
        ("names_shown", "avatars"): "avatars",
        ("pins_required", "True"): True,
        ("hours", "[480, 900]"): [480, 900],
    }
    for which, value in now.items():
        back(teacher, found[which], value)
    row = row_of(Classroom, room)
    assert (row.name, row.icon, row.colour, row.names_shown, row.pins_required) == (
        *("Kept Kestrels", "owl", "plum"),
        *("names", False),
    )
    assert (row.door, row.door_from, row.door_to) == (Door.SCHOOL_DAYS, 480, 720)
    # The name went back, and what was changed with it stayed.
    assert row.shared_devices is False
    back(teacher, found[("shared_devices", "False")], False)
    assert row_of(Classroom, room).shared_devices is True
    with pytest.raises(Rejected, match=NO_MARK[:20]):
        back(teacher, found[("mark", "['owl', 'plum']")], ["owl", "plum"])
    with pytest.raises(Rejected, match=NO_HOURS[:20]):
        back(teacher, found[("hours", "[480, 720]")], [480, 720])
    # Hours that end with the door are a change of them as well.
    set_door(principal=teacher, classroom=room, door=Door.CLOSED)
    ended = kept(teacher, Classroom, room)[0]
    assert values([ended]) == [("hours", [480, 720], None)]
    back(teacher, ended, None)
    assert row_of(Classroom, room).door == Door.SCHOOL_DAYS


def _hashable(change: Change) -> tuple[str, str, str]:
    return change.field, str(change.difference["before"]), str(change.difference["after"])


def test_days_and_time_zone_of_a_school(leader: Principal, teacher: Principal, world: World) -> None:
    school = world.home.public_id
    before = row_of(School, school)
    days, zone = list(before.school_days), before.time_zone

    def teach(days: Sequence[str], zone: str) -> None:
        set_school_days(principal=leader, school=school, days=days, time_zone=zone)

    teach(["sat", "mon"], "Europe/Lisbon")
    of_days, of_zone = sorted(kept(leader, School, school)[:2], key=lambda each: each.field)
    assert values([of_days, of_zone]) == [
        ("days", days, ["mon", "sat"]),
        ("time_zone", zone, "Europe/Lisbon"),
    ]
    assert kept(teacher, School, school) == []
    with pytest.raises(NotFound):
        back(teacher, of_zone, "Europe/Lisbon")
    back(leader, of_zone, "Europe/Lisbon")
    now = row_of(School, school)
    assert (now.time_zone, now.school_days) == (zone, ["mon", "sat"])
    back(leader, of_days, ["mon", "sat"])
    assert row_of(School, school).school_days == days


def test_the_language_of_a_school(leader: Principal, world: World) -> None:
    school = world.home.public_id
    row = row_of(School, school)
    days, zone = list(row.school_days), row.time_zone

    def teach(zone: str, language: str | None = None) -> None:
        set_school_days(principal=leader, school=school, days=days, time_zone=zone, language=language)

    count = len(kept(leader, School, school))
    teach(zone, "es")
    of_language, *others = kept(leader, School, school)
    assert (values([of_language]), len(others)) == ([("language", "en", "es")], count)
    # Where it is not asked for it is as before, and nothing is kept.
    teach(zone)
    assert len(kept(leader, School, school)) == count + 1
    # Nothing else goes back with it.
    teach("Europe/Lisbon")
    back(leader, of_language, "es")
    now = row_of(School, school)
    assert (now.language, now.time_zone) == ("en", "Europe/Lisbon")
    with pytest.raises(Rejected, match=ALREADY[:20]):
        back(leader, of_language, "es")
    teach(zone)


def test_how_a_plugin_is_set_and_when_a_job_runs(world: World, runtime: Runtime) -> None:
    founder, plugins = world.sign_in("founder"), runtime.plugins
    plugin = next(each for each in plugins if each.settings is not None)
    assert plugin.settings is not None
    field, default = next(
        (name, info.default) for name, info in plugin.settings.model_fields.items() if info.annotation is int
    )
    for value in (default - 1, default - 2):
        set_plugin(principal=founder, installed=plugins, name=plugin.name, values={field: value})
    with transaction(SYSTEM) as tx:
        state = tx.scalars(select(PluginState).where(PluginState.name == plugin.name)).one()
    with transaction(founder) as tx:
        found = last_changes(tx, state)
        assert people_of(tx, found) == {founder.account_id: "Robin Founder"}
    assert values(found) == [(field, default - 1, default - 2), (field, default, default - 1)]
    back(founder, found[1], default - 2, installed=plugins)
    with transaction(founder) as tx:
        newest = last_changes(tx, state)[0]
    assert values([newest]) == [(field, default - 2, default)]
    with transaction(SYSTEM) as tx:
        tx.execute(update(PluginChange).where(PluginChange.id == newest.id).values(field="long_gone"))
    with pytest.raises(Rejected, match=GONE[:20]):
        back(founder, newest, default, installed=plugins)

    scheduler.sync()
    with transaction(SYSTEM) as tx:
        schedule = tx.scalars(select(JobSchedule).where(JobSchedule.job == "core.forget-mail")).one()
    before = schedule.time
    change_time(principal=founder, job=schedule.job, time="weekly friday 04:56")
    with transaction(founder) as tx:
        (of_time,) = last_changes(tx, schedule)
    assert values([of_time]) == [("time", before, "weekly friday 04:56")]
    back(founder, of_time, "weekly friday 04:56")
    with transaction(SYSTEM) as tx:
        again = tx.scalars(select(JobSchedule).where(JobSchedule.id == schedule.id)).one()
    # It is as it came, and so nobody's change any more.
    assert (again.time, again.changed_at) == (before, None)
    leader = world.sign_in("leader")
    for change in (newest, of_time):
        with pytest.raises(NotFound):
            back(leader, change, "", installed=plugins)


def test_an_action_of_a_class(teacher: Principal, room: str) -> None:
    made = add_action(principal=teacher, classroom=room, label="Sang in tune", icon="music", value=3)
    change_action(principal=teacher, action=made, label="Sang", icon="star", value=-2)
    found = {each.field: each for each in kept(teacher, Action, made)}
    assert {each.field: (each.difference["before"], each.difference["after"]) for each in found.values()} == {
        "label": ("Sang in tune", "Sang"),
        "icon": ("music", "star"),
        "value": (3, -2),
    }
    for name, now in (("value", -2), ("icon", "star"), ("label", "Sang")):
        back(teacher, found[name], now)
    row = row_of(Action, made)
    assert (row.label, row.icon, row.value) == ("Sang in tune", "music", 3)


def test_what_a_school_demands_of_its_staff(leader: Principal, world: World) -> None:
    school, person = world.home.public_id, world.people["leader"]
    add_app(person)
    require_second_factor(principal=leader, school=school, required=True)
    of_factor = kept(leader, School, school)[0]
    assert values([of_factor]) == [("factor_required", False, True)]
    back(leader, of_factor, True)
    assert row_of(School, school).factor_required is False
    with transaction(SYSTEM) as tx:
        asks = {"sign_in_by": "google", "sign_in_from": "home.example"}
        own = update(AccountSession).where(AccountSession.id == leader.session_id)
        tx.execute(own.values(came_by="google", came_from="home.example"))
        tx.execute(update(School).where(School.public_id == school).values(asks))
    ask_of_staff(principal=leader, school=school, domain="")
    of_domain = kept(leader, School, school)[0]
    assert values([of_domain]) == [("sign_in_from", ["google", "home.example"], None)]
    for by, domain in (("google", "another.example"), ("entra", "home.example")):
        with transaction(SYSTEM) as tx:
            tx.execute(own.values(came_by=by, came_from=domain))
        with pytest.raises(Rejected, match=NOT_FROM_THERE[:20]):
            back(leader, of_domain, None)
    with transaction(SYSTEM) as tx:
        tx.execute(own.values(came_by="google", came_from="home.example"))
    back(leader, of_domain, None)
    again = row_of(School, school)
    assert (again.sign_in_by, again.sign_in_from) == ("google", "home.example")
    ask_of_staff(principal=leader, school=school, domain="")
    with transaction(SYSTEM) as tx:
        tx.execute(own.values(proven_at=clock.now() - timedelta(hours=1)))
    with pytest.raises(ProofNeeded):
        back(leader, of_factor, False)


# -- what is refused


def test_what_was_changed_again_meanwhile_is_not_overwritten_and_a_second_click_does_nothing(
    teacher: Principal, leader: Principal, ada: str
) -> None:
    correct(teacher, ada, "Augusta", "King")
    change = kept(teacher, Student, ada)[0]
    correct(leader, ada, "Adeline")
    with pytest.raises(Rejected, match=OVERTAKEN[:20]):
        back(teacher, change, ["Augusta", "King"])
    assert name_of(ada) == ("Adeline", None)
    back(teacher, change, ["Adeline", None])
    many = len(kept(teacher, Student, ada))
    with pytest.raises(Rejected, match=ALREADY[:20]):
        back(teacher, change, ["Adeline", None])
    assert len(kept(teacher, Student, ada)) == many


def test_what_another_field_of_the_same_form_became_meanwhile_is_not_overwritten(
    teacher: Principal, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename_classroom(principal=teacher, classroom=room, name="Renamed Rails", shared_devices=True)
    change = kept(teacher, Classroom, room)[0]

    def overtaken(**asked: Any) -> None:
        rename_classroom(principal=teacher, classroom=room, name="Renamed Rails", shared_devices=False)
        rename_classroom(**asked)

    monkeypatch.setattr("backoffice.changes.services.rename_classroom", overtaken)
    with pytest.raises(Rejected, match=OVERTAKEN[:20]):
        back(teacher, change, "Renamed Rails")
    row = row_of(Classroom, room)
    assert (row.name, row.shared_devices) == ("Renamed Rails", False)


def test_of_two_who_put_the_same_back_at_once_one_does(teacher: Principal, ada: str) -> None:
    correct(teacher, ada, "Augusta")
    change = kept(teacher, Student, ada)[0]

    def tried(_: int) -> bool:
        try:
            back(teacher, change, ["Augusta", None])
        except Rejected:
            return False
        return True

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(tried, range(2))) == [False, True]
    assert name_of(ada) == ("Ada", "Lovelace")
    assert len(kept(teacher, Student, ada)) == 2


def test_an_action_is_compared_as_it_is_once_its_class_is_free(teacher: Principal, room: str) -> None:
    """Whoever waited for the class writes over what was written meanwhile, and keeps that as before."""
    action = add_action(principal=teacher, classroom=room, label="Kind", icon="heart", value=1)
    with ThreadPoolExecutor(1) as other:
        with transaction(SYSTEM) as tx:
            tx.execute(select(Classroom.id).where(Classroom.public_id == room).with_for_update())
            tx.execute(update(Action).where(Action.public_id == action).values(label="Kinder"))
            asked: dict[str, Any] = {"principal": teacher, "action": action, "icon": "heart", "value": 1}
            waiting = other.submit(change_action, **asked, label="Kind")
            sleep(0.5)
            assert not waiting.done()
        waiting.result()
    with transaction(teacher) as tx:
        row = tx.scalars(select(Action).where(Action.public_id == action)).one()
        assert row.label == "Kind"
    assert values(kept(teacher, Action, action)) == [("label", "Kinder", "Kind")]


def test_an_archived_class_and_its_students_stay_as_they_are(teacher: Principal, room: str, ada: str) -> None:
    rename_classroom(principal=teacher, classroom=room, name="Renamed Rails", shared_devices=True)
    correct(teacher, ada, "Augusta")
    of_class, of_student = kept(teacher, Classroom, room)[0], kept(teacher, Student, ada)[0]
    action = add_action(principal=teacher, classroom=room, label="Kind", icon="heart", value=1)
    change_action(principal=teacher, action=action, label="Kinder", icon="heart", value=1)
    of_action = kept(teacher, Action, action)[0]
    archive_classroom(principal=teacher, classroom=room)
    with pytest.raises(Closed):
        back(teacher, of_class, "Renamed Rails")
    with pytest.raises(Closed):
        back(teacher, of_action, "Kinder")
    with pytest.raises(NotFound):
        back(teacher, of_student, ["Augusta", None])


@pytest.mark.parametrize("role", ["colleague", "outsider", "helper", "founder", "officer", "parent"])
def test_a_change_of_what_one_may_not_change_does_not_exist(
    role: str, world: World, teacher: Principal
) -> None:
    child = world.own_class.children[0].public_id
    correct(teacher, child, f"For{role}")
    rename_classroom(
        principal=teacher, classroom=world.own_class.public_id, name=f"For {role}", shared_devices=True
    )
    who = world.sign_in(role)
    for model, record, now in (
        (Student, child, [f"For{role}", None]),
        (Classroom, world.own_class.public_id, f"For {role}"),
    ):
        change = kept(teacher, model, record)[0]
        assert kept(who, model, record) == []
        with pytest.raises(NotFound):
            back(who, change, now)


def test_who_has_lost_the_class_has_lost_its_changes(world: World, teacher: Principal, ada: str) -> None:
    correct(teacher, ada, "Augusta")
    change = kept(teacher, Student, ada)[0]
    with transaction(SYSTEM) as tx:
        tx.execute(
            text("update app.enrollment set ended_at = now() where student_id = :number"),
            {"number": row_of(Student, ada).id},
        )
    with pytest.raises(NotFound):
        back(teacher, change, ["Augusta", None])


# -- how long


def test_twenty_of_each_record_are_kept(teacher: Principal, ada: str, world: World) -> None:
    other = world.own_class.children[1].public_id
    correct(teacher, other, "Other")
    for number in range(MOST + 3):
        correct(teacher, ada, f"Ada{chr(ord('a') + number)}")
    with transaction(SYSTEM) as tx:
        of_ada = select(StudentChange).where(StudentChange.student_id == row_of(Student, ada).id)
        found = tx.scalars(of_ada.order_by(StudentChange.id)).all()
    assert [each.difference["after"][0] for each in found] == [
        f"Ada{chr(ord('a') + number)}" for number in range(3, MOST + 3)
    ]
    assert len(kept(teacher, Student, other)) >= 1


def test_changes_are_sealed_and_go_with_the_record_and_with_the_key(
    teacher: Principal, ada: str, room: str, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    correct(teacher, ada, "Augusta", "Kingsley")
    number = row_of(Student, ada).id
    with runtime.database.engine(DatabaseRole.OWNER).connect() as owner:
        raw = owner.scalar(
            text("select difference from app.student_change where student_id = :number"), {"number": number}
        )
    assert b"Kingsley" not in bytes(raw)
    ring = keyring.current()
    monkeypatch.setattr(
        keyring,
        "current",
        lambda: Keyring({**ring.keys, KeyPurpose.SEAL: {1: bytes(len(ring.keys[KeyPurpose.SEAL][1]))}}),
    )
    with pytest.raises(KeyringError), transaction(SYSTEM) as tx:
        tx.scalars(select(StudentChange).where(StudentChange.student_id == number)).one()
    monkeypatch.undo()
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Student).where(Student.id == number))
        left = select(func.count()).where(StudentChange.student_id == number)
        assert tx.scalar(left) == 0
        of_room = select(ClassroomChange.id).where(ClassroomChange.classroom_id == row_of(Classroom, room).id)
        assert tx.scalar(of_room) is None


def test_old_ones_are_forgotten(teacher: Principal, ada: str) -> None:
    correct(teacher, ada, "Augusta")
    for late, left in ((timedelta(minutes=-1), 1), (timedelta(0), 0)):
        with time_machine.travel(clock.now() + timedelta(days=7) + late):
            forget_old(Purpose("test"), days=7)
        assert len(kept(SYSTEM, Student, ada)) == left
    with transaction(SYSTEM) as tx:
        assert [tx.scalar(select(func.count()).select_from(each)) for each in CHANGES] == [0] * len(CHANGES)


def test_the_web_neither_changes_nor_deletes_one_nor_writes_for_somebody_else(
    teacher: Principal, ada: str, runtime: Runtime, world: World
) -> None:
    with runtime.database.engine(DatabaseRole.OWNER).connect() as owner:
        allowed = owner.execute(
            text(
                "select t, p from unnest(cast(:tables as text[])) t, unnest(array['update', 'delete']) p"
                " where has_table_privilege('backoffice_app', 'app.' || t, p)"
            ),
            {"tables": [each.__tablename__ for each in CHANGES]},
        ).all()
    assert allowed == []


# -- what it costs


def test_keeping_costs_the_same_for_one_field_as_for_all_and_a_list_is_one_statement(
    teacher: Principal, room: str, ada: str, runtime: Runtime
) -> None:
    with statements(runtime) as nothing:
        rename_classroom(principal=teacher, classroom=room, name="Kept Kestrels", shared_devices=True)
    with statements(runtime) as one:
        rename_classroom(principal=teacher, classroom=room, name="Renamed", shared_devices=True)
    with statements(runtime) as two:
        rename_classroom(principal=teacher, classroom=room, name="Again", shared_devices=False)
    # Their numbers and the rows; and the class itself, which is not written where nothing changes.
    assert (len(one) - len(nothing), len(two)) == (3, len(one))
    asked = []
    for _ in range(2):
        with statements(runtime) as noted, transaction(teacher) as tx:
            people_of(tx, last_changes(tx, row_of(Student, ada)))
        asked.append(len(noted))
        for number in range(5):
            correct(teacher, ada, f"Ada{chr(ord('a') + number)}")
    assert asked[1] == asked[0] + 1
