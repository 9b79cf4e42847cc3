"""What goes with a subject, and what stays with whom: decided once, before anything is written.

A student of two classes stays with the other one, a class that somebody else teaches too passes to them, and
an account of a school that also works elsewhere stays.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import groupby
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Select, and_, exists, false, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased

from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account, AccountStatus
from backoffice.families.models import GuardianLink
from backoffice.privacy.erasure.models import UNDER_WAY, Erasure, MergedMark
from backoffice.privacy.holdings import Subject, Target
from backoffice.schools.models import (
    IN_CHARGE,
    Classroom,
    District,
    Enrollment,
    Membership,
    School,
    SchoolKind,
    Student,
    TeachingRole,
    TeachingRoleName,
)
from backoffice.storage.numbers import given, one_of

# By which ways the own teacher of a personal school came; everybody else there is a guest.
OWN = ("sign-up", "earlier")
# Who can look after a school, or can again by a new password.
HERE = (AccountStatus.ACTIVE, AccountStatus.LOCKED, AccountStatus.DORMANT)
MODELS = {
    Subject.STUDENT: Student,
    Subject.CLASSROOM: Classroom,
    Subject.ACCOUNT: Account,
    Subject.SCHOOL: School,
    Subject.DISTRICT: District,
}


_STORED = tuple(each.name for each in fields(Target))


@dataclass(frozen=True)
class Passing:
    """A personal school that goes on without its teacher, with somebody else who teaches in it.

    Without an heir it only is called otherwise: whoever had come in is not in the backup that was restored.
    """

    school: int
    heir: int | None


@dataclass(frozen=True)
class Plan:
    """Everything that goes, in the order in which it does, and what passes to somebody else before."""

    targets: tuple[Target, ...]
    passings: tuple[Passing, ...] = ()

    def of(self, subject: Subject) -> list[int]:
        """The numbers of all that go of one kind."""
        return [number for each in self.targets if each.subject is subject for number in each.numbers]

    def subjects(self) -> dict[str, int]:
        """How many go of each kind."""
        found = Counter[str]()
        for each in self.targets:
            found[str(each.subject)] += len(each.numbers)
        return dict(found)

    def named_as(self, subject: Subject) -> list[int]:
        """The numbers by which the trail names all that go of one kind."""
        former = (number for each in self.targets if each.subject is subject for number in each.former)
        return [*self.of(subject), *former]

    def stored(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "targets": [{name: getattr(each, name) for name in _STORED} for each in self.targets],
            "passings": [[each.school, each.heir] for each in self.passings],
        }

    @classmethod
    def read(cls, stored: dict[str, Any]) -> "Plan":
        """From JSON."""
        return cls(
            tuple(
                _target(
                    each["subject"],
                    tuple(each["numbers"]),
                    each["school"],
                    tuple(each["outside"]),
                    tuple(each["addresses"]),
                    # One that was kept before there were any goes on without.
                    tuple(each.get("rooms", ())),
                    *(tuple(each.get(name, ())) for name in ("former", "schools", "districts")),
                )
                for each in stored["targets"]
            ),
            tuple(Passing(school, heir) for school, heir in stored["passings"]),
        )


# Each step reads the plan anew, and the marks of ten thousand take a third of a second to make.
@lru_cache(maxsize=16)
def _target(subject: str, *known: Any) -> Target:
    return Target(Subject(subject), *known)


def forget_targets() -> None:
    """Forget whom the plans were about that were read last."""
    _target.cache_clear()


def plan_of(tx: Transaction, row: Erasure) -> Plan | None:
    """What goes with an erasure; None if nothing of it is there any more."""
    if row.chosen is None:
        return None if row.subject_id is None else plan_for(tx, Subject(row.subject), row.subject_id)
    assert row.school_id is not None
    return plan_for_students(tx, row.school_id, row.chosen)


def plan_for_students(tx: Transaction, school: int, students: Collection[int]) -> Plan | None:
    """What goes with those of these students who are there; None if that is nobody."""
    there = select(Student.id).where(Student.school_id == school, one_of(Student.id, students))
    numbers = tuple(row.id for row in tx.rows(there.order_by(Student.id)))
    return named(tx, Plan((Target(Subject.STUDENT, numbers, school),))) if numbers else None


def plan_for(tx: Transaction, subject: Subject, number: int) -> Plan | None:
    """What goes with the one subject of this number; None if there is no such thing any more."""
    plan = nameless_plan_for(tx, subject, number)
    return None if plan is None else named(tx, plan)


def nameless_plan_for(tx: Transaction, subject: Subject, number: int) -> Plan | None:
    """The same without what its targets are called elsewhere, which only the system can look up."""
    makers = {
        Subject.STUDENT: _student,
        Subject.CLASSROOM: _classroom,
        Subject.ACCOUNT: _account,
        Subject.SCHOOL: _school,
        Subject.DISTRICT: _district,
    }
    return makers[subject](tx, number)


def named(tx: Transaction, plan: Plan) -> Plan:
    """The plan with what its targets are called outside the database, by which others name them."""
    return replace(plan, targets=tuple(_named(tx, each) for each in plan.targets))


def with_latecomers(tx: Transaction, plan: Plan) -> Plan:
    """The plan with whoever is in no other class than those of the plan by now, and is not in it yet."""
    there, late = frozenset(plan.of(Subject.STUDENT)), []
    for target in plan.targets:
        if target.subject is Subject.CLASSROOM and target.school is not None:
            students = frozenset(_of_no_other_class(tx, target.school, target.numbers)) - there
            late += [Target(Subject.STUDENT, tuple(sorted(students)), target.school)] if students else []
    return named(tx, replace(plan, targets=(*late, *plan.targets))) if late else plan


def seated_in(tx: Transaction, plan: Plan) -> set[int]:
    """All students with a place in a class that goes, whether they go or stay."""
    return {
        student
        for target in plan.targets
        if target.subject is Subject.CLASSROOM
        for student in tx.scalars(
            select(Enrollment.student_id).where(
                Enrollment.school_id == target.school, one_of(Enrollment.classroom_id, target.numbers)
            )
        )
    }


def called_in(tx: Transaction, schools: Collection[int]) -> dict[Subject, list[str]]:
    """What schools are called outside the database, and all of their classes and students, by kind."""
    asked = {
        Subject.SCHOOL: select(School.public_id).where(one_of(School.id, schools)),
        Subject.CLASSROOM: select(Classroom.public_id).where(one_of(Classroom.school_id, schools)),
        Subject.STUDENT: select(Student.public_id).where(one_of(Student.school_id, schools)),
    }
    return dict(zip(asked, _lists(tx, asked.values()), strict=True))


def _named(tx: Transaction, target: Target) -> Target:
    named: list[str] = []
    if target.subject is Subject.SCHOOL:
        # Who works above it has lists and changes that name its classes and its students.
        named += (each for these in called_in(tx, target.numbers).values() for each in these)
    asked = dict(_asked_of(target))
    found = dict(zip(asked, map(tuple, _lists(tx, asked.values())), strict=True))
    schools = set(target.numbers if target.subject is Subject.SCHOOL else [target.school or 0]) - {0}
    districts = set(target.numbers if target.subject is Subject.DISTRICT else ())
    return replace(
        target,
        outside=tuple(named) or found.get("outside", ()),
        addresses=found.get("addresses", ()),
        rooms=found.get("rooms", ()),
        former=found.get("former", ()),
        schools=tuple(sorted(schools.union(found.get("schools", ())))),
        districts=tuple(sorted(districts.union(found.get("districts", ()), found["above"]))),
    )


def _asked_of(target: Target) -> Iterator[tuple[str, Select[Any]]]:
    """What is asked of the subjects of a target, by what it becomes of it."""
    model: Any = MODELS[target.subject]
    schools: ColumnElement[bool] = one_of(School.id, [target.school or 0])
    if target.subject is Subject.SCHOOL:
        schools = one_of(School.id, target.numbers)
    else:
        yield "outside", select(model.public_id).where(one_of(model.id, target.numbers))
    if target.subject is Subject.STUDENT:
        of_them = (MergedMark.school_id == target.school, one_of(MergedMark.student_id, target.numbers))
        yield "former", select(MergedMark.number).where(*of_them)
        places = (Enrollment.school_id == target.school, one_of(Enrollment.student_id, target.numbers))
        yield "rooms", select(Enrollment.classroom_id).where(*places).distinct()
    if target.subject is Subject.ACCOUNT:
        yield "addresses", select(Account.email).where(one_of(Account.id, target.numbers))
        theirs = one_of(Membership.account_id, target.numbers)
        within = select(Membership.school_id).where(theirs, Membership.school_id.is_not(None))
        yield "schools", within
        yield "districts", select(Membership.district_id).where(theirs, Membership.district_id.is_not(None))
        schools = School.id.in_(within)
    # Where something stands about those who go, and above it.
    yield "above", select(School.district_id).where(schools, School.district_id.is_not(None)).distinct()


def _lists(tx: Transaction, asked: Iterable[Select[Any]]) -> Sequence[list[Any]]:
    """What each of these finds, which are of one column: a statement for each would take longer."""
    lists = (func.array(each.scalar_subquery(), type_=ARRAY(each.selected_columns[0].type)) for each in asked)
    return tx.rows(select(*lists))[0]


def _student(tx: Transaction, number: int) -> Plan | None:
    school = tx.scalar(select(Student.school_id).where(Student.id == number))
    return None if school is None else Plan((Target(Subject.STUDENT, (number,), school),))


def _classroom(tx: Transaction, number: int) -> Plan | None:
    school = tx.scalar(select(Classroom.school_id).where(Classroom.id == number))
    return None if school is None else Plan(_classes(tx, school, [number]))


def _account(tx: Transaction, number: int) -> Plan | None:
    if tx.scalar(select(Account.id).where(Account.id == number)) is None:
        return None
    schools: list[int] = []
    classes: list[Target] = []
    passings: list[Passing] = []
    for school in tx.scalars(own_schools(number)):
        heir, rooms = _heir(tx, school, number)
        if heir is None:
            schools.append(school)
        else:
            passings.append(Passing(school, heir))
            classes += rooms
    # In a school of somebody else's own nobody looks after what a guest made: the host is told no names.
    for guest_of, made in groupby(tx.execute(_guest_rooms(number)), key=lambda row: row.school_id):
        classes += _classes(tx, guest_of, [row.id for row in made])
    whole = _schools(schools)
    return Plan((*classes, *whole, Target(Subject.ACCOUNT, (number,))), tuple(passings))


def _heir(tx: Transaction, school: int, without: int) -> tuple[int | None, tuple[Target, ...]]:
    """Who goes on with a personal school, and its classes that nobody else teaches, with their students."""
    rooms = tx.execute(_rooms_and_heirs(school, without)).all()
    heirs = [row for row in rooms if row.heir is not None]
    if not heirs:
        return None, ()
    # Whoever owns one of the classes goes on with the school before whoever helps to teach one.
    heir = min(heirs, key=lambda row: (row.role != TeachingRoleName.OWNER, row.heir)).heir
    alone = {row.id for row in rooms} - {row.id for row in heirs}
    return heir, _classes(tx, school, sorted(alone)) if alone else ()


def may_follow(tx: Transaction, plan: Plan) -> set[int]:
    """Accounts that could go on with the schools that a plan passes on, whoever of them it names."""
    schools = [each.school for each in plan.passings]
    of_them = select(TeachingRole.account_id).where(
        one_of(TeachingRole.school_id, schools), TeachingRole.role.in_(IN_CHARGE)
    )
    return set(tx.scalars(of_them.distinct())) if schools else set()


def with_heirs_of_now(tx: Transaction, plan: Plan, *, anew: bool) -> Plan:
    """The plan with whoever can go on with the schools by now; all of them are locked.

    Whoever was to may be erased since. With `anew`, classes that nobody goes on with go too, and a school
    that has none that stays; without, nothing more goes than stands in the plan.
    """
    passings, late = [], list[Target]()
    for passing in plan.passings:
        owner = next(
            (number for number in plan.of(Subject.ACCOUNT) if _is_own(tx, passing.school, number)), None
        )
        if owner is None:
            passings.append(passing)
            continue
        heir, rooms = _heir(tx, passing.school, owner)
        if heir is None and anew:
            late += _schools([passing.school])
            continue
        passings.append(Passing(passing.school, heir))
        late += _not_in(plan, rooms) if anew else ()
    changed = replace(plan, targets=(*late, *plan.targets), passings=tuple(passings))
    return named(tx, changed) if late else changed


def _is_own(tx: Transaction, school: int, account: int) -> bool:
    return tx.scalar(own_schools(account).where(School.id == school)) is not None


def _not_in(plan: Plan, targets: Iterable[Target]) -> list[Target]:
    """Targets without what the plan has already."""
    rest = (
        replace(each, numbers=tuple(sorted(set(each.numbers) - set(plan.of(each.subject)))))
        for each in targets
    )
    return [each for each in rest if each.numbers]


def _school(tx: Transaction, number: int) -> Plan | None:
    if tx.scalar(select(School.id).where(School.id == number)) is None:
        return None
    people = _only_there(tx, [number])
    return Plan((*_schools([number]), *_accounts(people)))


def _district(tx: Transaction, number: int) -> Plan | None:
    if tx.scalar(select(District.id).where(District.id == number)) is None:
        return None
    schools = tx.scalars(select(School.id).where(School.district_id == number).order_by(School.id)).all()
    people = _only_there(tx, schools, number)
    return Plan((*_schools(schools), *_accounts(people), Target(Subject.DISTRICT, (number,))))


def _classes(tx: Transaction, school: int, classes: Sequence[int]) -> tuple[Target, ...]:
    """Classes, and before them the students who are in no other class."""
    students = _of_no_other_class(tx, school, classes)
    rooms = Target(Subject.CLASSROOM, tuple(classes), school)
    return (Target(Subject.STUDENT, tuple(students), school), rooms) if students else (rooms,)


def _of_no_other_class(tx: Transaction, school: int, classes: Sequence[int]) -> Sequence[int]:
    one = len(classes) == 1
    numbers = {"school": school, "classes": classes[0] if one else frozenset(classes)}
    return tx.scalars(_asked_alone(one=one), numbers).all()


@lru_cache(maxsize=2)
def _asked_alone(*, one: bool) -> Select[int]:
    """The students of `classes`, which may be `one`, in `school` who are in no other class. Built once."""

    def within(place: type[Enrollment]) -> ColumnElement[bool]:
        return given(place.classroom_id, "classes", one=one)

    def there(place: type[Enrollment]) -> ColumnElement[bool]:
        return given(place.school_id, "school", one=True)

    other, here = aliased(Enrollment), aliased(Enrollment)
    still_here = exists().where(
        there(here), here.student_id == other.student_id, here.ended_at.is_(None), within(here)
    )
    elsewhere = exists().where(
        there(other),
        other.student_id == Enrollment.student_id,
        ~within(other),
        # Who has left this class too belongs to whichever other one there was.
        or_(other.ended_at.is_(None), ~still_here),
    )
    return (
        select(Enrollment.student_id)
        .where(there(Enrollment), within(Enrollment), ~elsewhere)
        .distinct()
        .order_by(Enrollment.student_id)
    )


def _schools(schools: Sequence[int]) -> list[Target]:
    # All in one: what is done for each target is done once for a thousand schools.
    return [Target(Subject.SCHOOL, tuple(schools))] if schools else []


def _accounts(people: Sequence[int]) -> list[Target]:
    return [Target(Subject.ACCOUNT, tuple(people))] if people else []


def own_schools(account: int) -> Select[int]:
    """The personal schools of an account, by number."""
    return (
        select(School.id)
        .join(Membership, Membership.school_id == School.id)
        .where(
            School.kind == SchoolKind.PERSONAL, Membership.account_id == account, Membership.origin.in_(OWN)
        )
        .order_by(School.id)
    )


def _guest_rooms(account: int) -> Select[int, int]:
    """The classes that nobody else teaches which an account owns in schools of others' own."""
    another = aliased(TeachingRole)
    taught = exists().where(
        another.school_id == TeachingRole.school_id,
        another.classroom_id == TeachingRole.classroom_id,
        another.account_id != account,
        another.role.in_(IN_CHARGE),
    )
    return (
        select(TeachingRole.school_id, TeachingRole.classroom_id.label("id"))
        .join(School, School.id == TeachingRole.school_id)
        .where(
            School.kind == SchoolKind.PERSONAL,
            School.id.not_in(own_schools(account).order_by(None)),
            TeachingRole.account_id == account,
            TeachingRole.role == TeachingRoleName.OWNER,
            ~taught,
        )
        .order_by(TeachingRole.school_id, TeachingRole.classroom_id)
    )


def _rooms_and_heirs(school: int, without: int) -> Select[int, int, str]:
    """The classes of a school, each with whoever else teaches it first: its owner, else a co-teacher."""
    others = and_(
        TeachingRole.school_id == Classroom.school_id,
        TeachingRole.classroom_id == Classroom.id,
        TeachingRole.account_id != without,
        TeachingRole.role.in_(IN_CHARGE),
        # Somebody who can look after it.
        exists().where(Account.id == TeachingRole.account_id, Account.status.in_(HERE), ~_goes_too()),
    )
    return (
        select(Classroom.id, TeachingRole.account_id.label("heir"), TeachingRole.role)
        .outerjoin(TeachingRole, others)
        .where(Classroom.school_id == school)
        .ext(distinct_on(Classroom.id))
        # "owner" comes after "co_teacher".
        .order_by(Classroom.id, TeachingRole.role.desc(), TeachingRole.account_id)
    )


def _goes_too() -> ColumnElement[bool]:
    """Of an account: it is being erased itself."""
    return exists().where(
        Erasure.subject == Subject.ACCOUNT, Erasure.subject_id == Account.id, Erasure.stage.in_(UNDER_WAY)
    )


def _only_there(tx: Transaction, schools: Sequence[int], district: int | None = None) -> list[int]:
    """Accounts that work there and nowhere else, follow no child and are no founder's."""
    other = aliased(Membership)
    people = select(Account.id).where(
        Account.id.in_(select(Membership.account_id).where(_there(Membership, schools, district))),
        # One of the two is empty. Each is asked after by itself: most of all places are others' places.
        ~exists().where(
            other.account_id == Account.id, ~func.coalesce(_there(other, schools, district), false())
        ),
        ~exists().where(GuardianLink.account_id == Account.id),
        ~Account.founder,
    )
    return list(tx.scalars(people.order_by(Account.id)))


def _there(place: type[Membership], schools: Sequence[int], district: int | None) -> ColumnElement[bool]:
    there = one_of(place.school_id, schools)
    return there if district is None else or_(there, place.district_id == district)
