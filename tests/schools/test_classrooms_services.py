"""Making and changing classrooms."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import func, select, text

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.problems import Rejected
from backoffice.schools import codes
from backoffice.schools.models import Classroom, ClassroomCode, Door, TeachingRole
from backoffice.schools.services import classrooms as services
from backoffice.schools.services import codes as code_services
from backoffice.schools.services import doors
from backoffice.schools.services.classrooms import LONGEST_NAME
from tests.factories.world import SYSTEM, World, names_behind

HOUR = timedelta(hours=1)


@pytest.fixture
def teacher(world: World) -> Principal:
    return world.sign_in("teacher")


def make(who: Principal, world: World, name: str = "5B Science", **options: Any) -> str:
    return services.create_classroom(principal=who, school=world.home.public_id, name=name, **options)


def row(public_id: str) -> Classroom:
    with transaction(SYSTEM) as tx:
        return tx.execute(select(Classroom).where(Classroom.public_id == public_id)).scalar_one()


def live_codes(public_id: str) -> list[str]:
    with transaction(SYSTEM) as tx:
        found = (
            select(ClassroomCode.code)
            .join(Classroom, Classroom.id == ClassroomCode.classroom_id)
            .where(Classroom.public_id == public_id, ClassroomCode.ended_at.is_(None))
        )
        return list(tx.scalars(found))


def newest_entry() -> tuple[str, int | None, dict[str, Any]]:
    """Verb, school and detail of what was done last."""
    with transaction(SYSTEM) as tx:
        entry, detail = tx.execute(
            select(AuditEntry, AuditDetail)
            .join(AuditDetail, AuditDetail.entry_id == AuditEntry.id)
            .order_by(AuditEntry.id.desc())
            .limit(1)
        ).one()
        return entry.verb, entry.school_id, detail.detail


def actor(who: Principal) -> dict[str, int | None]:
    return {"account": who.account_id, "session": who.session_id}


# -- making


def test_a_new_class_has_an_open_door_and_one_code(world: World, teacher: Principal) -> None:
    made = make(teacher, world)
    assert (row(made).door, row(made).shared_devices, len(live_codes(made))) == (Door.OPEN, True, 1)


@pytest.mark.parametrize("role", ["teacher", "leader", "helper"])
def test_the_maker_owns_the_class(world: World, role: str) -> None:
    who = world.sign_in(role)
    number = row(make(who, world)).id
    with transaction(SYSTEM) as tx:
        staff = tx.execute(
            select(TeachingRole.account_id, TeachingRole.role).where(TeachingRole.classroom_id == number)
        ).all()
    assert staff == [(who.account_id, "owner")]


def test_a_leader_makes_a_class_in_each_school_led(world: World) -> None:
    made = services.create_classroom(
        principal=world.sign_in("leader"), school=world.elsewhere.public_id, name="6A"
    )
    assert row(made).school_id == world.elsewhere.id


@pytest.mark.parametrize("role", ["founder", "officer", "elsewhere", "outsider", "parent"])
def test_nobody_makes_a_class_in_another_school(world: World, role: str) -> None:
    with pytest.raises(NotFound):
        make(world.sign_in(role), world)


@pytest.mark.parametrize("school", ["", "2" * 16, "' or 1=1"])
def test_a_school_that_is_not_there_is_not_found(world: World, teacher: Principal, school: str) -> None:
    with pytest.raises(NotFound):
        services.create_classroom(principal=teacher, school=school, name="5B")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "Give the class a name."),
        (" \t\u200b", "Give the class a name."),
        ("x" * (LONGEST_NAME + 1), "Shorten the name to 80 letters."),
    ],
)
def test_a_class_has_a_name(world: World, teacher: Principal, name: str, sentence: str) -> None:
    with pytest.raises(Rejected) as raised:
        make(teacher, world, name)
    assert raised.value.fields == {"name": sentence}


def test_a_name_is_kept_clean(world: World, teacher: Principal) -> None:
    assert row(make(teacher, world, "  5B \u200b Ciencias\u0301 ")).name == "5B Cienciaś"


def test_making_is_in_the_trail(world: World, teacher: Principal) -> None:
    made = row(make(teacher, world))
    assert newest_entry() == (
        "classrooms.create",
        world.home.id,
        {"actor": actor(teacher), "classroom": made.id},
    )


def test_a_code_that_is_taken_is_not_given_again(
    world: World, teacher: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter([world.foreign_class.code, world.own_class.code, "BCDFGHJK"])
    monkeypatch.setattr(codes, "new_code", lambda: next(drawn))
    assert live_codes(make(teacher, world)) == ["BCDFGHJK"]


def test_without_a_free_code_nothing_is_made(
    world: World, teacher: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codes, "new_code", lambda: world.foreign_class.code)
    with transaction(SYSTEM) as tx:
        before = tx.scalar(select(func.count()).select_from(Classroom))
    with pytest.raises(Rejected) as raised:
        make(teacher, world)
    assert raised.value.fields == {"": "No code could be made just now. Try once more."}
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(func.count()).select_from(Classroom)) == before


# -- who may change a class

CHANGES: dict[str, Callable[[Principal, str], None]] = {
    "rename": lambda who, classroom: services.rename_classroom(
        principal=who, classroom=classroom, name="Renamed", shared_devices=True
    ),
    "door": lambda who, classroom: doors.set_door(principal=who, classroom=classroom, door=Door.OPEN),
    "code": lambda who, classroom: code_services.renew_code(principal=who, classroom=classroom),
}


@pytest.mark.parametrize("role", ["teacher", "co_teacher", "leader"])
@pytest.mark.parametrize("change", CHANGES)
def test_those_who_may_edit_change_the_class(world: World, role: str, change: str) -> None:
    with transaction(SYSTEM) as tx:
        before = tx.scalar(select(func.max(AuditEntry.id))) or 0
    CHANGES[change](world.sign_in(role), world.own_class.public_id)
    with transaction(SYSTEM) as tx:
        done = select(AuditEntry.verb).where(AuditEntry.id > before, AuditEntry.verb.like("classrooms.%"))
        verbs = tx.scalars(done).all()
    assert verbs == [
        {"rename": "classrooms.rename", "door": "classrooms.door"}.get(change, "classrooms.renew-code")
    ]


@pytest.mark.parametrize(
    "role", ["helper", "colleague", "elsewhere", "outsider", "officer", "founder", "parent"]
)
@pytest.mark.parametrize("change", CHANGES)
def test_nobody_else_finds_it(world: World, role: str, change: str) -> None:
    with pytest.raises(NotFound):
        CHANGES[change](world.sign_in(role), world.own_class.public_id)


# -- renaming


def test_a_class_is_renamed(world: World, teacher: Principal) -> None:
    made = make(teacher, world)
    services.rename_classroom(principal=teacher, classroom=made, name=" 6B ", shared_devices=False)
    assert (row(made).name, row(made).shared_devices) == ("6B", False)


def test_the_trail_tells_no_name(world: World, teacher: Principal) -> None:
    made = make(teacher, world)
    services.rename_classroom(principal=teacher, classroom=made, name="Ms Rivera", shared_devices=True)
    assert newest_entry() == (
        "classrooms.rename",
        world.home.id,
        {"actor": actor(teacher), "classroom": row(made).id},
    )


# -- the code


def test_a_new_code_takes_the_place_of_the_old(world: World, teacher: Principal) -> None:
    made = make(teacher, world)
    (before,) = live_codes(made)
    code_services.renew_code(principal=teacher, classroom=made)
    (after,) = live_codes(made)
    assert after != before


@pytest.fixture
def renewed(world: World) -> tuple[str, str]:
    """The old and the new code of a class with children."""
    colleague = world.sign_in("colleague")
    (before,) = live_codes(world.colleague_class.public_id)
    code_services.renew_code(principal=colleague, classroom=world.colleague_class.public_id)
    (after,) = live_codes(world.colleague_class.public_id)
    return before, after


def test_the_old_code_is_dead_at_once(renewed: tuple[str, str]) -> None:
    with pytest.raises(Rejected):
        names_behind(renewed[0])


def test_the_new_code_opens_at_once(renewed: tuple[str, str]) -> None:
    assert len(names_behind(renewed[1])) == 2


def test_a_dead_code_may_come_up_again(
    world: World, teacher: Principal, renewed: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codes, "new_code", lambda: renewed[0])
    assert live_codes(make(teacher, world)) == [renewed[0]]


def test_two_who_renew_at_once_leave_one_code(world: World, teacher: Principal) -> None:
    room = row(make(teacher, world))
    principals = [teacher, world.sign_in("leader")]
    with ThreadPoolExecutor(len(principals)) as threads:
        with transaction(SYSTEM) as tx:
            held = select(ClassroomCode).where(
                ClassroomCode.classroom_id == room.id, ClassroomCode.ended_at.is_(None)
            )
            before = tx.scalars(held.with_for_update()).one().code
            renewals = [
                threads.submit(code_services.renew_code, principal=who, classroom=room.public_id)
                for who in principals
            ]
            # Both are under way, each as far as it comes, before either can end the code.
            _wait_for_waiting(tx, len(renewals))
        for renewal in renewals:
            renewal.result(timeout=30)
    assert len(live_codes(room.public_id)) == 1
    assert live_codes(room.public_id) != [before]


def _wait_for_waiting(tx: Transaction, count: int) -> None:
    deadline = time.monotonic() + 20
    while tx.scalar(text("select count(*) from pg_locks where not granted")) != count:
        assert time.monotonic() < deadline, "They never came to wait."
        time.sleep(0.01)


def test_a_code_knows_who_gave_it_out(world: World, teacher: Principal) -> None:
    made = make(teacher, world)
    with transaction(SYSTEM) as tx:
        issued = select(ClassroomCode.issued_by).where(ClassroomCode.classroom_id == row(made).id)
        assert tx.scalars(issued).all() == [teacher.account_id]


def test_the_trail_tells_no_code(world: World, teacher: Principal) -> None:
    made = make(teacher, world)
    code_services.renew_code(principal=teacher, classroom=made)
    assert newest_entry() == (
        "classrooms.renew-code",
        world.home.id,
        {"actor": actor(teacher), "classroom": row(made).id, "signed_out": True},
    )


# -- the door


@pytest.fixture
def elsewhere(world: World) -> Iterator[tuple[Principal, str, str]]:
    """A teacher, a class with children, and its code; the door is open again afterwards."""
    who, classroom = world.sign_in("elsewhere"), world.elsewhere_class
    yield who, classroom.public_id, classroom.code
    doors.set_door(principal=who, classroom=classroom.public_id, door=Door.OPEN)


def test_a_closed_door_lets_nobody_in(elsewhere: tuple[Principal, str, str]) -> None:
    who, classroom, code = elsewhere
    doors.set_door(principal=who, classroom=classroom, door=Door.CLOSED)
    with pytest.raises(Rejected):
        names_behind(code)


def test_a_door_is_open_until_its_moment(elsewhere: tuple[Principal, str, str]) -> None:
    who, classroom, code = elsewhere
    doors.set_door(principal=who, classroom=classroom, door=Door.UNTIL, until=clock.now() + HOUR)
    assert len(names_behind(code)) == 2


def test_a_door_closes_when_its_moment_has_passed(elsewhere: tuple[Principal, str, str]) -> None:
    who, classroom, code = elsewhere
    doors.set_door(principal=who, classroom=classroom, door=Door.UNTIL, until=clock.now() + HOUR)
    with time_machine.travel(clock.now() + HOUR), pytest.raises(Rejected):
        names_behind(code)


def test_an_open_door_has_no_moment(elsewhere: tuple[Principal, str, str]) -> None:
    who, classroom, _code = elsewhere
    doors.set_door(principal=who, classroom=classroom, door=Door.UNTIL, until=clock.now() + HOUR)
    doors.set_door(principal=who, classroom=classroom, door=Door.OPEN)
    assert (row(classroom).door, row(classroom).door_until) == (Door.OPEN, None)


@pytest.mark.parametrize(
    ("door", "hours", "sentence"),
    [
        (Door.UNTIL, None, "Say until when the door stays open."),
        (Door.OPEN, 1, "Say until when the door stays open."),
        (Door.CLOSED, 1, "Say until when the door stays open."),
        (Door.UNTIL, 0, "Choose a time that is still to come."),
        (Door.UNTIL, -1, "Choose a time that is still to come."),
    ],
)
def test_a_door_and_its_moment_fit_together(
    world: World, teacher: Principal, door: Door, hours: int | None, sentence: str
) -> None:
    until = None if hours is None else clock.now() + hours * HOUR
    with pytest.raises(Rejected) as raised:
        doors.set_door(principal=teacher, classroom=world.own_class.public_id, door=door, until=until)
    assert raised.value.fields == {"until": sentence}


def test_the_door_is_in_the_trail(elsewhere: tuple[Principal, str, str], world: World) -> None:
    who, classroom, _code = elsewhere
    doors.set_door(principal=who, classroom=classroom, door=Door.CLOSED)
    assert newest_entry() == (
        "classrooms.door",
        world.elsewhere.id,
        {"actor": actor(who), "classroom": world.elsewhere_class.id, "door": "closed"},
    )
