"""Two founders, the state before anything is held, and what erases."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from backoffice import clock
from backoffice.access.principal import Principal, Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.ledger import LedgerFile
from backoffice.privacy.erasure.models import Erasure
from backoffice.privacy.holdings import Subject
from backoffice.privacy.holds import services
from backoffice.privacy.holds.models import LegalHold
from backoffice.runtime import Runtime
from backoffice.storage.roles import DatabaseRole
from tests.contract.snapshot import Snapshots
from tests.factories.world import SYSTEM, World, add_app

WHO = Purpose("test-holds")
REASON = "The district court asked for it, file 7 K 123/26"
Founders = tuple[Principal, Principal]
Hold = Callable[[Subject, str], str]


@pytest.fixture
def eraser(runtime: Runtime, tmp_path: Path) -> Eraser:
    made = eraser_of(runtime, WHO)
    return Eraser(WHO, made.tables, made.installed, LedgerFile(tmp_path), made.backups_kept)


@pytest.fixture
def founders(runtime: Runtime, world: World, backup: Snapshots) -> Founders:
    """The founder, and somebody of another school who is one too; both have just proved to be it."""
    del backup
    second = world.people["outsider"]
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        connection.execute(text("truncate app.mail cascade"))
        connection.execute(text("update app.account set founder = true where id = :id"), {"id": second.id})
    # Of the test before it is gone with all else.
    second.secret = None
    add_app(second)
    return proven(world, "founder"), proven(world, "outsider")


@pytest.fixture
def held(founders: Founders) -> Hold:
    """Has two founders hold something; the hold."""

    def hold(subject: Subject, public_id: str) -> str:
        made = propose(founders[0], subject, public_id)
        services.confirm_hold(principal=founders[1], hold=made)
        return made

    return hold


def proven(world: World, role: str) -> Principal:
    who = world.sign_in(role)
    with transaction(SYSTEM) as tx:
        own = AccountSession.id == who.session_id
        tx.execute(update(AccountSession).where(own).values(proven_at=clock.now()))
    return who


def in_days(days: int) -> date:
    return (clock.now() + timedelta(days=days)).date()


def propose(who: Principal, subject: Subject, public_id: str) -> str:
    return services.propose_hold(
        principal=who, subject=subject, public_id=public_id, reason=REASON, review_on=in_days(90)
    )


def release(founders: Founders, hold: str) -> None:
    services.ask_for_release(principal=founders[1], hold=hold)
    services.release_hold(principal=founders[0], hold=hold)


def row_of(hold: str) -> LegalHold:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(LegalHold).where(LegalHold.public_id == hold)).one()


def erasure_of(number: int) -> Erasure:
    with transaction(SYSTEM) as tx:
        return tx.get_one(Erasure, number)
