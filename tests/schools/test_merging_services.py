"""Two students become one: everything of the second is the first's, and nobody merges what is not theirs."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.orm import DeclarativeBase

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Principal, SessionEnded
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.families.models import GuardianInvitation, GuardianLink, GuardianStatus, StudentView
from backoffice.families.requests.models import GuardianRequest, RequestKind
from backoffice.fields.models import CustomField, FieldSubject, StudentValue
from backoffice.privacy.erasure.models import AskedAs, Erasure, MergedMark, Stage
from backoffice.privacy.holdings import Subject
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.schools.award_models import Whom
from backoffice.schools.models import (
    Action,
    Classroom,
    Enrollment,
    PointEntry,
    Student,
    TeachingRole,
    TeachingRoleName,
)
from backoffice.schools.roster_models import RosterChange
from backoffice.schools.services import archiving, classrooms, merging, points, rosters
from backoffice.schools.services.merging import (
    BEING_ERASED,
    COLLEAGUES,
    GREW_OLD,
    ITSELF,
    OTHER_SCHOOL,
    REQUESTS_WAIT,
)
from backoffice.storage import about, functions
from backoffice.storage.public_id import new_public_id
from backoffice.storage.roles import DatabaseRole
from backoffice.students.cards.models import StudentCard
from backoffice.students.models import StudentSession
from backoffice.students.pins.models import OverrideKind, PinOverride
from backoffice.students.worries.models import Worry
from plugins.exports.models import Export, ExportState
from plugins.notifications.models import Incident
from plugins.notifications.scope.models import AffectedPerson, ScopeSource
from plugins.rosters.models import StudentSource, Unseated
from tests.factories.world import (
    SYSTEM,
    Child,
    Class,
    World,
    family_invitation,
    family_letter,
    field_value,
    guardian_request,
    worry,
)

# Whatever points at a student or at its place in a class. A table that joins them says in
# app.merge_students what becomes of its rows, and is looked at below.
FOLLOW: dict[type[DeclarativeBase], str] = {
    Enrollment: "by class",
    PointEntry: "all",
    StudentSession: "all, over",
    StudentCard: "all, void",
    Worry: "all",
    PinOverride: "all",
    StudentView: "all",
    GuardianLink: "once",
    GuardianInvitation: "all",
    GuardianRequest: "all",
    StudentSource: "once",
    Unseated: "all",
    MergedMark: "all, and its own",
    StudentValue: "once",
    Export: "all",
    AffectedPerson: "all",
    ScopeSource: "all",
}


@pytest.fixture
def teacher(world: World) -> Principal:
    return world.sign_in("teacher")


def two_classes(world: World, teacher: Principal) -> tuple[Class, Class]:
    """Two classes of the teacher's with the same child in each, once as Ada and once as Adeline."""
    made = []
    for name, child in (("Merge Moles", "Ada Lovelace"), ("Merge Mice", "Adeline Lovelace")):
        room = classrooms.create_classroom(principal=teacher, school=world.home.public_id, name=name)
        rosters.add_students(principal=teacher, classroom=room, text=child, answers={1: rosters.ANOTHER})
        with transaction(SYSTEM) as tx:
            row = tx.scalars(select(Classroom).where(Classroom.public_id == room)).one()
            student = tx.scalars(
                select(Student)
                .join(Enrollment, Enrollment.student_id == Student.id)
                .where(Enrollment.classroom_id == row.id)
            ).one()
        made.append(
            Class(
                row.id,
                row.public_id,
                row.school_id,
                row.name,
                "",
                [Child(student.id, student.public_id, student.given_name, student.family_name)],
            )
        )
    return made[0], made[1]


def erase(*children: Child) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Student).where(Student.id.in_([each.id for each in children])))


@pytest.fixture
def pair(world: World, teacher: Principal) -> Iterator[tuple[Class, Class]]:
    """The two classes; afterwards the children are gone."""
    first, second = two_classes(world, teacher)
    yield first, second
    erase(*first.children, *second.children)


def merge(who: Principal, keeper: str, merged: str) -> None:
    seen = merging.preview_merge(principal=who, keeper=keeper, merged=merged).seen
    merging.merge_students(principal=who, keeper=keeper, merged=merged, seen=seen)


def add(entity: type[DeclarativeBase], **values: Any) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(insert(entity).values(**values))


def of(entity: Any, student: int) -> list[Any]:
    with transaction(SYSTEM) as tx:
        return list(tx.scalars(select(entity).where(entity.student_id == student)))


def award(teacher: Principal, room: Class) -> None:
    """Two points for the child of the class, by the teacher."""
    with transaction(SYSTEM) as tx:
        action = new_public_id()
        tx.execute(
            insert(Action).values(
                school_id=room.school_id,
                classroom_id=room.id,
                public_id=action,
                label="Helped",
                value=2,
                created_at=clock.now(),
            )
        )
    points.award_points(
        principal=teacher,
        classroom=room.public_id,
        action=action,
        whom=Whom.CHOSEN,
        students=[room.children[0].public_id],
        form=str(uuid4()),
    )


def filled(world: World, teacher: Principal, room: Class) -> None:
    """A row of every table that follows a student, for the child of a class."""
    child, here = room.children[0], {"school_id": room.school_id, "classroom_id": room.id}
    own = {"school_id": room.school_id, "student_id": child.id}
    person = world.people["teacher"].id
    award(teacher, room)
    add(StudentCard, **here, student_id=child.id, secret_digest=uuid4().bytes, issued_at=clock.now())
    with transaction(SYSTEM) as tx:
        card = tx.scalar(select(StudentCard.id).where(StudentCard.student_id == child.id))
    add(
        StudentSession,
        **here,
        student_id=child.id,
        token_id=uuid4(),
        card_id=card,
        started_at=clock.now(),
        last_seen_at=clock.now(),
        idle_minutes=20,
        expires_at=clock.now().replace(year=2099),
    )
    add(
        PinOverride,
        **here,
        student_id=child.id,
        kind=OverrideKind.CLEARED,
        made_by=person,
        made_at=clock.now(),
    )
    add(StudentView, **own, viewer_id=person, role="teacher", at=clock.now())
    add(StudentSource, **own, source_digest=uuid4(), content_digest=uuid4())
    add(Unseated, **own, classroom_id=room.id)
    asked = {"subject": Subject.STUDENT, "for_family": False, "workbooks": False, "locked": False}
    made = {"asked_at": clock.now(), "state": ExportState.QUEUED, "done": 0, "downloads": 0, "gone_on": 0}
    add(Export, **own, asked_by=person, **asked, **made)
    add(MergedMark, **own, mark=uuid4(), number=child.id)
    with transaction(SYSTEM) as tx:
        incident = tx.scalar(select(Incident.id).limit(1))
    add(AffectedPerson, **own, incident_id=incident, kind="student", added_at=clock.now())
    named = {"kind": "export", "extent": "student", "written_at": clock.now()}
    times = {"from_at": clock.now() - timedelta(hours=1), "until_at": clock.now()}
    add(ScopeSource, **own, **named, **times, incident_id=incident, public_id=new_public_id())
    with transaction(SYSTEM) as tx:
        worry(tx, room)
        of_students = CustomField.subject == FieldSubject.STUDENT
        bus = tx.scalars(
            select(CustomField).where(CustomField.school_id == room.school_id, of_students)
        ).one()
        field_value(tx, bus, child, f"Bus of {child.given}")
        family_letter(tx, world.people["teacher"], world.home, child)


def follow(world: World, role: str, child: Child, status: GuardianStatus) -> None:
    add(
        GuardianLink,
        school_id=world.home.id,
        student_id=child.id,
        public_id=new_public_id(),
        account_id=world.people[role].id,
        name=f"{role} of {child.given}",
        status=status,
        created_at=clock.now(),
    )


def test_every_table_below_a_student_is_thought_of(world: World) -> None:
    del world
    with transaction(SYSTEM) as tx:
        tables = set(
            tx.scalars(
                text(
                    "select n.nspname || '.' || t.relname from pg_constraint c"
                    " join pg_class t on t.oid = c.conrelid join pg_namespace n on n.oid = t.relnamespace"
                    " where c.contype = 'f'"
                    " and c.confrelid in ('app.student'::regclass, 'app.enrollment'::regclass)"
                )
            )
        )
    known = {f"{each.__table__.schema}.{each.__tablename__}" for each in FOLLOW}
    # What undoing a change needs is forgotten with it; what the one was called before goes with the child.
    assert tables == known | {"app.roster_change_student", "app.student_change"}


def test_everything_of_the_one_is_the_others(
    world: World, teacher: Principal, pair: tuple[Class, Class]
) -> None:
    first, second = pair
    stays, goes = first.children[0], second.children[0]
    for room in pair:
        filled(world, teacher, room)
    follow(world, "parent", stays, GuardianStatus.WAITING)
    follow(world, "parent", goes, GuardianStatus.APPROVED)
    follow(world, "foreign_parent", goes, GuardianStatus.WAITING)
    with transaction(SYSTEM) as tx:
        guardian_request(tx, world.people["parent"], second)
        for child in (stays, goes):
            family_invitation(tx, world.people["teacher"], world.home, child)
        tx.execute(
            update(GuardianInvitation)
            .where(
                GuardianInvitation.email.is_not(None), GuardianInvitation.student_id.in_([stays.id, goes.id])
            )
            .values(email_index=b"the same mailbox")
        )
        tx.execute(update(Student).where(Student.id == goes.id).values(username_digest="ab" * 16))
    before = {entity: (len(of(entity, stays.id)), len(of(entity, goes.id))) for entity in FOLLOW}
    assert all(sum(counts) > 0 for counts in before.values()), before
    looked = merging.preview_merge(principal=teacher, keeper=stays.public_id, merged=goes.public_id)
    assert (looked.keeper.points, looked.merged.points, looked.merged.cards) == (2, 2, 1)
    assert (looked.merged.parents, looked.merged.waiting, looked.merged.inside) == (
        ("parent of Adeline",),
        1,
        1,
    )

    merge(teacher, stays.public_id, goes.public_id)

    for entity, how in FOLLOW.items():
        assert of(entity, goes.id) == [], entity
        expected = sum(before[entity]) + {"once": -1, "all, and its own": 1}.get(how, 0)
        assert len(of(entity, stays.id)) == expected, entity
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(func.count()).where(Student.id == goes.id)) == 0
        kept = tx.get_one(Student, (world.home.id, stays.id))
        assert (kept.given_name, kept.username_digest) == ("Ada", "ab" * 16)
        noted = tx.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert noted is not None
        assert noted.verb == "students.merge"
        assert (
            tx.scalar(select(func.count()).where(RosterChange.classroom_id.in_([first.id, second.id]))) == 0
        )
    places = {each.classroom_id: each.balance for each in of(Enrollment, stays.id)}
    assert places == {first.id: 2, second.id: 2}
    # The first's card and session go on; the second's are over.
    assert sorted(each.voided_at is None for each in of(StudentCard, stays.id)) == [False, True]
    assert sorted(each.ended_at is None for each in of(StudentSession, stays.id)) == [False, True]
    links = {each.account_id: each.status for each in of(GuardianLink, stays.id)}
    assert links[world.people["parent"].id] == GuardianStatus.APPROVED
    open_mails = [
        each for each in of(GuardianInvitation, stays.id) if each.code is None and each.withdrawn_at is None
    ]
    assert len(open_mails) == 1


def test_a_link_that_was_ended_does_not_come_back_by_the_other_child(
    world: World, teacher: Principal, pair: tuple[Class, Class]
) -> None:
    first, second = pair
    stays, goes = first.children[0], second.children[0]
    follow(world, "parent", stays, GuardianStatus.REVOKED)
    follow(world, "parent", goes, GuardianStatus.APPROVED)
    follow(world, "foreign_parent", stays, GuardianStatus.APPROVED)
    follow(world, "foreign_parent", goes, GuardianStatus.REFUSED)
    looked = merging.preview_merge(principal=teacher, keeper=stays.public_id, merged=goes.public_id)
    assert (looked.keeper.ended, looked.merged.ended) == (1, 1)
    merge(teacher, stays.public_id, goes.public_id)
    links = {each.account_id: each.status for each in of(GuardianLink, stays.id)}
    assert links == {
        world.people["parent"].id: GuardianStatus.REVOKED,
        world.people["foreign_parent"].id: GuardianStatus.REFUSED,
    }


def test_in_a_class_of_both_points_are_added_and_the_first_ones_picture_stays(
    world: World, teacher: Principal, pair: tuple[Class, Class]
) -> None:
    first, second = pair
    stays, goes = first.children[0], second.children[0]
    for child, alias, balance in ((stays, "Captain", 3), (goes, "Pilot", 4)):
        with transaction(SYSTEM) as tx:
            tx.execute(
                insert(Enrollment).values(
                    school_id=world.home.id,
                    classroom_id=world.own_class.id,
                    student_id=child.id,
                    alias=alias,
                    avatar=f"owl-{'sky' if child is stays else 'rose'}",
                    balance=balance,
                    joined_at=clock.now(),
                    # Who came back under another name is there.
                    ended_at=clock.now() if child is stays else None,
                )
            )
    # The roster's next import finds the one by what it knew the other by.
    add(
        StudentSource,
        school_id=world.home.id,
        student_id=goes.id,
        source_digest=uuid4(),
        content_digest=uuid4(),
    )
    looked = merging.preview_merge(principal=teacher, keeper=stays.public_id, merged=goes.public_id)
    assert looked.common == (world.own_class.name,)
    merge(teacher, stays.public_id, goes.public_id)
    (place,) = [each for each in of(Enrollment, stays.id) if each.classroom_id == world.own_class.id]
    assert (place.alias, place.avatar, place.balance, place.ended_at) == ("Captain", "owl-sky", 7, None)
    assert len(of(StudentSource, stays.id)) == 1


@pytest.fixture
def notes(runtime: Runtime, world: World) -> Iterator[Callable[[str], list[tuple[int, str]]]]:
    """A plugin's table with several rows for a student, of which no two say the same."""
    with runtime.database.engine(DatabaseRole.OWNER).begin() as owner:
        owner.exec_driver_sql("create schema plugin_dodo")
        owner.exec_driver_sql(
            "create table plugin_dodo.note (school bigint, pupil bigint, says text, unique (pupil, says),"
            " foreign key (school, pupil) references app.student (school_id, id) on delete cascade)"
        )

    def run(statement: str) -> list[tuple[int, str]]:
        with runtime.database.engine(DatabaseRole.OWNER).begin() as owner:
            result = owner.exec_driver_sql(statement)
            return [(row[0], row[1]) for row in result] if result.returns_rows else []

    yield run
    run("drop schema plugin_dodo cascade")
    assert world is not None


def test_of_what_a_plugin_keeps_only_what_is_there_already_stays_behind(
    world: World,
    teacher: Principal,
    pair: tuple[Class, Class],
    notes: Callable[[str], list[tuple[int, str]]],
) -> None:
    stays, goes = (room.children[0] for room in pair)
    rows = [(stays, "swims"), (goes, "swims"), (goes, "reads"), (goes, "sings")]
    values = ", ".join(f"({world.home.id}, {child.id}, '{says}')" for child, says in rows)
    notes(f"insert into plugin_dodo.note values {values}")
    looked = merging.preview_merge(principal=teacher, keeper=stays.public_id, merged=goes.public_id)
    assert looked.stays == (("dodo", 1),)
    # Only looked at so far; and to whom the two are not, nothing is told.
    kept = "select pupil, says from plugin_dodo.note order by pupil, says"
    assert len(notes(kept)) == 4
    with transaction(world.sign_in("colleague")) as tx:
        told = functions.plugin_rows_that_stay(tx, school_id=world.home.id, keeper=stays.id, merged=goes.id)
        assert told == []
    merge(teacher, stays.public_id, goes.public_id)
    assert notes(kept) == [(stays.id, "reads"), (stays.id, "sings"), (stays.id, "swims")]


def test_what_has_changed_since_is_looked_at_again(
    world: World, teacher: Principal, pair: tuple[Class, Class]
) -> None:
    del world
    stays, goes = (room.children[0].public_id for room in pair)
    seen = merging.preview_merge(principal=teacher, keeper=stays, merged=goes).seen
    award(teacher, pair[1])
    with pytest.raises(Rejected, match=GREW_OLD[:20]):
        merging.merge_students(principal=teacher, keeper=stays, merged=goes, seen=seen)
    assert of(Enrollment, pair[1].children[0].id)


@pytest.mark.parametrize("subject", [Subject.STUDENT, Subject.CLASSROOM, Subject.SCHOOL])
@pytest.mark.parametrize("side", [0, 1])
def test_what_is_being_erased_is_not_merged(
    world: World, teacher: Principal, pair: tuple[Class, Class], subject: Subject, side: int
) -> None:
    room = pair[side]
    number = {
        Subject.STUDENT: room.children[0].id,
        Subject.CLASSROOM: room.id,
        Subject.SCHOOL: room.school_id,
    }[subject]
    add(
        Erasure,
        public_id=new_public_id(),
        subject=subject,
        subject_id=number,
        school_id=room.school_id,
        stage=Stage.NOTED,
        asked_as=AskedAs.COMMAND,
        asked_at=clock.now(),
    )
    try:
        with pytest.raises(Rejected, match=BEING_ERASED[:30]):
            merge(teacher, *(each.children[0].public_id for each in pair))
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(delete(Erasure))


def test_whoever_was_merged_is_known_by_a_mark_that_moves_on(
    world: World, teacher: Principal, pair: tuple[Class, Class]
) -> None:
    first, second = (room.children[0] for room in pair)
    third, other = two_classes(world, teacher)
    try:
        last = third.children[0]
        merge(teacher, first.public_id, second.public_id)
        merge(teacher, last.public_id, first.public_id)
        known = {(each.mark, each.number) for each in of(MergedMark, last.id)}
        assert known == {(about.erased("student", each.public_id), each.id) for each in (first, second)}
    finally:
        erase(*third.children, *other.children)


def test_requests_of_one_parent_about_both_are_answered_first(
    world: World, teacher: Principal, pair: tuple[Class, Class]
) -> None:
    for room in pair:
        add(
            GuardianRequest,
            public_id=new_public_id(),
            school_id=room.school_id,
            student_id=room.children[0].id,
            account_id=world.people["parent"].id,
            kind=RequestKind.CORRECT,
            asked_at=clock.now(),
        )
    with pytest.raises(Rejected, match=REQUESTS_WAIT[:30]):
        merge(teacher, *(room.children[0].public_id for room in pair))


def test_only_whose_words_reach_both_merges_them(
    world: World, teacher: Principal, pair: tuple[Class, Class]
) -> None:
    first, second = pair
    stays, goes = first.children[0].public_id, second.children[0].public_id
    with pytest.raises(Rejected, match=ITSELF[:20]):
        merge(teacher, stays, stays)
    colleagues_child = world.colleague_class.children[0].public_id
    mates = [each.public_id for each in world.own_class.children]
    turned_away: list[tuple[Principal, str, str]] = [
        (teacher, stays, colleagues_child),
        (world.sign_in("colleague"), stays, goes),
        (world.sign_in("co_teacher"), mates[0], mates[1]),
        (world.sign_in("helper"), mates[0], mates[1]),
        (world.sign_in("outsider"), stays, goes),
    ]
    for who, one, other in turned_away:
        with pytest.raises(NotFound):
            merge(who, one, other)
    # The district's leader reaches two schools, and keeps them apart all the same.
    leader = world.sign_in("leader")
    with pytest.raises(Rejected, match=OTHER_SCHOOL[:20]):
        merge(leader, stays, world.elsewhere_class.children[0].public_id)
    # In a colleague's class as well: the leader's business, until that class is archived.
    here = {"school_id": world.home.id, "classroom_id": world.colleague_class.id}
    add(
        Enrollment,
        **here,
        student_id=second.children[0].id,
        avatar="owl-sky",
        balance=0,
        joined_at=clock.now(),
    )
    with pytest.raises(Rejected, match=COLLEAGUES[:30]):
        merge(teacher, stays, goes)
    with transaction(teacher) as tx:
        refused = functions.merge_students(
            tx,
            school_id=world.home.id,
            keeper=first.children[0].id,
            merged=second.children[0].id,
            at=clock.now(),
            mark=uuid4(),
        )
        assert refused == "not theirs"
    merge(leader, stays, goes)


def test_the_database_itself_merges_nothing_across_schools(world: World) -> None:
    with transaction(world.sign_in("leader")) as tx:
        refused = functions.merge_students(
            tx,
            school_id=world.home.id,
            keeper=world.own_class.children[0].id,
            merged=world.elsewhere_class.children[0].id,
            at=clock.now(),
            mark=uuid4(),
        )
    assert refused == "not theirs"


def test_who_taught_an_archived_class_keeps_its_points(
    world: World, teacher: Principal, pair: tuple[Class, Class]
) -> None:
    first, second = pair
    award(teacher, second)
    with transaction(SYSTEM) as tx:
        tx.execute(
            update(TeachingRole)
            .where(TeachingRole.classroom_id == second.id)
            .values(account_id=world.people["colleague"].id)
        )
        tx.execute(
            insert(Enrollment).values(
                school_id=world.home.id,
                classroom_id=first.id,
                student_id=second.children[0].id,
                avatar="owl-sky",
                balance=0,
                joined_at=clock.now(),
            )
        )
    archiving.archive_classroom(principal=world.sign_in("colleague"), classroom=second.public_id)
    merge(teacher, first.children[0].public_id, second.children[0].public_id)
    assert {each.classroom_id: each.balance for each in of(Enrollment, first.children[0].id)} == {
        first.id: 0,
        second.id: 2,
    }


def test_whoever_is_in_as_the_second_is_out(
    world: World, teacher: Principal, pair: tuple[Class, Class]
) -> None:
    del pair
    own = world.own_class
    with transaction(SYSTEM) as tx:
        tx.execute(
            insert(TeachingRole).values(
                school_id=world.home.id,
                classroom_id=world.colleague_class.id,
                account_id=world.people["teacher"].id,
                role=TeachingRoleName.OWNER,
            )
        )
    child = world.student(world.colleague_class, world.colleague_class.children[1])
    merge(world.sign_in("teacher"), own.children[1].public_id, world.colleague_class.children[1].public_id)
    with pytest.raises(SessionEnded), transaction(child) as tx:
        tx.connection()


def test_candidates_have_names_like_it_and_are_found_by_name(
    world: World, teacher: Principal, pair: tuple[Class, Class]
) -> None:
    first, second = pair
    ada = first.children[0].public_id
    rosters.add_students(
        principal=teacher,
        classroom=second.public_id,
        text="Ada Lovelace\nGrace Hopper",
        answers={1: rosters.ANOTHER},
    )
    alike = merging.candidates(principal=teacher, student=ada)
    assert [(each.name, each.classes) for each in alike][:1] == [("Ada Lovelace", (second.name,))]
    assert "Grace Hopper" not in {each.name for each in alike}
    assert [each.name for each in merging.candidates(principal=teacher, student=ada, search="gra hop")] == [
        "Grace Hopper"
    ]
    with pytest.raises(NotFound):
        merging.candidates(principal=world.sign_in("colleague"), student=ada)
