"""The third layer alone: what the database lets each one read and write, with every predicate forgotten."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from sqlalchemy import Executable, delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.principal import Nobody, Principal, SessionEnded
from backoffice.access.transaction import transaction
from backoffice.accounts.address_models import EmailChange, SignUp
from backoffice.accounts.care.models import FactorReset, SecurityEvent, Suspension
from backoffice.accounts.models import (
    Account,
    AccountLetter,
    AccountLink,
    AccountPassword,
    AccountRecoveryCode,
    AccountSecondFactor,
    AccountSession,
)
from backoffice.accounts.passkeys.models import AccountPasskey, SpentChallenge
from backoffice.accounts.providers.models import AccountIdentity, IdentityOffer, IdentityProvider
from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.changes.models import (
    ActionChange,
    ClassroomChange,
    JobChange,
    PluginChange,
    SchoolChange,
    StudentChange,
)
from backoffice.families.models import GuardianInvitation, GuardianLink, StudentView
from backoffice.families.requests.models import GuardianRequest
from backoffice.fields.models import ClassroomValue, CustomField, StudentValue
from backoffice.host.models import PluginHistory, PluginState
from backoffice.jobs.models import JobRun, JobSchedule
from backoffice.large_changes.models import LargeChange
from backoffice.messages.models import MailChoice, Message
from backoffice.outbox.models import MailContent, OutgoingMail, ReturnedMessages
from backoffice.privacy.erasure.models import (
    Canary,
    Erasure,
    ErasureMark,
    ErasureOutside,
    LedgerEnd,
    MergedMark,
)
from backoffice.privacy.holds.models import LegalHold
from backoffice.privacy.retention.models import PolicyVersion
from backoffice.reports.models import Report
from backoffice.saved_views.models import SavedView, SharedWith
from backoffice.schools.award_models import PointAward
from backoffice.schools.ending_models import ContractEnd, OwnerlessClass
from backoffice.schools.models import (
    Action,
    Classroom,
    ClassroomCode,
    District,
    Enrollment,
    Membership,
    PointEntry,
    School,
    Student,
    TeachingRole,
)
from backoffice.schools.roster_models import RosterChange, RosterChangeStudent
from backoffice.schools.services.codes import renew_code
from backoffice.staff.models import Invitation
from backoffice.storage import functions
from backoffice.storage.base import Base
from backoffice.storage.installation import Installation
from backoffice.storage.public_id import new_public_id
from backoffice.students.cards.models import StudentCard
from backoffice.students.models import StudentSession
from backoffice.students.pins.models import PinOverride
from backoffice.students.pins.network_models import LockedNetwork
from backoffice.students.tablet_models import ClassroomTablet
from backoffice.students.worries.models import Worry
from backoffice.throttles.models import Throttle
from tests.factories import world as factory
from tests.factories.world import SYSTEM, World, add_passkey

REFUSED = "42501"  # SQLSTATE insufficient_privilege

# -- what each one reads, by names

OWN, COLLEAGUE, ELSEWHERE, FOREIGN = "Ownclass", "Colleague", "Elsewhere", "Foreign"
CLASSES = {
    "leader": {OWN, COLLEAGUE, ELSEWHERE},
    "teacher": {OWN},
    "co_teacher": {OWN},
    "helper": {OWN},
    "colleague": {COLLEAGUE},
    "elsewhere": {ELSEWHERE},
    "outsider": {FOREIGN},
}
OWN_CHILDREN = {"Wilhelmina", "Bartholomew"}
COLLEAGUES_CHILDREN = {"Persephone", "Leopold"}
ELSEWHERE_CHILDREN = {"Ottoline", "Ignatius"}
FOREIGN_CHILDREN = {"Seraphina", "Thaddeus"}
CHILDREN = {
    "leader": OWN_CHILDREN | COLLEAGUES_CHILDREN | ELSEWHERE_CHILDREN,
    "teacher": OWN_CHILDREN,
    "co_teacher": OWN_CHILDREN,
    "helper": OWN_CHILDREN,
    "colleague": COLLEAGUES_CHILDREN,
    "elsewhere": ELSEWHERE_CHILDREN,
    "outsider": FOREIGN_CHILDREN,
    "parent": {"Wilhelmina"},
    "foreign_parent": {"Seraphina"},
    "child": {"Wilhelmina"},
}
OWN_STAFF = {"teacher", "co_teacher", "helper"}
ADULTS = (
    "founder", "leader", "officer", "teacher", "colleague", "co_teacher", "helper", "elsewhere", "outsider",
    "parent", "foreign_parent",
)  # fmt: skip
ROLES = (*ADULTS, "child", "nobody")
THEMSELVES = {role: {role} for role in ADULTS}
MEMBERS = {"teacher", "colleague", "co_teacher", "helper", "elsewhere", "outsider"}
EXPECTED: Mapping[type[Any], Mapping[str, set[str]]] = {
    District: dict.fromkeys(
        ("founder", "leader", "officer", "teacher", "colleague", "co_teacher", "helper", "elsewhere"),
        {"Quillfeather"},
    ),
    School: {
        "founder": {"Home", "Elsewhere", "Outside"},
        **dict.fromkeys(("leader", "officer"), {"Home", "Elsewhere"}),
        **dict.fromkeys(("teacher", "colleague", "co_teacher", "helper"), {"Home"}),
        "elsewhere": {"Elsewhere"},
        "outsider": {"Outside"},
    },
    Membership: {
        **{role: {role} for role in MEMBERS | {"officer"}},
        "leader": (MEMBERS - {"outsider"}) | {"leader"},
    },
    Account: {
        **THEMSELVES,
        **dict.fromkeys(OWN_STAFF, OWN_STAFF),
        "leader": (MEMBERS - {"outsider"}) | {"leader"},
    },
    AccountPassword: THEMSELVES,
    AccountSession: THEMSELVES,
    Message: THEMSELVES,
    MailChoice: THEMSELVES,
    AccountSecondFactor: {"founder": {"founder"}},
    AccountRecoveryCode: {"founder": {"founder"}},
    AccountPasskey: {"founder": {"founder"}},
    AccountIdentity: {"leader": {"leader"}},
    Classroom: {**CLASSES, "parent": {OWN}, "foreign_parent": {FOREIGN}, "child": {OWN}},
    Action: {**CLASSES, "parent": {OWN}, "foreign_parent": {FOREIGN}, "child": {OWN}},
    ClassroomCode: CLASSES,
    ClassroomTablet: CLASSES,
    TeachingRole: {
        **dict.fromkeys(OWN_STAFF, OWN_STAFF),
        "leader": MEMBERS - {"outsider"},
        "colleague": {"colleague"},
        "elsewhere": {"elsewhere"},
        "outsider": {"outsider"},
    },
    Student: CHILDREN,
    Enrollment: CHILDREN,
    PointEntry: CHILDREN,
    # With whom a child got points is the staff's to know.
    PointAward: CLASSES,
    GuardianLink: {
        **dict.fromkeys(("leader", "parent", *OWN_STAFF), {"parent"}),
        **dict.fromkeys(("outsider", "foreign_parent"), {"foreign_parent"}),
    },
    GuardianInvitation: {
        **dict.fromkeys(("leader", *OWN_STAFF), {"Wilhelmina", "Bartholomew"}),
        "outsider": {"Seraphina"},
    },
    # Whoever opens a record is no reader of the list; the child's own parents are.
    StudentView: {"parent": {"Wilhelmina"}, "foreign_parent": {"Seraphina"}},
    StudentSession: {
        **dict.fromkeys(("leader", "child", *OWN_STAFF), {"Wilhelmina"}),
        "outsider": {"Seraphina"},
    },
    StudentCard: {
        **dict.fromkeys(("leader", *OWN_STAFF), {"Wilhelmina"}),
        "outsider": {"Seraphina"},
    },
    PinOverride: {
        **dict.fromkeys(("leader", *OWN_STAFF), {"Wilhelmina"}),
        "outsider": {"Seraphina"},
    },
    # Whoever leads the school, or signed up alone for it.
    LockedNetwork: {"leader": {"Home"}},
    RosterChange: CLASSES,
    RosterChangeStudent: {
        **dict.fromkeys(OWN_STAFF, {"Bartholomew"}),
        "leader": {"Bartholomew", "Leopold", "Ignatius"},
        "colleague": {"Leopold"},
        "elsewhere": {"Ignatius"},
        "outsider": {"Thaddeus"},
    },
    StudentChange: {
        **dict.fromkeys(OWN_STAFF, {"Wilhelmina"}),
        "leader": {"Wilhelmina", "Persephone", "Ottoline"},
        "colleague": {"Persephone"},
        "elsewhere": {"Ottoline"},
        "outsider": {"Seraphina"},
    },
    ClassroomChange: CLASSES,
    ActionChange: CLASSES,
    SchoolChange: {"leader": {"Home", "Elsewhere"}},
    LegalHold: {"founder": {OWN}},
    PluginChange: {"founder": {"trust"}},
    JobChange: {"founder": {"trust.check"}},
    # A helper hears of neither.
    Worry: {
        **dict.fromkeys(("teacher", "co_teacher"), {"Wilhelmina"}),
        "leader": {"Wilhelmina", "Persephone", "Ottoline"},
        "colleague": {"Persephone"},
        "elsewhere": {"Ottoline"},
        "outsider": {"Seraphina"},
    },
    GuardianRequest: {
        **dict.fromkeys(("leader", "parent", "teacher", "co_teacher"), {"Wilhelmina"}),
        **dict.fromkeys(("outsider", "foreign_parent"), {"Seraphina"}),
    },
    # What is shared is the school's; what is not, its owner's alone.
    SavedView: {
        "teacher": {"teacher", "leader"},
        **dict.fromkeys(("leader", "colleague", "co_teacher", "helper"), {"leader"}),
        "outsider": {"outsider"},
    },
    LargeChange: {"leader": {"leader"}},
    # Parents see of which fields something is written about their child, in an export of theirs.
    CustomField: {
        **dict.fromkeys(("leader", "teacher", "colleague", "co_teacher", "helper", "parent"), {"Home"}),
        **dict.fromkeys(("outsider", "foreign_parent"), {"Outside"}),
    },
    StudentValue: {
        **dict.fromkeys(("leader", "parent", *OWN_STAFF), {"Wilhelmina"}),
        **dict.fromkeys(("outsider", "foreign_parent"), {"Seraphina"}),
    },
    ClassroomValue: {**dict.fromkeys(("leader", *OWN_STAFF), {OWN}), "outsider": {FOREIGN}},
    # Founders say so; whoever works there may know it.
    ContractEnd: {
        "founder": {"Home", "Outside"},
        **dict.fromkeys(("leader", "officer", "teacher", "colleague", "co_teacher", "helper"), {"Home"}),
        "outsider": {"Outside"},
    },
    OwnerlessClass: {"leader": {"Colleague"}},
    Erasure: {**dict.fromkeys(("teacher", "leader"), {"Wilhelmina"}), "outsider": {"Seraphina"}},
    AuditEntry: {"founder": {"Home", "Outside", ""}, "leader": {"Home"}},
    AuditDetail: {"leader": {"Home"}},
    PluginState: {"founder": {"trust"}},
    PluginHistory: {"founder": {"trust"}},
    # What was decided everybody reads by a function, without who it was.
    PolicyVersion: {"founder": {"confirmed", "waiting"}},
    JobSchedule: {"founder": {"trust.check"}},
    JobRun: {"founder": {"trust.check"}},
    OutgoingMail: {"founder": {"Home", ""}, "leader": {"Home"}},
    Invitation: {"leader": {"Home"}},
    Suspension: {"leader": {"Home"}},
    FactorReset: {"leader": {"Home"}},
    SecurityEvent: {"founder": {"foreign_parent"}},
    Report: {"founder": {"foreign_parent"}},
    EmailChange: {"leader": {"leader"}, "outsider": {"outsider"}},
}
# What the web's role writes and may never read.
UNREADABLE: tuple[type[Any], ...] = (
    MailContent,
    ReturnedMessages,
    ErasureMark,
    LedgerEnd,
    MergedMark,
    ErasureOutside,
    Canary,
    Throttle,
    SpentChallenge,
    AccountLetter,
    AccountLink,
    SignUp,
    IdentityProvider,
    IdentityOffer,
)


class Stage:
    """Everybody signed in, and the names that numbers stand for."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.as_ = cache(self._as)
        for role in ROLES:
            self.as_(role)
        add_passkey(world.people["founder"].id)
        foreign = world.foreign_class
        world.student(foreign, foreign.children[0])
        renew_code(principal=self.as_("outsider"), classroom=foreign.public_id)
        classes = (world.own_class, world.colleague_class, world.elsewhere_class, foreign)
        schools = (world.home, world.elsewhere, world.outside)
        with transaction(SYSTEM) as tx:
            factory.saved_view(
                tx,
                grid="students",
                name="Of this year",
                account_id=world.people["leader"].id,
                school_id=world.home.id,
                shared_with=SharedWith.TEACHERS,
            )
        self.people: dict[int | None, str] = {person.id: role for role, person in world.people.items()}
        self.classes = {each.id: each.name.split()[0] for each in classes}
        self.children: dict[int | None, str] = {
            child.id: child.given for each in classes for child in each.children
        }
        self.schools: dict[int | None, str] = {each.id: each.name.split()[0] for each in schools}
        self.numbers = [each.id for each in schools]
        self.schools[None] = ""

    def _as(self, role: str) -> Principal:
        if role == "nobody":
            return Principal(Nobody())
        if role == "child":
            return self.world.student(self.world.own_class, self.world.own_class.children[0])
        return self.world.sign_in(role)

    def named(self, row: Any) -> str:  # noqa: PLR0912 - one line for each kind of row
        """What a row is called in the lists above."""
        match row:
            case District():
                return str(row.name).split()[0]
            case School():
                return self.schools[row.id]
            case Account():
                return self.people[row.id]
            case (
                Membership()
                | AccountPassword()
                | AccountSession()
                | AccountSecondFactor()
                | AccountRecoveryCode()
                | EmailChange()
                | AccountPasskey()
                | AccountIdentity()
                | TeachingRole()
                | GuardianLink()
                | SecurityEvent()
                | Report()
                | SavedView()
                | LargeChange()
                | Message()
                | MailChoice()
            ):
                return self.people[row.account_id]
            case Classroom():
                return self.classes[row.id]
            case (
                ClassroomCode()
                | ClassroomTablet()
                | Action()
                | PointAward()
                | OwnerlessClass()
                | ClassroomValue()
                | RosterChange()
                | ClassroomChange()
                | ActionChange()
            ):
                return self.classes[row.classroom_id]
            case LegalHold():
                return self.classes[row.subject_id or 0]
            case PluginChange():
                return "trust"
            case JobChange():
                return "trust.check"
            case PluginState():
                return str(row.name)
            case PolicyVersion():
                return str(row.state)
            case PluginHistory():
                return str(row.plugin)
            case JobSchedule() | JobRun():
                return str(row.job)
            case Student():
                return self.children[row.id]
            case Erasure():
                return self.children[row.subject_id]
            case (
                Enrollment()
                | PointEntry()
                | StudentSession()
                | StudentCard()
                | PinOverride()
                | GuardianInvitation()
                | StudentView()
                | RosterChangeStudent()
                | StudentChange()
                | StudentValue()
                | Worry()
                | GuardianRequest()
            ):
                return self.children[row.student_id]
        return self.schools[row.school_id]


@pytest.fixture(scope="module")
def stage(world: World) -> Stage:
    return Stage(world)


@pytest.mark.parametrize("table", EXPECTED, ids=lambda table: table.__tablename__)
@pytest.mark.parametrize("role", ROLES)
def test_who_reads_what(stage: Stage, table: type[Any], role: str) -> None:
    with transaction(stage.as_(role)) as tx:
        names = {stage.named(row) for row in tx.scalars(select(table))}
    assert names == EXPECTED[table].get(role, set())


def test_every_table_is_in_the_list() -> None:
    mapped = {mapper.class_.__tablename__ for mapper in Base.registry.mappers}
    # What went by age names nobody, and everybody may read it.
    assert mapped - {"installation", "retention_run"} == {
        table.__tablename__ for table in (*EXPECTED, *UNREADABLE)
    }


@pytest.mark.parametrize("table", UNREADABLE, ids=lambda table: table.__tablename__)
@pytest.mark.parametrize("role", ROLES)
def test_what_nobody_reads(stage: Stage, table: type[Any], role: str) -> None:
    refused(stage.as_(role), select(table))


@pytest.mark.parametrize(("role", "schools"), [("founder", 3), ("officer", 2)])
def test_the_company_and_the_officer_count_and_read_no_child(stage: Stage, role: str, schools: int) -> None:
    with transaction(stage.as_(role)) as tx:
        counted = functions.school_counts(tx, schools=stage.numbers)
        children = tx.scalar(select(func.count()).select_from(Student))
    assert (len(counted), children) == (schools, 0)


@pytest.mark.parametrize("role", ROLES)
def test_nobody_counts_a_school_of_others(stage: Stage, role: str) -> None:
    with transaction(stage.as_(role)) as tx:
        counted = {stage.schools[row.school_id] for row in functions.school_counts(tx, schools=stage.numbers)}
    assert counted - EXPECTED[School].get(role, set()) == set()


@pytest.mark.parametrize("role", ["parent", "foreign_parent", "child", "nobody"])
def test_families_and_strangers_count_nothing(stage: Stage, role: str) -> None:
    with transaction(stage.as_(role)) as tx:
        assert functions.school_counts(tx, schools=stage.numbers) == []
        assert not any(functions.school_totals(tx))


def test_a_school_that_nobody_asked_for_is_not_counted(stage: Stage) -> None:
    asked = stage.world.elsewhere.id
    with transaction(stage.as_("founder")) as tx:
        assert [row.school_id for row in functions.school_counts(tx, schools=[asked])] == [asked]


@pytest.mark.parametrize("role", ["founder", "officer", "leader"])
def test_the_totals_are_those_of_the_schools_that_somebody_may_count(stage: Stage, role: str) -> None:
    with transaction(stage.as_(role)) as tx:
        counted = functions.school_counts(tx, schools=stage.numbers)
        together = functions.school_totals(tx)
    assert together.schools == len(counted) > 0
    assert together.classrooms == sum(row.classrooms for row in counted)
    assert together.students == sum(row.students for row in counted)


# -- what nobody writes


def refused(who: Principal, statement: Executable) -> None:
    """The database says no: no right, or row-level security."""
    with pytest.raises(DBAPIError) as raised, transaction(who) as tx:
        tx.execute(statement)
    assert getattr(raised.value.orig, "sqlstate", None) == REFUSED


def without_effect(who: Principal, statement: Executable) -> None:
    """The database finds no row to do it to."""
    with transaction(who) as tx:
        assert tx.execute(statement).rowcount == 0  # type: ignore[attr-defined]


def new_student(school: int) -> Any:
    return insert(Student).values(
        id=900_000,
        school_id=school,
        public_id=new_public_id(),
        given_name="Mallory",
        family_name=None,
        name_tokens=[],
        created_at=clock.now(),
    )


def enrolled(world: World, *, school: int, classroom: int, student: int) -> Any:
    return insert(Enrollment).values(
        school_id=school,
        classroom_id=classroom,
        student_id=student,
        avatar="owl-plum",
        balance=0,
        joined_at=clock.now(),
    )


def test_a_teacher_adds_no_student_to_another_school(stage: Stage) -> None:
    refused(stage.as_("teacher"), new_student(stage.world.outside.id))


@pytest.mark.parametrize("role", ["founder", "officer", "parent", "child", "nobody"])
def test_only_staff_adds_students(stage: Stage, role: str) -> None:
    refused(stage.as_(role), new_student(stage.world.home.id))


def test_a_teacher_takes_no_colleagues_student(stage: Stage) -> None:
    world = stage.world
    taken = enrolled(
        world,
        school=world.home.id,
        classroom=world.own_class.id,
        student=world.colleague_class.children[0].id,
    )
    refused(stage.as_("teacher"), taken)


def test_a_teacher_puts_no_student_into_a_colleagues_class(stage: Stage) -> None:
    world = stage.world
    put = enrolled(
        world,
        school=world.home.id,
        classroom=world.colleague_class.id,
        student=world.own_class.children[0].id,
    )
    refused(stage.as_("teacher"), put)


@pytest.mark.parametrize("role", ["teacher", "leader"])
def test_a_student_of_another_school_cannot_be_enrolled(stage: Stage, role: str) -> None:
    """Whatever the policies let through, the composite key has no such student."""
    world = stage.world
    student = world.foreign_class.children[0].id
    taken = enrolled(world, school=world.home.id, classroom=world.own_class.id, student=student)
    with pytest.raises(DBAPIError) as raised, transaction(stage.as_(role)) as tx:
        tx.execute(taken)
    assert getattr(raised.value.orig, "sqlstate", None) in {REFUSED, "23503"}


@pytest.mark.parametrize("role", ["colleague", "elsewhere", "outsider", "parent", "child", "founder"])
def test_nobody_makes_oneself_a_teacher_of_a_class(stage: Stage, role: str) -> None:
    world, who = stage.world, stage.as_(role)
    joined = insert(TeachingRole).values(
        school_id=world.home.id,
        classroom_id=world.own_class.id,
        account_id=who.account_id or world.people["teacher"].id,
        role="owner",
    )
    refused(who, joined)


@pytest.mark.parametrize("role", ["colleague", "elsewhere", "outsider", "parent", "child"])
def test_nobody_gives_another_class_a_code(stage: Stage, role: str) -> None:
    world = stage.world
    code = insert(ClassroomCode).values(
        id=900_000,
        school_id=world.home.id,
        classroom_id=world.own_class.id,
        code="KNOWN",
        code_index=b"known",
        issued_at=clock.now(),
    )
    refused(stage.as_(role), code)


@pytest.mark.parametrize("role", ["colleague", "elsewhere", "outsider", "parent", "child", "founder"])
def test_nobody_awards_points_in_another_class(stage: Stage, role: str) -> None:
    world = stage.world
    with transaction(SYSTEM) as tx:
        action = tx.scalar(select(Action.id).where(Action.classroom_id == world.own_class.id))
    award = insert(PointEntry).values(
        id=900_000,
        school_id=world.home.id,
        classroom_id=world.own_class.id,
        student_id=world.own_class.children[0].id,
        action_id=action,
        value=1,
        awarded_at=clock.now(),
    )
    refused(stage.as_(role), award)


FOREIGN_CHANGES: dict[str, Callable[[World], Any]] = {
    "a class": lambda w: update(Classroom).where(Classroom.id == w.foreign_class.id).values(name="Mine"),
    "a colleague's class": lambda w: (
        update(Classroom).where(Classroom.id == w.colleague_class.id).values(door="closed")
    ),
    "a student": lambda w: (
        update(Student).where(Student.id == w.foreign_class.children[0].id).values(given_name="Mine")
    ),
    "a colleague's student": lambda w: (
        update(Student).where(Student.id == w.colleague_class.children[0].id).values(given_name="Mine")
    ),
    "an enrollment": lambda w: (
        update(Enrollment).where(Enrollment.classroom_id == w.colleague_class.id).values(ended_at=clock.now())
    ),
    "a code": lambda w: (
        update(ClassroomCode)
        .where(ClassroomCode.classroom_id == w.colleague_class.id)
        .values(ended_at=clock.now())
    ),
    "a name": lambda w: update(Account).where(Account.id == w.people["colleague"].id).values(name="Mine"),
    "a password": lambda w: (
        update(AccountPassword)
        .where(AccountPassword.account_id == w.people["leader"].id)
        .values(password_hash="$argon2id$mine")
    ),
    "a session": lambda w: (
        update(AccountSession)
        .where(AccountSession.account_id == w.people["leader"].id)
        .values(ended_at=clock.now())
    ),
}


@pytest.mark.parametrize("change", FOREIGN_CHANGES)
def test_a_teacher_changes_nothing_of_others(stage: Stage, change: str) -> None:
    without_effect(stage.as_("teacher"), FOREIGN_CHANGES[change](stage.world))


@pytest.mark.parametrize("role", ["parent", "child"])
@pytest.mark.parametrize(
    "change",
    [
        update(Student).values(given_name="Mine"),
        update(Enrollment).values(balance=1000),
        update(Classroom).values(name="Mine"),
    ],
    ids=["student", "enrollment", "classroom"],
)
def test_a_family_changes_nothing_even_of_its_own(stage: Stage, role: str, change: Any) -> None:
    without_effect(stage.as_(role), change)


NOBODYS = {
    "a point's value": update(PointEntry).values(value=1000),
    "a point": delete(PointEntry),
    "an award": delete(PointAward),
    "who awarded": update(PointAward).values(awarded_by=1),
    "an Action": delete(Action),
    "an entry of the trail": delete(AuditEntry),
    "a detail of the trail": delete(AuditDetail),
    "an entry's verb": update(AuditEntry).values(verb="nothing"),
    "a student": delete(Student),
    "a class": delete(Classroom),
    "a class's school": update(Classroom).values(school_id=1),
    "an enrollment's class": update(Enrollment).values(classroom_id=1),
    "one's being founder": update(Account).values(founder=True),
    "a membership": update(Membership).values(role="leader"),
    "a teaching role": update(TeachingRole).values(role="owner"),
    "whose a guardian's link is": update(GuardianLink).values(account_id=1),
    "the child of a guardian's link": update(GuardianLink).values(student_id=1),
    "a guardian's link": delete(GuardianLink),
    "whom an invitation is for": update(GuardianInvitation).values(student_id=1),
    "the code of a letter": update(GuardianInvitation).values(code_digest=b"mine"),
    "who opened a record": update(StudentView).values(viewer_id=1),
    "that a record was opened": delete(StudentView),
    "where a grant is from": update(Membership).values(origin="mine"),
    "a session's length": update(AccountSession).values(expires_at=clock.now()),
    "one's own suspension": delete(Suspension),
    "an account's status": update(Account).values(status="active"),
    "since when a place is suspended": update(Membership).values(suspended_at=None),
    "a reset": update(FactorReset).values(state="done"),
    "what was reported": update(Report).values(said="Nothing"),
    "that something was reported": delete(Report),
    "what an event was": update(SecurityEvent).values(kind="not_me"),
    "a school": update(School).values(name="Mine"),
    "the mark of the keyring": delete(Installation),
}


@pytest.mark.parametrize("role", ["leader", "teacher", "child", "founder", "nobody"])
@pytest.mark.parametrize("change", NOBODYS)
def test_the_web_has_no_right_to_change(stage: Stage, role: str, change: str) -> None:
    refused(stage.as_(role), NOBODYS[change])


@pytest.mark.parametrize(
    "change",
    [
        update(PointEntry).values(value=1000),
        delete(AuditEntry),
        update(AuditEntry).values(verb="x"),
        update(AuditDetail).values(nonce=b"x"),
        update(AuditDetail).values(nonce=None, redacted=True),
        delete(Installation),
    ],
    ids=[
        "points",
        "delete the trail",
        "change the trail",
        "change what a detail answers to",
        "have it answer to nothing",
        "the mark",
    ],
)
def test_not_even_the_system_rewrites_history(stage: Stage, change: Executable) -> None:
    refused(SYSTEM, change)


@pytest.mark.parametrize("column", [AccountPassword.password_hash, AccountSession.token_digest])
def test_a_leader_reads_no_ones_secrets(stage: Stage, column: Any) -> None:
    with transaction(stage.as_("leader")) as tx:
        owners = tx.scalars(select(column.class_.account_id)).all()
    assert set(owners) == {stage.world.people["leader"].id}


# -- numbers that are another school's


@pytest.mark.parametrize("kind", ["class", "student"])
def test_no_row_takes_the_number_of_another_schools(stage: Stage, kind: str) -> None:
    """The policies compare numbers alone: a class of one's own under a foreign number would open that one."""
    world = stage.world
    foreign = world.foreign_class
    taken: Executable = {
        "class": insert(Classroom).values(
            school_id=world.home.id,
            id=foreign.id,
            public_id=new_public_id(),
            name="Mine",
            door="open",
            shared_devices=False,
            created_at=clock.now(),
        ),
        "student": new_student(world.home.id).values(id=foreign.children[0].id),
    }[kind]
    with pytest.raises(DBAPIError) as raised, transaction(stage.as_("teacher")) as tx:
        tx.execute(taken)
    assert getattr(raised.value.orig, "sqlstate", None) == "23505"


# -- what is new


def test_a_class_whose_teachers_are_gone_is_nobodys_to_take(stage: Stage) -> None:
    world, who = stage.world, stage.as_("teacher")
    with transaction(SYSTEM) as tx:
        orphan = factory._class(tx, world.home, "Orphaned Oxen", world.people["colleague"], "Ophelia Orphan")
        tx.execute(delete(TeachingRole).where(TeachingRole.classroom_id == orphan.id))
    stage.classes[orphan.id], stage.children[orphan.children[0].id] = "Orphaned", "Ophelia"
    role = teaching(world, orphan.id, who.account_id)
    code = insert(ClassroomCode).values(
        id=900_001,
        school_id=world.home.id,
        classroom_id=orphan.id,
        code="KNOWN",
        code_index=b"known too",
        issued_at=clock.now(),
        issued_by=who.account_id,
    )
    refused(who, role)
    refused(who, code)
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Classroom).where(Classroom.id == orphan.id))
        tx.execute(delete(Student).where(Student.id == orphan.children[0].id))


def test_a_student_without_a_class_is_nobodys_to_take(stage: Stage) -> None:
    world = stage.world
    with transaction(SYSTEM) as tx:
        tx.execute(new_student(world.home.id).values(id=900_002))
    taken = enrolled(world, school=world.home.id, classroom=world.own_class.id, student=900_002)
    refused(stage.as_("teacher"), taken)
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Student).where(Student.id == 900_002))


def test_what_a_transaction_made_is_new_within_a_savepoint_too(stage: Stage) -> None:
    world = stage.world
    with transaction(stage.as_("teacher")) as tx:
        with tx.begin_nested():
            tx.execute(new_student(world.home.id).values(id=900_003))
        tx.execute(enrolled(world, school=world.home.id, classroom=world.own_class.id, student=900_003))
        tx.rollback()


# -- in whose name


def teaching(world: World, classroom: int, account: int | None) -> Any:
    return insert(TeachingRole).values(
        school_id=world.home.id, classroom_id=classroom, account_id=account, role="co_teacher"
    )


@pytest.mark.parametrize("role", ["teacher", "leader"])
@pytest.mark.parametrize("stranger", ["elsewhere", "outsider", "founder", "parent"])
def test_nobody_makes_a_stranger_a_colleague(stage: Stage, role: str, stranger: str) -> None:
    """Else the stranger's name would be shown, as a colleague's is."""
    world = stage.world
    refused(stage.as_(role), teaching(world, world.own_class.id, world.people[stranger].id))


def test_a_colleague_of_the_school_can_be_made_one_of_the_class(stage: Stage) -> None:
    world = stage.world
    with transaction(stage.as_("teacher")) as tx:
        tx.execute(teaching(world, world.own_class.id, world.people["colleague"].id))
        tx.rollback()


@pytest.mark.parametrize("giver", ["leader", None])
def test_points_are_given_in_ones_own_name(stage: Stage, giver: str | None) -> None:
    world = stage.world
    with transaction(SYSTEM) as tx:
        action = tx.scalar(select(Action.id).where(Action.classroom_id == world.own_class.id))
    award = insert(PointEntry).values(
        id=900_001,
        school_id=world.home.id,
        classroom_id=world.own_class.id,
        student_id=world.own_class.children[0].id,
        action_id=action,
        value=1,
        awarded_at=clock.now(),
    )
    refused(stage.as_("teacher"), award.values(awarded_by=world.people[giver].id if giver else None))
    with transaction(stage.as_("teacher")) as tx:
        tx.execute(award.values(awarded_by=world.people["teacher"].id))
        tx.rollback()


# -- what never comes back


def test_an_epoch_never_falls(stage: Stage) -> None:
    """Else sessions that a new password ended would live again."""
    who = stage.as_("teacher")
    for whom in (who, SYSTEM):
        refused(whom, update(Account).where(Account.id == who.account_id).values(security_epoch=0))


@pytest.mark.parametrize("role", ["teacher", "child"])
def test_a_session_that_ended_stays_ended(stage: Stage, role: str) -> None:
    who = stage.world.sign_in("teacher") if role == "teacher" else stage._as("child")
    table: Any = AccountSession if role == "teacher" else StudentSession
    with transaction(SYSTEM) as tx:
        tx.execute(update(table).where(table.id == who.session_id).values(ended_at=clock.now()))
    revived = update(table).where(table.id == who.session_id).values(ended_at=None)
    refused(SYSTEM, revived)
    refused(stage.as_("teacher"), revived)


def test_a_code_that_ended_stays_ended(stage: Stage) -> None:
    revived = update(ClassroomCode).where(ClassroomCode.ended_at.is_not(None)).values(ended_at=None)
    refused(stage.as_("outsider"), revived)


@pytest.mark.parametrize("table", [AccountSession, StudentSession], ids=lambda table: table.__tablename__)
def test_nobody_moves_the_idle_time_by_hand(stage: Stage, table: Any) -> None:
    refused(stage.as_("teacher"), update(table).values(last_seen_at=clock.now()))


# -- the trail


def entry(number: int, **values: Any) -> Any:
    return insert(AuditEntry).values(
        {
            "id": number,
            "public_id": new_public_id(),
            "at": clock.now(),
            "school_id": None,
            "verb": "test",
            "actor_kind": "account",
            "commitment": b"x",
            **values,
        }
    )


def detail(number: int, school: int | None, at: datetime) -> Any:
    return insert(AuditDetail).values(
        entry_id=number, at=at, school_id=school, nonce=b"x", detail={}, redacted=False
    )


FORGED: dict[str, tuple[str, Callable[[World], dict[str, Any]]]] = {
    "nobody as an account": ("nobody", lambda _w: {}),
    "nobody as the system": ("nobody", lambda _w: {"actor_kind": "system"}),
    "nobody in a school": ("nobody", lambda w: {"actor_kind": "nobody", "school_id": w.home.id}),
    "a teacher as the system": ("teacher", lambda _w: {"actor_kind": "system"}),
    "a teacher as nobody": ("teacher", lambda _w: {"actor_kind": "nobody"}),
    "a teacher as a student": ("teacher", lambda _w: {"actor_kind": "student"}),
    "a teacher in another school": ("teacher", lambda w: {"school_id": w.outside.id}),
    "a leader in another school": ("leader", lambda w: {"school_id": w.outside.id}),
    "a parent in another school": ("parent", lambda w: {"school_id": w.outside.id}),
    "a child in another school": (
        "child",
        lambda w: {"actor_kind": "student", "school_id": w.elsewhere.id},
    ),
    "years ago": ("teacher", lambda _w: {"at": datetime(2001, 1, 1, tzinfo=UTC)}),
    "in the future": ("teacher", lambda _w: {"at": clock.now() + timedelta(days=2)}),
}


@pytest.mark.parametrize("forgery", FORGED)
def test_the_web_forges_no_entry_of_the_trail(stage: Stage, forgery: str) -> None:
    role, values = FORGED[forgery]
    refused(stage.as_(role), entry(900_000, **values(stage.world)))


@pytest.mark.parametrize(
    ("role", "kind", "at_home"),
    [
        ("teacher", "account", True),
        ("leader", "account", True),
        ("founder", "account", True),
        ("parent", "account", True),
        ("child", "student", True),
        ("nobody", "nobody", False),
    ],
)
def test_everybody_writes_what_they_did(stage: Stage, role: str, kind: str, at_home: bool) -> None:
    school, who, now = stage.world.home.id if at_home else None, stage.as_(role), clock.now()
    with transaction(who) as tx:
        tx.execute(entry(900_000, actor_kind=kind, school_id=school, at=now))
        tx.execute(detail(900_000, school, now))
        tx.rollback()


def test_a_detail_belongs_to_an_entry_just_made_to_its_school_and_its_moment(stage: Stage) -> None:
    """Else it would go with another day than its entry's: at once, or never."""
    world, who = stage.world, stage.as_("leader")
    now, home = clock.now(), stage.world.home.id
    with transaction(SYSTEM) as tx:
        tx.execute(entry(900_010, actor_kind="system", school_id=home, at=now))
    refused(who, detail(900_010, home, now))
    of_another = [(None, now), (world.elsewhere.id, now), (home, now + timedelta(days=9))]
    for school, at in of_another:
        with pytest.raises(DBAPIError) as raised, transaction(who) as tx:
            tx.execute(entry(900_011, school_id=home, at=now))
            tx.execute(detail(900_011, school, at))
        assert getattr(raised.value.orig, "sqlstate", None) == REFUSED


# -- numbers of schools


def test_who_teaches_at_one_school_and_leads_another_counts_the_other_only(stage: Stage) -> None:
    world = stage.world
    with transaction(SYSTEM) as tx:
        tx.execute(
            insert(Membership).values(
                account_id=world.people["elsewhere"].id,
                school_id=world.home.id,
                role="leader",
                created_at=clock.now(),
            )
        )
    with transaction(world.sign_in("elsewhere")) as tx:
        counted = {stage.schools[row.school_id] for row in functions.school_counts(tx, schools=stage.numbers)}
    with transaction(SYSTEM) as tx:
        account = world.people["elsewhere"].id
        tx.execute(delete(Membership).where(Membership.account_id == account, Membership.role == "leader"))
    assert counted == {"Home"}


# -- a code and who came in with it


def test_whoever_came_in_with_a_code_goes_out_with_it(stage: Stage) -> None:
    world = stage.world
    room = world.colleague_class
    child = world.student(room, room.children[0])
    other = world.student(world.own_class, world.own_class.children[0])
    renew_code(principal=stage.as_("colleague"), classroom=room.public_id)
    with pytest.raises(SessionEnded), transaction(child) as tx:
        tx.connection()
    with transaction(other) as tx:
        assert tx.principal.student_id == world.own_class.children[0].id
