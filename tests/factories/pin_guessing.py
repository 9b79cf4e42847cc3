"""An attacker who holds class codes and guesses PINs from many addresses, against the real throttles."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle
from random import Random

import time_machine
from limits import parse_many
from sqlalchemy import select

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.problems import Rejected, Throttled
from backoffice.schools.models import Classroom, Enrollment, Student
from backoffice.schools.services import classrooms, codes, rosters
from backoffice.settings import Passwords, Sessions, Throttles
from backoffice.students import services as students
from backoffice.students.pins import digits
from backoffice.throttles.visitor import Device, Visitor
from tests.factories.guessing import DAY, DAYS, LEFT
from tests.factories.world import NO_LIMIT, Child, World, give_pin

CHILDREN = 25
# As whom the attacker comes in without a PIN, and at how many devices as each of them.
WITHOUT_PIN, DEVICES_EACH = 4, 3
# Of those who may not choose what we refuse, no more choose any one PIN (docs/decisions.md).
MOST_COMMON = 0.00061
# As if everybody chose among so many: no distribution below that bound makes more of a guess.
CHOSEN_FROM = [pin for pin in map("{:04}".format, range(10_000)) if not digits.is_weak(pin)][
    : round(1 / MOST_COMMON)
]
# What is refused to everybody who comes as this one does, and not for the address or device alone.
OF_THE_CLASS = ("PIN by class", "PIN by known devices")
# As long as the longest lock of a child that the attacker is not too greedy to meet.
REST = timedelta(minutes=15, seconds=1)
# What a try at a PIN costs is not what is counted here.
CHEAP = Passwords.model_construct(memory_kib=8, passes=1, lanes=1)


@dataclass(frozen=True)
class Held:
    """A class whose code the attacker has, its children with PINs, and those who have none yet."""

    code: str
    children: list[Child]
    without_pin: list[Child]


@dataclass(frozen=True)
class Guessed:
    """What some days came to: wrong tries, which are what is counted, and right ones."""

    tries: int
    found: int

    @property
    def expected(self) -> float:
        """How many PINs so many tries find on average, at the most."""
        return self.tries * MOST_COMMON


def most(throttles: Throttles, *, days: int = DAYS) -> int:
    """The bound by formula on the tries at one class: each day's, and those of a day that began before.

    Of each allowance that a class has.
    """
    allowances = [getattr(throttles, name) for name in Throttles.model_fields if name.startswith("pin_class")]
    daily = [max(parse_many(each), key=lambda span: span.get_expiry()).amount for each in allowances]
    return sum((days + 1) * each - 1 for each in daily)


def held_class(world: World, dice: Random) -> Held:
    """A class of 25 who chose as badly as they may, and a code that somebody has."""
    teacher = world.sign_in("teacher")
    room = classrooms.create_classroom(principal=teacher, school=world.home.public_id, name="Known Koalas")
    names = "\n".join(f"Koala{number} {room}" for number in range(CHILDREN + WITHOUT_PIN))
    rosters.add_students(principal=teacher, classroom=room, text=names)
    with transaction(teacher) as tx:
        row = tx.query(Classroom).filter_by(public_id=room).one()
        code = codes.live_code(tx, row)
        seats = select(Enrollment.student_id).where(Enrollment.classroom_id == row.id)
        of_class = select(Student.id, Student.public_id).where(Student.id.in_(seats)).order_by(Student.id)
        everybody = [Child(*found, "", None) for found in tx.execute(of_class)]
    assert code
    children, without_pin = everybody[:CHILDREN], everybody[CHILDREN:]
    for child in children:
        give_pin(child, dice.choice(CHOSEN_FROM), CHEAP)
    return Held(code, children, without_pin)


def strangers(net: int) -> Iterator[Visitor]:
    """The attacker's addresses; each is used until it is refused."""
    return (Visitor(f"{net}.0.{n >> 8 & 255}.{n & 255}") for n in range(1_000))


def known_devices(held: Held, net: int) -> Iterator[Visitor]:
    """Devices that were let in as the children without a PIN, over and over."""
    let_in = []
    for n, child in enumerate(each for each in held.without_pin for _ in range(DEVICES_EACH)):
        address, name = f"{net}.1.0.{n}", f"{net} {n}"
        begun = students.sign_in_student(
            code=held.code,
            student=child.public_id,
            sessions=Sessions(),
            visitor=Visitor(address, Device(name, ())),
            throttles=NO_LIMIT,
        )
        let_in.append(Visitor(address, Device(name, begun.vouchers)))
    return cycle(let_in)


def guess_pins(
    held: Held, sources: Sequence[Iterator[Visitor]], throttles: Throttles, *, days: int = DAYS
) -> Guessed:
    """Guess the PINs of a class for some days, from each of these sources as often as the throttles let it.

    The attacker knows the throttles and what is chosen most: it tries the likeliest at each child, rests
    until no child is locked, then the next, and has begun a day's tries shortly before these days.
    """
    guesses = iter([(child, pin) for pin in CHOSEN_FROM for child in held.children])
    begin, bound = clock.now(), most(throttles, days=days)
    tries, found = 0, set[str]()
    with time_machine.travel(begin, tick=False) as traveller:
        traveller.move_to(begin - DAY + LEFT)
        here, until = [next(each) for each in sources], [clock.now()] * len(sources)
        child, pin = next(guesses)
        # One try at each, and then the time that is looked at.
        early = list(range(len(sources)))
        while clock.now() < begin + days * DAY:
            number = early.pop() if early else min(range(len(sources)), key=until.__getitem__)
            if until[number] > clock.now():
                traveller.move_to(until[number])
                continue
            try:
                students.sign_in_student(
                    code=held.code,
                    student=child.public_id,
                    pin=pin,
                    sessions=Sessions(),
                    visitor=here[number],
                    throttles=throttles,
                )
                found.add(child.public_id)
            except Rejected:
                tries += clock.now() >= begin
            except Throttled as refused:
                if refused.what in OF_THE_CLASS:
                    until[number] = clock.now() + refused.wait + timedelta(seconds=1)
                else:
                    here[number] = next(sources[number])
                continue
            assert tries <= bound, "More tries get through than the formula allows."
            before = pin
            child, pin = next(each for each in guesses if each[0].public_id not in found)
            if clock.now() < begin and not early:
                traveller.move_to(begin)
            elif pin != before:
                traveller.shift(REST)
    return Guessed(tries, len(found))
