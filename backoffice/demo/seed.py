"""Filling an empty database with the demo: one transaction, so that it is there whole or not at all."""

import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any
from uuid import uuid4

from sqlalchemy import func, insert, select, update

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts import codes
from backoffice.accounts.addresses import email_index
from backoffice.accounts.models import Account, AccountPassword, AccountSecondFactor, AccountStatus
from backoffice.accounts.passwords import hash_password
from backoffice.audit.trail import record
from backoffice.demo import people
from backoffice.demo.changes import remember_changes
from backoffice.demo.classroom import live_in
from backoffice.demo.inbox import fill_inboxes
from backoffice.demo.own_fields import give_own_fields
from backoffice.demo.past import live_before
from backoffice.demo.points import PICTURES, add_awards
from backoffice.demo.saved_views import save_views
from backoffice.families.models import GuardianLink, GuardianStatus
from backoffice.families.requests.models import GuardianRequest, RequestKind
from backoffice.schools import names
from backoffice.schools.models import (
    Action,
    Classroom,
    District,
    Door,
    Enrollment,
    Membership,
    PointEntry,
    Role,
    School,
    SchoolKind,
    Student,
    TeachingRole,
    TeachingRoleName,
)
from backoffice.schools.services.codes import issue_code
from backoffice.settings import Passwords
from backoffice.storage import keyring
from backoffice.storage.public_id import new_public_id
from backoffice.students.worries.models import GoesTo, Worry, WorryKind

WEEKS = 5
COMMENTED = 0.1
CLASS_SIZES = (22, 19, 23, 20, 21, 22, 20, 21, 23, 19, 20, 21)
STAFF = (
    # key in demo.json or None, name, mail, school (0 and 1 in the district, 2 outside), class names
    ("teacher", "Elena Rivera", "rivera", 0, ("4A Science", "4B Science")),
    (None, "Tobias Lindgren", "lindgren", 0, ("5A Maths", "5B Maths")),
    (None, "Aisha Bello", "bello", 0, ("3A Reading", "3B Reading")),
    ("teacher_elsewhere", "Marc Fontaine", "fontaine", 1, ("6A History", "6B History")),
    (None, "Grace Obi", "obi", 1, ("2A Morning", "2B Morning")),
    (None, "Pavel Dvorak", "dvorak", 2, ("1A Explorers", "1B Explorers")),
)


@dataclass
class Seeded:
    """What the demo has to tell whoever uses it: passwords, and which rows play which part."""

    accounts: dict[str, dict[str, str]] = field(default_factory=dict)
    classroom: str = ""
    classroom_elsewhere: str = ""
    student: str = ""
    student_elsewhere: str = ""
    usernames: dict[str, str] = field(default_factory=dict)
    district: str = ""
    school: str = ""
    school_elsewhere: str = ""


def is_empty() -> bool:
    """Whether nobody has an account yet."""
    with transaction(Purpose("demo")) as tx:
        return tx.scalar(select(Account.id).limit(1)) is None


def seed(
    cost: Passwords,
    *,
    keep: Callable[[Seeded], None] = lambda _seeded: None,
    parts: Iterable[Callable[[Transaction, datetime], None]] = (),
) -> Seeded:
    """Make the demo's district, schools, people, classes and some weeks of points, then what `parts` add.

    `keep` stores what cannot be read back from the database, before anything is committed: a demo whose
    passwords are lost is of no use to anybody.
    """
    with transaction(Purpose("demo")) as tx:
        made = _Seeder(tx, cost).run()
        for fill in parts:
            fill(tx, clock.now())
        record(tx, "demo.seed")
        keep(made)
    return made


class _Seeder:
    """Holds what the steps share: the transaction, the dice, the names not used yet."""

    def __init__(self, tx: Transaction, cost: Passwords) -> None:
        self.tx, self.cost = tx, cost
        # The same people on every machine; identifiers and passwords are never from these dice.
        self.dice = Random(28)  # noqa: S311
        self.now = clock.now()
        self.seeded = Seeded()
        self.children = self._children()
        self.numbers = count(1)
        self.classes: list[int] = []

    def run(self) -> Seeded:
        """All steps, in the order in which rows need each other."""
        schools = self._places()
        self._company()
        leader = self._account("leader", "Ruth Okonkwo", "okonkwo@district.example")
        self._insert(
            Membership,
            account_id=leader,
            district_id=self.district_id,
            role=Role.LEADER,
            created_at=self.now,
        )
        co_teacher = self._account("co_teacher", "Jonas Weiss", "weiss@maple.example")
        self._member(co_teacher, schools[0], Role.TEACHER)
        sizes = iter(CLASS_SIZES)
        for role, name, mail, place, classes in STAFF:
            host = ("maple", "harbour", "hilltop")[place]
            teacher = self._account(role, name, f"{mail}@{host}.example")
            self._member(teacher, schools[place], Role.TEACHER)
            for title in classes:
                self._classroom(schools[place], teacher, title, next(sizes))
        first = self.tx.execute(
            select(Classroom).where(Classroom.public_id == self.seeded.classroom)
        ).scalar_one()
        self._teaches(first.school_id, first.id, co_teacher, TeachingRoleName.CO_TEACHER)
        self._family()
        self._inbox()
        told = {role: account["public_id"] for role, account in self.seeded.accounts.items()}
        fill_inboxes(self.tx, people=told, at=self.now)
        live_in(self.tx, self.classes, self.cost)
        live_before(self.tx, self.classes, at=self.now)
        save_views(self.tx, leader=leader, school=schools[0], at=self.now)
        give_own_fields(self.tx, school=schools[0], at=self.now)
        remember_changes(self.tx, classrooms=self.classes[:2], by=co_teacher, leader=leader, at=self.now)
        return self.seeded

    def _places(self) -> list[int]:
        common = {
            "country": "US",
            "state": "CA",
            "time_zone": "America/Los_Angeles",
            "language": "en",
            "created_at": self.now - timedelta(days=400),
        }
        self.seeded.district = new_public_id()
        self.district_id = self._insert(
            District,
            public_id=self.seeded.district,
            name="Seaview Unified School District",
            security_contact="it@seaview.example",
            **common,
        )
        placed = []
        for title, district, contact in (
            ("Maple Street Elementary", self.district_id, "security@maple.example"),
            ("Harbour View School", self.district_id, None),
            ("Hilltop Primary", None, "security@hilltop.example"),
        ):
            placed.append(
                self._insert(
                    School,
                    public_id=new_public_id(),
                    district_id=district,
                    kind=SchoolKind.SCHOOL,
                    name=title,
                    security_contact=contact,
                    postal_address=f"{title}\n12 Seaview Avenue\nSan Rafael, CA 94901",
                    school_days=["mon", "tue", "wed", "thu", "fri"],
                    **common,
                )
            )
        ids = dict(self.tx.execute(select(School.id, School.public_id)).all())
        self.seeded.school, self.seeded.school_elsewhere = ids[placed[0]], ids[placed[1]]
        return placed

    def _company(self) -> None:
        self._account("founder", "Robin Hale", "robin@company.example", founder=True)
        self._account("founder_2", "Sasha Marsh", "sasha@company.example", founder=True)

    def _account(self, role: str | None, name: str, email: str, *, founder: bool = False) -> int:
        password = f"{secrets.token_urlsafe(9)}-demo"
        public_id = new_public_id()
        account = self._insert(
            Account,
            public_id=public_id,
            email=email,
            email_index=email_index(email),
            name=name,
            founder=founder,
            status=AccountStatus.ACTIVE,
            language="en",
            time_zone="America/Los_Angeles",
            security_epoch=1,
            # Whoever leads and was never here is told at once that the account will be locked.
            last_active_at=self.now,
            created_at=self.now - timedelta(days=300),
        )
        self.tx.execute(
            insert(AccountPassword).values(
                account_id=account,
                password_hash=hash_password(password, self.cost),
                set_at=self.now,
            )
        )
        told = {"email": email, "password": password, "public_id": public_id}
        if founder:
            told["totp_secret"] = self._second_factor(account)
        if role:
            self.seeded.accounts[role] = told
        return account

    def _second_factor(self, account: int) -> str:
        secret = codes.new_secret()
        self.tx.execute(
            insert(AccountSecondFactor).values(
                account_id=account, secret=secret, set_at=self.now, last_step=0
            )
        )
        return secret

    def _member(self, account: int, school: int, role: Role) -> None:
        self._insert(
            Membership,
            account_id=account,
            school_id=school,
            role=role,
            created_at=self.now - timedelta(days=290),
        )

    def _teaches(self, school: int, classroom: int, account: int, role: TeachingRoleName) -> None:
        self.tx.execute(
            insert(TeachingRole).values(
                school_id=school, classroom_id=classroom, account_id=account, role=role
            )
        )

    def _classroom(self, school: int, teacher: int, title: str, size: int) -> None:
        public_id = new_public_id()
        classroom = self._insert(
            Classroom,
            school_id=school,
            public_id=public_id,
            name=title,
            door=Door.OPEN,
            shared_devices=True,
            created_at=self.now - timedelta(days=90),
        )
        self.classes.append(classroom)
        issue_code(self.tx, school_id=school, classroom_id=classroom)
        self._teaches(school, classroom, teacher, TeachingRoleName.OWNER)
        students = self._students(school, classroom, size)
        self._points(school, classroom, teacher, students)
        if not self.seeded.classroom:
            self.seeded.classroom, self.seeded.student = public_id, students[0][1]
        elif not self.seeded.classroom_elsewhere and self._is_elsewhere(school):
            self.seeded.classroom_elsewhere, self.seeded.student_elsewhere = (
                public_id,
                students[0][1],
            )

    def _is_elsewhere(self, school: int) -> bool:
        elsewhere = select(School.id).where(School.public_id == self.seeded.school_elsewhere)
        return self.tx.scalar(elsewhere) == school

    def _students(self, school: int, classroom: int, size: int) -> list[tuple[int, str]]:
        made: list[tuple[int, str]] = []
        for _ in range(size):
            given, family = next(self.children)
            public_id = new_public_id()
            username = f"{given}.{family}{next(self.numbers):03d}".lower()
            student = self._insert(
                Student,
                school_id=school,
                public_id=public_id,
                given_name=given,
                family_name=family,
                name_tokens=names.tokens(given, family, school_id=school),
                username_digest=keyring.current().username_digest(username, school=str(school)),
                created_at=self.now - timedelta(days=85),
            )
            self.tx.execute(
                insert(Enrollment).values(
                    school_id=school,
                    classroom_id=classroom,
                    student_id=student,
                    avatar=self.dice.choice(names.AVATARS),
                    balance=0,
                    joined_at=self.now - timedelta(days=85),
                )
            )
            self.seeded.usernames[public_id] = username
            made.append((student, public_id))
        return made

    def _points(self, school: int, classroom: int, teacher: int, students: list[tuple[int, str]]) -> None:
        actions = [
            (
                self._insert(
                    Action,
                    school_id=school,
                    public_id=new_public_id(),
                    classroom_id=classroom,
                    label=label,
                    value=value,
                    icon=PICTURES.get(label),
                    created_at=self.now - timedelta(days=85),
                ),
                value,
            )
            for label, value in people.ACTIONS
        ]
        entries: list[dict[str, Any]] = []
        for student, _ in students:
            for at in self._moments(self.dice.randint(6, 16)):
                action, value = self.dice.choices(actions, weights=(5, 4, 4, 5, 3, 1))[0]
                entries.append(
                    {
                        "school_id": school,
                        "classroom_id": classroom,
                        "student_id": student,
                        "action_id": action,
                        "value": value,
                        "comment": self.dice.choice(people.COMMENTS)
                        if self.dice.random() < COMMENTED
                        else None,
                        "awarded_by": teacher,
                        "awarded_at": at,
                    }
                )
        entries.sort(key=lambda entry: entry["awarded_at"])
        add_awards(self.tx, entries, [student for student, _ in students])
        self.tx.execute(insert(PointEntry), entries)
        total = (
            select(func.coalesce(func.sum(PointEntry.value), 0))
            .where(
                PointEntry.school_id == Enrollment.school_id,
                PointEntry.classroom_id == Enrollment.classroom_id,
                PointEntry.student_id == Enrollment.student_id,
            )
            .scalar_subquery()
        )
        self.tx.execute(
            update(Enrollment)
            .where(Enrollment.classroom_id == classroom)
            .values(balance=total)
            .execution_options(synchronize_session=False)
        )

    def _moments(self, times: int) -> Iterator[datetime]:
        for _ in range(times):
            at = self.now - timedelta(days=self.dice.uniform(0.2, WEEKS * 7))
            # Lessons are on weekdays; Pacific mornings are afternoons in UTC.
            at -= timedelta(days=max(at.weekday() - 4, 0))
            yield min(at.replace(hour=self.dice.randint(16, 21)), self.now - timedelta(minutes=5))

    def _family(self) -> None:
        name = "Maria Ferreira"
        parent = self._account("parent", name, "ferreira@family.example")
        teacher = select(TeachingRole.account_id).limit(1)
        for public_id in (self.seeded.student, self.seeded.student_elsewhere):
            student = self.tx.execute(select(Student).where(Student.public_id == public_id)).scalar_one()
            self.tx.execute(
                insert(GuardianLink).values(
                    school_id=student.school_id,
                    student_id=student.id,
                    account_id=parent,
                    name=name,
                    status=GuardianStatus.APPROVED,
                    told=GuardianStatus.APPROVED,
                    approved_by=self.tx.scalar(teacher),
                    approved_at=self.now,
                    created_at=self.now,
                )
            )

    def _inbox(self) -> None:
        """What a child told, and what the parent asks, in the class that is shown first."""
        seat = self.tx.execute(
            select(Enrollment)
            .join(Student, Student.id == Enrollment.student_id)
            .where(Student.public_id == self.seeded.student)
            .limit(1)
        ).scalar_one()
        self._insert(
            Worry,
            public_id=new_public_id(),
            school_id=seat.school_id,
            classroom_id=seat.classroom_id,
            student_id=seat.student_id,
            kind=WorryKind.UNKIND,
            goes_to=GoesTo.TEACHER,
            note="They took my ball again",
            form=uuid4(),
            told_at=self.now - timedelta(hours=3),
            mailed_at=self.now - timedelta(hours=3),
        )
        parent = select(GuardianLink.account_id).where(GuardianLink.student_id == seat.student_id).limit(1)
        self._insert(
            GuardianRequest,
            public_id=new_public_id(),
            school_id=seat.school_id,
            student_id=seat.student_id,
            account_id=self.tx.scalar(parent),
            kind=RequestKind.CORRECT,
            note="Her family name is written with two r.",
            asked_at=self.now - timedelta(days=26),
            told_at=self.now - timedelta(days=26),
            reminded_at=self.now - timedelta(days=3),
        )

    def _children(self) -> Iterator[tuple[str, str]]:
        pairs = [(given, family) for given in people.GIVEN for family in people.FAMILY]
        self.dice.shuffle(pairs)
        return iter(pairs)

    def _insert(self, model: Any, **values: Any) -> int:
        number = self.tx.take_id(model)
        self.tx.execute(insert(model).values(id=number, **values))
        return number
