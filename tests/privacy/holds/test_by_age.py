"""What a hold keeps does not go by age either, and it is said how much that is."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, insert, select, update

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.accounts.kinds import SESSIONS
from backoffice.accounts.models import Account, AccountSession
from backoffice.audit.kinds import DETAILS
from backoffice.audit.models import AuditDetail
from backoffice.audit.trail import record
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.holdings import Subject
from backoffice.privacy.retention.kinds import Kind
from backoffice.privacy.retention.models import RetentionRun
from backoffice.privacy.retention.runs import Rules, run_kinds
from backoffice.schools.kinds import ROSTER_CHANGES
from backoffice.schools.roster_models import ChangedHow, ChangeKind, RosterChange, RosterChangeStudent
from plugins.retention import alone, idle
from plugins.retention.models import IdleAccount
from tests.accounts.alone import alone as somebody_alone
from tests.factories.retention import forget_runs
from tests.factories.world import SYSTEM, World
from tests.privacy.holds.conftest import WHO, Founders, Hold, release

RULES = Rules(most_share=5)


def run(kind: Kind) -> tuple[int, int]:
    done = run_kinds(WHO, [kind], rules=RULES)
    return done.gone.get(kind.name, 0), done.held.get(kind.name, 0)


def left() -> set[int]:
    with transaction(SYSTEM) as tx:
        return set(tx.scalars(select(AccountSession.account_id)))


def test_sessions_of_a_held_account_stay_until_it_is_released(
    world: World, founders: Founders, held: Hold, runtime: object
) -> None:
    forget_runs(runtime)  # type: ignore[arg-type]
    kept, goes = world.people["colleague"], world.people["helper"]
    for role in ("colleague", "helper"):
        world.sign_in(role)
    hold = held(Subject.ACCOUNT, kept.public_id)
    old = SESSIONS.before(clock.now()) - timedelta(days=1)
    with transaction(SYSTEM) as tx:
        of = AccountSession.account_id.in_([kept.id, goes.id])
        tx.execute(update(AccountSession).where(of).values(last_seen_at=old, started_at=old))
    gone, stayed = run(SESSIONS)
    assert gone >= 1
    assert stayed >= 1
    assert kept.id in left()
    assert goes.id not in left()
    with transaction(SYSTEM) as tx:
        own = select(RetentionRun).where(RetentionRun.kind == SESSIONS.name).order_by(RetentionRun.id.desc())
        told = tx.scalars(own).first()
    assert told is not None
    assert told.held == stayed
    release(founders, hold)
    assert run(SESSIONS) == (stayed, 0)
    assert kept.id not in left()


@pytest.mark.parametrize("whole", [False, True])
def test_details_of_the_trail_about_a_held_child_stay(
    world: World, held: Hold, monkeypatch: pytest.MonkeyPatch, runtime: object, whole: bool
) -> None:
    forget_runs(runtime)  # type: ignore[arg-type]
    child, other = world.own_class.children[0], world.foreign_class.children[0]
    # Before the clock is another one: how long details are kept is asked by the clock too.
    old = DETAILS.before(clock.now()) - timedelta(days=1)
    with monkeypatch.context() as then:
        then.setattr(clock, "now", lambda: old)
        with transaction(SYSTEM) as tx:
            record(tx, "test.about", school_id=world.home.id, student=child.id)
            record(tx, "test.about", school_id=world.outside.id, student=other.id)
    held(*((Subject.SCHOOL, world.home.public_id) if whole else (Subject.STUDENT, child.public_id)))
    assert run(DETAILS) == (1, 1)
    with transaction(SYSTEM) as tx:
        about = [each.detail.get("student") for each in tx.scalars(select(AuditDetail))]
    assert child.id in about
    assert other.id not in about


def test_what_would_take_a_row_of_somebody_held_with_it_stays(
    world: World, founders: Founders, held: Hold, runtime: object
) -> None:
    """A change of a list is of a class; its lines are of children, and go with it."""
    forget_runs(runtime)  # type: ignore[arg-type]
    old, rooms = (
        ROSTER_CHANGES.before(clock.now()) - timedelta(days=1),
        (world.own_class, world.foreign_class),
    )
    with transaction(SYSTEM) as tx:
        tx.execute(delete(RosterChange))
        for room in rooms:
            of = {"school_id": room.school_id, "classroom_id": room.id}
            tx.execute(insert(RosterChange).values(**of, kind=ChangeKind.ADD, at=old))
            line = {"student_id": room.children[0].id, "how": ChangedHow.BACK}
            tx.execute(insert(RosterChangeStudent).values(**of, **line))
    kept = rooms[0].children[0]
    hold = held(Subject.STUDENT, kept.public_id)
    assert run(ROSTER_CHANGES) == (1, 1)
    with transaction(SYSTEM) as tx:
        assert tx.scalars(select(RosterChange.classroom_id)).all() == [rooms[0].id]
        assert tx.scalars(select(RosterChangeStudent.student_id)).all() == [kept.id]
    release(founders, hold)
    assert run(ROSTER_CHANGES) == (1, 0)


def test_an_idle_account_that_is_held_is_neither_closed_nor_erased(
    world: World, founders: Founders, held: Hold, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    del world
    who, began = somebody_alone(), clock.now()
    with transaction(SYSTEM) as tx:
        tx.execute(update(Account).values(last_active_at=began + timedelta(days=9999)))
        own = update(Account).where(Account.id == who.account_id)
        tx.execute(
            own.values(last_active_at=began - timedelta(days=800), created_at=began - timedelta(days=800))
        )
        outside = tx.get_one(Account, who.account_id).public_id
    hold = held(Subject.ACCOUNT, outside)
    monkeypatch.setattr("plugins.retention.queries.warning_left", lambda *_asked, **_how: True)
    done = idle.Looked()
    for day in range(40):
        monkeypatch.setattr(clock, "now", lambda day=day: began + timedelta(days=day))
        done = idle.look_after_idle(principal=WHO, eraser=eraser, rules=RULES)
        assert done.begun == 0
    assert done.held == 1
    monkeypatch.setattr(clock, "now", lambda: began)
    release(founders, hold)
    monkeypatch.setattr(clock, "now", lambda: began + timedelta(days=40))
    assert idle.look_after_idle(principal=WHO, eraser=eraser, rules=RULES).begun == 1


def test_an_account_that_belongs_nowhere_stays_while_it_is_held(
    world: World, held: Hold, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = world.people["helper"]
    held(Subject.ACCOUNT, person.public_id)
    monkeypatch.setattr("plugins.retention.queries.is_alone", lambda: Account.id == person.id)
    began, done = clock.now(), idle.Looked()
    for day in range(40):
        monkeypatch.setattr(clock, "now", lambda day=day: began + timedelta(days=day))
        done = alone.look_after_alone(principal=WHO, eraser=eraser, rules=Rules(100))
    assert (done.begun, done.held) == (0, 1)
    with transaction(SYSTEM) as tx:
        assert tx.get(IdleAccount, person.id) is not None


def test_the_public_page_says_what_a_hold_is_and_how_many_there_are(
    app: Flask, world: World, held: Hold
) -> None:
    page = app.test_client().get("/privacy/retention").text
    assert "No hold is in force." in page
    held(Subject.STUDENT, world.own_class.children[0].public_id)
    page = app.test_client().get("/privacy/retention").text
    assert "1 hold is in force." in page
    assert world.own_class.children[0].public_id not in page
    assert "court asked" not in page
    assert app.test_client().get("/privacy/retention.json").json["holds_in_force"] == 1  # type: ignore[index]
