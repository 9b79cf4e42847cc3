"""Who may bring an export back, what is to be said for it, and that it comes in whole and once."""

import threading
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Nobody, Principal, SessionEnded
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.entitlements import Entitlement, LimitReached
from backoffice.privacy.erasure.models import ErasureMark
from backoffice.privacy.holdings import Subject
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.schools.models import Classroom, Door, Enrollment, PointEntry, School, Student, TeachingRole
from backoffice.storage import about
from plugins.exports.back import services, writing
from plugins.exports.back.services import Doubts, ToBeSaid
from plugins.exports.back.taken import KINDS
from plugins.exports.content import Scope
from plugins.exports.models import Intake
from tests.factories import world as factory
from tests.factories.commands import Run
from tests.factories.plans import plan
from tests.factories.world import SYSTEM, World
from tests.plugins.exports.back.places import Place, archive_of, bring_in, counts_of, empty
from tests.plugins.exports.content.conftest import Scopes, opened

NOTHING = dict.fromkeys(KINDS, 0)


@pytest.fixture
def packed(scopes: Scopes) -> bytes:
    """The export of the own class."""
    return opened(scopes["classroom"]).packed


@pytest.fixture
def erased(world: World) -> bytes:
    """The export of a class of which the ledger has it that it was erased, with a child of it."""
    room = world.colleague_class
    marks = [about.erased("classroom", room.public_id), about.erased("student", room.children[0].public_id)]
    with transaction(SYSTEM) as tx:
        for mark in marks:
            of = {"kind": "classroom", "erasure": "aaaaaaaaaaaaaaaa", "noted_at": clock.now()}
            tx.execute(insert(ErasureMark).values(mark=mark, **of))
    return opened(Scope(Subject.CLASSROOM, room.id, room.public_id)).packed


def doubts_of(packed: bytes, into: Place) -> Doubts:
    with archive_of(packed) as archive:
        return services.preview(principal=into.who, school=into.public_id, archive=archive).doubts


def test_a_preview_says_what_comes_and_changes_nothing(world: World, packed: bytes) -> None:
    into = empty(world)
    with archive_of(packed) as archive:
        looked = services.preview(principal=into.who, school=into.public_id, archive=archive)
    assert looked.counts == {
        "classrooms": 1,
        "students": 2,
        "custom-fields": 0,
        "enrollments": 2,
        "actions": 1,
        "point-awards": 1,
        "student-values": 0,
        "classroom-values": 0,
        "point-entries": 2,
    }
    assert {"classroom-codes", "guardian-links", "teaching-roles"} <= {*looked.without}
    assert not looked.doubts
    assert counts_of(into) == NOTHING


def test_points_stand_as_given_by_whoever_brings_them(world: World, packed: bytes) -> None:
    into = empty(world, "colleague")
    bring_in(packed, into)
    with transaction(SYSTEM) as tx:
        by = set(tx.scalars(select(PointEntry.awarded_by).where(PointEntry.school_id == into.id)))
    assert by == {world.people["colleague"].id}


def test_doors_come_in_closed(world: World) -> None:
    room, into = world.own_class, empty(world)
    far = {"door": Door.UNTIL, "door_until": datetime(9999, 12, 31, tzinfo=UTC)}
    with transaction(SYSTEM) as tx:
        tx.execute(update(Classroom).where(Classroom.id == room.id).values(**far))
    bring_in(opened(Scope(Subject.CLASSROOM, room.id, room.public_id)).packed, into)
    with transaction(SYSTEM) as tx:
        made = tx.scalars(select(Classroom).where(Classroom.school_id == into.id)).one()
        assert (made.door, made.door_until) == (Door.CLOSED, None)


def test_it_is_noted_without_a_name(world: World, packed: bytes) -> None:
    into = empty(world)
    bring_in(packed, into)
    with transaction(SYSTEM) as tx:
        entry = tx.scalars(
            select(AuditEntry).where(AuditEntry.school_id == into.id, AuditEntry.verb == "exports.import")
        ).one()
        detail = tx.scalars(select(AuditDetail).where(AuditDetail.entry_id == entry.id)).one().detail
        room = tx.scalars(select(Classroom.id).where(Classroom.school_id == into.id)).one()
    assert detail is not None
    assert detail["classrooms"] == [room]
    assert (detail["count"], detail["rows"], detail["anew"], detail["erased"]) == (2, 9, False, 0)
    assert world.own_class.name not in str(detail)


@pytest.mark.parametrize(
    "role", ["helper", "co_teacher", "parent", "founder", "officer", "outsider", "elsewhere", "colleague"]
)
def test_only_who_makes_classes_in_that_school(world: World, packed: bytes, role: str) -> None:
    into = empty(world)
    with pytest.raises(NotFound):
        bring_in(packed, into, who=world.sign_in(role))
    with archive_of(packed) as archive, pytest.raises(NotFound):
        services.preview(principal=world.sign_in(role), school=into.public_id, archive=archive)
    assert counts_of(into) == NOTHING


def test_nobody_and_a_child_bring_in_nothing(world: World, packed: bytes) -> None:
    into = empty(world)
    child = world.student(world.own_class, world.own_class.children[0])
    for who in (Principal(Nobody()), child):
        with pytest.raises((NotFound, SessionEnded, DBAPIError)):
            bring_in(packed, into, who=who)
    assert counts_of(into) == NOTHING


def test_a_school_that_there_is_not(world: World, packed: bytes) -> None:
    for public_id in ("x" * 16, "", world.own_class.public_id):
        with archive_of(packed) as archive, pytest.raises(NotFound):
            services.bring_in(
                principal=world.sign_in("teacher"), school=public_id, archive=archive, form=str(uuid4())
            )


def test_what_was_erased_comes_only_if_that_is_said(world: World, erased: bytes) -> None:
    packed, into = erased, empty(world)
    assert doubts_of(packed, into) == Doubts(erased=2)
    with pytest.raises(ToBeSaid) as asked:
        bring_in(packed, into)
    assert counts_of(into) == NOTHING
    said = " ".join(asked.value.doubts.sentences)
    assert "deleted here" in said
    assert world.colleague_class.name not in said
    bring_in(packed, into, anew=True)
    assert counts_of(into)["classrooms"] == 1
    # A replay of the ledger, which goes by these identifiers, finds none of what is new.
    with transaction(SYSTEM) as tx:
        named = [
            *(about.erased("classroom", each) for each in tx.scalars(_ids(Classroom, into))),
            *(about.erased("student", each) for each in tx.scalars(_ids(Student, into))),
        ]
        assert tx.scalars(select(ErasureMark.mark).where(ErasureMark.mark.in_(named))).all() == []
        detail = tx.scalars(
            select(AuditDetail)
            .join(AuditEntry, AuditEntry.id == AuditDetail.entry_id)
            .where(AuditEntry.school_id == into.id, AuditEntry.verb == "exports.import")
        ).one()
    assert detail.detail is not None
    assert (detail.detail["anew"], detail.detail["erased"]) == (True, 2)


def _ids(model: type[Classroom] | type[Student], into: Place) -> Select[str]:
    return select(model.public_id).where(model.school_id == into.id)


def test_the_same_file_twice_is_said(world: World, packed: bytes) -> None:
    into, other = empty(world), empty(world)
    once = bring_in(packed, into)
    with pytest.raises(ToBeSaid) as asked:
        bring_in(packed, into)
    assert asked.value.doubts.before
    # A colleague who works there is told as well, and in another school it is the first time.
    bring_in(packed, other)
    bring_in(packed, into, anew=True)
    assert counts_of(into) == {kind: 2 * number for kind, number in once.items()}


def test_what_is_still_here_is_said(world: World, scopes: Scopes, packed: bytes) -> None:
    del scopes
    home = Place(world.home.id, world.home.public_id, world.sign_in("teacher"))
    assert doubts_of(packed, home).here == 3
    # Of what others teach it is not said that it is there.
    theirs = Place(world.home.id, world.home.public_id, world.sign_in("colleague"))
    assert doubts_of(packed, theirs).here == 0


def test_a_page_that_is_sent_twice_brings_in_once(world: World, packed: bytes) -> None:
    into, form = empty(world), str(uuid4())
    once = bring_in(packed, into, form=form)
    with pytest.raises(Rejected):
        bring_in(packed, into, form=form, anew=True)
    assert counts_of(into) == once


def test_two_clicks_at_once_bring_in_once(world: World, packed: bytes) -> None:
    into, form = empty(world), str(uuid4())
    came: list[object] = []

    def click() -> None:
        try:
            came.append(bring_in(packed, into, form=form, anew=True))
        except Rejected as rejected:
            came.append(rejected)

    threads = [threading.Thread(target=click) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sum(isinstance(each, dict) for each in came) == 1
    assert counts_of(into)["classrooms"] == 1


@pytest.mark.parametrize("at", ["_rooms", "_award", "_entries", "_archive"])
def test_stopped_in_the_middle_nothing_is_there(
    world: World, packed: bytes, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    into = empty(world)

    def stop(*_arguments: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(writing.Writing, at, stop)
        bring_in(packed, into)
    assert counts_of(into) == NOTHING
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(func.count()).select_from(Intake).where(Intake.school_id == into.id)) == 0
    bring_in(packed, into)


def test_the_database_alone_lets_nobody_note_it_elsewhere_or_for_others(world: World) -> None:
    now = clock.now()
    teacher, colleague = world.people["teacher"].id, world.people["colleague"].id
    wrong = ((world.outside.id, teacher), (world.home.id, colleague), (world.home.id, None))
    for school, by in wrong:
        row = {"school_id": school, "taken_by": by, "mark": uuid4(), "form": str(uuid4()), "taken_at": now}
        with pytest.raises(DBAPIError), transaction(world.sign_in("teacher")) as tx:
            tx.execute(insert(Intake).values(**row))
    with pytest.raises(DBAPIError), transaction(world.sign_in("teacher")) as tx:
        tx.execute(delete(Intake))


def test_a_command_brings_in_and_says_how_much(world: World, run: Run, packed: bytes, tmp_path: Path) -> None:
    into, path = empty(world), tmp_path / "class.zip"
    path.write_bytes(packed)
    done = run("exports", "import", str(path), "--school", into.public_id)
    assert (done.code, done.out) == (0, "13 rows came in.\n")
    again = run("exports", "import", str(path), "--school", into.public_id, "--json")
    assert (again.code, again.out) == (2, "")
    assert "--create-anew" in again.err
    anew = run("exports", "import", str(path), "--school", into.public_id, "--json", "--create-anew")
    assert (anew.code, '"rows": 11' in anew.out) == (0, True)
    # The fields were there by then.
    assert counts_of(into)["students"] == 4
    with transaction(SYSTEM) as tx:
        by = set(tx.scalars(select(PointEntry.awarded_by).where(PointEntry.school_id == into.id)))
        owners = tx.scalars(select(TeachingRole).where(TeachingRole.school_id == into.id)).all()
    assert (by, owners) == ({None}, [])


def test_a_command_says_what_is_wrong(world: World, run: Run, packed: bytes, tmp_path: Path) -> None:
    into, path = empty(world), tmp_path / "class.zip"
    path.write_bytes(packed[:-100])
    for file, school in ((path, into.public_id), (tmp_path / "none.zip", into.public_id)):
        done = run("exports", "import", str(file), "--school", school)
        assert (done.code, done.out) == (2, "")
        assert done.err.endswith(".\n")
    path.write_bytes(packed)
    assert run("exports", "import", str(path), "--school", "x" * 16).code == 2
    assert run("exports", "import", str(path)).code == 2
    assert counts_of(into) == NOTHING


def test_in_a_personal_school_it_belongs_to_its_own_teacher(
    world: World, run: Run, packed: bytes, tmp_path: Path
) -> None:
    into, path = empty(world), tmp_path / "class.zip"
    with transaction(SYSTEM) as tx:
        factory.make_personal(tx, into.id, world.people["teacher"])
    path.write_bytes(packed)
    assert run("exports", "import", str(path), "--school", into.public_id).code == 0
    with transaction(world.sign_in("teacher")) as tx:
        assert tx.scalars(select(Classroom.name).where(Classroom.school_id == into.id)).all() == [
            world.own_class.name
        ]
        seats = select(func.count()).select_from(Enrollment).where(Enrollment.school_id == into.id)
        assert tx.scalar(seats) == 2


def test_a_whole_school_by_a_teacher_has_no_class_of_another_school(world: World, scopes: Scopes) -> None:
    before = opened(scopes["school"])
    into = empty(world)
    bring_in(before.packed, into, anew=True)
    with transaction(SYSTEM) as tx:
        schools = set(tx.scalars(select(School.public_id).where(School.id == into.id)))
    after = opened(Scope(Subject.SCHOOL, into.id, into.public_id))
    for kind in KINDS:
        assert {row["school"] for row in after.rows(kind)} <= schools


@pytest.mark.parametrize(("what", "holds"), [(Entitlement.CLASSES, 0), (Entitlement.STUDENTS, 1)])
def test_what_the_plan_has_no_room_for_stays_out_whole(
    world: World, runtime: Runtime, packed: bytes, what: Entitlement, holds: int
) -> None:
    into = empty(world)
    with plan(runtime, {what: holds}):
        with archive_of(packed) as archive:
            looked = services.preview(principal=into.who, school=into.public_id, archive=archive)
        assert len(looked.full) == 1
        with pytest.raises(LimitReached):
            bring_in(packed, into)
    assert not any(counts_of(into).values())
