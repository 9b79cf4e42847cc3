"""Several students of one school, chosen together: one question, one confirmation, one receipt."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Principal, Purpose
from backoffice.access.selection import OTHERS_FIT, Fitting
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.privacy.erasure import asking, erasing, receipts, services
from backoffice.privacy.erasure.asking import ask_to_erase_students, confirm_erasure, leave_erasure, look
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.ledger import LedgerFile
from backoffice.privacy.erasure.models import AskedAs, Erasure, ErasureMark, Stage
from backoffice.privacy.erasure.replaying import replay
from backoffice.privacy.holdings import Subject
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.schools.models import Enrollment, Student, TeachingRole
from backoffice.storage import functions
from backoffice.students.models import StudentSession
from tests.contract.snapshot import Snapshots, snapshots
from tests.factories.world import SYSTEM, Child, World, add_child
from tests.privacy.holds.conftest import proven

WHO = Purpose("test-several")


@pytest.fixture
def eraser(runtime: Runtime, tmp_path: Path) -> Eraser:
    made = eraser_of(runtime, WHO)
    return Eraser(WHO, made.tables, made.installed, LedgerFile(tmp_path), made.backups_kept)


@pytest.fixture(scope="module")
def chosen(world: World) -> list[Child]:
    """Three of a class of four; the first has points, sign-ins and a parent."""
    with transaction(SYSTEM) as tx:
        added = [add_child(tx, world.own_class, f"Chosen{n}", "Together") for n in range(3)]
    return [world.own_class.children[0], *added[:2]]


@pytest.fixture(autouse=True)
def backup(runtime: Runtime, chosen: list[Child]) -> Iterator[Snapshots]:
    del chosen
    with snapshots(runtime) as taken:
        taken.keep()
        yield taken
        taken.settle()


def row(public_id: str) -> Erasure:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(Erasure).where(Erasure.public_id == public_id)).one()


def ids(children: list[Child]) -> list[str]:
    return [each.public_id for each in children]


def there(children: list[Child]) -> int:
    with transaction(SYSTEM) as tx:
        found = select(func.count()).where(Student.id.in_([each.id for each in children]))
        return tx.scalar(found) or 0


def looked_at(eraser: Eraser, who: Principal, children: list[Child]) -> str:
    asked = ask_to_erase_students(principal=who, students=ids(children))
    assert look(eraser, number=row(asked).id)
    return asked


def test_from_the_question_to_one_receipt(world: World, eraser: Eraser, chosen: list[Child]) -> None:
    teacher = proven(world, "teacher")
    with transaction(SYSTEM) as tx:
        noted = select(func.count()).where(AuditEntry.verb.startswith("erasures."))
        before = tx.scalar(noted) or 0
    asked = looked_at(eraser, teacher, chosen)
    seen = row(asked)
    assert (seen.subject_id, seen.chosen, seen.subjects) == (None, sorted(each.id for each in chosen), 3)
    assert seen.found is not None
    assert (seen.found["subjects"], seen.found["title"]) == ({"student": 3}, "")
    assert seen.found["rows"]["app.enrollment"] == 3
    assert seen.found["classes"] == [world.own_class.name]
    confirm_erasure(principal=teacher, erasure=asked, typed=" 3 ")
    assert there(chosen) == 3
    assert eraser.carry_out(row(asked).id) is Stage.VERIFIED
    done = row(asked)
    assert (done.found, done.plan, done.chosen, done.subjects) == (None, None, None, 3)
    assert done.receipt is not None
    told = receipts.read(done.receipt)
    assert (told["subject"], told["subjects"], told["rows"]["app.student"]) == ("student", {"student": 3}, 3)
    assert (there(chosen), there(world.own_class.children)) == (0, len(world.own_class.children) - 1)
    with transaction(SYSTEM) as tx:
        marks = select(func.count()).where(ErasureMark.erasure == done.public_id)
        # Asked, confirmed, verified: once for all of them.
        assert (tx.scalar(marks), tx.scalar(noted)) == (told["marks"], before + 3)


def test_one_alone_is_asked_for_by_name(world: World, eraser: Eraser, chosen: list[Child]) -> None:
    asked = looked_at(eraser, world.sign_in("teacher"), chosen[1:2])
    found = row(asked)
    assert (found.subject_id, found.chosen, found.subjects) == (chosen[1].id, None, 1)
    assert found.found is not None
    assert found.found["title"] == "Chosen0 Together"


@pytest.mark.parametrize("typed", ["", "2", "4", "three", "Chosen0 Together", "3 3"])
def test_another_number_confirms_nothing(
    world: World, eraser: Eraser, chosen: list[Child], typed: str
) -> None:
    teacher = proven(world, "teacher")
    asked = looked_at(eraser, teacher, chosen)
    with pytest.raises(Rejected, match="Type 3 to confirm"):
        confirm_erasure(principal=teacher, erasure=asked, typed=typed)
    assert row(asked).stage == Stage.PREVIEWED


def test_of_whom_somebody_may_not_erase_nothing_is_asked(world: World, chosen: list[Child]) -> None:
    both = [*chosen[:2], world.colleague_class.children[0]]
    asked = ask_to_erase_students(principal=world.sign_in("teacher"), students=ids(both))
    assert row(asked).chosen == sorted(each.id for each in chosen[:2])
    for role in ("co_teacher", "helper", "colleague", "elsewhere", "outsider", "founder", "parent"):
        with pytest.raises(NotFound):
            ask_to_erase_students(principal=world.sign_in(role), students=ids(chosen))
    with pytest.raises(NotFound):
        ask_to_erase_students(principal=world.sign_in("teacher"), students=["0000000000000000"])


def test_they_are_of_one_school(world: World, eraser: Eraser, chosen: list[Child]) -> None:
    others = [*chosen, world.elsewhere_class.children[0]]
    with pytest.raises(Rejected, match="one school at a time"):
        services.erase_students(eraser=eraser, public_ids=ids(others), asked_as=AskedAs.COMMAND)
    with pytest.raises(Rejected, match="one school at a time"):
        services.outlook_of_students(eraser=eraser, public_ids=ids(others))
    leader = world.sign_in("leader")
    assert {world.home.id, world.elsewhere.id} <= set(leader.led_schools)
    with pytest.raises(Rejected, match="one school at a time"):
        ask_to_erase_students(principal=leader, students=ids(others))


def test_others_than_were_shown_are_not_asked_for(world: World, chosen: list[Child]) -> None:
    shown = Fitting(lambda _tx, rows: rows, 500, "0" * 64)
    with pytest.raises(Rejected, match=str(OTHERS_FIT)):
        ask_to_erase_students(principal=world.sign_in("teacher"), students=shown)


def test_what_was_shown_of_whoever_goes_meanwhile_lapses(
    world: World, eraser: Eraser, chosen: list[Child]
) -> None:
    """It would name them for an hour."""
    leader = proven(world, "leader")
    previews = [looked_at(eraser, leader, chosen), looked_at(eraser, leader, chosen[:1])]
    stays = looked_at(eraser, leader, chosen[1:])
    services.erase(
        eraser=eraser, subject=Subject.STUDENT, public_id=chosen[0].public_id, asked_as=AskedAs.COMMAND
    )
    for each in previews:
        assert (row(each).stage, row(each).found) == (Stage.LAPSED, None)
        with pytest.raises(Rejected, match="no longer be confirmed"):
            confirm_erasure(principal=leader, erasure=each, typed="3")
    assert row(stays).stage == Stage.PREVIEWED


def test_whoever_lost_one_of_them_meanwhile_confirms_nothing(
    world: World, eraser: Eraser, chosen: list[Child]
) -> None:
    teacher = proven(world, "teacher")
    asked = looked_at(eraser, teacher, chosen[1:])
    with transaction(SYSTEM) as tx:
        own = (TeachingRole.classroom_id == world.own_class.id, TeachingRole.account_id == teacher.account_id)
        tx.execute(update(TeachingRole).where(*own).values(role="helper"))
    with pytest.raises(Rejected, match="no longer be confirmed"):
        confirm_erasure(principal=proven(world, "teacher"), erasure=asked, typed="2")


def test_nobody_is_erased_twice(world: World, eraser: Eraser, chosen: list[Child]) -> None:
    teacher = proven(world, "teacher")
    first, second = looked_at(eraser, teacher, chosen), looked_at(eraser, teacher, chosen[1:])
    alone = looked_at(eraser, teacher, chosen[:1])
    confirm_erasure(principal=teacher, erasure=first, typed="3")
    for other, typed in ((second, "2"), (alone, "Wilhelmina Quartermaine")):
        with pytest.raises(Rejected, match="erased already"):
            confirm_erasure(principal=teacher, erasure=other, typed=typed)
    with transaction(SYSTEM) as tx:
        going = select(func.app.being_erased("student", Student.id)).where(Student.id == chosen[1].id)
        assert tx.scalar(going)
    for by_hand in (
        lambda: services.erase(
            eraser=eraser, subject=Subject.STUDENT, public_id=chosen[0].public_id, asked_as=AskedAs.COMMAND
        ),
        lambda: services.erase_students(eraser=eraser, public_ids=ids(chosen[1:]), asked_as=AskedAs.COMMAND),
        lambda: ask_to_erase_students(principal=teacher, students=ids(chosen)),
    ):
        with pytest.raises(Rejected, match="erased already"):
            by_hand()
    # Of some, the others are asked for.
    free = world.own_class.children[1]
    more = ask_to_erase_students(principal=teacher, students=ids([*chosen, free]))
    assert (row(more).subject_id, row(more).chosen) == (free.id, None)
    eraser.carry_out(row(first).id)
    with pytest.raises(Rejected, match="no longer be confirmed"):
        confirm_erasure(principal=teacher, erasure=second, typed="2")


def test_whoever_is_gone_when_it_begins_is_not_on_the_receipt(
    world: World, eraser: Eraser, chosen: list[Child]
) -> None:
    teacher = proven(world, "teacher")
    asked = looked_at(eraser, teacher, chosen)
    confirm_erasure(principal=teacher, erasure=asked, typed="3")
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Student).where(Student.id == chosen[0].id))
    assert eraser.carry_out(row(asked).id) is Stage.VERIFIED
    done = row(asked)
    assert done.receipt is not None
    assert (done.subjects, receipts.read(done.receipt)["subjects"]) == (2, {"student": 2})


def test_nobody_gets_in_from_the_confirmation_on(world: World, eraser: Eraser, chosen: list[Child]) -> None:
    teacher = proven(world, "teacher")
    left = world.own_class.children[1]
    for each in (*chosen, left):
        world.student_session(world.own_class, each)
    asked = looked_at(eraser, teacher, chosen)
    confirm_erasure(principal=teacher, erasure=asked, typed="3")
    with transaction(SYSTEM) as tx:
        open_ones = select(StudentSession.student_id).where(StudentSession.ended_at.is_(None))
        inside = set(tx.scalars(open_ones))
    assert inside.isdisjoint(each.id for each in chosen)
    assert left.id in inside


def test_left_as_they_are_nobody_is_named(world: World, eraser: Eraser, chosen: list[Child]) -> None:
    teacher = world.sign_in("teacher")
    asked, late = (looked_at(eraser, teacher, chosen) for _ in range(2))
    leave_erasure(principal=teacher, erasure=asked)
    with transaction(SYSTEM) as tx:
        ago = clock.now() - 2 * asking.WAITS
        tx.execute(update(Erasure).where(Erasure.public_id == late).values(asked_at=ago))
    asking.forget_unconfirmed(WHO)
    for each in (asked, late):
        ended = row(each)
        assert (ended.stage, ended.chosen, ended.found, ended.subjects) == (Stage.LAPSED, None, None, 3)
    assert there(chosen) == 3


def test_a_restore_brings_none_of_them_back(
    world: World, eraser: Eraser, chosen: list[Child], backup: Snapshots
) -> None:
    done = services.erase_students(eraser=eraser, public_ids=ids(chosen), asked_as=AskedAs.COMMAND)
    assert done.receipt is not None
    backup.settle()
    assert there(chosen) == 3
    assert replay(eraser)["receipts"] == 1
    assert there(chosen) == 0
    back = row(done.public_id)
    assert (back.receipt, back.subjects, back.stage) == (done.receipt, 3, Stage.VERIFIED)


def test_in_steps_it_ends_the_same(
    world: World, eraser: Eraser, chosen: list[Child], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "FEW", 1)
    small = Eraser(
        WHO, eraser.tables, eraser.installed, eraser.ledger, eraser.backups_kept, large=1, at_once=1
    )
    done = services.erase_students(eraser=small, public_ids=ids(chosen), asked_as=AskedAs.COMMAND)
    assert done.receipt is not None
    told = receipts.read(done.receipt)
    assert (told["method"], told["left"], there(chosen)) == (receipts.IN_STEPS, 0, 0)


def test_they_are_not_merged_while_they_go(world: World, eraser: Eraser, chosen: list[Child]) -> None:
    teacher = proven(world, "teacher")
    asked = looked_at(eraser, teacher, chosen)
    confirm_erasure(principal=teacher, erasure=asked, typed="3")
    with transaction(teacher) as tx:
        answer = functions.merge_students(
            tx,
            school_id=world.home.id,
            keeper=chosen[1].id,
            merged=world.own_class.children[1].id,
            at=clock.now(),
            mark=uuid4(),
        )
    assert answer == "being erased"


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        {"chosen": []},
        {"chosen": [1, 1], "subjects": 3},
        {"subject": "classroom"},
        {"subject_id": 1},
        {"school_id": None},
        {"chosen": [1, None]},
        {"stage": "lapsed"},
    ],
)
def test_the_database_takes_no_other_choice(world: World, wrong: dict[str, object] | None) -> None:
    values = {
        "public_id": "several222222222",
        "subject": "student",
        "chosen": [1, 2],
        "subjects": 2,
        "school_id": world.home.id,
        "stage": "looking",
        "asked_as": "leader",
        "asked_at": clock.now(),
    }
    refused = pytest.raises(IntegrityError) if wrong else nullcontext()
    with refused, transaction(SYSTEM) as tx:
        tx.execute(insert(Erasure).values(**{**values, **(wrong or {})}))


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("role", ["teacher", "leader"])
def test_the_database_lets_nobody_choose_somebody_elses(
    world: World, role: str, own: bool, chosen: list[Child]
) -> None:
    """Whatever the application says: a child of another class, or of another school."""
    who = world.sign_in(role)
    other = world.colleague_class if role == "teacher" else world.elsewhere_class
    second = chosen[1] if own else other.children[0]
    refused = pytest.raises(ProgrammingError, match="row-level security")
    with nullcontext() if own else refused, transaction(who) as tx:
        tx.execute(
            text(
                "insert into app.erasure (public_id, subject, chosen, subjects, school_id, stage, asked_by,"
                " asked_as, asked_at) values ('several333333333', 'student', :chosen, 2, :school, 'looking',"
                " :me, :role, now())"
            ),
            {
                "chosen": [chosen[0].id, second.id],
                "school": world.home.id,
                "me": who.account_id,
                "role": role,
            },
        )


def test_their_other_classes_are_named(world: World, eraser: Eraser, chosen: list[Child]) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(
            insert(Enrollment).values(
                school_id=world.home.id,
                classroom_id=world.colleague_class.id,
                student_id=chosen[2].id,
                avatar="fox",
                balance=0,
                joined_at=clock.now(),
            )
        )
    found = row(looked_at(eraser, world.sign_in("leader"), chosen)).found
    assert found is not None
    assert set(found["classes"]) == {world.own_class.name, world.colleague_class.name}
