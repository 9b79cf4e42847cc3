"""What is given to jobs that do not run by themselves, so that the contract can run them.

A job with arguments has an entry here: from a world it makes something to work on and answers with
the arguments.
"""

from collections.abc import Callable, Mapping

from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.lookup import rows_of
from backoffice.access.permissions import STUDENTS_UNENROLL
from backoffice.access.selection import keys_of, seen_of
from backoffice.access.transaction import transaction
from backoffice.large_changes.models import LargeChange
from backoffice.large_changes.services import Confirmed, ask_for_change
from backoffice.privacy.erasure.asking import ask_to_erase
from backoffice.privacy.erasure.models import AskedAs, Erasure, Stage
from backoffice.privacy.holdings import Subject
from backoffice.schools.models import School, Student
from backoffice.schools.place_queries import open_places
from plugins.billing import asking
from plugins.billing.models import Customer
from plugins.exports import services as exports
from plugins.exports.models import Export
from plugins.notifications.models import ConcernedSchool
from plugins.notifications.notices.models import LetterBatch, Notice, NoticeDelivery
from plugins.rosters import services as rosters
from plugins.rosters.importing.places import Target
from plugins.rosters.models import RosterImport
from tests.factories.oneroster import Shape, zipped
from tests.factories.world import SYSTEM, World

Given = Callable[[World], Mapping[str, int | str]]


def _upload(world: World) -> Mapping[str, int | str]:
    content = zipped(Shape(students=6, classes_a_student=2, unwanted=False))
    target = Target(school=world.home.public_id)
    made = rosters.queue_upload(principal=world.sign_in("leader"), target=target, content=[content])
    with transaction(SYSTEM) as tx:
        return {"number": tx.scalars(select(RosterImport.id).where(RosterImport.public_id == made)).one()}


def _many(world: World) -> Mapping[str, int | str]:
    """All students of a school who leave their classes."""
    leader = world.sign_in("leader")
    with transaction(leader) as tx:
        fit = rows_of(tx.principal, Student, STUDENTS_UNENROLL).where(Student.school_id == world.elsewhere.id)
        keys = keys_of(tx, fit, most=100) or []
        seen = seen_of(tx, keys, open_places)
    shown = ("school", world.elsewhere.public_id)
    confirmed = Confirmed("console_students", "leave", [shown], seen, len(keys))
    made = ask_for_change(principal=leader, confirmed=confirmed)
    with transaction(SYSTEM) as tx:
        return {"change": tx.scalars(select(LargeChange.id).where(LargeChange.public_id == made)).one()}


def _asked(world: World) -> Mapping[str, int | str]:
    """A student whom a teacher asks to be erased."""
    child = world.own_class.children[0].public_id
    asked = ask_to_erase(principal=world.sign_in("teacher"), subject=Subject.STUDENT, public_id=child)
    with transaction(SYSTEM) as tx:
        return {"erasure": tx.scalars(select(Erasure.id).where(Erasure.public_id == asked)).one()}


def _confirmed(world: World) -> Mapping[str, int | str]:
    """A class that somebody has confirmed to be erased."""
    with transaction(SYSTEM) as tx:
        number = tx.take_id(Erasure)
        tx.add(
            Erasure(
                id=number,
                subject=Subject.CLASSROOM,
                subject_id=world.colleague_class.id,
                school_id=world.home.id,
                stage=Stage.CONFIRMED,
                asked_as=AskedAs.TEACHER,
                asked_at=clock.now(),
                confirmed_at=clock.now(),
            )
        )
    return {"erasure": number}


def _export(world: World) -> Mapping[str, int | str]:
    """A class that its teacher wants to take along."""
    room = world.own_class.public_id
    made = exports.ask(principal=world.sign_in("teacher"), subject=Subject.CLASSROOM, public_id=room)
    with transaction(SYSTEM) as tx:
        return {"number": tx.scalars(select(Export.id).where(Export.public_id == made)).one()}


def _paying(world: World) -> Mapping[str, int | str]:
    """A school that pays."""
    with transaction(SYSTEM) as tx:
        mine = tx.scalars(select(Customer).where(Customer.school_id == world.home.id)).one()
        if asking.is_connected():
            # As somebody whom the Stripe knows that is asked.
            mine.stripe_id = asking.current().client.v1.customers.create().id
        return {"customer": mine.id}


def _letters(_world: World) -> Mapping[str, int | str]:
    """A letter of the world's notice, as if that had gone out on paper, which somebody wants to print."""
    now = clock.now()
    with transaction(SYSTEM) as tx:
        batch = tx.scalars(select(LetterBatch).order_by(LetterBatch.id).limit(1)).one()
        notice = tx.get_one(Notice, batch.notice_id)
        out = {"audience": "letters", "template": "breach-mail", "state": "sent", "sent_at": now}
        told = {"proposed_at": now, "approved_at": now}
        tx.execute(update(Notice).where(Notice.id == notice.id).values(**out, **told))
        place = tx.scalars(
            select(ConcernedSchool).where(ConcernedSchool.incident_id == notice.incident_id).limit(1)
        ).one()
        address = {"postal_address": "12 Seaview Avenue"}
        tx.execute(update(School).where(School.id == place.school_id).values(**address))
        mine = NoticeDelivery.letter_batch_id == batch.id
        tx.execute(update(NoticeDelivery).where(mine).values(state="to_post", care_of_id=place.id))
        batch.print_asked_at, batch.print_language = now, "en"
        return {"number": batch.id}


GIVEN: Mapping[str, Given] = {
    "billing.refresh": _paying,
    "core.change-many": _many,
    "core.look-at-erasure": _asked,
    "core.erase": _confirmed,
    "exports.make": _export,
    "notifications.print-letters": _letters,
    "rosters.import": _upload,
}
