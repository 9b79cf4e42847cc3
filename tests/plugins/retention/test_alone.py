"""Accounts that belong nowhere: told once, and gone thirty days after they were first seen so."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, select

from backoffice import clock
from backoffice.access.principal import Principal, Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account
from backoffice.outbox.models import OutgoingMail
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.ledger import LedgerFile
from backoffice.privacy.erasure.models import Erasure, Stage
from backoffice.privacy.retention.runs import Rules
from backoffice.runtime import Runtime
from backoffice.schools.models import Membership, Role
from plugins.retention import alone
from plugins.retention.idle import Looked
from tests.accounts.alone import alone as signed_up
from tests.factories.world import SYSTEM, World

WHO = Purpose("test-alone")
SEEN = datetime(2027, 3, 15, 9, 30, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("backup")


@pytest.fixture
def eraser(runtime: Runtime, tmp_path: Path) -> Eraser:
    made = eraser_of(runtime, WHO)
    return Eraser(WHO, made.tables, made.installed, LedgerFile(tmp_path), made.backups_kept)


@pytest.fixture
def somebody(world: World) -> Principal:
    """Whose place at a school has ended."""
    del world
    made = signed_up()
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Membership).where(Membership.account_id == made.account_id))
    return made


def look(monkeypatch: pytest.MonkeyPatch, eraser: Eraser, at: datetime) -> Looked:
    monkeypatch.setattr(clock, "now", lambda: at)
    done = alone.look_after_alone(principal=WHO, eraser=eraser, rules=Rules(5))
    with transaction(WHO) as tx:
        begun = tx.scalars(select(Erasure.id).where(Erasure.stage == Stage.CONFIRMED)).all()
    for number in begun:
        assert eraser.carry_out(number) is Stage.VERIFIED
    return done


def is_there(who: Principal) -> bool:
    with transaction(SYSTEM) as tx:
        return tx.get(Account, who.account_id) is not None


def letters(who: Principal) -> int:
    mine = (OutgoingMail.account_id == who.account_id, OutgoingMail.name == "retention.alone-warning")
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).where(*mine)) or 0


def test_told_after_23_days_and_gone_after_30(
    somebody: Principal, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(monkeypatch, eraser, SEEN)
    look(monkeypatch, eraser, SEEN + timedelta(days=22, hours=23))
    assert letters(somebody) == 0
    for _ in range(2):
        look(monkeypatch, eraser, SEEN + timedelta(days=23))
        assert letters(somebody) == 1
    look(monkeypatch, eraser, SEEN + timedelta(days=29, hours=23))
    assert is_there(somebody)
    assert look(monkeypatch, eraser, SEEN + timedelta(days=30)).begun >= 1
    assert not is_there(somebody)


def test_told_late_it_goes_late(somebody: Principal, eraser: Eraser, monkeypatch: pytest.MonkeyPatch) -> None:
    look(monkeypatch, eraser, SEEN)
    look(monkeypatch, eraser, SEEN + timedelta(days=90))
    look(monkeypatch, eraser, SEEN + timedelta(days=96, hours=23))
    assert is_there(somebody)
    look(monkeypatch, eraser, SEEN + timedelta(days=97))
    assert not is_there(somebody)


def test_who_has_a_place_again_stays_and_begins_anew(
    world: World, somebody: Principal, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(monkeypatch, eraser, SEEN)
    look(monkeypatch, eraser, SEEN + timedelta(days=25))
    row = {"account_id": somebody.account_id, "school_id": world.home.id, "role": Role.TEACHER}
    with transaction(SYSTEM) as tx:
        tx.execute(insert(Membership).values(id=tx.take_id(Membership), created_at=SEEN, **row))
    look(monkeypatch, eraser, SEEN + timedelta(days=40))
    assert is_there(somebody)
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Membership).where(Membership.account_id == somebody.account_id))
    look(monkeypatch, eraser, SEEN + timedelta(days=41))
    look(monkeypatch, eraser, SEEN + timedelta(days=60))
    assert is_there(somebody)
    assert letters(somebody) == 1


def test_parents_who_follow_a_child_and_founders_are_never_alone(
    world: World, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(0, 50, 7):
        look(monkeypatch, eraser, SEEN + timedelta(days=day))
    with transaction(SYSTEM) as tx:
        left = set(tx.scalars(select(Account.id)))
    assert {world.people[role].id for role in ("parent", "founder", "teacher", "leader")} <= left
