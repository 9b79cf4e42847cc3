"""A small world for tests: two schools of one district and one outside it, with data that could leak."""

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import uuid4

import pyotp
from fpdf import FPDF
from sqlalchemy import insert, select, update

from backoffice import clock
from backoffice.access.principal import Nobody, Principal, Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts import codes, passwords
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
from backoffice.accounts.services import people, signing_in
from backoffice.accounts.tokens import token_digest
from backoffice.changes.models import (
    ActionChange,
    Change,
    ClassroomChange,
    JobChange,
    PluginChange,
    SchoolChange,
    StudentChange,
)
from backoffice.families import codes as letter_codes
from backoffice.families.models import (
    GuardianInvitation,
    GuardianLink,
    GuardianStatus,
    StudentView,
    ViewerRole,
)
from backoffice.families.requests.models import GuardianRequest, RequestKind
from backoffice.fields.models import (
    ClassroomValue,
    CustomField,
    FieldKind,
    FieldSubject,
    StudentValue,
)
from backoffice.fields.values import digest
from backoffice.host.models import PluginHistory, PluginState
from backoffice.jobs.models import JobRun, JobSchedule
from backoffice.large_changes.models import ChangeState, LargeChange
from backoffice.messages.models import MailChoice, Message
from backoffice.outbox.models import MailContent, MailState, OutgoingMail, Rank
from backoffice.privacy.erasure import ledger as marks
from backoffice.privacy.erasure.ledger import Line
from backoffice.privacy.erasure.models import AskedAs, Canary, Erasure, ErasureOutside, MergedMark, Stage
from backoffice.privacy.holdings import Subject
from backoffice.privacy.holds.models import HoldState, LegalHold
from backoffice.privacy.retention.models import PolicyVersion, RetentionRun, RunState, VersionState
from backoffice.reports.models import Report
from backoffice.saved_views.models import SavedView, SharedWith
from backoffice.schools import names
from backoffice.schools.award_models import PointAward, Whom
from backoffice.schools.ending_models import ContractEnd, OwnerlessClass
from backoffice.schools.models import (
    Action,
    Classroom,
    ClassroomCode,
    District,
    Door,
    Enrollment,
    Membership,
    PointEntry,
    Role,
    School,
    SchoolKind,
    Student,
    TeachingRole,
    TeachingRoleName,
)
from backoffice.schools.roster_models import ChangedHow, ChangeKind, RosterChange, RosterChangeStudent
from backoffice.schools.services.codes import issue_code
from backoffice.settings import Passwords, Sessions, Throttles
from backoffice.staff.models import Invitation, InvitedAs
from backoffice.storage import about, functions, keyring
from backoffice.storage.public_id import new_public_id
from backoffice.students import services as students
from backoffice.students.cards import services as cards_of
from backoffice.students.cards.models import StudentCard
from backoffice.students.pins import digits
from backoffice.students.pins.models import OverrideKind, PinOverride
from backoffice.students.pins.network_models import LockedNetwork
from backoffice.students.tablet_models import ClassroomTablet
from backoffice.students.worries.models import GoesTo, Worry, WorryKind
from backoffice.throttles.visitor import Visitor
from plugins.billing.exemption.models import TaxCertificate
from plugins.billing.models import (
    Customer,
    Drift,
    DriftKind,
    EventState,
    Invoice,
    InvoiceStatus,
    PlanName,
    Reminder,
    ReminderKind,
    Status,
    StripeEvent,
    Subscription,
)
from plugins.billing.orders.models import OrderState, PurchaseOrder, Quote
from plugins.billing.papers import FileKind
from plugins.exports.models import Export, ExportState, Intake
from plugins.notifications.drills.models import Drill, DrillEvent
from plugins.notifications.hooks.models import DistrictHook, HookCall
from plugins.notifications.models import (
    ConcernedSchool,
    GivenNotice,
    Incident,
    IncidentTask,
    TimelineEntry,
)
from plugins.notifications.notices.models import LetterBatch, Notice, NoticeDelivery, NoticeStep
from plugins.notifications.scope.models import AffectedPerson, ScopeReach, ScopeSource
from plugins.notifications.terms.models import ContractTerms
from plugins.rosters.models import ImportSource, ImportState, RosterImport

SYSTEM = Principal(Purpose("test"))
PASSWORD = "correct horse battery"
RECOVERY_CODE = "abcde-fghjk"
# Mailed to somebody who signs up, to the leader's new address and to the outsider's old one.
SIGN_UP_LINK, NEW_ADDRESS_LINK, TAKE_BACK_LINK = "s" * 43, "n" * 43, "t" * 43
# Who signed a school's orders and certificates, on paper.
SIGNED_BY = "Ottilie Orderly"
# Of the mailed link that links the leader's account.
OFFERED = "o" * 43
COST = Passwords()
# What tests that are not about throttles run under.
NO_LIMIT = Throttles(**dict.fromkeys(Throttles.model_fields, "1000000/second"))


@dataclass
class Person:
    """Somebody with an account."""

    id: int
    public_id: str
    email: str
    name: str
    # Of the authenticator app, for who has one.
    secret: str | None = None

    def otp(self) -> str:
        """The code that the app shows now. It works even if it has just been used."""
        if self.secret is None:
            return ""
        with transaction(SYSTEM) as tx:
            tx.execute(
                update(AccountSecondFactor)
                .where(AccountSecondFactor.account_id == self.id)
                .values(last_step=0)
            )
        return pyotp.TOTP(self.secret).at(clock.now())


@dataclass
class Child:
    """A student."""

    id: int
    public_id: str
    given: str
    family: str | None
    username: str | None = None


@dataclass
class Class:
    """A classroom with its code and children."""

    id: int
    public_id: str
    school_id: int
    name: str
    code: str
    children: list[Child] = field(default_factory=list)


@dataclass
class World:
    """Everything the tests stand on.

    `home` and `elsewhere` are schools of one district, `outside` is not. `teacher` owns `own_class` and
    nothing else; `colleague` owns `colleague_class` at the same school; `leader` leads the district;
    `outsider` owns `foreign_class` in the school outside.
    """

    district: str
    district_id: int
    home: School
    elsewhere: School
    outside: School
    people: dict[str, Person]
    own_class: Class
    colleague_class: Class
    elsewhere_class: Class
    foreign_class: Class
    # The token of an invitation into the home school.
    invited: str
    # The token of an invitation to follow the own class's second child, and a letter's code for the first.
    family_invited: str
    letter: str
    # The secret of the card of the own class's first child.
    card: str

    def sign_in(self, role: str) -> Principal:
        """A fresh session of one of the people."""
        token = self.token(role)
        with transaction(signing_in.credential(token, "198.51.100.7")) as tx:
            return tx.principal

    def token(self, role: str) -> str:
        """The cookie value of a fresh session."""
        # As after the right password: checking one takes as long as all the rest, in thousands of tests.
        token, visitor = secrets.token_urlsafe(32), Visitor("198.51.100.7")
        with transaction(Nobody(visitor.address)) as tx:
            found = functions.sign_in_account(tx, email_index=email_index(self.people[role].email))
            assert found is not None
            signing_in.begin_by(
                tx,
                found,
                "none",
                token=token,
                sessions=Sessions(),
                visitor=visitor,
                device="test browser",
                shared=False,
            )
        return token

    def student_session(
        self, classroom: Class, child: Child, sessions: Sessions | None = None
    ) -> students.Begun:
        """A fresh session of a child."""
        return come_in(classroom.code, child.public_id, sessions)

    def student(self, classroom: Class, child: Child, sessions: Sessions | None = None) -> Principal:
        """A child who has just signed in."""
        begun = self.student_session(classroom, child, sessions)
        with transaction(students.credential(begun.token_id, "203.0.113.9")) as tx:
            return tx.principal


def names_behind(code: str) -> list[students.Choice]:
    """What somebody sees who types a code."""
    return students.names_behind(code=code, visitor=Visitor(), throttles=NO_LIMIT)


def come_in(code: str, student: str, sessions: Sessions | None = None) -> students.Begun:
    """Sign a child in by code and name."""
    return students.sign_in_student(
        code=code,
        student=student,
        sessions=sessions or Sessions(),
        visitor=Visitor("203.0.113.9"),
        throttles=NO_LIMIT,
    )


PEOPLE = (
    ("founder", "Robin Founder"),
    ("leader", "Ruth Leader"),
    ("officer", "Olga Officer"),
    ("teacher", "Tilda Teacher"),
    ("colleague", "Colin Colleague"),
    ("co_teacher", "Cora Coteacher"),
    ("helper", "Henk Helper"),
    ("elsewhere", "Edna Elsewhere"),
    ("outsider", "Otto Outsider"),
    ("parent", "Pia Parent"),
    ("foreign_parent", "Fred Foreignparent"),
)


def make_world() -> World:
    """Fill the empty database of the process with a world."""
    people = {role: _person(role, name) for role, name in PEOPLE}
    with transaction(SYSTEM) as tx:
        district_id, district = _row(tx, District, name="Quillfeather District", **_place())
        schools = [
            add_school(tx, "Home Hollow School", district_id),
            add_school(tx, "Elsewhere Elms School", district_id),
            add_school(tx, "Outside Oaks School", None),
        ]
        home, elsewhere, outside = schools
        for person in people.values():
            message(tx, person.id)
            # Of a part that is here no more, so that each gets every mail.
            tx.add(MailChoice(account_id=person.id, unwanted=["gone.dodo"]))
        for role, school in (
            ("teacher", home),
            ("colleague", home),
            ("co_teacher", home),
            ("helper", home),
            ("elsewhere", elsewhere),
            ("outsider", outside),
        ):
            _row(
                tx,
                Membership,
                account_id=people[role].id,
                school_id=school.id,
                role=Role.TEACHER,
                created_at=clock.now(),
            )
        for role, held in (("leader", Role.LEADER), ("officer", Role.PRIVACY_OFFICER)):
            _row(
                tx,
                Membership,
                account_id=people[role].id,
                district_id=district_id,
                role=held,
                created_at=clock.now(),
            )
        own = _class(
            tx,
            home,
            "Ownclass Otters",
            people["teacher"],
            "Wilhelmina Quartermaine",
            "Bartholomew Zephyrine",
        )
        colleague = _class(
            tx,
            home,
            "Colleague Cranes",
            people["colleague"],
            "Persephone Underhill",
            "Leopold Vexington",
        )
        other = _class(
            tx,
            elsewhere,
            "Elsewhere Eagles",
            people["elsewhere"],
            "Ottoline Fairweather",
            "Ignatius Kettleburn",
        )
        foreign = _class(
            tx,
            outside,
            "Foreign Foxes",
            people["outsider"],
            "Seraphina Ravenscroft",
            "Thaddeus Nightingale",
        )
        for role, name in (
            ("co_teacher", TeachingRoleName.CO_TEACHER),
            ("helper", TeachingRoleName.HELPER),
        ):
            tx.execute(
                insert(TeachingRole).values(
                    school_id=home.id, classroom_id=own.id, account_id=people[role].id, role=name
                )
            )
        _roster(tx, people["leader"], home)
        _roster(tx, people["outsider"], outside)
        _taken_along(tx, people["leader"], home)
        said = {"rule": "none", "said_at": clock.now(), "said_by": people["founder"].id}
        _row(tx, ContractTerms, district_id=district_id, **said)
        pays(tx, people["leader"], home)
        pays(tx, people["outsider"], outside)
        invited = _invited(tx, people["leader"], home)
        _invited(tx, people["outsider"], outside)
        family_invited = family_invitation(tx, people["teacher"], home, own.children[1])
        letter = family_letter(tx, people["teacher"], home, own.children[0])
        family_letter(tx, people["outsider"], outside, foreign.children[0])
        twin = {"school_id": outside.id, "student_id": foreign.children[0].id}
        tx.execute(insert(MergedMark).values(**twin, mark=uuid4(), number=tx.take_id(Student)))
        for room in (own, colleague, other, foreign):
            worry(tx, room)
        for role, room in (("teacher", own), ("outsider", foreign)):
            erasure(tx, people[role], room)
        _released_hold(tx, own)
        own_fields(tx, home, own)
        own_fields(tx, outside, foreign)
        cards = {}
        for viewer, school, room in (("teacher", home, own), ("outsider", outside, foreign)):
            _row(
                tx,
                StudentView,
                school_id=school.id,
                student_id=room.children[0].id,
                viewer_id=people[viewer].id,
                role=ViewerRole.TEACHER,
                at=clock.now() - timedelta(hours=2),
            )
            cards[viewer] = _card(tx, people[viewer], room)
        _guardian(tx, people["parent"], home, own.children[0])
        _guardian(tx, people["foreign_parent"], outside, foreign.children[0])
        guardian_request(tx, people["parent"], own)
        guardian_request(tx, people["foreign_parent"], foreign)
        _given_up(tx, people["founder"], None)
        _given_up(tx, people["teacher"], home)
        _row(tx, AccountLetter, kind="locked", account_id=people["leader"].id, created_at=clock.now())
        _row(
            tx,
            AccountLink,
            account_id=people["leader"].id,
            purpose="reset",
            token_digest=token_digest("in a mail"),
            security_epoch=1,
            created_at=clock.now(),
            expires_at=clock.now() + timedelta(minutes=30),
        )
        _cared_for(tx, people, home, outside)
        _waiting_run(tx)
        _ending(tx, home, outside, (colleague, foreign))
        _still_to_be_proved(tx, people["leader"], people["outsider"])
        _linked(tx, people["leader"])
        for owner in ("teacher", "outsider"):
            saved_view(tx, grid="classrooms", name=view_name(people[owner].name), account_id=people[owner].id)
        done = {"state": ChangeState.DONE, "said": {"sentence": "Done."}, "finished_at": clock.now()}
        large_change(tx, account_id=people["leader"].id, **done)
        state, _ = _row(
            tx,
            PluginState,
            name="trust",
            enabled=True,
            version=1,
            reason="Quillfeather asked for it",
            changed_at=clock.now(),
            changed_by=people["founder"].id,
        )
        kept(tx, PluginChange, "patience", 1, 2, plugin_state_id=state)
        schedule, _ = _row(
            tx,
            PluginHistory,
            plugin="trust",
            done="switched off",
            reason="Quillfeather asked for it",
            at=clock.now(),
            done_by=people["founder"].id,
            at_server=False,
        )
        _proposed_policy(tx, people["founder"].id)
        _row(
            tx,
            JobSchedule,
            job="trust.check",
            time="every 5 minutes",
            next_at=clock.now() + timedelta(minutes=3),
            last_at=clock.now() - timedelta(minutes=2),
        )
        kept(tx, JobChange, "time", "every 10 minutes", "every 5 minutes", job_schedule_id=schedule)
        _row(
            tx,
            JobRun,
            job="trust.check",
            asked="person",
            asked_by=people["founder"].id,
            state="succeeded",
            attempt=1,
            asked_at=clock.now() - timedelta(minutes=2),
            started_at=clock.now() - timedelta(minutes=2),
            finished_at=clock.now() - timedelta(minutes=1),
            counts="checked: 12",
            log="Looked at every promise.",
        )
    return World(
        district,
        district_id,
        home,
        elsewhere,
        outside,
        people,
        own,
        colleague,
        other,
        foreign,
        invited,
        family_invited,
        letter,
        cards["teacher"],
    )


def make_personal(tx: Transaction, school_id: int, teacher: Person) -> None:
    """Make a school one teacher's own, as if they had signed up alone."""
    tx.execute(update(School).where(School.id == school_id).values(kind=SchoolKind.PERSONAL))
    place = update(Membership).where(Membership.school_id == school_id, Membership.account_id == teacher.id)
    tx.execute(place.values(origin="sign-up"))


def worry(tx: Transaction, room: Class, goes_to: GoesTo = GoesTo.TEACHER) -> str:
    """Something that the first child of a class told; its public identifier."""
    public_id = new_public_id()
    _row(
        tx,
        Worry,
        public_id=public_id,
        school_id=room.school_id,
        classroom_id=room.id,
        student_id=room.children[0].id,
        kind=WorryKind.UNKIND,
        goes_to=goes_to,
        note=f"Worry of the {room.name}",
        form=uuid4(),
        told_at=clock.now() - timedelta(hours=3),
        mailed_at=clock.now(),
    )
    return public_id


def erasure(tx: Transaction, teacher: Person, room: Class) -> int:
    """An erasure of the first child of a class, looked at and not confirmed, and a line of the ledger."""
    at = clock.now() - timedelta(minutes=1)
    number, public_id = _row(
        tx,
        Erasure,
        subject=Subject.STUDENT,
        subject_id=room.children[0].id,
        school_id=room.school_id,
        stage=Stage.PREVIEWED,
        asked_by=teacher.id,
        asked_as=AskedAs.TEACHER,
        found={
            "title": f"{room.children[0].given} {room.children[0].family}",
            "subjects": {"student": 1},
            "rows": {"app.student": 1, "app.enrollment": 1, "app.point_entry": 2},
            "classes": [room.name],
        },
        asked_at=at,
    )
    marks.note(tx, [Line((marks.mark_of("student", public_id),), "student", public_id, at)])
    told = {"handler": "billing.customer", "reference": f"cus_{room.children[0].given}", "tries": 0}
    tx.execute(insert(ErasureOutside).values(erasure=public_id, noted_at=at, **told))
    ended = {"begun_at": at - timedelta(hours=3), "ended_at": at, "step": "account erased"}
    tx.execute(insert(Canary).values(public_id=new_public_id(), **ended))
    return number


def _released_hold(tx: Transaction, room: Class) -> None:
    """A legal hold on a class that is over, so that it stops nothing."""
    at = clock.now() - timedelta(days=9)
    _row(
        tx,
        LegalHold,
        subject=Subject.CLASSROOM,
        subject_id=room.id,
        outside=room.public_id,
        school_id=room.school_id,
        state=HoldState.RELEASED,
        reason=f"Court file about {room.name}",
        review_on=at.date(),
        proposed_at=at,
        confirmed_at=at,
        release_at=at,
        ended_at=at,
    )


def guardian_request(tx: Transaction, parent: Person, room: Class) -> str:
    """Something that the parent of a class's first child asks; its public identifier."""
    public_id = new_public_id()
    _row(
        tx,
        GuardianRequest,
        public_id=public_id,
        school_id=room.school_id,
        student_id=room.children[0].id,
        account_id=parent.id,
        kind=RequestKind.CORRECT,
        note=f"Request about {room.name}",
        asked_at=clock.now() - timedelta(hours=4),
        told_at=clock.now(),
    )
    return public_id


@cache
def _hashed(role: str) -> str:
    """The password of somebody, with a salt of their own: hashed once and not in each world."""
    del role
    return passwords.hash_password(PASSWORD, COST)


def _person(role: str, name: str) -> Person:
    email = f"{role.replace('_', '-')}@people.example"
    with transaction(SYSTEM) as tx:
        number, public_id = people.add(
            tx, email=email, name=name, password_hash=_hashed(role), founder=role == "founder"
        )
        secret = _second_factor(tx, number) if role == "founder" else None
    return Person(number, public_id, email, name, secret)


def add_founder(world: World, role: str, name: str) -> Person:
    """One more founder, who can sign in by this role."""
    email = f"{role.replace('_', '-')}@people.example"
    with transaction(SYSTEM) as tx:
        number, public_id = people.add(
            tx, email=email, name=name, password_hash=_hashed("founder"), founder=True
        )
        secret = _second_factor(tx, number)
    person = Person(number, public_id, email, name, secret)
    world.people[role] = person
    return person


def _second_factor(tx: Transaction, account: int) -> str:
    """An authenticator app, and a recovery code beside it."""
    secret = codes.new_secret()
    tx.execute(
        insert(AccountSecondFactor).values(account_id=account, secret=secret, set_at=clock.now(), last_step=0)
    )
    digest = codes.recovery_digest(account, RECOVERY_CODE)
    _row(tx, AccountRecoveryCode, account_id=account, code_digest=digest)
    return secret


def add_app(person: Person) -> None:
    """An authenticator app and a recovery code, for who has none."""
    if person.secret is None:
        with transaction(SYSTEM) as tx:
            person.secret = _second_factor(tx, person.id)


def view_name(of: str) -> str:
    """What a saved view of somebody is called."""
    return f"Narrowed by {of}"


def message(tx: Transaction, account: int, **values: Any) -> tuple[int, str]:
    """What somebody was told and has not read; its number and public identifier."""
    usual = {"kind": "core.password-changed", "once": new_public_id(), "created_at": clock.now()}
    return _row(tx, Message, **{**usual, "account_id": account, **values})


def saved_view(tx: Transaction, **values: Any) -> tuple[int, str]:
    """A view of a list that sorts it by name; its number and public identifier."""
    usual = {"state": "sort=-name", "shared_with": SharedWith.NOBODY, "is_default": False, "pinned": False}
    return _row(tx, SavedView, **{**usual, "created_at": clock.now(), **values})


def custom_field(tx: Transaction, school: School, subject: FieldSubject, **values: Any) -> CustomField:
    """A field of a school's own for a text that is kept for a year."""
    usual = {"kind": FieldKind.TEXT, "name": "Zanzibar bus", "keep_days": 365, "created_at": clock.now()}
    said = {"purpose": "Who is to be sent home by which bus", "subject": subject}
    number, _ = _row(tx, CustomField, **{**usual, **said, "school_id": school.id, **values})
    return tx.scalars(select(CustomField).where(CustomField.id == number)).one()


def field_value(tx: Transaction, field: CustomField, thing: Child | Class, value: str) -> None:
    """Something written in a field about a student or a class."""
    model, of = (StudentValue, "student_id") if isinstance(thing, Child) else (ClassroomValue, "classroom_id")
    kept = {"value": value, "value_index": digest(field, value), "set_at": clock.now()}
    tx.execute(insert(model).values(school_id=field.school_id, field_id=field.id, **{of: thing.id}, **kept))


def own_fields(tx: Transaction, school: School, room: Class) -> None:
    """Fields of a school's own, with something written about a class and its first child."""
    buses = custom_field(tx, school, FieldSubject.STUDENT, name=f"Zanzibar bus of {school.name}")
    field_value(tx, buses, room.children[0], f"Wombat line of {room.name}")
    rooms = custom_field(tx, school, FieldSubject.CLASSROOM, name=f"Quokka room of {school.name}")
    field_value(tx, rooms, room, f"Beside the wallaby hall of {room.name}")


def large_change(tx: Transaction, **values: Any) -> tuple[int, str]:
    """A change of many rows that waits for a worker; its number and public identifier."""
    usual = {
        "grid": "console_students",
        "action": "leave",
        "asked": {"values": [], "seen": ""},
        "fingerprint": secrets.token_bytes(32),
        "count": 1_000,
        "state": ChangeState.WAITING,
    }
    return _row(tx, LargeChange, **{**usual, "asked_at": clock.now(), **values})


def add_passkey(account: int, name: str = "Telephone") -> tuple[int, str]:
    """A passkey that no device has; its number and public identifier."""
    public_id = new_public_id()
    with transaction(SYSTEM) as tx:
        row = insert(AccountPasskey).values(
            public_id=public_id,
            account_id=account,
            credential_id=public_id.encode(),
            public_key=b"",
            sign_count=0,
            transports=["internal"],
            backed_up=False,
            name=name,
            created_at=clock.now(),
        )
        number = tx.scalar(row.returning(AccountPasskey.id))
    assert number is not None
    return number, public_id


def _linked(tx: Transaction, person: Person) -> None:
    """Linked with a provider that is not in use, and asked for another time."""
    provider = tx.take_id(IdentityProvider)
    tx.execute(
        insert(IdentityProvider).values(
            id=provider,
            name="google",
            title="Google",
            discovery_url="https://accounts.google.example/.well-known/openid-configuration",
            client_id="classroom",
            client_secret="known to both",
            domain_claim="hd",
            verified_claim="email_verified",
            enabled=False,
        )
    )
    now, digest = clock.now(), token_digest("their subject")
    theirs = {"account_id": person.id, "provider_id": provider, "email": person.email}
    _row(tx, AccountIdentity, **theirs, subject_digest=digest, email_verified_at=now, linked_at=now)
    _row(
        tx,
        IdentityOffer,
        **theirs,
        subject_digest=digest,
        email_index=email_index(person.email),
        security_epoch=1,
        token_digest=token_digest(OFFERED),
        created_at=now,
        expires_at=now + timedelta(minutes=30),
    )


def _place() -> dict[str, Any]:
    return {
        "country": "US",
        "state": "CA",
        "time_zone": "America/Los_Angeles",
        "language": "en",
        "created_at": clock.now(),
    }


def add_school(tx: Transaction, name: str, district_id: int | None) -> School:
    """A new school in which nobody works, of a district or of none."""
    number, _ = _row(
        tx,
        School,
        name=name,
        district_id=district_id,
        kind=SchoolKind.SCHOOL,
        school_days=["mon"],
        **_place(),
    )
    kept(tx, SchoolChange, "days", ["tue"], ["mon"], school_id=number)
    return tx.execute(select(School).where(School.id == number)).scalar_one()


def kept(tx: Transaction, model: type[Change], field: str, before: Any, after: Any, **of: Any) -> None:
    """A change of something that nobody remembers having made."""
    difference = {"before": before, "after": after}
    _row(tx, model, field=field, difference=difference, at=clock.now(), **of)


def add_classroom(tx: Transaction, school: School, name: str) -> tuple[int, str]:
    """The number and the public identifier of a new class that nobody teaches and that has no code."""
    return _row(
        tx,
        Classroom,
        school_id=school.id,
        name=name,
        door=Door.OPEN,
        shared_devices=True,
        created_at=clock.now(),
    )


def _class(tx: Transaction, school: School, name: str, owner: Person, *children: str) -> Class:
    number, public_id = add_classroom(tx, school, name)
    issue_code(tx, school_id=school.id, classroom_id=number)
    tx.execute(
        insert(TeachingRole).values(
            school_id=school.id,
            classroom_id=number,
            account_id=owner.id,
            role=TeachingRoleName.OWNER,
        )
    )
    code = tx.scalar(select(ClassroomCode.code).where(ClassroomCode.classroom_id == number))
    assert code is not None
    made = Class(number, public_id, school.id, name, code)
    add_tablet(tx, made, owner)
    for full_name in children:
        made.children.append(add_child(tx, made, *full_name.split(" ", 1)))
    kept(*(tx, ClassroomChange, "name", f"Former {name}", name), school_id=school.id, classroom_id=number)
    for child in made.children[:1]:
        former, now = [f"Former {child.given}", child.family], [child.given, child.family]
        kept(tx, StudentChange, "name", former, now, school_id=school.id, student_id=child.id)
    action, _ = _row(
        tx,
        Action,
        school_id=school.id,
        classroom_id=number,
        label=f"Praise of the {name}",
        icon="star",
        value=2,
        created_at=clock.now(),
    )
    of_action = {"school_id": school.id, "action_id": action, "classroom_id": number}
    kept(tx, ActionChange, "value", 1, 2, **of_action)
    given = {"school_id": school.id, "classroom_id": number, "action_id": action, "awarded_by": owner.id}
    yesterday = clock.now() - timedelta(days=1)
    award, _ = _row(tx, PointAward, **given, whom=Whom.CLASS, form=str(uuid4()), awarded_at=yesterday)
    for child in made.children:
        _row(
            tx,
            PointEntry,
            **given,
            student_id=child.id,
            award_id=award,
            value=2,
            comment=f"Comment about {child.family}",
            awarded_at=yesterday,
        )
    # Too old to be undone.
    here = {"school_id": school.id, "classroom_id": number}
    tx.execute(
        insert(RosterChange).values(
            **here, kind=ChangeKind.ADD, at=clock.now() - timedelta(hours=25), by=owner.id
        )
    )
    for child in made.children[-1:]:
        tx.execute(insert(RosterChangeStudent).values(**here, student_id=child.id, how=ChangedHow.BACK))
    return made


def add_tablet(tx: Transaction, classroom: Class, teacher: Person) -> tuple[str, str]:
    """A tablet that is paired with a class; its public identifier, and the token in its cookie."""
    token, now = secrets.token_urlsafe(32), clock.now()
    _number, public_id = _row(
        tx,
        ClassroomTablet,
        school_id=classroom.school_id,
        classroom_id=classroom.id,
        label=f"Lantern of the {classroom.name.split()[-1]}",
        paired_by=teacher.id,
        created_at=now,
        pairing_until=now,
        token_digest=token_digest(token),
        paired_at=now,
        expires_at=now + timedelta(days=300),
    )
    return public_id, token


def add_child(tx: Transaction, classroom: Class, given: str, family: str | None = None) -> Child:
    """A new student in a class."""
    username = f"{given}.{family}".lower()
    number, public_id = _row(
        tx,
        Student,
        school_id=classroom.school_id,
        given_name=given,
        family_name=family,
        name_tokens=names.tokens(given, family, school_id=classroom.school_id),
        username_digest=keyring.current().username_digest(username, school=str(classroom.school_id)),
        created_at=clock.now(),
    )
    tx.execute(
        insert(Enrollment).values(
            school_id=classroom.school_id,
            classroom_id=classroom.id,
            student_id=number,
            avatar="owl-plum",
            balance=2,
            joined_at=clock.now(),
        )
    )
    return Child(number, public_id, given, family, username)


def give_pin(child: Child, pin: str, cost: Passwords = COST) -> str:
    """Let a child have this PIN, whatever it had; the hash."""
    made = digits.hash_pin(pin, student_id=child.id, cost=cost)
    with transaction(SYSTEM) as tx:
        row = update(Student).where(Student.id == child.id)
        tx.execute(row.values(pin_hash=made, pin_changed_at=clock.now()))
    return made


def _cared_for(tx: Transaction, people: dict[str, Person], home: School, outside: School) -> None:
    """Rows of looking after accounts that are of no effect: somebody reads them who should not, or nobody."""
    now = clock.now()
    for role, school in (("officer", home), ("outsider", outside)):
        of = {"account_id": people[role].id, "school_id": school.id}
        _row(tx, Suspension, **of, whole=False, was="active", reason=f"{role} asked", suspended_at=now)
        _row(tx, FactorReset, **of, state="done", asked_at=now, ended_at=now)
    parent = people["foreign_parent"]
    _row(
        tx,
        SecurityEvent,
        kind="guessed",
        account_id=parent.id,
        account_public_id=parent.public_id,
        opened_at=now,
    )
    report(tx, parent)
    incident(tx, people["founder"], home)
    drill(tx, people["founder"])


REPORTED = "A walrus asked me for my password"


def report(tx: Transaction, by: Person, **values: Any) -> tuple[int, str]:
    """Something that somebody reported who was signed in; its number and public identifier."""
    contact = "walrus-witness@elsewhere.example"
    asked = {"contact": contact, "about": [about.address(contact)], "form": uuid4(), "by_school": False}
    said = {"kind": "message", "said": REPORTED, "mail": b"From: walrus@sea.example\n\nYour password?\n"}
    return _row(tx, Report, account_id=by.id, **{**asked, **said, "reported_at": clock.now(), **values})


INCIDENT = "A narwhal swam off with the mails"


def incident(tx: Transaction, by: Person, school: School, **values: Any) -> tuple[int, str]:
    """An incident that a founder opened and that concerns a school; its number and public identifier."""
    now = clock.now()
    known = {"role": "processor", "risk": "unassessed", "kinds": ["name", "student_id"], "encrypted": "no"}
    said = {"title": "Narwhal at large", "what": INCIDENT, "systems": "The narwhal's server"}
    opened = {"noticed_at": now - timedelta(hours=30), "opened_at": now, "opened_by": by.id, "led_by": by.id}
    first = {"is_drill": False, "version": 0, "form": str(uuid4())}
    number, outside = _row(tx, Incident, **{**known, **said, **opened, **first, **values})
    of = {"incident_id": number}
    line = {"said": INCIDENT, "reason": "The narwhal knows why", "happened_at": now, "written_at": now}
    tx.execute(insert(TimelineEntry).values(**of, **line, kind="decision", written_by=by.id))
    _row(tx, IncidentTask, **of, said="Call the narwhal", added_at=now, due_at=now + timedelta(hours=9))
    place = {"school_id": school.id, "place": "US-NY", "time_zone": "America/New_York"}
    people = {"students": 3, "staff": 2, "parents": 1}
    concerned, _ = _row(tx, ConcernedSchool, **of, **place, **people, late_reason="A late narwhal")
    given = {"rule": "us-ny-121-10-cpo", "at": now, "late_reason": "A late narwhal", "given_by": by.id}
    tx.execute(insert(GivenNotice).values(**of, **given, concerned_school_id=concerned))
    _notice(tx, number, by, school)
    misused = {
        "account_id": by.id,
        "written_by": by.id,
        "written_at": now,
        "from_at": now - timedelta(hours=1),
    }
    named = {"kind": "account", "extent": "account", "until_at": now}
    source, _ = _row(tx, ScopeSource, **of, **misused, **named)
    person = {"kind": "staff", "school_id": school.id, "account_id": by.id, "added_at": now}
    reached = tx.scalars(insert(AffectedPerson).values(**of, **person).returning(AffectedPerson.id)).one()
    tx.execute(insert(ScopeReach).values(source_id=source, person_id=reached))
    return number, outside


DRILL = "A walrus plays narwhal"


def drill(tx: Transaction, by: Person) -> int:
    """A drill in which something has come in that waits for an answer; the number of its incident."""
    now = clock.now()
    known = {"role": "processor", "risk": "unassessed", "kinds": [], "encrypted": "no", "is_drill": True}
    said = {"title": DRILL, "what": INCIDENT, "noticed_at": now, "opened_at": now, "opened_by": by.id}
    number, _ = _row(tx, Incident, **known, **said, led_by=by.id, version=0, form=str(uuid4()))
    of = {"incident_id": number}
    tx.execute(insert(Drill).values(**of, script="guessed-password", begun_at=now, faster=60))
    came = {"comes_at": now - timedelta(minutes=1), "late_at": now + timedelta(hours=9)}
    _row(tx, DrillEvent, **of, **came, name="leader-calls")
    return number


NOTICE = "A narwhal may have read your mails"


TOLD = "Lists of classes could be read"


def told_by_notice(tx: Transaction, by: Person, school: School) -> str:
    """An incident that a school was told of by a notice, which is sent; as the school names it."""
    now = clock.now()
    number, _ = incident(tx, by, school, title="The walrus again")
    mine = ConcernedSchool.incident_id == number
    tx.execute(update(ConcernedSchool).where(mine).values(told_at=now))
    parts = ("what", "when", "which", "we_do", "you_do")
    english = {"heading": TOLD, "contact": "security@people.example", **dict.fromkeys(parts, "Nothing else.")}
    written = {"template": "breach-mail", "template_version": 1, "said": {"en": english}, "version": 0}
    let_out = {"state": "sent", "proposed_at": now, "proposed_by": None, "approved_at": now, "sent_at": now}
    of = {"incident_id": number, "audience": "schools", "form": str(uuid4()), "written_at": now}
    notice, _ = _row(tx, Notice, **of, **written, **let_out, written_by=by.id)
    concerned = tx.scalars(select(ConcernedSchool).where(mine)).one()
    told = {"state": "bounced", "maybe_twice": False, "addressed_at": now, "settled_at": now}
    tx.execute(insert(NoticeDelivery).values(notice_id=notice, concerned_school_id=concerned.id, **told))
    return concerned.public_id


# A name under which nothing is ever found.
HOOK = "https://narwhal.invalid/hook"


def _notice(tx: Transaction, incident: int, by: Person, school: School) -> None:
    """A draft of a banner that was proposed once, and that a mail about it was written to its writer."""
    now = clock.now()
    texts = {"heading": NOTICE, "what": NOTICE, "when": "On Monday"}
    written = {"template": "breach-banner", "template_version": 1, "said": {"en": texts}, "state": "draft"}
    of = {"incident_id": incident, "audience": "banner", "version": 0, "form": str(uuid4())}
    number, _ = _row(tx, Notice, **of, **written, written_by=by.id, written_at=now)
    why = {"kind": "taken back", "reason": "The narwhal was a walrus", "done_at": now, "done_by": by.id}
    tx.execute(insert(NoticeStep).values(notice_id=number, **why))
    batch, _ = _row(tx, LetterBatch, notice_id=number, made_at=now, made_by=by.id)
    told = {"account_id": by.id, "state": "played", "maybe_twice": False, "addressed_at": now}
    told["letter_batch_id"] = batch
    tx.execute(insert(NoticeDelivery).values(notice_id=number, **told))
    if school.district_id is not None:
        _hook(tx, number, by, school.district_id)


def _hook(tx: Transaction, notice: int, by: Person, district: int) -> None:
    """The system of the district, and a call to it that came there."""
    now, of = clock.now(), {"district_id": district}
    number = tx.scalar(select(DistrictHook.id).where(DistrictHook.district_id == district))
    if number is None:
        secret = f"whsec_{'bmFyd2hhbCE' * 4}"
        number = tx.take_id(DistrictHook)
        hook = {**of, "url": HOOK, "secret": secret, "set_by": by.id, "set_at": now}
        tx.execute(insert(DistrictHook).values(id=number, **hook))
    else:
        tx.execute(update(DistrictHook).where(DistrictHook.id == number).values(set_by=by.id))
    call = {"state": "delivered", "attempts": 1, "next_try_at": now, "last_status": 204, "finished_at": now}
    _row(tx, HookCall, hook_id=number, notice_id=notice, **call, created_at=now)


def _ending(tx: Transaction, home: School, outside: School, rooms: tuple[Class, Class]) -> None:
    """Two schools whose contracts end next year, and two classes noted as without a teacher."""
    now = clock.now()
    for school in (home, outside):
        ends_at = now + timedelta(days=300)
        tx.add(ContractEnd(school_id=school.id, ends_at=ends_at, due_at=ends_at + timedelta(days=60)))
    for room in rooms:
        tx.add(OwnerlessClass(school_id=room.school_id, classroom_id=room.id))


def _waiting_run(tx: Transaction) -> None:
    """A run of retention that waits for a person, over what another job lets go: nothing is ever taken."""
    now = clock.now()
    waits = {"kind": "roster-names", "state": RunState.PAUSED, "due": 30, "total": 100, "gone": 0}
    tx.add(RetentionRun(**waits, up_to=now - timedelta(days=30), began_at=now))


def _proposed_policy(tx: Transaction, founder: int) -> None:
    """A policy of retention that waits for a second founder, and that no file says: nobody can confirm it."""
    said = {"state": VersionState.WAITING, "said": '{"kind": {}}', "digest": "0" * 64, "later": [], "told": 0}
    tx.add(PolicyVersion(**said, proposed_by=founder, proposed_at=clock.now()))


def _given_up(tx: Transaction, person: Person, school: School | None) -> None:
    """A mail that could not be sent, so that what it says is kept for now."""
    now = clock.now()
    number, _ = _row(
        tx,
        OutgoingMail,
        name="core.plugin-switched",
        account_id=person.id,
        school_id=school and school.id,
        state=MailState.FAILED,
        rank=Rank.ONE_WAITS,
        attempts=7,
        maybe_twice=False,
        next_try_at=now,
        give_up_at=now,
        created_at=now - timedelta(days=1),
        finished_at=now,
        reason="the connection was cut",
    )
    tx.execute(
        insert(MailContent).values(
            mail_id=number,
            recipient=person.email,
            message=f"Subject: Something for {person.name}\r\n\r\nHello {person.name}".encode(),
        )
    )


def _roster(tx: Transaction, person: Person, school: School) -> None:
    """A roster that a leader had imported, with a name in its report."""
    now = clock.now()
    _row(
        tx,
        RosterImport,
        school_id=school.id,
        source=ImportSource.UPLOAD,
        state=ImportState.DONE,
        asked_by=person.id,
        created_at=now,
        started_at=now,
        finished_at=now,
        done=10,
        report={"administrators": [f"Amaranth Administrator of {school.name}"]},
    )


def _taken_along(tx: Transaction, person: Person, school: School) -> None:
    """An export of a school that a leader gave up."""
    now = clock.now()
    of = {
        "subject": Subject.SCHOOL,
        "for_family": False,
        "workbooks": False,
        "locked": False,
        "school_id": school.id,
    }
    when = {"asked_at": now, "ended_at": now, "state": ExportState.CANCELLED}
    _row(tx, Export, asked_by=person.id, done=0, downloads=0, gone_on=0, **of, **when)
    brought = {"mark": uuid4(), "form": str(uuid4()), "taken_by": person.id, "taken_at": clock.now()}
    tx.execute(insert(Intake).values(school_id=school.id, **brought))


def pays(tx: Transaction, person: Person, school: School) -> None:
    """A school with a subscription and an invoice, and what Stripe told of it."""
    now, named = clock.now(), secrets.token_hex(7)
    customer, _ = _row(
        tx, Customer, school_id=school.id, stripe_id=f"cus_{named}", made_by=person.id, made_at=now, as_of=now
    )
    what = {"plan": PlanName.SCHOOL, "price": "school_seat_yearly", "seats": 12, "amount": 6000, "months": 12}
    _row(
        tx,
        Subscription,
        customer_id=customer,
        stripe_id=f"sub_{named}",
        status=Status.ACTIVE,
        by_invoice=False,
        currency="usd",
        begun_at=now,
        period_until=now + timedelta(days=365),
        **what,
    )
    _row(
        tx,
        Invoice,
        customer_id=customer,
        stripe_id=f"in_{named}",
        subscription=f"sub_{named}",
        number=f"{named[:8].upper()}-0001",
        status=InvoiceStatus.PAID,
        currency="usd",
        due=72_000,
        paid=72_000,
        attempts=1,
        made_at=now,
        paid_at=now,
        outside=False,
    )
    _orders(tx, customer, named)
    told = {"customer": f"cus_{named}", "thing": f"in_{named}", "happened_at": now, "received_at": now}
    done = {"state": EventState.DONE, "attempts": 1, "next_try_at": now, "done_at": now}
    _row(tx, StripeEvent, stripe_id=f"evt_{named}", kind="invoice.paid", **told, **done)
    differed = {"customer": f"cus_{named}", "stripe_id": f"sub_{named}", "kind": DriftKind.DIFFERS}
    _row(tx, Drift, found_at=now, mended_at=now, **differed)
    told = {"kind": ReminderKind.PAID, "of_what": f"in {named}"}
    _row(tx, Reminder, customer_id=customer, written_at=now, **told)


def _orders(tx: Transaction, customer: int, named: str) -> None:
    """A quote that was ordered, and one that was not, a certificate, and an invoice that is to be paid."""
    now = clock.now()
    offered = {
        "customer_id": customer,
        "plan": PlanName.SCHOOL,
        "price": "school_seat_yearly",
        "price_named": f"price_{named}",
        "seats": 12,
        "amount": 6000,
        "currency": "usd",
        "months": 12,
        "made_at": now,
        "until_at": now + timedelta(days=60),
    }
    quote, _ = _row(tx, Quote, **offered)
    _row(tx, Quote, **offered)
    sheet = FPDF()
    sheet.add_page()
    sheet.set_font("helvetica")
    sheet.cell(text=f"Signed by {SIGNED_BY}")
    paper = {"file": bytes(sheet.output()), "file_kind": FileKind.PDF}
    _row(
        tx,
        PurchaseOrder,
        customer_id=customer,
        quote_id=quote,
        number=f"PO-{named}",
        placed_at=now,
        # As a rule it is tried again by whoever looks at it.
        state=OrderState.FAILED,
        **paper,
    )
    until = now + timedelta(days=400)
    given = {"state": "MA", "last_day": until.date(), "ends_at": until, "given_at": now, "set_at": now}
    _row(tx, TaxCertificate, customer_id=customer, **given, **paper)
    _row(
        tx,
        Invoice,
        customer_id=customer,
        stripe_id=f"in_open_{named}",
        subscription=f"sub_{named}",
        number=f"{named[:8].upper()}-0002",
        status=InvoiceStatus.OPEN,
        currency="usd",
        due=72_000,
        paid=0,
        attempts=0,
        made_at=now,
        due_at=now + timedelta(days=30),
        outside=False,
    )


def _invited(tx: Transaction, person: Person, school: School) -> str:
    """Somebody who has not answered yet; the token of the link."""
    token = secrets.token_urlsafe(32)
    email = f"invited-{school.id}@people.example"
    _row(
        tx,
        Invitation,
        school_id=school.id,
        email=email,
        email_index=email_index(email),
        name=f"Ingrid Invited to {school.name}",
        role=InvitedAs.TEACHER,
        token_digest=token_digest(token),
        invited_by=person.id,
        created_at=clock.now(),
        expires_at=clock.now() + timedelta(days=14),
    )
    return token


def _still_to_be_proved(tx: Transaction, person: Person, moved: Person) -> None:
    """Somebody who signs up, somebody who moves to another address, and somebody who has."""
    now = clock.now()
    coming = "coming@people.example"
    _row(
        tx,
        SignUp,
        email=coming,
        email_index=email_index(coming),
        name="Connie Coming",
        country="US",
        state="CA",
        time_zone="America/Los_Angeles",
        language="en",
        token_digest=token_digest(SIGN_UP_LINK),
        created_at=now,
        expires_at=now + timedelta(days=1),
    )
    for who, old, new, links in (
        (person, person.email, f"another-{person.email}", {"token_digest": token_digest(NEW_ADDRESS_LINK)}),
        (
            moved,
            f"former-{moved.email}",
            moved.email,
            {"take_back_digest": token_digest(TAKE_BACK_LINK), "confirmed_at": now},
        ),
    ):
        _row(
            tx,
            EmailChange,
            account_id=who.id,
            email=new,
            email_index=email_index(new),
            old_email=old,
            old_email_index=email_index(old),
            security_epoch=1,
            created_at=now,
            expires_at=now + timedelta(days=1),
            **links,
        )


def family_invitation(tx: Transaction, teacher: Person, school: School, child: Child) -> str:
    """Somebody who is invited to follow a child by mail; the token of the link."""
    token, email = secrets.token_urlsafe(32), f"guardian-{child.id}@people.example"
    _row(
        tx,
        GuardianInvitation,
        student_id=child.id,
        email=email,
        email_index=email_index(email),
        name=f"Gwen Guardian of {child.given}",
        token_digest=token_digest(token),
        **_asked(teacher, school),
    )
    return token


def family_letter(tx: Transaction, teacher: Person, school: School, child: Child) -> str:
    """A printed letter for a child's parents; its code."""
    code = letter_codes.new_code()
    _row(
        tx,
        GuardianInvitation,
        student_id=child.id,
        code=code,
        code_digest=letter_codes.digest(code),
        **_asked(teacher, school),
    )
    return code


def _asked(teacher: Person, school: School) -> dict[str, Any]:
    return {
        "school_id": school.id,
        "invited_by": teacher.id,
        "created_at": clock.now(),
        "expires_at": clock.now() + timedelta(days=14),
    }


def _guardian(tx: Transaction, parent: Person, school: School, child: Child) -> None:
    tx.execute(
        insert(GuardianLink).values(
            school_id=school.id,
            student_id=child.id,
            account_id=parent.id,
            name=parent.name,
            status=GuardianStatus.APPROVED,
            told=GuardianStatus.APPROVED,
            approved_at=clock.now(),
            created_at=clock.now(),
        )
    )


def _card(tx: Transaction, teacher: Person, classroom: Class) -> str:
    """A card of the first child, and a PIN that was cleared long ago; the secret of the card."""
    now = clock.now()
    of = {
        "school_id": classroom.school_id,
        "classroom_id": classroom.id,
        "student_id": classroom.children[0].id,
    }
    secret = secrets.token_urlsafe(cards_of.SECRET_BYTES)
    _row(tx, StudentCard, **of, secret_digest=cards_of.digest(secret), issued_at=now, issued_by=teacher.id)
    long_ago = now - timedelta(days=40)
    _row(
        tx,
        PinOverride,
        **of,
        kind=OverrideKind.CLEARED,
        made_by=teacher.id,
        made_as=TeachingRoleName.OWNER,
        made_at=long_ago,
    )
    # A network that was locked there, and opened.
    _row(
        tx,
        LockedNetwork,
        school_id=of["school_id"],
        classroom_id=of["classroom_id"],
        network=uuid4(),
        refused_at=now - timedelta(hours=2),
        refused_until=now + timedelta(hours=9),
        opened_at=now - timedelta(hours=1),
    )
    return secret


def _row(tx: Transaction, model: Any, **values: Any) -> tuple[int, str]:
    number = tx.take_id(model)
    if hasattr(model, "public_id"):
        values.setdefault("public_id", new_public_id())
    tx.execute(insert(model).values(id=number, **values))
    return number, values.get("public_id", "")
