"""Erasing each kind of subject takes what the database's own cascade takes, and what no key leads to."""

import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import insert, make_url, select, update

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.models import Account
from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.audit.trail import Answer, answer, record
from backoffice.large_changes.models import ChangeState, LargeChange
from backoffice.large_changes.services import Confirmed, ask_for_change, end_change
from backoffice.outbox.models import MailContent
from backoffice.privacy.erasure import erasing, ledger, receipts, services
from backoffice.privacy.erasure.erasing import Eraser, NotAllErased
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.ledger import Issued, LedgerError, LedgerFile, Line
from backoffice.privacy.erasure.models import UNDER_WAY, AskedAs, Erasure, Stage
from backoffice.privacy.holdings import Subject
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.saved_views.services import save_view
from backoffice.schools.award_models import PointAward, Whom
from backoffice.schools.models import (
    Action,
    Enrollment,
    Membership,
    School,
    Student,
    TeachingRole,
    TeachingRoleName,
)
from backoffice.schools.services.points import award_points
from backoffice.staff.services.class_roles import give_role
from backoffice.storage import about
from backoffice.storage.public_id import new_public_id
from backoffice.students.worries.models import Worry
from tests.contract.snapshot import Change, Snapshots, snapshots
from tests.factories.world import SYSTEM, Class, World, add_child, add_classroom, add_school

WHO = Purpose("test-erasing")
# What an erasure writes, and what it takes where no foreign key leads.
WRITTEN = {
    "app.erasure",
    "app.erasure_mark",
    "app.ledger_end",
    "app.audit_entry",
    "app.audit_detail",
    # Plugins hear of it, and have files destroyed, here and elsewhere.
    "app.job_run",
    "app.erasure_outside",
}
# Identifiers, UUIDs, digests and what is sealed.
TELLING = re.compile(r"[2-9a-z]{16}|[0-9a-f-]{32,36}|\\x[0-9a-f]{24,}")
BESIDE = {
    "app.audit_detail",
    "app.guardian_invitation",
    "app.invitation",
    "app.mail",
    "app.mail_content",
    "app.saved_view",
    "app.sign_up",
}


@dataclass
class Case:
    """A subject, and the statements with which the database's own cascade takes it away."""

    subject: Subject
    public_id: str
    raw: list[str]


@pytest.fixture(scope="module")
def eraser(runtime: Runtime, folder: Path) -> Eraser:
    made = eraser_of(runtime, WHO)
    return Eraser(
        WHO, made.tables, made.installed, LedgerFile(folder / "ledger-of-erasing"), made.backups_kept
    )


@pytest.fixture(scope="module")
def kept(runtime: Runtime, world: World) -> Iterator[Snapshots]:
    """A world in which the trail, mails and views are about everybody, and a child is in two classes."""
    teacher = world.sign_in("teacher")
    save_view(
        principal=teacher, grid="students", name="Otters", state=f"classroom={world.own_class.public_id}"
    )
    save_view(
        principal=world.sign_in("leader"),
        grid="teachers",
        name="Everybody",
        state="",
    )
    give_role(
        principal=teacher,
        classroom=world.own_class.public_id,
        account=world.people["colleague"].public_id,
        role=TeachingRoleName.HELPER,
    )
    with transaction(SYSTEM) as tx:
        both = add_child(tx, world.own_class, "Bertha", "Bothclasses")
        tx.execute(
            insert(Enrollment).values(
                school_id=world.home.id,
                classroom_id=world.colleague_class.id,
                student_id=both.id,
                avatar="fox",
                balance=0,
                joined_at=clock.now(),
            )
        )
        children = [child.id for child in world.own_class.children]
        record(tx, "tests.many", school_id=world.home.id, students=[*children, both.id])
    with snapshots(runtime) as taken:
        taken.keep()
        yield taken


@pytest.fixture
def superuser(runtime: Runtime) -> Iterator[psycopg.Connection]:
    address = make_url(runtime.database.address).set(drivername="postgresql")
    with psycopg.connect(address.render_as_string(hide_password=False), autocommit=True) as connection:
        yield connection


@pytest.fixture(autouse=True)
def _as_it_was(kept: Snapshots) -> Iterator[None]:
    yield
    kept.settle()


def cases(world: World) -> dict[Subject, Case]:
    child, room = world.own_class.children[0], world.own_class
    # Bertha is in another class as well.
    alone = [each.id for each in room.children]
    return {
        Subject.STUDENT: Case(
            Subject.STUDENT, child.public_id, [f"delete from app.student where id = {child.id}"]
        ),
        Subject.CLASSROOM: Case(
            Subject.CLASSROOM,
            room.public_id,
            [
                f"delete from app.student where id = any ('{{{','.join(map(str, alone))}}}')",
                f"delete from app.classroom where id = {room.id}",
            ],
        ),
        Subject.ACCOUNT: Case(
            Subject.ACCOUNT,
            world.people["colleague"].public_id,
            [
                f"delete from app.saved_view where account_id = {world.people['colleague'].id}",
                f"delete from app.account where id = {world.people['colleague'].id}",
            ],
        ),
        Subject.SCHOOL: Case(
            Subject.SCHOOL,
            world.outside.public_id,
            [
                f"delete from app.school where id = {world.outside.id}",
                f"delete from app.account where id = {world.people['outsider'].id}",
            ],
        ),
        Subject.DISTRICT: Case(
            Subject.DISTRICT,
            world.district,
            [
                f"delete from app.school where district_id = {world.district_id}",
                *(
                    f"delete from app.account where id = {world.people[role].id}"
                    for role in (
                        "leader",
                        "officer",
                        "teacher",
                        "colleague",
                        "co_teacher",
                        "helper",
                        "elsewhere",
                    )
                ),
                f"delete from app.district where id = {world.district_id}",
            ],
        ),
    }


def keys(changes: list[Change], kind: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in changes:
        if each.kind == kind:
            found.setdefault(each.table, []).append(str(each))
    return {table: sorted(rows) for table, rows in found.items()}


@pytest.mark.parametrize("subject", list(Subject))
def test_it_takes_what_the_cascade_takes_and_what_no_key_leads_to(
    world: World, eraser: Eraser, kept: Snapshots, superuser: psycopg.Connection, subject: Subject
) -> None:
    case = cases(world)[subject]
    for statement in case.raw:
        superuser.execute(statement)
    raw = kept.settle()
    done = services.erase(eraser=eraser, subject=subject, public_id=case.public_id, asked_as=AskedAs.COMMAND)
    ours = kept.changes()
    assert (done.stage, done.plan, done.subject_id) == (Stage.VERIFIED, None, None)

    removed, expected = keys(ours, "removed"), keys(raw, "removed")
    for table in removed.keys() | expected.keys():
        assert set(expected.get(table, ())) <= set(removed.get(table, ())), table
        if table not in BESIDE:
            assert removed.get(table) == expected.get(table), table
    assert keys(ours, "added").keys() <= WRITTEN
    # What only named an account does no longer; the trail's details are sealed again.
    changed = {table for table in keys(ours, "changed") if table not in WRITTEN}
    emptied = {
        "plugin_rosters.roster_import",
        "plugin_exports.export",
        "app.point_award",
        "app.worry",
        "app.legal_hold",
    }
    assert changed <= set(keys(raw, "changed")) | emptied

    assert done.receipt is not None
    told = receipts.read(done.receipt)
    assert "app.worry" not in told["rows"]
    by_table = {table: len(rows) for table, rows in removed.items() if table not in receipts.UNTOLD}
    assert {table: n for table, n in told["rows"].items() if table in by_table} == by_table


@pytest.mark.parametrize("subject", list(Subject))
def test_no_value_of_what_went_is_left_anywhere(
    world: World, eraser: Eraser, kept: Snapshots, runtime: Runtime, subject: Subject
) -> None:
    case = cases(world)[subject]
    done = services.erase(eraser=eraser, subject=subject, public_id=case.public_id, asked_as=AskedAs.COMMAND)
    gone = [each for each in kept.changes() if each.kind == "removed"]
    # Of marks and of the beginnings of names, others have the same; the ledger has the marks of merged ones.
    values = {
        value.removeprefix("\\x")
        for each in gone
        for name, value in each.row.items()
        if name not in {"about", "mark", "name_tokens"}
        and isinstance(value, str)
        and TELLING.fullmatch(value)
    }
    assert len(values) > 5
    with transaction(SYSTEM):
        left = "\n".join(row for table, rows in kept._rows(kept.tables).items() for row in rows.values())
    assert {value for value in values if value in left} == set()
    assert done.public_id in left


def test_a_district_of_many_schools_goes_at_once(world: World, eraser: Eraser) -> None:
    """More is asked about them than PostgreSQL answers in one statement."""
    with transaction(SYSTEM) as tx:
        for number in range(40):
            add_school(tx, f"School {number}", world.district_id)
    done = services.erase(
        eraser=eraser, subject=Subject.DISTRICT, public_id=world.district, asked_as=AskedAs.COMMAND
    )
    assert done.receipt is not None
    assert receipts.read(done.receipt)["subjects"]["school"] == 42


def test_the_trail_keeps_that_it_happened_and_not_to_whom(world: World, eraser: Eraser) -> None:
    child = world.own_class.children[0]
    with transaction(SYSTEM) as tx:
        before = set(tx.scalars(select(AuditDetail.entry_id)))
        mark = about.marks(about.STUDENT, [child.id])[0]
        named = set(tx.scalars(select(AuditDetail.entry_id).where(AuditDetail.about.contains([mark]))))
        assert named
    services.erase(
        eraser=eraser, subject=Subject.STUDENT, public_id=child.public_id, asked_as=AskedAs.COMMAND
    )
    with transaction(SYSTEM) as tx:
        rows = {row.entry_id: row for row in tx.scalars(select(AuditDetail))}
        (many,) = (
            row for row in rows.values() if "students" in row.detail and len(row.detail["students"]) == 2
        )
        assert child.id not in many.detail["students"]
        assert many.redacted
        assert not any(row.redacted for number, row in rows.items() if number in before - named)
        assert before - named <= rows.keys()
        # Nothing is left by which a guess of the number could be tested.
        assert many.nonce is None
        entries = {row.id: row for row in tx.scalars(select(AuditEntry))}
        assert answer(entries[many.entry_id].commitment, many) is Answer.REDACTED
        other = next(row for row in rows.values() if not row.redacted)
        committed = entries[other.entry_id].commitment
        assert answer(committed, other) is Answer.FITS
        forged = AuditDetail(nonce=other.nonce, detail={**other.detail, "student": 1}, redacted=False)
        assert answer(committed, forged) is Answer.DIFFERS


def test_classes_that_a_school_year_ended_are_found_in_old_details_too(
    world: World, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They stood there by a name that had no marks."""
    gone, stays = world.own_class.id, world.colleague_class.id
    migration = import_module("backoffice.storage.migrations.versions.0048_erasures_mended")
    with transaction(SYSTEM) as tx:
        record(tx, "school-years.begin", school_id=world.home.id, ended=[gone, stays], made=[], moved=0)
        old = tx.scalars(select(AuditDetail).order_by(AuditDetail.entry_id.desc())).first()
        assert old is not None
        key, old.about = (old.entry_id, old.at), []
        tx.flush()
        with monkeypatch.context() as patched:
            patched.setattr(migration.op, "get_bind", tx.connection)
            migration._mark_ended_classes()
    services.erase(
        eraser=eraser,
        subject=Subject.CLASSROOM,
        public_id=world.own_class.public_id,
        asked_as=AskedAs.COMMAND,
    )
    with transaction(SYSTEM) as tx:
        left = tx.get_one(AuditDetail, key)
        assert (left.detail["ended"], left.redacted) == ([stays], True)


def test_a_child_of_two_classes_stays_with_the_other(world: World, eraser: Eraser) -> None:
    services.erase(
        eraser=eraser,
        subject=Subject.CLASSROOM,
        public_id=world.own_class.public_id,
        asked_as=AskedAs.COMMAND,
    )
    with transaction(SYSTEM) as tx:
        seats = tx.scalars(select(Enrollment.classroom_id).where(Enrollment.school_id == world.home.id)).all()
    assert set(seats) == {world.colleague_class.id}
    assert len(seats) == 3


def test_a_child_that_has_left_the_class_goes_only_where_no_other_class_was(
    world: World, eraser: Eraser
) -> None:
    """Whoever was taken out of another class yesterday is still that one's to undo."""
    with transaction(SYSTEM) as tx:
        of_both, of_this = (
            add_child(tx, world.own_class, given, "Leaver").id for given in ("Betty", "Terry")
        )
        tx.execute(
            insert(Enrollment).values(
                school_id=world.home.id,
                classroom_id=world.colleague_class.id,
                student_id=of_both,
                avatar="fox",
                balance=7,
                joined_at=clock.now(),
            )
        )
        gone = Enrollment.student_id.in_([of_both, of_this])
        tx.execute(update(Enrollment).where(gone).values(ended_at=clock.now()))
    services.erase(
        eraser=eraser,
        subject=Subject.CLASSROOM,
        public_id=world.own_class.public_id,
        asked_as=AskedAs.COMMAND,
    )
    with transaction(SYSTEM) as tx:
        there = tx.scalars(select(Student.id).where(Student.id.in_([of_both, of_this]))).all()
    assert there == [of_both]


def _seat(tx: Transaction, child: int, room: Class) -> None:
    tx.execute(
        insert(Enrollment).values(
            school_id=room.school_id,
            classroom_id=room.id,
            student_id=child,
            avatar="fox",
            balance=0,
            joined_at=clock.now(),
        )
    )


def _begun(eraser: Eraser, room: Class) -> int:
    """A class of which an erasure stands in the ledger."""
    number = services.begin(
        eraser=eraser, subject=Subject.CLASSROOM, public_id=room.public_id, asked_as=AskedAs.COMMAND
    )
    for _ in range(2):
        with transaction(WHO) as tx:
            eraser._note(tx, tx.get_one(Erasure, number))
    return number


def test_a_child_of_two_classes_that_go_at_once_goes_with_the_last(world: World, eraser: Eraser) -> None:
    """Each of the plans has seen the other class."""
    with transaction(SYSTEM) as tx:
        shared = add_child(tx, world.own_class, "Sally", "Shared")
        _seat(tx, shared.id, world.colleague_class)
    numbers = [_begun(eraser, room) for room in (world.own_class, world.colleague_class)]
    # Both are at it: whoever has the child first spares it, and the other one waits and takes it.
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(eraser.carry_out, numbers)) == [Stage.VERIFIED] * 2
    with transaction(SYSTEM) as tx:
        assert not tx.scalars(select(Student.id).where(Student.id == shared.id)).all()
        marks = {ledger.mark_of("student", shared.public_id)}
        assert ledger.missing_of(tx, marks) == set()
        told = [receipts.read(tx.get_one(Erasure, number).receipt or "") for number in numbers]
    assert sum(each["subjects"]["student"] for each in told) == sum(each["marks"] - 1 for each in told)


def test_a_child_that_comes_into_a_class_that_goes_goes_too(world: World, eraser: Eraser) -> None:
    number = _begun(eraser, world.own_class)
    with transaction(SYSTEM) as tx:
        late = add_child(tx, world.own_class, "Laetitia", "Late")
    assert eraser.carry_out(number) is Stage.VERIFIED
    with transaction(SYSTEM) as tx:
        assert not tx.scalars(select(Student.id).where(Student.id == late.id)).all()
    assert ledger.mark_of("student", late.public_id) in {
        mark for line in eraser.ledger.lines() if isinstance(line, Line) for mark in line.marks
    }


def test_a_mail_that_names_a_class_and_waits_goes_with_it(world: World, eraser: Eraser) -> None:
    mark = about.marks(about.CLASSROOM, [world.own_class.id])[0]
    naming = select(MailContent.mail_id).where(MailContent.about.contains([mark]))
    with transaction(SYSTEM) as tx:
        assert tx.scalars(naming).all()
    services.erase(
        eraser=eraser,
        subject=Subject.CLASSROOM,
        public_id=world.own_class.public_id,
        asked_as=AskedAs.COMMAND,
    )
    with transaction(SYSTEM) as tx:
        assert not tx.scalars(naming).all()


def test_past_whom_a_child_told_something_forgets_an_account(world: World, eraser: Eraser) -> None:
    room, gone = world.own_class, world.people["colleague"]
    with transaction(SYSTEM) as tx:
        number = tx.take_id(Worry)
        tx.execute(
            insert(Worry).values(
                school_id=room.school_id,
                id=number,
                public_id=new_public_id(),
                classroom_id=room.id,
                student_id=room.children[0].id,
                kind="other",
                goes_to="leader",
                form=uuid4(),
                told_at=clock.now(),
            )
        )
        own = select(Worry.told_past).where(Worry.id == number)
        before = tx.scalars(own).one()
        assert gone.id in before
    done = services.erase(
        eraser=eraser, subject=Subject.ACCOUNT, public_id=gone.public_id, asked_as=AskedAs.COMMAND
    )
    # A worry is nobody's to learn of by a receipt.
    assert "app.worry" not in (done.counts or "")
    with transaction(SYSTEM) as tx:
        assert sorted(tx.scalars(own).one()) == sorted(set(before) - {gone.id})


def test_a_choice_of_children_is_forgotten_with_one_of_them(world: World, eraser: Eraser) -> None:
    teacher, room = world.sign_in("teacher"), world.own_class
    with transaction(SYSTEM) as tx:
        action = tx.scalars(select(Action.public_id).where(Action.classroom_id == room.id).limit(1)).one()
    chosen: dict[str, Any] = {"classroom": room.public_id, "action": action, "whom": Whom.CHOSEN}
    chosen |= {"form": str(uuid4()), "students": [child.public_id for child in room.children]}
    award = award_points(principal=teacher, **chosen)
    digest = select(PointAward.chosen).where(PointAward.public_id == award)
    with transaction(SYSTEM) as tx:
        assert tx.scalar(digest) is not None
    services.erase(
        eraser=eraser,
        subject=Subject.STUDENT,
        public_id=room.children[0].public_id,
        asked_as=AskedAs.COMMAND,
    )
    with transaction(SYSTEM) as tx:
        assert tx.scalar(digest) is None
    # The page that is sent once more has awarded already.
    assert award_points(principal=teacher, **chosen) == award


@pytest.mark.parametrize("subject", [Subject.STUDENT, Subject.CLASSROOM, Subject.ACCOUNT])
def test_a_large_change_that_names_somebody_goes_with_them(
    world: World, eraser: Eraser, subject: Subject
) -> None:
    case = cases(world)[subject]
    who = world.sign_in("leader")
    asked = Confirmed("students", "leave", [("anything", case.public_id)], "seen", 600)
    ask_for_change(principal=who, confirmed=asked)
    with transaction(SYSTEM) as tx:
        said = {"sentence": "Done.", "url": f"/console/x/{case.public_id}/undo"}
        row = tx.scalars(select(LargeChange).order_by(LargeChange.id)).first()
        assert row is not None
        old = row.id
        tx.execute(update(LargeChange).where(LargeChange.id == old).values(state="waiting", finished_at=None))
    end_change(WHO, number=old, state=ChangeState.DONE, said=said)
    before, after = (
        _changes(),
        services.erase(eraser=eraser, subject=subject, public_id=case.public_id, asked_as=AskedAs.COMMAND),
    )
    assert after.stage == Stage.VERIFIED
    assert len(_changes()) == len(before) - 2
    assert case.public_id not in str(_changes())


def _changes() -> list[tuple[Any, Any]]:
    with transaction(SYSTEM) as tx:
        return [(row.asked, row.said) for row in tx.scalars(select(LargeChange))]


def test_a_personal_school_goes_on_with_who_teaches_there_too(world: World, eraser: Eraser) -> None:
    """Its classes that nobody else teaches go; it is called after the heir from then on."""
    with transaction(SYSTEM) as tx:
        tx.execute(update(School).where(School.id == world.outside.id).values(kind="personal"))
        own = (Membership.school_id == world.outside.id, Membership.account_id == world.people["outsider"].id)
        tx.execute(update(Membership).where(*own).values(origin="sign-up"))
        lonely, _ = add_classroom(tx, world.outside, "Lonely Larks")
        heir = world.people["co_teacher"].id
        tx.execute(
            insert(Membership).values(
                account_id=heir, school_id=world.outside.id, role="teacher", created_at=clock.now()
            )
        )
        for room, account, role in (
            (lonely, world.people["outsider"].id, TeachingRoleName.OWNER),
            (world.foreign_class.id, heir, TeachingRoleName.CO_TEACHER),
        ):
            tx.execute(
                insert(TeachingRole).values(
                    school_id=world.outside.id, classroom_id=room, account_id=account, role=role
                )
            )
    done = services.erase(
        eraser=eraser,
        subject=Subject.ACCOUNT,
        public_id=world.people["outsider"].public_id,
        asked_as=AskedAs.OWNER,
    )
    assert done.receipt is not None
    assert receipts.read(done.receipt)["subjects"] == {"classroom": 1, "account": 1}
    with transaction(SYSTEM) as tx:
        school = tx.get_one(School, world.outside.id)
        assert school.name == "Classes of Cora Coteacher"
        roles = tx.execute(
            select(TeachingRole.classroom_id, TeachingRole.account_id, TeachingRole.role).where(
                TeachingRole.school_id == world.outside.id
            )
        ).all()
        assert [tuple(row) for row in roles] == [(world.foreign_class.id, heir, "owner")]
        own = (Membership.school_id == world.outside.id, Membership.account_id == heir)
        assert tx.scalar(select(Membership.origin).where(*own)) == "earlier"


def test_a_receipt_is_signed_and_any_change_shows(world: World, eraser: Eraser) -> None:
    child = world.own_class.children[1]
    done = services.erase(
        eraser=eraser, subject=Subject.STUDENT, public_id=child.public_id, asked_as=AskedAs.TEACHER
    )
    assert done.receipt is not None
    assert done.signature is not None
    assert receipts.is_ours(done.receipt, done.signature)
    assert not receipts.is_ours(done.receipt.replace('"left":0', '"left":1'), done.signature)
    told = receipts.read(done.receipt)
    assert (told["number"], told["subject"], told["left"], told["marks"]) == (done.public_id, "student", 0, 1)
    assert child.public_id not in done.receipt
    times = [told["times"][name] for name in ("asked", "confirmed", "noted", "erased", "verified")]
    assert times == sorted(times)
    assert Issued(done.receipt, done.signature, world.home.id) in list(eraser.ledger.lines())


def waiting(tx: Any) -> Erasure:
    return tx.scalars(select(Erasure).where(Erasure.stage.in_(UNDER_WAY))).one()  # type: ignore[no-any-return]


@pytest.mark.parametrize("step", ["_note", "_erase", "_verify"])
def test_interrupted_in_any_step_it_goes_on_and_ends_the_same(
    world: World, eraser: Eraser, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    child = world.own_class.children[0]
    number = services.begin(
        eraser=eraser, subject=Subject.STUDENT, public_id=child.public_id, asked_as=AskedAs.COMMAND
    )
    whole = getattr(Eraser, step)

    def killed(self: Eraser, tx: Any, row: Erasure) -> None:
        whole(self, tx, row)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Eraser, step, killed)
        with pytest.raises(KeyboardInterrupt):
            eraser.carry_out(number)
    with transaction(SYSTEM) as tx:
        before = {"_note": Stage.CONFIRMED, "_erase": Stage.NOTED, "_verify": Stage.ERASED}
        assert waiting(tx).stage == before[step]
        assert services.not_ended(tx) == [number]
    assert eraser.carry_out(number) is Stage.VERIFIED
    assert eraser.carry_out(number) is Stage.VERIFIED
    with transaction(SYSTEM) as tx:
        assert services.not_ended(tx) == []


def test_what_goes_at_once_is_decided_as_it_is_confirmed(
    world: World, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed right after that it goes on by what was decided, and its plan is in no ledger before."""
    child = world.own_class.children[0]

    def killed(_self: Eraser, _number: int, _told: Any) -> Erasure:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Eraser, "carried_out", killed)
        with pytest.raises(KeyboardInterrupt):
            services.erase(
                eraser=eraser, subject=Subject.STUDENT, public_id=child.public_id, asked_as=AskedAs.COMMAND
            )
    with transaction(SYSTEM) as tx:
        row = waiting(tx)
        assert row.stage == Stage.CONFIRMED
        assert row.plan is not None
        assert row.plan["targets"][0]["numbers"] == [child.id]
        mark = ledger.mark_of("student", child.public_id)
        assert ledger.missing_of(tx, [mark]) == {mark}
    assert eraser.carry_out(row.id) is Stage.VERIFIED


@pytest.mark.parametrize("fails", [False, True])
def test_what_was_asked_about_is_forgotten_with_the_erasure(
    world: World, eraser: Eraser, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """The statements name whom they ask about."""
    if fails:
        monkeypatch.setattr(Eraser, "_take", lambda _self, _tx, _held, _condition: Counter())
    with nullcontext() if not fails else pytest.raises(NotAllErased):
        services.erase(
            eraser=eraser,
            subject=Subject.CLASSROOM,
            public_id=world.own_class.public_id,
            asked_as=AskedAs.COMMAND,
        )
    assert erasing._asked_beside.cache_info().currsize == 0


def test_what_is_left_stops_the_receipt(
    world: World, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider that erases nothing is found out when it is asked again."""
    monkeypatch.setattr(Eraser, "_take", lambda _self, _tx, _held, _condition: Counter())
    with pytest.raises(NotAllErased, match=r"app\.saved_view"):
        services.erase(
            eraser=eraser,
            subject=Subject.CLASSROOM,
            public_id=world.own_class.public_id,
            asked_as=AskedAs.COMMAND,
        )
    with transaction(SYSTEM) as tx:
        assert waiting(tx).receipt is None


def test_what_was_written_meanwhile_goes_too(
    world: World, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line of the trail that was committed after the last row was gone."""
    child, whole = world.own_class.children[0], Eraser._erase

    def overtaken(self: Eraser, tx: Any, row: Erasure) -> None:
        whole(self, tx, row)
        with transaction(SYSTEM) as beside:
            record(beside, "tests.late", school_id=world.home.id, student=child.id)

    monkeypatch.setattr(Eraser, "_erase", overtaken)
    done = services.erase(
        eraser=eraser, subject=Subject.STUDENT, public_id=child.public_id, asked_as=AskedAs.COMMAND
    )
    assert done.stage == Stage.VERIFIED
    with transaction(SYSTEM) as tx:
        mark = about.marks(about.STUDENT, [child.id])[0]
        assert not tx.scalars(select(AuditDetail).where(AuditDetail.about.contains([mark]))).all()


def test_nothing_is_erased_that_the_ledger_cannot_take(world: World, eraser: Eraser, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    barred = Eraser(WHO, eraser.tables, eraser.installed, LedgerFile(tmp_path / "file"), eraser.backups_kept)
    with pytest.raises(LedgerError):
        services.erase(
            eraser=barred,
            subject=Subject.STUDENT,
            public_id=world.own_class.children[0].public_id,
            asked_as=AskedAs.COMMAND,
        )
    with transaction(SYSTEM) as tx:
        assert waiting(tx).stage == Stage.CONFIRMED


def test_one_erasure_of_a_subject_at_a_time(world: World, eraser: Eraser) -> None:
    ask = {"eraser": eraser, "subject": Subject.ACCOUNT, "asked_as": AskedAs.COMMAND}
    person = world.people["parent"].public_id
    services.begin(**ask, public_id=person)  # type: ignore[arg-type]
    with pytest.raises(Rejected, match="erased already"):
        services.begin(**ask, public_id=person)  # type: ignore[arg-type]
    for unknown in ("22222222222222aa", "' or 1=1", world.home.public_id):
        with pytest.raises(NotFound):
            services.begin(**ask, public_id=unknown)  # type: ignore[arg-type]
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(Account.id).where(Account.public_id == person))
