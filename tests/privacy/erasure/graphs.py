"""Random schools on paper: who is where, who teaches what, and what an erasure should take, by plain sets.

It knows nothing of how erasing works: no foreign keys, no statements. What it knows is the rules as people
are told them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from backoffice.privacy.holdings import Subject

OWN = ("sign-up", "earlier")
TEACH = ("owner", "co_teacher")
# Those with another status cannot go on with a class.
ABLE = ("active", "locked", "dormant")


@dataclass(frozen=True, order=True)
class Thing:
    """A subject: its kind, and the how manieth it is."""

    kind: Subject
    number: int

    def __repr__(self) -> str:
        return f"{self.kind}-{self.number}"


def things(kind: Subject, numbers: Iterable[int]) -> list[Thing]:
    """Several of a kind."""
    return [Thing(kind, number) for number in numbers]


def school(number: int) -> Thing:
    """A school."""
    return Thing(Subject.SCHOOL, number)


def classroom(number: int) -> Thing:
    """A class."""
    return Thing(Subject.CLASSROOM, number)


def student(number: int) -> Thing:
    """A student."""
    return Thing(Subject.STUDENT, number)


def account(number: int) -> Thing:
    """An account."""
    return Thing(Subject.ACCOUNT, number)


def district(number: int) -> Thing:
    """A district."""
    return Thing(Subject.DISTRICT, number)


@dataclass
class Graph:
    """Everybody and everything by number, and how they hang together. It changes as things are erased."""

    districts: int
    # The district of each, or none.
    schools: list[int | None]
    # Of which account a school is the own one.
    personal: dict[int, int]
    statuses: list[str]
    founders: set[int]
    # By account and school or district: by which way the account came there.
    places: dict[tuple[int, Thing], str]
    # The school of each.
    classes: list[int]
    students: list[int]
    # By student and class: whether the place is one still.
    seats: dict[tuple[int, int], bool]
    # By class and account.
    roles: dict[tuple[int, int], str]
    # Student and account.
    guardians: set[tuple[int, int]]
    order: list[Thing]
    gone: set[Thing] = field(default_factory=set)
    # Personal schools that were passed on, ever and by the last erasure.
    renamed: set[int] = field(default_factory=set)
    passed: set[int] = field(default_factory=set)
    # Classes whose door was shut, because nobody was left to run them.
    shut: set[int] = field(default_factory=set)
    # Classes of schools, not of one teacher's own, that lost their last teacher.
    ownerless: set[int] = field(default_factory=set)

    def there(self, thing: Thing) -> bool:
        """Whether it has not gone yet."""
        return thing not in self.gone

    def erase(self, thing: Thing) -> set[Thing]:
        """Who goes with it. The graph is as it is afterwards."""
        self.passed = set()
        goes = {
            Subject.STUDENT: lambda: {thing},
            Subject.CLASSROOM: lambda: self._with_classes({thing.number}),
            Subject.ACCOUNT: lambda: self._with_account(thing.number),
            Subject.SCHOOL: lambda: self._with_places({thing.number}, None),
            Subject.DISTRICT: lambda: self._with_places(
                {n for n, of in enumerate(self.schools) if of == thing.number and self.there(school(n))},
                thing.number,
            ),
        }[thing.kind]()
        goes = {each for each in goes if self.there(each)}
        self.gone |= goes
        self._forget(goes)
        return goes

    def _with_classes(self, rooms: set[int]) -> set[Thing]:
        """Classes of one school, and the students who belong to no other one."""
        found = {classroom(n) for n in rooms}
        for child in {child for child, room in self.seats if room in rooms}:
            sits_here = any(self.seats.get((child, room)) for room in rooms)
            elsewhere = [
                still for (who, room), still in self.seats.items() if who == child and room not in rooms
            ]
            # Who left all of the classes belongs to any other one there was.
            if not (any(elsewhere) or (elsewhere and not sits_here)):
                found.add(student(child))
        return found

    def _with_account(self, number: int) -> set[Thing]:
        found = {account(number)}
        self.shut |= {
            room
            for (room, who), role in self.roles.items()
            if who == number
            and role == "owner"
            and self.classes[room] in self.personal
            and self._heir(room, number) is None
        }
        for own in [
            place for place, of in self.personal.items() if of == number and self.there(school(place))
        ]:
            rooms = [n for n, of in enumerate(self.classes) if of == own and self.there(classroom(n))]
            heirs = {room: self._heir(room, number) for room in rooms}
            able = {room: heir for room, heir in heirs.items() if heir is not None}
            if able:
                found |= self._with_classes(set(rooms) - able.keys())
                self._pass_on(own, list(able.items()))
            else:
                found |= self._whole(own)
        for host, of in self.personal.items():
            if of != number and self.there(school(host)):
                # What a guest made in somebody else's own school, and nobody else teaches.
                found |= self._with_classes(
                    {
                        room
                        for (room, who), role in self.roles.items()
                        if who == number
                        and role == "owner"
                        and self.classes[room] == host
                        and not any(
                            c == room and other != number and r in TEACH
                            for (c, other), r in self.roles.items()
                        )
                    }
                )
        return found

    def _taught(self) -> set[int]:
        return {room for (room, _who), role in self.roles.items() if role in TEACH}

    def _heir(self, room: int, without: int) -> int | None:
        others = [
            (role != "owner", who)
            for (c, who), role in self.roles.items()
            if c == room and who != without and role in TEACH and self.statuses[who] in ABLE
        ]
        return min(others)[1] if others else None

    def _pass_on(self, place: int, able: Sequence[tuple[int, int]]) -> None:
        heir = min((self.roles[room, heir] != "owner", heir) for room, heir in able)[1]
        self.passed.add(place)
        self.renamed.add(place)
        self.personal[place] = heir
        here = (heir, school(place))
        if here in self.places and self.places[here] not in OWN:
            self.places[here] = "earlier"

    def _with_places(self, schools: set[int], above: int | None) -> set[Thing]:
        found = {each for n in schools for each in self._whole(n)}
        gone = {school(n) for n in schools} | ({district(above)} if above is not None else set())
        for number in {who for who, place in self.places if place in gone}:
            elsewhere = any(who == number and place not in gone for who, place in self.places)
            follows = any(who == number for _child, who in self.guardians)
            if not elsewhere and not follows and number not in self.founders:
                found.add(account(number))
        return found | gone

    def _whole(self, number: int) -> set[Thing]:
        rooms = {classroom(n) for n, of in enumerate(self.classes) if of == number}
        return {school(number), *rooms, *(student(n) for n, of in enumerate(self.students) if of == number)}

    def _forget(self, goes: set[Thing]) -> None:
        """Take those who go out of all that binds the others together."""
        self.places = {
            (who, place): origin
            for (who, place), origin in self.places.items()
            if account(who) not in goes and place not in goes
        }
        self.seats = {
            (child, room): still
            for (child, room), still in self.seats.items()
            if student(child) not in goes and classroom(room) not in goes
        }
        self.guardians = {
            (child, who)
            for child, who in self.guardians
            if student(child) not in goes and account(who) not in goes
        }
        headless = {
            room
            for (room, who), role in self.roles.items()
            if role == "owner" and account(who) in goes and self.classes[room] in self.personal
        }
        taught = self._taught()
        self.roles = {
            (room, who): role
            for (room, who), role in self.roles.items()
            if classroom(room) not in goes and account(who) not in goes
        }
        self.ownerless |= {
            room for room in taught - self._taught() if self.classes[room] not in self.personal
        }
        self.ownerless = {room for room in self.ownerless if classroom(room) not in goes}
        passed = {room for room, place in enumerate(self.classes) if place in self.passed}
        for room in headless | passed:
            staff = {who: role for (c, who), role in self.roles.items() if c == room}
            if staff and "owner" not in staff.values():
                helpers = [who for who, role in staff.items() if role == "co_teacher"]
                if helpers:
                    self.roles[room, min(helpers)] = "owner"


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Schools with and without a district, teachers' own with guests in them, children of several classes."""
    number = st.integers
    some: Any = draw
    districts = some(number(0, 2))
    schools = some(st.lists(st.sampled_from([None, *range(districts)]), min_size=1, max_size=3))
    people = some(number(1, 6))
    personal, places = {}, {}
    for who in some(st.sets(number(0, people - 1), max_size=2)):
        schools.append(None)
        personal[len(schools) - 1] = who
        places[who, school(len(schools) - 1)] = some(st.sampled_from(OWN))
    everywhere = [*(school(n) for n in range(len(schools))), *(district(n) for n in range(districts))]
    pairs = st.tuples(number(0, people - 1), st.sampled_from(everywhere))
    for pair in some(st.lists(pairs, max_size=8)):
        places.setdefault(pair, "invitation")
    classes = some(st.lists(number(0, len(schools) - 1), min_size=1, max_size=5))
    roles: dict[tuple[int, int], str] = {}
    for room, who, role in some(
        st.lists(
            st.tuples(
                number(0, len(classes) - 1),
                number(0, people - 1),
                st.sampled_from(["owner", "owner", "co_teacher", "co_teacher", "helper"]),
            ),
            max_size=10,
        )
    ):
        taken = role == "owner" and "owner" in {r for (c, _who), r in roles.items() if c == room}
        roles.setdefault((room, who), "co_teacher" if taken else role)
        # Whoever teaches somewhere has a place there.
        places.setdefault((who, school(classes[room])), "invitation")
    seats: dict[tuple[int, int], bool] = {}
    students = some(st.lists(number(0, len(schools) - 1), min_size=1, max_size=6))
    for child, place in enumerate(students):
        here = [room for room, of in enumerate(classes) if of == place]
        for room in some(st.sets(st.sampled_from(here), max_size=3)) if here else ():
            seats[child, room] = some(st.sampled_from([True, True, False]))
    guardians = some(st.sets(st.tuples(number(0, len(students) - 1), number(0, people - 1)), max_size=4))
    everything = [
        *things(Subject.DISTRICT, range(districts)),
        *things(Subject.SCHOOL, range(len(schools))),
        *things(Subject.ACCOUNT, range(people)),
        *things(Subject.CLASSROOM, range(len(classes))),
        *things(Subject.STUDENT, range(len(students))),
    ]
    return Graph(
        districts=districts,
        schools=schools,
        personal=personal,
        statuses=some(
            st.lists(
                st.sampled_from(["active", "active", "dormant", "suspended"]),
                min_size=people,
                max_size=people,
            )
        ),
        founders=some(st.sets(number(0, people - 1), max_size=1)),
        places=places,
        classes=classes,
        students=students,
        seats=seats,
        roles=roles,
        guardians=guardians,
        order=some(st.lists(st.sampled_from(everything), min_size=1, max_size=4, unique=True)),
    )
