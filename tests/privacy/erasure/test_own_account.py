"""The own account, from the page that closes it to the letter that says it is gone."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.principal import Principal, Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.address_models import EmailChange
from backoffice.accounts.addresses import email_index
from backoffice.accounts.models import Account
from backoffice.jobs.models import JobRun
from backoffice.outbox.models import MailContent, OutgoingMail
from backoffice.privacy.erasure import receipts, services
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.ledger import LedgerFile
from backoffice.privacy.erasure.models import AskedAs, Erasure, Stage
from backoffice.privacy.erasure.own_account import erase_own_account
from backoffice.privacy.holdings import Subject
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.schools.models import (
    Classroom,
    Membership,
    Role,
    School,
    Student,
    TeachingRole,
    TeachingRoleName,
)
from backoffice.schools.services.classrooms import create_classroom
from backoffice.storage import functions
from backoffice.storage.public_id import new_public_id
from tests.accounts.alone import alone, room_of
from tests.accounts.post import mailed
from tests.factories.world import SYSTEM, Class, World, add_child

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
        found = {"name": "Al Alone", "language": "en"}
        asked = {"asked_as": AskedAs.COMMAND, "found": found}
        tx.execute(insert(Erasure).values(id=number, **{**_values(who), **asked}))
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


def _noted(who: Principal, *, closed: bool = True, **values: object) -> None:
    with transaction(who.credential) as tx:
        if closed:
            assert functions.deactivate(tx, at=clock.now()) == "done"
        tx.execute(insert(Erasure).values(id=tx.take_id(Erasure), **{**_values(who), **values}))


def test_the_web_notes_nobodys_account_but_the_own_closed_one(world: World) -> None:
    who, other = alone(), world.people["colleague"].id
    for closed, values in (
        (False, {}),
        (True, {"subject_id": other}),
        (True, {"subject_id": other, "asked_by": other}),
        (True, {"stage": Stage.NOTED}),
        (True, {"asked_as": AskedAs.COMMAND}),
        (True, {"school_id": world.home.id}),
    ):
        with pytest.raises(DBAPIError, match="row-level security"):
            _noted(who, closed=closed, **values)
    _noted(who)


def test_an_address_that_was_changed_lately_is_no_reason_to_lose_everything() -> None:
    """Whoever took an account over has its new address; its owner has a link, for a week."""
    who = alone()
    with transaction(SYSTEM) as tx:
        now, mine = clock.now(), email_of(who)
        number = tx.take_id(EmailChange)
        tx.execute(
            insert(EmailChange).values(
                id=number,
                account_id=who.account_id,
                email=mine,
                email_index=email_index(mine),
                old_email="before@people.example",
                old_email_index=email_index("before@people.example"),
                security_epoch=1,
                created_at=now,
                expires_at=now,
                confirmed_at=now - timedelta(days=6),
            )
        )
    with pytest.raises(Rejected, match="within the last week"):
        begun(who)
    assert account(who) is not None
    with transaction(SYSTEM) as tx:
        change = update(EmailChange).where(EmailChange.id == number)
        tx.execute(change.values(confirmed_at=clock.now() - timedelta(days=7, seconds=1)))
    assert begun(who).stage == Stage.CONFIRMED


def test_what_is_being_erased_already_is_said() -> None:
    who = alone()
    with transaction(SYSTEM) as tx:
        tx.execute(insert(Erasure).values(id=tx.take_id(Erasure), **_values(who)))
    with pytest.raises(Rejected, match="being erased already"):
        begun(who)


def guest_in(room: Class, who: Principal) -> tuple[Principal, str]:
    """Somebody who may make classes in the school of this class, and the school."""
    with transaction(SYSTEM) as tx:
        place = {"account_id": who.account_id, "school_id": room.school_id, "role": Role.TEACHER}
        tx.execute(insert(Membership).values(id=tx.take_id(Membership), created_at=clock.now(), **place))
        school = tx.scalars(select(School.public_id).where(School.id == room.school_id)).one()
    with transaction(who.credential) as tx:
        return tx.principal, school


def test_a_child_that_comes_late_goes_too_although_the_own_school_is_gone_already(eraser: Eraser) -> None:
    """Into a class in somebody else's school: the plan is made anew, with a school that nobody finds."""
    host, guest = alone(), alone()
    place, own = room_of(host), room_of(guest)
    here, school = guest_in(place, guest)
    made = create_classroom(principal=here, school=school, name="Only mine")
    number = begun(guest).id
    for _ in range(2):
        with eraser.transaction() as tx:
            eraser._note(tx, tx.get_one(Erasure, number))
    with transaction(SYSTEM) as tx:
        called = tx.scalars(select(School.public_id).where(School.id == own.school_id)).one()
        room = tx.scalars(select(Classroom).where(Classroom.public_id == made)).one()
        guests = replace(place, id=room.id, public_id=made)
        late = add_child(tx, guests, "Laetitia", "Late")
    services.erase(eraser=eraser, subject=Subject.SCHOOL, public_id=called, asked_as=AskedAs.COMMAND)
    assert eraser.carry_out(number) is Stage.VERIFIED
    with transaction(SYSTEM) as tx:
        assert not tx.scalars(select(Student.id).where(Student.id == late.id)).all()
        assert tx.scalars(select(Classroom.id).where(Classroom.id == place.id)).one()
    assert account(guest) is None


def test_what_a_guest_made_in_somebody_elses_own_school_goes_too(eraser: Eraser) -> None:
    host, guest = alone(), alone()
    place = room_of(host)
    here, school = guest_in(place, guest)
    only, shared = (
        create_classroom(principal=here, school=school, name=name) for name in ("Only mine", "Ours")
    )
    with transaction(SYSTEM) as tx:
        rooms = {row.public_id: row.id for row in tx.scalars(select(Classroom))}
        role = {"school_id": place.school_id, "account_id": host.account_id}
        tx.execute(
            insert(TeachingRole).values(classroom_id=rooms[shared], role=TeachingRoleName.CO_TEACHER, **role)
        )
    assert eraser.carry_out(begun(guest).id) is Stage.VERIFIED
    with transaction(SYSTEM) as tx:
        left = dict(tx.execute(select(Classroom.public_id, Classroom.id)).all())
        assert only not in left
        owns = select(TeachingRole.role).where(TeachingRole.classroom_id == left[shared])
        assert tx.scalars(owns).all() == [TeachingRoleName.OWNER]
        assert place.id in left.values()
