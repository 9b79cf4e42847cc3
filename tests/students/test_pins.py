"""A child's PIN: which are taken, how they are kept, asked for at the door, counted and changed."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.principal import Nobody, Principal, SessionEnded
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.problems import Rejected, Throttled
from backoffice.runtime import Runtime
from backoffice.schools import codes
from backoffice.schools.models import Classroom, Door, Enrollment, Student
from backoffice.settings import Passwords, Sessions, Throttles
from backoffice.storage import functions
from backoffice.storage.roles import DatabaseRole
from backoffice.students import services as students
from backoffice.students.pins import digits, services
from backoffice.students.pins.services import NO_PIN, NOT_THE_SAME, REQUIRED, WEAK, WRONG, Held, PinNeeded
from backoffice.students.services import Begun
from backoffice.throttles.visitor import Device, Visitor
from tests.factories.world import COST, NO_LIMIT, SYSTEM, Child, World, give_pin

PIN, OTHER = "4937", "6158"
TABLET = Visitor("203.0.113.9", Device("tablet", ()))


@pytest.fixture(autouse=True)
def noon(runtime: Runtime) -> Iterator[time_machine.Traveller]:
    """A clock that stands still, over a database in which nothing has been tried."""
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        connection.exec_driver_sql("delete from app.throttle")
    with time_machine.travel(clock.now(), tick=False) as traveller:
        yield traveller


@pytest.fixture
def child(world: World) -> Iterator[Child]:
    """A child of the own class who has a PIN."""
    found = world.own_class.children[1]
    give_pin(found, PIN)
    yield found
    with transaction(SYSTEM) as tx:
        tx.execute(update(Student).values(pin_hash=None))
        tx.execute(update(Classroom).values(pins_required=False))


def sign_in(
    world: World,
    child: Child,
    pin: str | None,
    *,
    visitor: Visitor = TABLET,
    throttles: Throttles = NO_LIMIT,
) -> Begun:
    return students.sign_in_student(
        code=world.own_class.code,
        student=child.public_id,
        pin=pin,
        sessions=Sessions(),
        visitor=visitor,
        throttles=throttles,
    )


def refused(world: World, child: Child, pin: str, **options: object) -> dict[str, str]:
    with pytest.raises(Rejected) as raised:
        sign_in(world, child, pin, **options)  # type: ignore[arg-type]
    return raised.value.fields


def inside(begun: Begun) -> Principal:
    with transaction(students.credential(begun.token_id, None)) as tx:
        return tx.principal


def pin_hash(child: Child) -> str | None:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(Student.pin_hash).where(Student.id == child.id))


def set_pin(who: Principal, pin: str, *, old: str = "", again: str | None = None) -> None:
    services.set_pin(
        principal=who,
        pin=pin,
        again=pin if again is None else again,
        old=old,
        visitor=TABLET,
        throttles=NO_LIMIT,
        cost=COST,
    )


def remove_pin(who: Principal, old: str) -> None:
    services.remove_pin(principal=who, old=old, visitor=TABLET, throttles=NO_LIMIT)


# -- four digits


@pytest.mark.parametrize(
    "pin",
    [
        *("0000", "7777", "1234", "4321", "7890", "9012", "2468", "1212", "6969", "1122", "9900"),
        *("1950", "1999", "2017", "2035", "2580", "0852", "1004", "5683", "0007"),
    ],
)
def test_what_guessers_try_first_is_weak(pin: str) -> None:
    assert digits.is_weak(pin)


@pytest.mark.parametrize("pin", ["4937", "6158", "1948", "2036", "8205", "1394", "0361"])
def test_what_is_left_is_not(pin: str) -> None:
    assert not digits.is_weak(pin)


def test_enough_are_left() -> None:
    weak = sum(digits.is_weak(f"{number:04}") for number in range(10_000))
    assert 250 < weak < 500


@pytest.mark.parametrize(
    ("text_typed", "meant"),
    [
        ("4937", "4937"),
        (" 4 9 3 7 ", "4937"),
        ("٤٩٣٧", "4937"),
        ("４９３７", "4937"),
        ("४९३७", "4937"),
        ("4937x", ""),
        ("", ""),
        ("²²²²", ""),
        ("\0", ""),
        ("😀", ""),
    ],
)
def test_digits_may_come_from_any_keyboard(text_typed: str, meant: str) -> None:
    assert digits.typed(text_typed) == meant


def test_a_pin_is_kept_as_a_slow_hash_of_one_child(world: World) -> None:
    stored = digits.hash_pin(PIN, student_id=1, cost=Passwords())
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert digits.verify(PIN, stored, student_id=1)
    assert not digits.verify(OTHER, stored, student_id=1)
    assert not digits.verify(PIN, stored, student_id=2)


# -- at the door


def test_a_child_with_a_pin_is_asked_for_it(world: World, child: Child) -> None:
    with pytest.raises(PinNeeded):
        sign_in(world, child, None)


def test_the_right_one_lets_in_as_typed(world: World, child: Child) -> None:
    assert inside(sign_in(world, child, "49 37")).student_id == child.id


@pytest.mark.parametrize("pin", ["", OTHER, "493", "49377", "\0", "😀", "x" * 100_000])
def test_a_wrong_one_does_not(world: World, child: Child, pin: str) -> None:
    assert refused(world, child, pin) == {"pin": WRONG}


def test_a_child_without_one_comes_in_whatever_is_sent(world: World, child: Child) -> None:
    assert inside(sign_in(world, world.own_class.children[0], OTHER)).student_id is not None


@pytest.mark.parametrize("verified", [None, "", "another"])
def test_the_database_lets_nobody_pass_the_pin(world: World, child: Child, verified: str | None) -> None:
    """As a service would that forgot to ask for it, or checked something else."""
    with transaction(Nobody()) as tx:
        begun = functions.begin_student_session(
            tx,
            functions.NewStudentSession(
                code_index=codes.index(world.own_class.code),
                student=child.public_id,
                token_id=uuid4(),
                at=clock.now(),
                idle_shared=5,
                idle_own=20,
                expires_at=clock.now() + timedelta(hours=1),
                address=None,
                verified_pin=verified,
            ),
        )
    assert begun is None


def test_whose_pin_was_cleared_while_it_was_checked_is_asked_again(
    world: World, child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = digits.verify

    def cleared_meanwhile(pin: str, stored: str, *, student_id: int) -> bool:
        with transaction(SYSTEM) as tx:
            tx.execute(update(Student).where(Student.id == child.id).values(pin_hash=None))
        return checked(pin, stored, student_id=student_id)

    monkeypatch.setattr(digits, "verify", cleared_meanwhile)
    assert "code" in refused(world, child, PIN)


# -- wrong ones


def test_after_five_the_right_one_is_refused_in_the_same_words(
    world: World, child: Child, noon: time_machine.Traveller
) -> None:
    wide = Throttles(**{**NO_LIMIT.model_dump(), "pin_student": Throttles().pin_student})
    wrong = [refused(world, child, OTHER, throttles=wide) for _ in range(5)]
    assert refused(world, child, PIN, throttles=wide) == wrong[0] == {"pin": WRONG}
    noon.shift(timedelta(seconds=59))
    assert refused(world, child, PIN, throttles=wide) == {"pin": WRONG}
    noon.shift(timedelta(seconds=1))
    assert inside(sign_in(world, child, PIN, throttles=wide)).student_id == child.id


def test_coming_in_lets_the_child_off_and_not_device_and_class(world: World, child: Child) -> None:
    few = Throttles(
        **{
            **NO_LIMIT.model_dump(),
            "pin_student": "5/minute",
            "pin_device": "6/day",
            "pin_class_known": "7/day",
        }
    )
    another = Visitor("203.0.113.9", Device("another", ()))
    for each in (TABLET, another):
        sign_in(world, child, PIN, visitor=each)
    for comes_in in (True, True, False):
        for _ in range(2):
            refused(world, child, OTHER, throttles=few)
        if comes_in:
            sign_in(world, child, PIN, throttles=few)
    with pytest.raises(Throttled, match="PIN by device"):
        sign_in(world, child, PIN, throttles=few)
    refused(world, child, OTHER, visitor=another, throttles=few)
    with pytest.raises(Throttled, match="PIN by known devices"):
        sign_in(world, child, PIN, visitor=another, throttles=few)


def test_one_device_that_tries_one_pin_on_thirty_children_trips(world: World, child: Child) -> None:
    stored = digits.hash_pin(PIN, student_id=0, cost=COST)
    tries = 0
    with pytest.raises(Throttled, match="PIN by device"):
        for number in range(30):
            with pytest.raises(Rejected):
                services.checked(
                    Held(1, 900_000 + number, stored), pin="1234", visitor=TABLET, throttles=Throttles()
                )
            tries += 1
    assert tries == 10


def test_an_outage_costs_no_try(world: World, child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Throttles(**{**NO_LIMIT.model_dump(), "pin_device": "1/day", "pin_class": "1/day"})

    def broken(_pin: str, _stored: str, *, student_id: int) -> bool:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(digits, "verify", broken)
        with pytest.raises(MemoryError):
            sign_in(world, child, PIN, throttles=one)
    sign_in(world, child, PIN, throttles=one)


def test_unknown_devices_of_one_address_share_their_tries(world: World, child: Child) -> None:
    one = Throttles(**{**NO_LIMIT.model_dump(), "pin_network": "1/day"})
    refused(world, child, OTHER, visitor=Visitor("198.51.100.1"), throttles=one)
    with pytest.raises(Throttled, match="PIN by network"):
        sign_in(world, child, PIN, visitor=Visitor("198.51.100.1"), throttles=one)
    sign_in(world, child, PIN, visitor=Visitor("198.51.100.2"), throttles=one)


# -- the own one


def test_a_first_one_is_set_without_another(world: World, child: Child) -> None:
    first = world.own_class.children[0]
    who = inside(sign_in(world, first, None))
    set_pin(who, PIN)
    with pytest.raises(PinNeeded):
        sign_in(world, first, None)
    assert inside(sign_in(world, first, PIN)).student_id == first.id


@pytest.mark.parametrize(
    ("pin", "again", "said"),
    [
        ("", "", {"new": NO_PIN}),
        ("493", "493", {"new": NO_PIN}),
        ("49371", "49371", {"new": NO_PIN}),
        ("1234", "1234", {"new": WEAK}),
        (OTHER, PIN, {"again": NOT_THE_SAME}),
    ],
)
def test_what_cannot_be_one_is_refused_and_the_old_one_stays(
    world: World, child: Child, pin: str, again: str, said: dict[str, str]
) -> None:
    who = inside(sign_in(world, child, PIN))
    before = pin_hash(child)
    with pytest.raises(Rejected) as raised:
        set_pin(who, pin, old=PIN, again=again)
    assert (raised.value.fields, pin_hash(child)) == (said, before)


def test_a_change_asks_for_the_old_one(world: World, child: Child) -> None:
    who = inside(sign_in(world, child, PIN))
    before = pin_hash(child)
    with pytest.raises(Rejected) as raised:
        set_pin(who, OTHER, old="9999")
    assert raised.value.fields == {"old": WRONG}
    with pytest.raises(Rejected) as raised:
        remove_pin(who, "")
    assert raised.value.fields == {"old": WRONG}
    assert pin_hash(child) == before
    set_pin(who, OTHER, old=PIN)
    assert refused(world, child, PIN) == {"pin": WRONG}
    assert inside(sign_in(world, child, OTHER)).student_id == child.id


def test_guesses_at_the_old_one_lock_the_door_as_well(world: World, child: Child) -> None:
    wide = Throttles(**{**NO_LIMIT.model_dump(), "pin_student": Throttles().pin_student})
    who = inside(sign_in(world, child, PIN))
    for _ in range(5):
        with pytest.raises(Rejected):
            services.remove_pin(principal=who, old=OTHER, visitor=TABLET, throttles=wide)
    assert refused(world, child, PIN, throttles=wide) == {"pin": WRONG}


def test_a_change_ends_the_childs_other_sessions_and_nobody_elses(world: World, child: Child) -> None:
    here, there = inside(sign_in(world, child, PIN)), inside(sign_in(world, child, PIN))
    classmate = inside(sign_in(world, world.own_class.children[0], None))
    set_pin(here, OTHER, old=PIN)
    for who in (here, classmate):
        with transaction(who) as tx:
            assert tx.principal.student_id == who.student_id
    with pytest.raises(SessionEnded), transaction(there) as tx:
        tx.connection()


def test_taking_it_away_lets_the_child_in_without(world: World, child: Child) -> None:
    remove_pin(inside(sign_in(world, child, PIN)), PIN)
    assert inside(sign_in(world, child, None)).student_id == child.id


def test_what_the_class_requires_is_not_taken_away(world: World, child: Child) -> None:
    who, before = inside(sign_in(world, child, PIN)), pin_hash(child)
    with transaction(SYSTEM) as tx:
        tx.execute(update(Classroom).values(pins_required=True))
    with pytest.raises(Rejected) as raised:
        remove_pin(who, PIN)
    assert raised.value.fields == {"old": REQUIRED}
    with transaction(who) as tx:  # As a service would that forgot to look.
        assert not functions.set_own_pin(tx, verified=before, pin_hash=None, at=clock.now())
    set_pin(who, OTHER, old=PIN)


def test_what_another_class_of_the_child_requires_is_not_taken_away_either(
    world: World, child: Child
) -> None:
    other = world.colleague_class
    seat = {"school_id": other.school_id, "classroom_id": other.id, "student_id": child.id}
    here = (Enrollment.classroom_id == other.id, Enrollment.student_id == child.id)
    put_away = {"door": Door.CLOSED, "archived_at": clock.now()}
    back = {"door": Door.OPEN, "archived_at": None}
    with transaction(SYSTEM) as tx:
        tx.execute(insert(Enrollment).values(**seat, avatar="fox-rose", balance=0, joined_at=clock.now()))
        tx.execute(update(Classroom).where(Classroom.id == other.id).values(pins_required=True))
    try:
        who = inside(sign_in(world, child, PIN))
        with pytest.raises(Rejected) as raised:
            remove_pin(who, PIN)
        assert raised.value.fields == {"old": REQUIRED}
        with transaction(who) as tx:  # As a service would that forgot to look.
            assert not functions.set_own_pin(tx, verified=pin_hash(child), pin_hash=None, at=clock.now())
        # Its classmates are not asked.
        with transaction(inside(sign_in(world, world.own_class.children[0], None))) as tx:
            assert not functions.pin_is_required(tx)
        with transaction(SYSTEM) as tx:
            tx.execute(update(Classroom).where(Classroom.id == other.id).values(**put_away))
        with transaction(who) as tx:
            assert not functions.pin_is_required(tx)
        with transaction(SYSTEM) as tx:
            tx.execute(update(Classroom).where(Classroom.id == other.id).values(**back))
            tx.execute(update(Enrollment).where(*here).values(ended_at=clock.now()))
        remove_pin(who, PIN)
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(delete(Enrollment).where(*here))


def test_only_the_child_sets_its_own(world: World, child: Child) -> None:
    """Neither its parent nor its teacher, and none without the hash that was just checked."""
    before = pin_hash(child)
    for who in (world.sign_in("parent"), world.sign_in("teacher")):
        with transaction(who) as tx:
            assert not functions.set_own_pin(tx, verified=None, pin_hash="x", at=clock.now())
    who = inside(sign_in(world, child, PIN))
    with transaction(who) as tx:
        assert not functions.set_own_pin(tx, verified=None, pin_hash="x", at=clock.now())
    assert pin_hash(child) == before


@pytest.mark.parametrize("role", ["colleague", "outsider", "parent", "founder"])
def test_the_database_clears_for_nobody_else(world: World, child: Child, role: str) -> None:
    """As a service would that forgot to look whose child it is."""
    before = pin_hash(child)
    with transaction(world.sign_in(role)) as tx:
        found = functions.clear_pins(tx, school_id=world.home.id, students=[child.id], at=clock.now())
    assert (found, pin_hash(child)) == ([], before)


@pytest.mark.parametrize("role", ["teacher", "leader"])
def test_no_page_writes_a_hash_past_the_functions(world: World, child: Child, role: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"), transaction(world.sign_in(role)) as tx:
        tx.execute(text("update app.student set pin_hash = 'x'"))


def test_what_a_child_does_about_it_is_in_the_trail(world: World, child: Child) -> None:
    def entries() -> dict[str, int]:
        counted = select(AuditEntry.verb, func.count()).where(AuditEntry.actor_kind == "student")
        with transaction(SYSTEM) as tx:
            return dict(tx.execute(counted.group_by(AuditEntry.verb)).all())

    before = entries()
    who = inside(sign_in(world, child, PIN))
    set_pin(who, OTHER, old=PIN)
    remove_pin(who, OTHER)
    set_pin(who, PIN)
    verbs = ("pins.change", "pins.remove", "pins.set")
    assert [entries()[verb] - before.get(verb, 0) for verb in verbs] == [1, 1, 1]
