"""Rows in all those tables in which the world has nothing about somebody."""

import secrets
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from backoffice import clock
from backoffice.access.transaction import Transaction
from backoffice.accounts.address_models import EmailChange, SignUp
from backoffice.accounts.addresses import email_index
from backoffice.accounts.care.models import FactorReset, SecurityEvent, Suspension
from backoffice.accounts.models import (
    AccountLetter,
    AccountLink,
    AccountRecoveryCode,
    AccountSecondFactor,
)
from backoffice.accounts.passkeys.models import AccountPasskey
from backoffice.accounts.providers.models import AccountIdentity, IdentityOffer, IdentityProvider
from backoffice.families.models import GuardianInvitation, GuardianLink, GuardianStatus
from backoffice.families.requests.models import GuardianRequest, RequestKind
from backoffice.large_changes.models import LargeChange
from backoffice.messages.models import Message
from backoffice.outbox.models import MailContent, MailState, OutgoingMail, Rank
from backoffice.privacy.erasure.models import MergedMark
from backoffice.privacy.holdings import Subject
from backoffice.privacy.holds.models import HoldState, LegalHold
from backoffice.reports.models import Report
from backoffice.schools.award_models import PointAward, Whom
from backoffice.schools.ending_models import OwnerlessClass
from backoffice.schools.models import School, Student
from backoffice.schools.roster_models import ChangedHow, RosterChangeStudent
from backoffice.staff.models import Invitation, InvitedAs
from backoffice.storage import about
from backoffice.storage.public_id import new_public_id
from backoffice.students.worries.models import GoesTo
from plugins.billing.models import Customer
from plugins.exports.models import Export, ExportState, Intake
from plugins.notifications.drills.models import DrillEvent
from plugins.notifications.hooks.models import DistrictHook
from plugins.notifications.models import Incident, IncidentTask
from plugins.notifications.notices.models import LetterBatch, Notice
from plugins.notifications.scope.models import AffectedPerson, ScopeSource
from plugins.notifications.terms.models import ContractTerms
from plugins.retention.models import IdleAccount
from plugins.rosters.models import (
    AccountSource,
    ClassroomSource,
    ImportSource,
    ImportState,
    RosterImport,
    RosterUpload,
    SchoolSource,
    StudentSource,
    TeachingSource,
    Unseated,
)
from tests.factories.world import Class, Person, World, drill, incident, saved_view, worry


def put_everywhere(tx: Transaction, world: World) -> None:
    """About the people, the classes and the schools that tests erase."""
    for person, room in (
        (world.people["colleague"], world.own_class),
        (world.people["outsider"], world.foreign_class),
    ):
        _person(tx, person, room)
        _class(tx, person, room)
    # Of two who work there alone, one follows no child either, and goes with the district.
    _account(tx, world.people["co_teacher"], world.own_class)
    # A district has one address: of those who set it the last is told.
    tx.execute(update(DistrictHook).values(set_by=world.people["colleague"].id))
    tx.execute(
        update(Customer)
        .where(Customer.school_id == world.home.id)
        .values(made_by=world.people["colleague"].id)
    )
    for school, person in (
        (world.home, world.people["colleague"]),
        (world.outside, world.people["outsider"]),
    ):
        said = {"rule": "none", "said_at": clock.now(), "said_by": person.id}
        tx.execute(insert(ContractTerms).values(school_id=school.id, **said))
    worry(tx, world.colleague_class, GoesTo.LEADER)
    _holds(tx, world)
    leader = world.people["leader"].id
    for named in (world.foreign_class.public_id, world.own_class.children[0].public_id):
        narrowed = {"state": f"of={named}", "about": [about.outside(named)]}
        saved_view(tx, grid="students", name=f"Of {named}", account_id=leader, **narrowed)
    for school in (world.home, world.outside):
        tx.execute(
            insert(SchoolSource).values(
                school_id=school.id, district_id=world.district_id, source_digest=uuid4()
            )
        )


def _holds(tx: Transaction, world: World) -> None:
    """What was held once of each kind, and classes that have lost their teacher."""
    now, (home, outside) = clock.now(), (world.home, world.outside)
    child, colleague = world.own_class.children[0], world.people["colleague"]
    for subject, number, public_id, school in (
        (Subject.STUDENT, child.id, child.public_id, home.id),
        (Subject.CLASSROOM, world.own_class.id, world.own_class.public_id, home.id),
        (Subject.ACCOUNT, colleague.id, colleague.public_id, None),
        (Subject.SCHOOL, outside.id, outside.public_id, outside.id),
        (Subject.DISTRICT, world.district_id, world.district, None),
    ):
        held = {"subject": subject, "subject_id": number, "outside": public_id, "school_id": school}
        steps = dict.fromkeys(("proposed_at", "confirmed_at", "release_at", "ended_at"), now)
        _put(tx, LegalHold, **held, **steps, state=HoldState.RELEASED, reason="A file", review_on=now.date())
    for room in (world.own_class, world.foreign_class):
        _put(tx, OwnerlessClass, school_id=room.school_id, classroom_id=room.id)


def _put(tx: Transaction, model: Any, **values: Any) -> dict[str, Any]:
    columns = model.__table__.c
    if "id" in columns:
        values.setdefault("id", tx.take_id(model))
    for name, usual in (
        ("public_id", new_public_id()),
        ("created_at", clock.now()),
        ("asked_at", clock.now()),
    ):
        if name in columns:
            values.setdefault(name, usual)
    # Of some there is one at a time, which the world may have.
    tx.execute(insert(model).values(values).on_conflict_do_nothing())
    return values


def _account(tx: Transaction, person: Person, room: Class) -> None:
    """What hangs on the account alone."""
    number, _ = incident(tx, person, tx.get_one(School, room.school_id))
    done = {"done_at": clock.now(), "done_by": person.id}
    tx.execute(update(IncidentTask).where(IncidentTask.incident_id == number).values(done))
    answered = {"answered_at": clock.now(), "answered_by": person.id, "answer": "Call the narwhal"}
    tx.execute(update(DrillEvent).where(DrillEvent.incident_id == drill(tx, person)).values(answered))
    notices = select(Notice.id).where(Notice.incident_id == number)
    tx.execute(update(LetterBatch).where(LetterBatch.notice_id.in_(notices)).values(posted_by=person.id))
    now, me = clock.now(), {"account_id": person.id}
    soon = {"expires_at": now + timedelta(hours=1)}
    here = {"school_id": room.school_id}
    _put(tx, Suspension, **me, **here, whole=False, was="active", reason="Asked for", suspended_at=now)
    _put(tx, FactorReset, **me, **here, state="done", ended_at=now)
    event = {"kind": "guessed", "account_public_id": person.public_id, "opened_at": now}
    _put(tx, SecurityEvent, **me, **event, note="Noted")
    told = {"kind": "other", "said": "Something odd", "contact": person.email, "form": uuid4()}
    told["mail"] = f"To: {person.email}\n\nHi".encode()
    _put(tx, Report, **me, **told, reported_at=now, by_school=False, about=[about.address(person.email)])
    _put(tx, Message, **me, **here, kind="core.child-told", once="told", subject="told", created_at=now)
    passkey = {"sign_count": 0, "transports": ["internal"], "backed_up": False, "name": "Telephone"}
    _put(tx, AccountPasskey, **me, **passkey, credential_id=uuid4().bytes, public_key=uuid4().bytes)
    _put(tx, AccountSecondFactor, **me, secret=secrets.token_hex(), set_at=now, last_step=0)
    _put(tx, AccountRecoveryCode, **me, code_digest=secrets.token_bytes(32))
    _put(tx, AccountLetter, **me, kind="locked")
    link = {"purpose": "reset", "security_epoch": 1}
    _put(tx, AccountLink, **me, **link, **soon, token_digest=secrets.token_bytes(32))
    provider = tx.scalar(select(IdentityProvider.id).limit(1))
    theirs = {**me, "provider_id": provider, "subject_digest": secrets.token_bytes(32), "email": person.email}
    _put(tx, AccountIdentity, **theirs, email_verified_at=now, linked_at=now)
    indexed = {"email_index": email_index(person.email)}
    offer = {"token_digest": secrets.token_bytes(32), "security_epoch": 1}
    _put(tx, IdentityOffer, **theirs, **indexed, **offer, **soon)
    old = f"older-{person.email}"
    _put(
        tx,
        EmailChange,
        **me,
        **indexed,
        email=person.email,
        old_email=old,
        old_email_index=email_index(old),
        security_epoch=1,
        take_back_digest=secrets.token_bytes(32),
        confirmed_at=now,
        **soon,
    )
    place = {"country": "US", "state": "CA", "time_zone": "UTC", "language": "en"}
    address = {"email": person.email, **indexed, "token_digest": secrets.token_bytes(32), **soon}
    _put(tx, SignUp, **address, name=person.name, **place)
    due = {"used_at": now, "due_at": now, "told_days": 30, "told_at": now}
    _put(tx, IdleAccount, **me, **due, keep_digest=secrets.token_bytes(32))
    _put(tx, AccountSource, **me, **here, source_digest=uuid4(), content_digest=uuid4())


def _person(tx: Transaction, person: Person, room: Class) -> None:
    _account(tx, person, room)
    now, me, here = clock.now(), {"account_id": person.id}, {"school_id": room.school_id}
    address = {"email": person.email, "email_index": email_index(person.email)}
    invited = {**address, **here, "name": person.name, "expires_at": now + timedelta(hours=1)}
    _put(tx, Invitation, **invited, role=InvitedAs.TEACHER, token_digest=secrets.token_bytes(32))
    child = {**here, "student_id": room.children[-1].id}
    _put(tx, GuardianInvitation, **invited | child, token_digest=secrets.token_bytes(32))
    approved = {"status": GuardianStatus.APPROVED, "told": GuardianStatus.APPROVED, "approved_at": now}
    _put(tx, GuardianLink, **me, **child, **approved, name=person.name)
    _put(tx, GuardianRequest, **me, **child, kind=RequestKind.CORRECT, note="Please", told_at=now)
    asked = {"values": [["student", room.children[0].public_id], ["classroom", room.public_id]], "seen": ""}
    change = {"grid": "console_students", "action": "leave", "count": 1, "state": "done"}
    _put(
        tx,
        LargeChange,
        **me,
        **change,
        asked=asked,
        about=about.named_in(asked),
        fingerprint=secrets.token_bytes(32),
        said={"sentence": "Done."},
        finished_at=now,
    )
    _mail(tx, person, room)
    imported = {**here, "source": ImportSource.UPLOAD, "state": ImportState.DONE, "done": 1}
    times = {"started_at": now, "finished_at": now}
    made = _put(
        tx, RosterImport, **imported, **times, asked_by=person.id, names={"administrators": [person.name]}
    )
    _put(tx, RosterUpload, import_id=made["id"], number=1, content=f"{person.name}, {room.name}".encode())
    _taken_along(tx, person, room)


def _taken_along(tx: Transaction, person: Person, room: Class) -> None:
    """Exports whose files are there, and one that was brought back."""
    here, now = {"school_id": room.school_id}, clock.now()
    ready = {"state": ExportState.READY, "ready_at": now, "size": 1, "done": 1, "downloads": 0, "gone_on": 0}
    how = {"for_family": False, "workbooks": False, "locked": False, "asked_by": person.id}
    for subject, where in (
        (Subject.STUDENT, {**here, "student_id": room.children[0].id}),
        (Subject.CLASSROOM, {**here, "classroom_id": room.id}),
        (Subject.SCHOOL, here),
        (Subject.ACCOUNT, {}),
    ):
        _put(
            tx,
            Export,
            **ready,
            **how,
            **where,
            subject=subject,
            file=new_public_id(),
            file_key=secrets.token_bytes(32),
        )
    _put(tx, Intake, **here, mark=uuid4(), form=str(uuid4()), taken_by=person.id, taken_at=now)


def _mail(tx: Transaction, person: Person, room: Class) -> None:
    """Mails that wait: to the person, and to anybody about the person, the class and a child of it."""
    now = clock.now()
    marks = [
        *about.marks(about.ACCOUNT, [person.id]),
        *about.marks(about.CLASSROOM, [room.id]),
        *about.marks(about.STUDENT, [room.children[0].id]),
    ]
    for to, named in ((person.id, []), (None, marks)):
        made = _put(
            tx,
            OutgoingMail,
            name="core.plugin-switched",
            account_id=to,
            school_id=room.school_id,
            state=MailState.QUEUED,
            rank=Rank.ONE_WAITS,
            attempts=0,
            maybe_twice=False,
            next_try_at=now + timedelta(days=1),
            give_up_at=now + timedelta(days=2),
        )
        message = f"Subject: {room.name}\r\n\r\n{person.name}, {room.children[0].given}".encode()
        _put(tx, MailContent, mail_id=made["id"], recipient=person.email, message=message, about=named)


def _class(tx: Transaction, person: Person, room: Class) -> None:
    here = {"school_id": room.school_id, "classroom_id": room.id}
    child = {"school_id": room.school_id, "student_id": room.children[0].id}
    _put(tx, ClassroomSource, **here, source_digest=uuid4(), content_digest=uuid4())
    _put(tx, StudentSource, **child, source_digest=uuid4(), content_digest=uuid4())
    about_it = tx.scalar(select(Incident.id).limit(1))
    _put(tx, AffectedPerson, incident_id=about_it, kind="student", **child, added_at=clock.now())
    now = clock.now()
    named = {"incident_id": about_it, "kind": "export", "written_at": now}
    named |= {"from_at": now - timedelta(hours=1), "until_at": now}
    _put(tx, ScopeSource, **named, **child, extent="student")
    _put(tx, ScopeSource, **named, **here, extent="classroom")
    _put(tx, TeachingSource, **here, account_id=person.id, role="co_teacher")
    _put(tx, Unseated, **here, student_id=room.children[0].id)
    invited = f"invited-{uuid4().hex}@people.example"
    _put(
        tx,
        Invitation,
        **here,
        email=invited,
        email_index=email_index(invited),
        name="Somebody Invited",
        role=InvitedAs.CO_TEACHER,
        token_digest=secrets.token_bytes(32),
        expires_at=clock.now() + timedelta(days=1),
    )
    awards = update(PointAward).where(PointAward.classroom_id == room.id)
    tx.execute(awards.values(whom=Whom.CHOSEN, chosen=uuid4()))
    _put(tx, RosterChangeStudent, **here, student_id=room.children[0].id, how=ChangedHow.BACK)
    _put(tx, MergedMark, **child, mark=uuid4(), number=tx.take_id(Student))
    worry(tx, room, GoesTo.LEADER)
