"""What is held stays whoever wants it erased, and goes by itself when the last hold is over."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account, AccountSession, AccountStatus
from backoffice.audit.models import AuditEntry
from backoffice.families.models import GuardianLink
from backoffice.privacy.erasure import ledger, receipts, replaying
from backoffice.privacy.erasure.asking import (
    ask_to_erase,
    ask_to_erase_students,
    confirm_erasure,
    look,
)
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.ledger import Line
from backoffice.privacy.erasure.models import AskedAs, Erasure, Stage
from backoffice.privacy.erasure.own_account import erase_own_account
from backoffice.privacy.erasure.services import begin, erase_students, outlook
from backoffice.privacy.holdings import Subject
from backoffice.privacy.holds import services, waiting
from backoffice.privacy.holds.models import HoldState, LegalHold
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.schools.models import Classroom, Enrollment, School, Student, TeachingRole
from backoffice.schools.services import merging
from backoffice.schools.services.changes import undo_last_change
from backoffice.schools.services.rosters import add_students
from backoffice.storage import functions
from backoffice.storage.roles import DatabaseRole
from backoffice.students.models import StudentSession
from tests.accounts.alone import alone
from tests.accounts.post import mailed
from tests.contract.snapshot import snapshots
from tests.factories.world import SYSTEM, World, add_child
from tests.privacy.holds.conftest import (
    WHO,
    Founders,
    Hold,
    erasure_of,
    propose,
    proven,
    release,
    row_of,
)

Named = Callable[[World], tuple[Subject, str]]


def child(world: World) -> tuple[Subject, str]:
    return Subject.STUDENT, world.own_class.children[0].public_id


def classroom(world: World) -> tuple[Subject, str]:
    return Subject.CLASSROOM, world.own_class.public_id


def teacher(world: World) -> tuple[Subject, str]:
    return Subject.ACCOUNT, world.people["teacher"].public_id


def parent(world: World) -> tuple[Subject, str]:
    return Subject.ACCOUNT, world.people["parent"].public_id


def school(world: World) -> tuple[Subject, str]:
    return Subject.SCHOOL, world.home.public_id


def district(world: World) -> tuple[Subject, str]:
    return Subject.DISTRICT, world.district


def other_child(world: World) -> tuple[Subject, str]:
    return Subject.STUDENT, world.own_class.children[1].public_id


def other_class(world: World) -> tuple[Subject, str]:
    return Subject.CLASSROOM, world.colleague_class.public_id


def other_school(world: World) -> tuple[Subject, str]:
    return Subject.SCHOOL, world.outside.public_id


WHOLES = [child, classroom, school, district]
KEPT = [(each, each) for each in (*WHOLES, teacher)] + [
    # What contains it waits whole, and so does what is in it.
    *((small, large) for index, small in enumerate(WHOLES) for large in WHOLES[index + 1 :]),
    *((large, small) for index, small in enumerate(WHOLES) for large in WHOLES[index + 1 :]),
    # Their link to the child goes with either.
    (child, parent),
    (parent, child),
    (teacher, school),
    (classroom, teacher),
]
FREE = [
    (child, other_child),
    (child, other_class),
    (child, other_school),
    (child, teacher),
    (other_class, classroom),
    (parent, other_child),
    (school, other_school),
]


def begun(eraser: Eraser, named: tuple[Subject, str]) -> int:
    return begin(eraser=eraser, subject=named[0], public_id=named[1], asked_as=AskedAs.COMMAND)


def is_there(model: type[Any], number: int) -> bool:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(model.id).where(model.id == number)) is not None


@pytest.mark.parametrize(("kept", "wanted"), KEPT, ids=lambda named: named.__name__)
def test_what_takes_something_held_along_waits(
    world: World, eraser: Eraser, held: Hold, kept: Named, wanted: Named
) -> None:
    held(*kept(world))
    assert outlook(eraser=eraser, subject=wanted(world)[0], public_id=wanted(world)[1]).kept
    number = begun(eraser, wanted(world))
    assert eraser.carry_out(number) is Stage.HELD
    assert waiting.resume(WHO) == 0
    assert erasure_of(number).stage == Stage.HELD
    assert not eraser.ledger.is_there
    for each in (*world.own_class.children, *world.colleague_class.children):
        assert is_there(Student, each.id)
    assert is_there(School, world.home.id)
    assert is_there(Account, world.people["teacher"].id)


@pytest.mark.parametrize(("kept", "wanted"), FREE, ids=lambda named: named.__name__)
def test_what_has_nothing_to_do_with_it_is_erased(
    world: World, eraser: Eraser, held: Hold, kept: Named, wanted: Named
) -> None:
    held(*kept(world))
    assert not outlook(eraser=eraser, subject=wanted(world)[0], public_id=wanted(world)[1]).kept
    assert eraser.carry_out(begun(eraser, wanted(world))) is Stage.VERIFIED


def test_released_it_goes_by_itself_and_the_receipt_says_how_long(
    world: World, eraser: Eraser, founders: Founders, held: Hold
) -> None:
    hold = held(*child(world))
    number = begun(eraser, classroom(world))
    eraser.carry_out(number)
    before = erasure_of(number)
    release(founders, hold)
    with transaction(SYSTEM) as tx:
        assert services.GO_ON in tx.scalars(text("select job from app.job_run")).all()
    assert waiting.resume(WHO) == 1
    assert eraser.carry_out(number) is Stage.VERIFIED
    done = erasure_of(number)
    assert done.receipt is not None
    times = receipts.read(done.receipt)["times"]
    assert before.held_at is not None
    assert times["held"] == before.held_at.isoformat(timespec="milliseconds")
    assert times["held"] <= times["freed"] <= times["noted"]
    # What the hold named is gone with it, and that there was one stays.
    over = row_of(hold)
    assert (over.state, over.subject_id, over.outside, over.reason) == (HoldState.RELEASED, None, None, None)
    with transaction(SYSTEM) as tx:
        waited = AuditEntry.verb.in_(["erasures.wait", "erasures.go-on"])
        told = tx.execute(select(AuditEntry.verb, AuditEntry.school_id).where(waited)).all()
    # In no school: its leaders learn of no hold by the trail.
    assert set(told) == {("erasures.wait", None), ("erasures.go-on", None)}


def test_of_several_holds_the_last_one_lets_go(
    world: World, eraser: Eraser, founders: Founders, held: Hold
) -> None:
    holds = [held(*child(world)), held(*child(world)), held(*school(world))]
    number = begun(eraser, child(world))
    eraser.carry_out(number)
    for hold in holds[:-1]:
        release(founders, hold)
        assert waiting.resume(WHO) == 0
    release(founders, holds[-1])
    assert waiting.resume(WHO) == 1
    assert eraser.carry_out(number) is Stage.VERIFIED


def test_a_proposal_holds_and_one_that_lapsed_does_not(
    world: World, eraser: Eraser, founders: Founders, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = propose(founders[0], *child(world))
    number = begun(eraser, child(world))
    assert eraser.carry_out(number) is Stage.HELD
    later = row_of(hold).proposed_at + services.SUSPENDS
    monkeypatch.setattr(clock, "now", lambda: later)
    assert waiting.resume(WHO) == 0
    services.let_lapse(WHO)
    assert waiting.resume(WHO) == 1
    assert eraser.carry_out(number) is Stage.VERIFIED


def test_a_hold_stops_what_is_in_the_ledger_and_not_yet_gone(
    world: World, eraser: Eraser, founders: Founders, held: Hold
) -> None:
    number = begun(eraser, classroom(world))
    for _ in range(2):  # the plan, and the ledger
        with transaction(WHO) as tx:
            eraser._note(tx, tx.get_one(Erasure, number))
    assert erasure_of(number).stage == Stage.NOTED
    hold = held(*child(world))
    assert eraser.carry_out(number) is Stage.HELD
    assert is_there(Student, world.own_class.children[0].id)
    release(founders, hold)
    assert waiting.resume(WHO) == 1
    assert eraser.carry_out(number) is Stage.VERIFIED


def test_while_something_is_being_erased_nobody_proposes_a_hold_that_it_defeats(
    world: World, eraser: Eraser, founders: Founders
) -> None:
    """The hold waits for the erasure's transaction, and then finds that there is nothing to hold."""
    number = begun(eraser, child(world))
    for _ in range(2):
        with transaction(WHO) as tx:
            eraser._note(tx, tx.get_one(Erasure, number))
    answers: list[object] = []

    def try_it() -> None:
        try:
            answers.append(propose(founders[0], *child(world)))
        except Rejected as rejected:
            answers.append(rejected)

    with transaction(WHO) as tx:
        eraser._erase(tx, tx.get_one(Erasure, number))
        proposing = threading.Thread(target=try_it)
        proposing.start()
        proposing.join(timeout=1)
        assert answers == []
    proposing.join(timeout=20)
    assert isinstance(answers[0], Rejected)


def test_what_a_restore_brought_back_waits_too(
    world: World, eraser: Eraser, founders: Founders, runtime: Runtime
) -> None:
    """A second snapshot: the founders are in it."""
    with snapshots(runtime) as taken:
        taken.keep()
        eraser.carry_out(begun(eraser, classroom(world)))
        taken.settle()
    hold = propose(founders[0], *child(world))
    services.confirm_hold(principal=founders[1], hold=hold)
    replaying.replay(eraser)
    assert is_there(Student, world.own_class.children[0].id)
    release(founders, hold)
    assert waiting.resume(WHO) == 1
    replaying.replay(eraser)
    assert not is_there(Student, world.own_class.children[0].id)


def test_nobody_gets_in_to_what_was_to_go(world: World, eraser: Eraser, held: Hold) -> None:
    held(*child(world))
    begun_at = clock.now() - timedelta(seconds=1)
    session = world.student(world.own_class, world.own_class.children[0])
    number = begun(eraser, child(world))
    eraser.carry_out(number)
    with transaction(SYSTEM) as tx:
        place = tx.scalars(
            select(Enrollment).where(Enrollment.student_id == world.own_class.children[0].id)
        ).one()
        assert place.ended_at is not None
        assert place.ended_at > begun_at
        ended = tx.scalar(
            text("select ended_at from app.student_session where id = :id"), {"id": session.session_id}
        )
        assert ended is not None
    with transaction(WHO) as tx:
        tx.execute(delete(Erasure).where(Erasure.id == number))


def test_a_class_that_waits_is_archived_and_takes_the_same_children_later(
    world: World, eraser: Eraser, founders: Founders, held: Hold
) -> None:
    hold = held(*child(world))
    number = begun(eraser, classroom(world))
    eraser.carry_out(number)
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(Classroom.archived_at).where(Classroom.id == world.own_class.id)) is not None
    release(founders, hold)
    waiting.resume(WHO)
    eraser.carry_out(number)
    assert not any(is_there(Student, each.id) for each in world.own_class.children)


def test_an_own_account_is_closed_and_its_owner_told(eraser: Eraser, held: Hold, world: World) -> None:
    del world
    who = alone()
    with transaction(SYSTEM) as tx:
        mine = tx.get_one(Account, who.account_id)
        tx.execute(
            update(AccountSession).where(AccountSession.id == who.session_id).values(proven_at=clock.now())
        )
    held(Subject.ACCOUNT, mine.public_id)
    number = erase_own_account(principal=who, typed=mine.email)
    with transaction(SYSTEM) as tx:
        of = tx.scalars(select(Erasure.id).where(Erasure.public_id == number)).one()
    assert eraser.carry_out(of) is Stage.HELD
    with transaction(SYSTEM) as tx:
        assert tx.get_one(Account, who.account_id).status == AccountStatus.DEACTIVATED
    assert any("kept for now" in each and number in each for each in mailed(mine.email))


def test_the_preview_says_so_and_no_reason(world: World, eraser: Eraser, held: Hold) -> None:
    held(*child(world))
    who = proven(world, "teacher")
    asked = ask_to_erase(principal=who, subject=Subject.CLASSROOM, public_id=world.own_class.public_id)
    with transaction(SYSTEM) as tx:
        number = tx.scalars(select(Erasure.id).where(Erasure.public_id == asked)).one()
    look(eraser, number=number)
    found = erasure_of(number).found
    assert found is not None
    assert found["kept"] is True
    assert "court" not in str(found)
    confirm_erasure(principal=who, erasure=asked, typed=found["title"])
    assert eraser.carry_out(number) is Stage.HELD


@pytest.mark.parametrize("kept", [child, classroom, school, district])
def test_students_of_whom_one_is_held_are_not_merged(world: World, held: Hold, kept: Named) -> None:
    held(*kept(world))
    leader = world.sign_in("leader")
    keeper, merged = (each.public_id for each in world.own_class.children)
    seen = merging.preview_merge(principal=leader, keeper=keeper, merged=merged).seen
    with pytest.raises(Rejected, match="obligation"):
        merging.merge_students(principal=leader, keeper=keeper, merged=merged, seen=seen)


@pytest.mark.parametrize(
    ("kept", "table"),
    [
        (child, "student"),
        (classroom, "classroom"),
        (school, "student"),
        (school, "school"),
        (district, "classroom"),
        (district, "school"),
        (teacher, "account"),
    ],
)
def test_as_the_last_resort_the_database_refuses(
    world: World, runtime: Runtime, held: Hold, kept: Named, table: str
) -> None:
    held(*kept(world))
    numbers = {
        "student": world.own_class.children[0].id,
        "classroom": world.own_class.id,
        "school": world.home.id,
        "district": world.district_id,
        "account": world.people["teacher"].id,
    }
    with runtime.database.engine(DatabaseRole.OWNER).connect() as connection:
        with pytest.raises(IntegrityError, match="legal hold"):
            connection.execute(text(f"delete from app.{table} where id = :id"), {"id": numbers[table]})
        connection.rollback()


def test_a_link_to_a_held_child_stays_as_the_parents_account_does(
    world: World, eraser: Eraser, held: Hold
) -> None:
    held(*child(world))
    eraser.carry_out(begun(eraser, parent(world)))
    with transaction(SYSTEM) as tx:
        link = select(GuardianLink.id).where(GuardianLink.account_id == world.people["parent"].id)
        assert tx.scalars(link).all()


def test_names_that_were_just_brought_in_are_not_taken_back_while_one_is_held(
    world: World, founders: Founders
) -> None:
    who = world.sign_in("teacher")
    add_students(principal=who, classroom=world.own_class.public_id, text="Kestrel Kept")
    with transaction(SYSTEM) as tx:
        new = next(each for each in tx.scalars(select(Student)) if each.given_name == "Kestrel")
    propose(founders[0], Subject.STUDENT, new.public_id)
    with pytest.raises(Rejected, match="obligation"):
        undo_last_change(principal=who, classroom=world.own_class.public_id)
    assert is_there(Student, new.id)


def test_what_was_to_go_by_age_is_asked_for_anew_when_the_hold_is_over(
    world: World, eraser: Eraser, founders: Founders, held: Hold
) -> None:
    hold, named = held(*child(world)), child(world)
    number = begin(eraser=eraser, subject=named[0], public_id=named[1], asked_as=AskedAs.RETENTION)
    assert eraser.carry_out(number) is Stage.HELD
    release(founders, hold)
    assert waiting.resume(WHO) == 0
    over = erasure_of(number)
    assert (over.stage, over.subject_id, over.plan) == (Stage.LAPSED, None, None)
    again = begin(eraser=eraser, subject=named[0], public_id=named[1], asked_as=AskedAs.RETENTION)
    assert eraser.carry_out(again) is Stage.VERIFIED


@pytest.mark.parametrize("steps", [0, 1])
def test_a_class_that_somebody_teaches_again_does_not_go_by_age(
    world: World, eraser: Eraser, founders: Founders, steps: int
) -> None:
    del founders
    subject, public_id = classroom(world)
    roles = TeachingRole.classroom_id == world.own_class.id
    with transaction(WHO) as tx:
        row = tx.execute(select(TeachingRole.__table__).where(roles)).mappings().first()
        tx.execute(delete(TeachingRole).where(roles))
    number = begin(eraser=eraser, subject=subject, public_id=public_id, asked_as=AskedAs.RETENTION)
    for _ in range(steps):
        with transaction(WHO) as tx:
            eraser._note(tx, tx.get_one(Erasure, number))
    with transaction(WHO) as tx:
        tx.execute(insert(TeachingRole.__table__).values({**(row or {}), "role": "co_teacher"}))  # type: ignore[arg-type]
    assert eraser.carry_out(number) is Stage.LAPSED
    assert is_there(Classroom, world.own_class.id)
    assert not eraser.ledger.is_there


def test_what_stands_in_the_ledger_keeps_its_plan_though_the_erasure_was_restored(
    world: World, eraser: Eraser, held: Hold
) -> None:
    """The backup is from before it was noted, and the ledger's file told of it again."""
    held(*child(world))
    number = begun(eraser, classroom(world))
    with transaction(WHO) as tx:
        eraser._note(tx, tx.get_one(Erasure, number))
    row = erasure_of(number)
    with transaction(WHO) as tx:
        mark = ledger.mark_of(Subject.STUDENT, world.own_class.children[1].public_id)
        ledger.note(tx, [Line((mark,), str(Subject.STUDENT), row.public_id, clock.now())])
    assert eraser.carry_out(number) is Stage.HELD
    assert erasure_of(number).plan is not None


@pytest.mark.parametrize("which", ["merge", "undo"])
def test_nobody_is_made_one_or_taken_back_while_a_hold_is_proposed(
    world: World, founders: Founders, which: str
) -> None:
    who, leader = world.sign_in("teacher"), world.sign_in("leader")
    add_students(principal=who, classroom=world.own_class.public_id, text="Kestrel Kept")
    keeper, merged = (each.public_id for each in world.own_class.children)
    seen = merging.preview_merge(principal=leader, keeper=keeper, merged=merged).seen
    with transaction(SYSTEM) as tx:
        new = tx.scalars(select(Student.public_id).order_by(Student.id.desc()).limit(1)).one()
    answers: list[Rejected] = []

    def try_it() -> None:
        with pytest.raises(Rejected, match="obligation") as rejected:
            if which == "merge":
                merging.merge_students(principal=leader, keeper=keeper, merged=merged, seen=seen)
            else:
                undo_last_change(principal=who, classroom=world.own_class.public_id)
        answers.append(rejected.value)

    propose(founders[0], Subject.STUDENT, merged if which == "merge" else new)
    with transaction(WHO) as tx:
        # As whoever proposes another one.
        functions.lock_holds(tx, alone=True)
        trying = threading.Thread(target=try_it)
        trying.start()
        trying.join(timeout=1)
        assert answers == []
    trying.join(timeout=20)
    assert len(answers) == 1


def test_a_school_that_goes_leaves_a_hold_its_names_that_stands(
    world: World, eraser: Eraser, founders: Founders
) -> None:
    """Its child is gone by another way."""
    del founders
    outside = "2" * 16
    with transaction(WHO) as tx:
        made = {"public_id": outside, "outside": outside, "subject": "student", "subject_id": 987654321}
        stands = {"state": HoldState.PROPOSED, "proposed_at": clock.now(), "review_on": clock.now().date()}
        tx.execute(insert(LegalHold).values(**made, **stands, school_id=world.outside.id, reason="Why"))
    assert eraser.carry_out(begun(eraser, other_school(world))) is Stage.VERIFIED
    assert row_of(outside).outside == outside


def test_of_several_those_who_are_held_wait_by_themselves(
    world: World, eraser: Eraser, founders: Founders, held: Hold
) -> None:
    """The others are erased at once; whoever waits lets nobody in, and goes when the hold is over."""
    with transaction(SYSTEM) as tx:
        added = [add_child(tx, world.own_class, f"Several{n}", "Waiting") for n in range(5)]
    kept = added[2]
    world.student_session(world.own_class, kept)
    hold = held(Subject.STUDENT, kept.public_id)
    teacher = proven(world, "teacher")
    asked = ask_to_erase_students(principal=teacher, students=[each.public_id for each in added])
    with transaction(SYSTEM) as tx:
        number = tx.scalars(select(Erasure.id).where(Erasure.public_id == asked)).one()
    assert look(eraser, number=number)
    found = erasure_of(number).found
    assert found is not None
    assert found["kept"]
    confirm_erasure(principal=teacher, erasure=asked, typed="5")
    assert eraser.carry_out(number) is Stage.VERIFIED
    done = erasure_of(number)
    assert done.receipt is not None
    assert receipts.read(done.receipt)["subjects"] == {"student": 4}
    assert [is_there(Student, each.id) for each in added] == [each is kept for each in added]
    with transaction(SYSTEM) as tx:
        aside = tx.scalars(select(Erasure).where(Erasure.stage == Stage.HELD)).one()
        open_ones = select(StudentSession.id).where(
            StudentSession.student_id == kept.id, StudentSession.ended_at.is_(None)
        )
        assert tx.scalar(open_ones) is None
    assert (aside.chosen, aside.asked_by, aside.asked_as) == ([kept.id], done.asked_by, done.asked_as)
    # Once more does nothing.
    assert (waiting.resume(WHO), eraser.carry_out(number)) == (0, Stage.VERIFIED)
    release(founders, hold)
    assert waiting.resume(WHO) == 1
    assert eraser.carry_out(aside.id) is Stage.VERIFIED
    assert not is_there(Student, kept.id)
    over = erasure_of(aside.id)
    assert over.receipt is not None
    assert receipts.read(over.receipt)["times"]["held"]


def test_of_several_all_wait_where_everybody_is_held(world: World, eraser: Eraser, held: Hold) -> None:
    held(*classroom(world))
    several = [each.public_id for each in world.own_class.children]
    done = erase_students(eraser=eraser, public_ids=several, asked_as=AskedAs.COMMAND)
    assert (done.stage, done.subjects) == (Stage.HELD, 2)
    with transaction(SYSTEM) as tx:
        assert len(tx.scalars(select(Erasure.id).where(Erasure.stage == Stage.HELD)).all()) == 1


def test_of_those_who_wait_each_goes_when_nothing_keeps_them(
    world: World, eraser: Eraser, founders: Founders, held: Hold
) -> None:
    """Two of many are kept by two holds, of which one ends, and a third by the class."""
    with transaction(SYSTEM) as tx:
        added = [add_child(tx, world.own_class, f"Many{n}", "Waiting") for n in range(12)]
        place = {"school_id": world.home.id, "classroom_id": world.colleague_class.id, "avatar": "fox"}
        place |= {"student_id": added[8].id, "balance": 0, "joined_at": clock.now()}
        tx.execute(insert(Enrollment).values(place))
    first = held(Subject.STUDENT, added[3].public_id)
    held(Subject.STUDENT, added[6].public_id)
    held(Subject.CLASSROOM, world.colleague_class.public_id)
    several = [each.public_id for each in added]
    done = erase_students(eraser=eraser, public_ids=several, asked_as=AskedAs.COMMAND)
    kept = [added[each].id for each in (3, 6, 8)]
    assert (done.stage, done.subjects) == (Stage.VERIFIED, 9)
    with transaction(SYSTEM) as tx:
        aside = tx.scalars(select(Erasure).where(Erasure.stage == Stage.HELD)).one()
    assert aside.chosen == kept
    release(founders, first)
    assert waiting.resume(WHO) == 1
    assert eraser.carry_out(aside.id) is Stage.VERIFIED
    assert [is_there(Student, each) for each in kept] == [False, True, True]
    with transaction(SYSTEM) as tx:
        still = tx.scalars(select(Erasure).where(Erasure.stage == Stage.HELD)).one()
    assert (still.chosen, still.held_at) == (kept[1:], aside.held_at)


def test_a_hold_that_comes_between_is_seen_and_nobody_is_named_meanwhile(
    world: World, eraser: Eraser, founders: Founders, held: Hold
) -> None:
    with transaction(SYSTEM) as tx:
        added = [add_child(tx, world.own_class, f"Between{n}", "Waiting") for n in range(3)]
    teacher = proven(world, "teacher")
    asked = ask_to_erase_students(principal=teacher, students=[each.public_id for each in added])
    with transaction(SYSTEM) as tx:
        number = tx.scalars(select(Erasure.id).where(Erasure.public_id == asked)).one()
    assert look(eraser, number=number)
    shown = erasure_of(number).found
    assert shown is not None
    assert (shown["kept"], len(shown["named"])) == (False, 3)
    confirm_erasure(principal=teacher, erasure=asked, typed="3")
    hold = held(Subject.STUDENT, added[0].public_id)
    assert eraser.carry_out(number) is Stage.VERIFIED
    with transaction(SYSTEM) as tx:
        aside = tx.scalars(select(Erasure).where(Erasure.stage == Stage.HELD)).one()
    assert (aside.chosen, aside.found) == ([added[0].id], None)
    # Whoever waits is not asked for again with others.
    other = world.own_class.children[1]
    again = [added[0].public_id, other.public_id]
    more = ask_to_erase_students(principal=teacher, students=again)
    with transaction(SYSTEM) as tx:
        found = tx.scalars(select(Erasure).where(Erasure.public_id == more)).one()
    assert (found.subject_id, found.subjects) == (other.id, 1)
    release(founders, hold)


def test_all_wait_without_a_name_once_the_ledger_has_them(world: World, eraser: Eraser, held: Hold) -> None:
    with transaction(SYSTEM) as tx:
        added = [add_child(tx, world.own_class, f"Noted{n}", "Waiting") for n in range(3)]
    teacher = proven(world, "teacher")
    asked = ask_to_erase_students(principal=teacher, students=[each.public_id for each in added])
    with transaction(SYSTEM) as tx:
        number = tx.scalars(select(Erasure.id).where(Erasure.public_id == asked)).one()
    assert look(eraser, number=number)
    confirm_erasure(principal=teacher, erasure=asked, typed="3")
    for _step in ("decided", "noted"):
        with transaction(WHO) as tx:
            eraser._note(tx, tx.get_one(Erasure, number))
    assert erasure_of(number).stage == Stage.NOTED
    held(Subject.STUDENT, added[1].public_id)
    assert eraser.carry_out(number) is Stage.HELD
    waits = erasure_of(number)
    assert waits.found is not None
    assert (waits.found["named"], waits.subjects) == ([], 3)
