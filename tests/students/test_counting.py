"""Whose wrong PINs count for what: strangers shut out strangers, and nobody who belongs to the class."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import update

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.accounts.tokens import token_digest
from backoffice.problems import Rejected, Throttled
from backoffice.runtime import Runtime
from backoffice.schools.models import Student
from backoffice.settings import Sessions, Throttles
from backoffice.storage.roles import DatabaseRole
from backoffice.students import services as students
from backoffice.students import tablets
from backoffice.students.cards.services import issue_cards, sign_in_by_card
from backoffice.students.pins import counting
from backoffice.students.usernames.services import sign_in_by_username
from backoffice.throttles.tries import take
from backoffice.throttles.visitor import Device, Visitor
from tests.factories.world import SYSTEM, Class, World, give_pin

PIN, OTHER = "4937", "6158"
STRANGER = "198.51.100."
HERE = "203.0.113.9"
REAL = Throttles()


@pytest.fixture(autouse=True)
def noon(world: World, runtime: Runtime) -> Iterator[time_machine.Traveller]:
    """A clock that stands still, over a database in which nothing has been tried."""
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        connection.exec_driver_sql("delete from app.throttle")
        connection.exec_driver_sql("delete from app.student_session")
    with time_machine.travel(clock.now(), tick=False) as traveller:
        yield traveller
    with transaction(SYSTEM) as tx:
        tx.execute(update(Student).values(pin_hash=None))


@pytest.fixture
def room(world: World) -> Class:
    """A class whose second child has a PIN."""
    give_pin(world.own_class.children[1], PIN)
    return world.own_class


def new_device() -> Visitor:
    return Visitor(HERE, Device(secrets.token_urlsafe(12), ()))


def come_in(room: Class, number: int, visitor: Visitor, pin: str | None = None) -> None:
    students.sign_in_student(
        code=room.code,
        student=room.children[number].public_id,
        pin=pin,
        sessions=Sessions(),
        visitor=visitor,
        throttles=REAL,
        only_at_tablet=visitor.tablet is not None,
    )


def guess(room: Class, visitor: Visitor) -> None:
    """One wrong PIN of somebody new each time: no child's lock is in the way, and nothing is hashed."""
    take(*counting.claims("PIN", classroom_id=room.id, visitor=visitor, throttles=REAL))


def until_refused(act: Callable[[], None], noon: time_machine.Traveller, most: int = 1000) -> tuple[int, str]:
    """How many guesses a day allows to somebody who waits out all short spans, and what stops them."""
    begun = clock.now()
    for number in range(most):
        while True:
            try:
                act()
            except Throttled as refused:
                if refused.wait > timedelta(hours=1):
                    noon.move_to(begun)
                    return number, refused.what
                noon.shift(refused.wait)
            else:
                break
    raise AssertionError("Nothing stops them.")


def strangers(room: Class) -> Callable[[], None]:
    """Somebody with the code and a fresh address for each guess."""
    return lambda: guess(room, Visitor(f"{STRANGER}{secrets.randbelow(250)}"))


def tablet_of(world: World) -> Visitor:
    picture = tablets.begin_pairing(
        principal=world.sign_in("teacher"), classroom=world.own_class.public_id, label="Window 1"
    )
    found = tablets.opened(token=tablets.pair(token=picture, address=None), visitor=Visitor(HERE))
    assert found is not None
    return found.visitor


def test_whoever_has_the_code_locks_out_no_device_tablet_or_card_of_the_class(
    world: World, room: Class, noon: time_machine.Traveller
) -> None:
    known, tablet = new_device(), tablet_of(world)
    (card,) = issue_cards(
        principal=world.sign_in("teacher"), classroom=room.public_id, students=[room.children[1].public_id]
    )
    come_in(room, 0, known)
    assert until_refused(strangers(room), noon) == (50, "PIN by class")
    with pytest.raises(Throttled, match="PIN by class"):
        come_in(room, 1, new_device(), PIN)
    come_in(room, 1, known, PIN)
    come_in(room, 1, tablet, PIN)
    sign_in_by_card(secret=card.secret, pin=PIN, sessions=Sessions(), visitor=new_device(), throttles=REAL)
    # What its cookie says is no history, nor is that of another class.
    assert known.device is not None
    forged = Visitor(HERE, Device("another", known.device.vouchers))
    for visitor, classroom in ((forged, room.id), (known, world.colleague_class.id)):
        claims = counting.claims("PIN", classroom_id=classroom, visitor=visitor, throttles=REAL)
        assert [each.what for each in claims] == ["PIN by device", "PIN by class"]
    with transaction(SYSTEM) as tx:
        tx.connection().exec_driver_sql(
            "update app.student_session set started_at = started_at - interval '31 days'"
        )
    with pytest.raises(Throttled, match="PIN by class"):
        come_in(room, 1, known, PIN)


def test_a_pupil_who_signs_in_everywhere_makes_three_devices_known_and_shuts_out_nobody(
    world: World, room: Class, noon: time_machine.Traveller
) -> None:
    """Under the own name in one browser after the other, and guesses the others' PINs in each."""
    classmates, begun = new_device(), clock.now()
    come_in(room, 1, classmates, PIN)

    def devices() -> Iterator[Visitor]:
        while True:
            made = new_device()
            come_in(room, 0, made)
            for _ in range(30):
                yield made

    browsers = devices()
    tries, stopped_by = until_refused(lambda: guess(room, next(browsers)), noon)
    # Three devices of thirty tries, and the fifty of all strangers.
    assert (130 < tries <= 140, stopped_by) == (True, "PIN by class")
    noon.move_to(begun + timedelta(hours=5))
    for here in (classmates, tablet_of(world)):
        come_in(room, 1, here, PIN)


@pytest.mark.parametrize("kind", ["known device", "tablet"])
def test_one_device_that_tries_one_pin_on_thirty_children_trips(
    world: World, room: Class, noon: time_machine.Traveller, kind: str
) -> None:
    here = new_device() if kind == "known device" else tablet_of(world)
    come_in(room, 0, here)
    what = "PIN by device" if kind == "known device" else "PIN by tablet"
    for _ in range(10):
        guess(room, here)
    with pytest.raises(Throttled, match=what):
        come_in(room, 1, here, PIN)
    noon.shift(timedelta(minutes=10))
    come_in(room, 1, here, PIN)
    assert until_refused(lambda: guess(room, here), noon) == (20, what)


def test_thirty_tries_on_one_child_trip_wherever_they_come_from(world: World, room: Class) -> None:
    """At five tablets: neither tablet nor class is used up."""
    places = [tablet_of(world) for _ in range(5)]
    for here in places:
        with pytest.raises(Rejected):
            come_in(room, 1, here, OTHER)
    with pytest.raises(Rejected):
        come_in(room, 1, places[0], PIN)


def test_a_card_is_counted_where_no_cookie_is_kept(
    world: World, room: Class, noon: time_machine.Traveller
) -> None:
    """Thirty stolen cards in browsers that forget: apart from whoever only has the code."""
    here = Visitor(HERE)
    for visitor in (here, replace(here, tablet=token_digest("nobody's"))):
        (by_card,) = counting.claims(
            "PIN", classroom_id=room.id, visitor=visitor, throttles=REAL, by_card=True
        )
        assert by_card.what == "PIN by network, with cards"
        by_code = counting.claims("PIN", classroom_id=room.id, visitor=visitor, throttles=REAL)
        assert [each.what for each in by_code] == ["PIN by network", "PIN by class"]


def test_usernames_are_counted_alike(world: World, room: Class, noon: time_machine.Traveller) -> None:
    known = new_device()
    come_in(room, 0, known)
    take_all = Throttles(**{**REAL.model_dump(), "pin_class": "1/day"})

    def typed(visitor: Visitor) -> None:
        sign_in_by_username(
            code=room.code,
            username="nobody",
            pin="",
            sessions=Sessions(),
            visitor=visitor,
            throttles=take_all,
        )

    with pytest.raises(Rejected):
        typed(new_device())
    with pytest.raises(Throttled, match="username by class"):
        typed(new_device())
    with pytest.raises(Rejected):
        typed(known)


def test_a_class_that_slips_as_children_do_is_not_locked_out(world: World, room: Class) -> None:
    """Thirty children in ten minutes at six devices, one in five of whom mistypes once, twice a day."""
    devices = [new_device() for _ in range(6)]
    for lesson in range(2):
        for number in range(30):
            here = devices[number % 6]
            claims = counting.claims("PIN", classroom_id=room.id, visitor=here, throttles=REAL)
            if number % 5 == 0:
                take(*claims)
            take(*claims).give_back()
            if not lesson:
                come_in(room, 0, here)
