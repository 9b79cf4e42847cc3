"""The own account, from the page that closes it to the letter that says it is gone."""

from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.principal import Principal, Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account
from backoffice.jobs.models import JobRun
from backoffice.outbox.models import MailContent, OutgoingMail
from backoffice.privacy.erasure import receipts
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.ledger import LedgerFile
from backoffice.privacy.erasure.models import AskedAs, Erasure, Stage
from backoffice.privacy.erasure.own_account import erase_own_account
from backoffice.privacy.holdings import Subject
from backoffice.runtime import Runtime
from backoffice.schools.models import School, Student
from backoffice.storage.public_id import new_public_id
from tests.accounts.alone import alone, room_of
from tests.accounts.post import mailed
from tests.factories.world import SYSTEM, World

WHO = Purpose("test-own-account")
pytestmark = pytest.mark.usefixtures("backup")


@pytest.fixture
def eraser(runtime: Runtime, tmp_path: Path) -> Eraser:
    made = eraser_of(runtime, WHO)
    return Eraser(WHO, made.tables, made.installed, LedgerFile(tmp_path), made.backups_kept)


def row(public_id: str) -> Erasure:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(Erasure).where(Erasure.public_id == public_id)).one()


def account(who: Principal) -> Account | None:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(Account).where(Account.id == who.account_id)).one_or_none()


def email_of(who: Principal) -> str:
    found = account(who)
    assert found is not None
    return found.email


def begun(who: Principal) -> Erasure:
    return row(erase_own_account(principal=who, typed=email_of(who)))


def test_a_worker_is_asked_at_once() -> None:
    found = begun(alone())
    assert (found.subject, found.stage, found.asked_as) == (Subject.ACCOUNT, Stage.CONFIRMED, AskedAs.OWNER)
    with transaction(SYSTEM) as tx:
        assert tx.scalars(select(JobRun.job).order_by(JobRun.id.desc()).limit(1)).one() == "core.erase"


def test_account_school_and_classes_are_gone_and_a_letter_has_the_receipt(eraser: Eraser) -> None:
    who = alone()
    room, email = room_of(who), email_of(who)
    number = begun(who).public_id
    assert eraser.carry_out(row(number).id) is Stage.VERIFIED
    assert account(who) is None
    with transaction(SYSTEM) as tx:
        assert not tx.scalars(select(School.id).where(School.id == room.school_id)).all()
        assert not tx.scalars(select(Student.id).where(Student.school_id == room.school_id)).all()
    done = row(number)
    assert done.receipt is not None
    assert done.found is None
    letter = mailed(email)[-1]
    assert letter.startswith("Your account is deleted")
    assert number in letter
    assert receipts.hash_of(done.receipt) in letter
    with transaction(SYSTEM) as tx:
        sent = tx.scalars(select(OutgoingMail).order_by(OutgoingMail.id.desc()).limit(1)).one()
        # The envelope, which stays for half a year, says of nobody that it was for them.
        assert (sent.name, sent.account_id, sent.school_id) == ("core.account-erased", None, None)
        assert tx.scalars(select(MailContent.mail_id).where(MailContent.mail_id == sent.id)).one()


def test_somebody_elses_erasure_writes_no_letter(eraser: Eraser) -> None:
    who = alone()
    email = email_of(who)
    with transaction(SYSTEM) as tx:
        number = tx.take_id(Erasure)
        tx.execute(insert(Erasure).values(id=number, **{**_values(who), "asked_as": AskedAs.COMMAND}))
    assert eraser.carry_out(number) is Stage.VERIFIED
    assert not [each for each in mailed(email) if "is deleted" in each]


def _values(who: Principal) -> dict[str, object]:
    return {
        "public_id": new_public_id(),
        "subject": Subject.ACCOUNT,
        "subject_id": who.account_id,
        "stage": Stage.CONFIRMED,
        "asked_by": who.account_id,
        "asked_as": AskedAs.OWNER,
        "asked_at": clock.now(),
        "confirmed_at": clock.now(),
    }


def test_the_web_notes_nobodys_account_but_the_own_closed_one(world: World) -> None:
    who, other = alone(), world.people["colleague"].id
    for values in (
        {},  # not closed
        {"subject_id": other},
        {"subject_id": other, "asked_by": other},
        {"stage": Stage.NOTED},
        {"asked_as": AskedAs.COMMAND},
    ):
        with pytest.raises(DBAPIError, match="row-level security"), transaction(who.credential) as tx:
            tx.execute(insert(Erasure).values(id=tx.take_id(Erasure), **{**_values(who), **values}))
