"""Everybody who could knock: what each may reach, worked out from how the world was built.

Nothing here asks the policy or the database's own functions: they are what is tested.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from backoffice import clock
from backoffice.access.principal import Nobody, Principal
from backoffice.access.transaction import transaction
from backoffice.accounts.care.models import SecurityEvent
from backoffice.accounts.models import AccountSession
from backoffice.accounts.services import signing_in
from backoffice.changes.models import (
    ActionChange,
    ClassroomChange,
    JobChange,
    PluginChange,
    SchoolChange,
    StudentChange,
)
from backoffice.families.codes import spaced
from backoffice.families.models import GuardianInvitation, GuardianLink, GuardianStatus
from backoffice.families.requests.models import GuardianRequest
from backoffice.fields.models import CustomField, FieldSubject
from backoffice.jobs import registry, scheduler
from backoffice.messages.models import Message
from backoffice.outbox.models import OutgoingMail
from backoffice.privacy.erasure.models import Erasure
from backoffice.privacy.holdings import Subject
from backoffice.reports.models import Report
from backoffice.saved_views.models import SavedView, SharedWith
from backoffice.schools.award_models import PointAward
from backoffice.schools.models import (
    Action,
    Enrollment,
    Membership,
    PointEntry,
    Role,
    School,
    TeachingRole,
    TeachingRoleName,
)
from backoffice.settings import Sessions
from backoffice.staff.models import Invitation
from backoffice.students import tokens
from backoffice.students.pins.network_models import LockedNetwork
from backoffice.students.tablet_models import ClassroomTablet
from backoffice.students.worries.models import Worry
from backoffice.web import cookies
from plugins.billing.exemption.models import TaxCertificate
from plugins.billing.models import Customer, Invoice, StripeEvent
from plugins.billing.orders.models import PurchaseOrder, Quote
from plugins.exports.models import Export, ExportState
from plugins.notifications.drills.models import DrillEvent
from plugins.notifications.models import ConcernedSchool, Incident, IncidentTask
from plugins.notifications.notices.models import Notice
from plugins.rosters.models import RosterImport
from tests.contract.pages import form_token
from tests.factories import world as factory
from tests.factories.world import SYSTEM, Child, Class, Person, World, add_child, view_name

KINDS = (
    "school",
    "district",
    "classroom",
    "student",
    "account",
    "mail",
    "import",
    "session",
    "passkey",
    "invitation",
    "event",
    "report",
    "incident",
    "incident_task",
    "drill_event",
    "concerned_school",
    "notice",
    "action",
    "point_award",
    "worry",
    "guardian_request",
    "guardian_link",
    "guardian_invitation",
    "classroom_tablet",
    "locked_network",
    "saved_view",
    "message",
    "student_change",
    "classroom_change",
    "action_change",
    "school_change",
    "plugin_change",
    "job_change",
    "large_change",
    "export",
    "erasure",
    "custom_field",
    "field_receipt",
    "invoice",
    "quote",
    "purchase_order",
    "tax_certificate",
    "stripe_event",
)
# Parts of the system, known by name: the company's own, and nobody else's.
NAMED = ("plugin", "job")
# What else is the company's own.
COMPANYS = (
    *("mail", "event", "report", "plugin_change", "job_change"),
    *("incident", "incident_task", "drill_event", "concerned_school", "notice"),
    *("stripe_event", "district"),
)
# The child stays signed in until everybody has knocked, however slow the machine.
PATIENT = Sessions(student_idle_shared=240)


@dataclass(frozen=True)
class Thing:
    """Something with an identifier. `place` says where it is: by it the attempts are spread."""

    kind: str
    id: int
    public_id: str
    school_id: int | None
    place: str
    code: str | None = None


@dataclass
class Actor:
    """One of those who could knock.

    `reach` holds the internal numbers of what is the actor's own, by kind; `says` every text of the world
    that pages may show to it.
    """

    name: str
    principal: Principal
    cookies: Mapping[str, str]
    reach: Mapping[str, frozenset[int]]
    says: frozenset[str]
    # What the pages outside the console may show besides, and the numbers of what that is about.
    at_home: frozenset[str] = frozenset()
    family: Mapping[str, frozenset[int]] = field(default_factory=dict)
    token: str = ""
    jar: dict[str, str] = field(default_factory=dict)

    def owns(self, thing: Thing) -> bool:
        """Whether the thing is the actor's own, or the own child."""
        return thing.id in self.reach.get(thing.kind, frozenset()) or self.follows(thing)

    def follows(self, thing: Thing) -> bool:
        """Whether the thing is the actor's own child."""
        return thing.kind == "student" and thing.id in self.family.get("student", frozenset())


@dataclass
class Stage:
    """The world, its things and its actors."""

    world: World
    things: list[Thing]
    actors: list[Actor]
    texts: frozenset[str]
    children: frozenset[str]

    def of(self, kind: str) -> list[Thing]:
        """The things of one kind."""
        return [thing for thing in self.things if thing.kind == kind]

    def own(self, actor: Actor, kind: str) -> list[Thing]:
        """The actor's own things of a kind."""
        return [thing for thing in self.of(kind) if actor.owns(thing)]

    def foreign(self, actor: Actor, kind: str) -> list[Thing]:
        """Everybody else's."""
        return [thing for thing in self.of(kind) if not actor.owns(thing)]

    def browser(self, app: Flask, actor: Actor) -> FlaskClient:
        """A fresh browser of the actor's, with its session and the cookie that its forms need."""
        client = app.test_client()
        for name, value in (*actor.cookies.items(), *actor.jar.items()):
            client.set_cookie(name, value)
        return client


@dataclass(frozen=True)
class Extras:
    """What the world lacks: a child of two classes, one that left, a teacher on her own.

    And somebody who is several things at once: owner of one class, helper in another, and parent of a child
    at another school. Each right is to hold where it is held, and nowhere else.
    """

    shared: Child
    departed: Child
    alone: Class
    alone_school: School


SHARED_SECRET = "Remark that only cranes may read"


def build_stage(world: World, app: Flask) -> Stage:
    """Add what the world lacks, sign everybody in, and work out who may reach what."""
    extras = _extras(world)
    classes = {
        "own": world.own_class,
        "colleague": world.colleague_class,
        "elsewhere": world.elsewhere_class,
        "outside": world.foreign_class,
        "alone": extras.alone,
    }
    schools = {
        "own": world.home,
        "elsewhere": world.elsewhere,
        "outside": world.outside,
        "alone": extras.alone_school,
    }
    things = [Thing("school", s.id, s.public_id, s.id, place) for place, s in schools.items()]
    things.append(Thing("district", world.district_id, world.district, None, "district"))
    for place, room in classes.items():
        things.append(Thing("classroom", room.id, room.public_id, room.school_id, place, room.code))
        things += [
            Thing("student", child.id, child.public_id, room.school_id, place) for child in room.children
        ]
        things += _of_points(room, place)
        things += _worries(room, place)
        things += _changes(room, place)
    things += _changes_of_schools({school.id: place for place, school in schools.items()})
    things += [Thing("account", p.id, p.public_id, None, name) for name, p in world.people.items()]
    scheduler.sync()
    things += _mails(world)
    things += _events()
    things += _reports()
    things += _incidents()
    things += _named(app)
    things += _imports({school.id: place for place, school in schools.items()})
    things += _invitations({school.id: place for place, school in schools.items()})
    things += _of_families({child.id: place for place, room in classes.items() for child in room.children})
    things += _tablets({room.id: place for place, room in classes.items()})
    things += _networks({place: room for place, room in classes.items() if place in schools})
    actors = list(_actors(world, extras, classes, schools, app))
    things += _sessions(actors)
    opens = {"leader": {"own", "elsewhere"}, "alone": {"alone"}}
    things += _passkeys(world)
    things += _saved_views(world, schools)
    things += _messages(world)
    things += _large_changes(world)
    things += _exports(world)
    with transaction(SYSTEM) as tx:
        factory.pays(tx, world.people["alone"], extras.alone_school)
    things += _invoices({school.id: place for place, school in schools.items()})
    things += _erasures(world, extras)
    things += _own_fields(world, schools, classes)
    things += _paid({school.id: place for place, school in schools.items()})
    own_sessions = {
        name: frozenset(each.id for each in things if each.kind == "session" and each.place == name)
        for name in world.people
    }
    actors = [
        replace(
            each,
            reach={
                **each.reach,
                "session": own_sessions.get(each.name, frozenset()),
                **{
                    kind: frozenset(t.id for t in things if t.kind == kind and t.place == each.name)
                    for kind in ("passkey", "saved_view", "large_change", "export", "message")
                },
                # Who leads a school sees what others asked for there, and does nothing about it.
                "erasure": frozenset(
                    t.id
                    for t in things
                    if t.kind == "erasure"
                    and (t.place == each.name or t.school_id in each.principal.led_schools)
                ),
                **{
                    kind: frozenset(
                        t.id for t in things if t.kind == kind and t.place in opens.get(each.name, ())
                    )
                    for kind in (
                        *("locked_network", "school_change", "field_receipt"),
                        *("invoice", "quote", "purchase_order", "tax_certificate"),
                    )
                },
                # Whoever has to do with it as a whole sees that it is one.
                "district": frozenset({world.district_id})
                if each.principal.founder
                or {world.home.id, world.elsewhere.id}
                <= each.principal.led_schools | each.principal.officer_schools
                else frozenset(),
                # Whoever works at a school fills in its fields.
                "custom_field": frozenset(
                    t.id
                    for t in things
                    if t.kind == "custom_field" and t.school_id in each.principal.member_schools
                ),
            },
        )
        for each in actors
    ]
    children = frozenset(
        name for room in classes.values() for child in _everybody(room, extras) for name in _names(child)
    )
    texts = children | frozenset(SHARED_SECRET.split("|"))
    for room in classes.values():
        texts |= {_worry(room), tablet_text(room)} | _class_texts(room)
        texts |= {f"Comment about {child.family}" for child in room.children}
    texts |= {factory.SIGNED_BY}
    texts |= {school.name for school in schools.values()} | {"Quillfeather District", factory.REPORTED}
    for person in world.people.values():
        texts |= {person.name, person.email, view_name(person.name)}
    texts |= {view_name(school.name) for school in schools.values()}
    texts |= {text for school in schools.values() for text in _field_texts(school)}
    texts |= _family_texts({child.id for room in classes.values() for child in room.children})
    return Stage(world, things, actors, texts, children)


def _mails(world: World) -> list[Thing]:
    """The world's mails: one of the own school, one of the company."""
    with transaction(SYSTEM) as tx:
        mails = tx.scalars(select(OutgoingMail)).all()
    return [
        Thing(
            "mail",
            mail.id,
            mail.public_id,
            mail.school_id,
            "own" if mail.school_id == world.home.id else "company",
        )
        for mail in mails
    ]


def _sessions(actors: list[Actor]) -> list[Thing]:
    """A second session of everybody who signs in with credentials, as on a telephone."""
    found = []
    for actor in actors:
        number = actor.principal.account_id
        if number is None:
            continue
        with transaction(SYSTEM) as tx:
            session = signing_in.begin(
                tx,
                account_id=number,
                security_epoch=1,
                token=f"telephone of {actor.name}",
                idle_minutes=60,
                until=timedelta(hours=12),
                address=None,
                device="Safari on an iPhone",
            )
            public_id = tx.scalar(select(AccountSession.public_id).where(AccountSession.id == session))
        assert session is not None
        assert public_id is not None
        found.append(Thing("session", session, public_id, None, actor.name))
    return found


def _passkeys(world: World) -> list[Thing]:
    """One of everybody who signs in with credentials, and an app beside it, whose codes still sign in."""
    found = []
    for name, person in world.people.items():
        factory.add_app(person)
        number, public_id = factory.add_passkey(person.id)
        found.append(Thing("passkey", number, public_id, None, name))
    return found


def _saved_views(world: World, schools: Mapping[str, School]) -> list[Thing]:
    """One of everybody who signs in with credentials; besides, nobody's own, one that each school shares."""
    lists = dict.fromkeys(("founder", "leader", "officer"), "schools")
    with transaction(SYSTEM) as tx:
        for name, person in world.people.items():
            if name not in {"teacher", "outsider"}:  # They have one.
                named = {"name": view_name(person.name), "account_id": person.id}
                factory.saved_view(tx, grid=lists.get(name, "classrooms"), **named)
        for school in schools.values():
            shared = {"school_id": school.id, "shared_with": SharedWith.SCHOOL}
            factory.saved_view(tx, grid="classrooms", name=view_name(school.name), **shared)
        places: dict[int | None, str] = {p.id: name for name, p in world.people.items()}
        own = select(SavedView).where(SavedView.school_id.is_(None))
        return [
            Thing("saved_view", row.id, row.public_id, None, places[row.account_id])
            for row in tx.scalars(own)
        ]


def _messages(world: World) -> list[Thing]:
    """What everybody was told."""
    names = {person.id: name for name, person in world.people.items()}
    with transaction(SYSTEM) as tx:
        told = set(tx.scalars(select(Message.account_id)))
        for number in names.keys() - told:  # Whom the stage added.
            factory.message(tx, number)
        return [
            Thing("message", row.id, row.public_id, None, names[row.account_id])
            for row in tx.scalars(select(Message))
        ]


def _large_changes(world: World) -> list[Thing]:
    """One of everybody, that waits."""
    with transaction(SYSTEM) as tx:
        return [
            Thing("large_change", *factory.large_change(tx, account_id=person.id), None, name)
            for name, person in world.people.items()
        ]


def _invoices(places: Mapping[int, str]) -> list[Thing]:
    """What each school that pays has had to pay, and what Stripe told of it."""
    with transaction(SYSTEM) as tx:
        found = tx.execute(
            select(Invoice.id, Invoice.public_id, Customer.school_id).join(
                Customer, Customer.id == Invoice.customer_id
            )
        )
        invoices = [Thing("invoice", row[0], row[1], row[2], places[row[2] or 0]) for row in found]
        told = tx.execute(select(StripeEvent.id, StripeEvent.public_id))
        return [*invoices, *(Thing("stripe_event", row[0], row[1], None, "company") for row in told)]


def _exports(world: World) -> list[Thing]:
    """One of everybody's own account, that waits."""
    made: list[Thing] = []
    with transaction(SYSTEM) as tx:
        for name, person in world.people.items():
            export = Export(
                asked_by=person.id,
                subject=Subject.ACCOUNT,
                for_family=False,
                workbooks=False,
                locked=False,
                state=ExportState.QUEUED,
                asked_at=clock.now(),
                done=0,
                downloads=0,
                gone_on=0,
            )
            tx.add(export)
            tx.flush()
            made.append(Thing("export", export.id, export.public_id, None, name))
    return made


def _erasures(world: World, extras: Extras) -> list[Thing]:
    """One that everybody asked for who may erase a child, of a child of theirs; looked at, not confirmed."""
    rooms = {
        "leader": world.own_class,
        "colleague": world.colleague_class,
        "mixed": world.colleague_class,
        "elsewhere": world.elsewhere_class,
        "alone": extras.alone,
    }
    roles = {person.id: role for role, person in world.people.items()}
    with transaction(SYSTEM) as tx:
        # The teachers of the own and of the foreign class have one.
        for name, room in rooms.items():
            factory.erasure(tx, world.people[name], room)
        return [
            Thing("erasure", row.id, row.public_id, row.school_id, roles[row.asked_by])
            for row in tx.scalars(select(Erasure).where(Erasure.asked_by.is_not(None)))
            if row.asked_by is not None
        ]


def _own_fields(world: World, schools: Mapping[str, School], classes: Mapping[str, Class]) -> list[Thing]:
    """Of each school two fields, of which something is written, and two that were deleted."""
    there = {world.home.id, world.outside.id}  # They have two.
    with transaction(SYSTEM) as tx:
        for place, school in schools.items():
            if school.id not in there:
                factory.own_fields(tx, school, classes[place])
            gone = {"name": None, "purpose": None, "erased_at": clock.now(), "values_gone": 3}
            for subject in FieldSubject:
                factory.custom_field(tx, school, subject, **gone)
        places = {school.id: place for place, school in schools.items()}
        return [
            Thing(
                "custom_field" if row.erased_at is None else "field_receipt",
                row.id,
                row.public_id,
                row.school_id,
                places[row.school_id],
            )
            for row in tx.scalars(select(CustomField).order_by(CustomField.id))
        ]


def _field_texts(school: School) -> set[str]:
    return {f"{what} of {school.name}" for what in ("Zanzibar bus", "Quokka room")}


def _imports(places: Mapping[int, str]) -> list[Thing]:
    """The rosters that were brought in."""
    with transaction(SYSTEM) as tx:
        found = tx.execute(select(RosterImport.id, RosterImport.public_id, RosterImport.school_id)).all()
    return [Thing("import", row.id, row.public_id, row.school_id, places[row.school_id]) for row in found]


def _invitations(places: Mapping[int, str]) -> list[Thing]:
    """Who has been asked and has not answered."""
    with transaction(SYSTEM) as tx:
        found = tx.execute(select(Invitation.id, Invitation.public_id, Invitation.school_id)).all()
    return [Thing("invitation", row.id, row.public_id, row.school_id, places[row.school_id]) for row in found]


def _of_points(room: Class, place: str = "own") -> list[Thing]:
    """The Actions of a class, and what was awarded in it."""
    with transaction(SYSTEM) as tx:
        return [
            Thing(model.__tablename__, row.id, row.public_id, room.school_id, place)
            for model in (Action, PointAward)
            for row in tx.execute(
                select(model.id, model.public_id).where(model.classroom_id == room.id).order_by(model.id)
            )
        ]


def _worries(room: Class, place: str = "own") -> list[Thing]:
    """What children of a class told."""
    with transaction(SYSTEM) as tx:
        found = tx.execute(select(Worry.id, Worry.public_id).where(Worry.classroom_id == room.id))
        return [Thing("worry", row.id, row.public_id, room.school_id, place) for row in found]


def _changes(room: Class, place: str = "own") -> list[Thing]:
    """The last change of a class, and of one of its children."""
    with transaction(SYSTEM) as tx:
        of_class = select(ClassroomChange.id, ClassroomChange.public_id).where(
            ClassroomChange.classroom_id == room.id
        )
        of_child = select(StudentChange.id, StudentChange.public_id).where(
            StudentChange.student_id.in_([child.id for child in room.children])
        )
        of_action = select(ActionChange.id, ActionChange.public_id).where(
            ActionChange.classroom_id == room.id
        )
        asked = {"classroom_change": of_class, "student_change": of_child, "action_change": of_action}
        return [
            Thing(kind, row.id, row.public_id, room.school_id, place)
            for kind, found in asked.items()
            for row in tx.execute(found)
        ]


def _changes_of_schools(places: Mapping[int, str]) -> list[Thing]:
    """The last change of each school, and the company's own."""
    with transaction(SYSTEM) as tx:
        of_schools = tx.execute(select(SchoolChange.id, SchoolChange.public_id, SchoolChange.school_id))
        made = [
            Thing("school_change", row.id, row.public_id, row.school_id, places[row.school_id])
            for row in of_schools
        ]
        return made + [
            Thing(model.__tablename__, row.id, row.public_id, None, "company")
            for model in (PluginChange, JobChange)
            for row in tx.execute(select(model.id, model.public_id))
        ]


def _events() -> list[Thing]:
    """What founders are to look at."""
    with transaction(SYSTEM) as tx:
        found = tx.execute(select(SecurityEvent.id, SecurityEvent.public_id)).all()
    return [Thing("event", row.id, row.public_id, None, "company") for row in found]


def _reports() -> list[Thing]:
    """What was reported to the company."""
    with transaction(SYSTEM) as tx:
        found = tx.execute(select(Report.id, Report.public_id)).all()
    return [Thing("report", row.id, row.public_id, None, "company") for row in found]


def without_drills(model: Any) -> list[Any]:
    return [~Incident.is_drill] if model is Incident else []


def _incidents() -> list[Thing]:
    """What went wrong, with what founders do about it."""
    with transaction(SYSTEM) as tx:
        return [
            Thing(model.__tablename__, row.id, row.public_id, None, "company")
            for model in (Incident, IncidentTask, DrillEvent, ConcernedSchool, Notice)
            # A drill is one more incident: all of its own is knocked at with what comes in.
            for row in tx.execute(select(model.id, model.public_id).where(*without_drills(model)))
        ]


def _paid(places: Mapping[int, str]) -> list[Thing]:
    """What schools were asked for, offered and ordered, and their certificates."""
    with transaction(SYSTEM) as tx:
        return [
            Thing(model.__tablename__, row.id, row.public_id, row.school_id, places[row.school_id])
            for model in (Quote, PurchaseOrder, TaxCertificate)
            for row in tx.execute(
                select(model.id, model.public_id, Customer.school_id).join(
                    Customer, Customer.id == model.customer_id
                )
            )
        ]


def _of_families(places: Mapping[int, str]) -> list[Thing]:
    """Who follows a child, and who is asked to; each where the child is."""
    with transaction(SYSTEM) as tx:
        return [
            Thing(model.__tablename__, row.id, row.public_id, row.school_id, places[row.student_id])
            for model in (GuardianLink, GuardianInvitation, GuardianRequest)
            for row in tx.execute(select(model.id, model.public_id, model.school_id, model.student_id))
            if row.student_id in places
        ]


def _tablets(places: Mapping[int, str]) -> list[Thing]:
    """The tablet of each class."""
    with transaction(SYSTEM) as tx:
        return [
            Thing("classroom_tablet", row.id, row.public_id, row.school_id, places[row.classroom_id])
            for row in tx.scalars(select(ClassroomTablet).where(ClassroomTablet.classroom_id.in_(places)))
        ]


def _networks(rooms: Mapping[str, Class]) -> list[Thing]:
    """A network that is locked in each school."""
    now, made = clock.now(), []
    with transaction(SYSTEM) as tx:
        for place, room in rooms.items():
            number, public_id = factory._row(
                tx,
                LockedNetwork,
                school_id=room.school_id,
                classroom_id=room.id,
                network=uuid4(),
                refused_at=now,
                refused_until=now + timedelta(hours=20),
            )
            made.append(Thing("locked_network", number, public_id, room.school_id, place))
    return made


def tablet_text(room: Class) -> str:
    return f"Lantern of the {room.name.split()[-1]}"


def _links_of(person: Person) -> frozenset[int]:
    with transaction(SYSTEM) as tx:
        return frozenset(tx.scalars(select(GuardianLink.id).where(GuardianLink.account_id == person.id)))


def _requests_of(person: Person) -> frozenset[int]:
    with transaction(SYSTEM) as tx:
        return frozenset(
            tx.scalars(select(GuardianRequest.id).where(GuardianRequest.account_id == person.id))
        )


def _family_texts(children: set[int]) -> set[str]:
    """What staff is told of the parents of children: names, addresses, the codes of letters."""
    with transaction(SYSTEM) as tx:
        links = tx.scalars(select(GuardianLink).where(GuardianLink.student_id.in_(children))).all()
        asked = tx.scalars(
            select(GuardianInvitation).where(GuardianInvitation.student_id.in_(children))
        ).all()
        notes = set(tx.scalars(select(GuardianRequest.note).where(GuardianRequest.student_id.in_(children))))
    found = (
        notes | {each.name for each in links} | {each.email for each in asked} | {each.name for each in asked}
    )
    return {text for text in found if text} | {spaced(each.code) for each in asked if each.code}


def _named(app: Flask) -> list[Thing]:
    """Plugins and jobs, numbered in the order of their names."""
    names = {
        "plugin": sorted(plugin.name for plugin in app.extensions["backoffice"].plugins),
        "job": sorted(name for name, entry in registry.installed().items() if entry.job.when is not None),
    }
    return [
        Thing(kind, number, name, None, name)
        for kind, found in names.items()
        for number, name in enumerate(found)
    ]


def _everybody(room: Class, extras: Extras) -> list[Child]:
    return [*room.children, extras.shared, extras.departed]


def _extras(world: World) -> Extras:
    person = factory._person("alone", "Wanda Waverly")
    world.people["alone"] = person
    mixed = world.people["mixed"] = factory._person("mixed", "Mira Mixture")
    now = clock.now()
    with transaction(SYSTEM) as tx:
        school = factory.add_school(tx, "Waverly Window School", None)
        factory._row(
            tx,
            Membership,
            account_id=person.id,
            school_id=school.id,
            role=Role.TEACHER,
            created_at=now,
        )
        factory.make_personal(tx, school.id, person)
        alone = factory._class(tx, school, "Alone Albatrosses", person, "Xanthippe Yarborough")
        shared = add_child(tx, world.own_class, "Casimir", "Doubleday")
        departed = add_child(tx, world.own_class, "Dunstan", "Elderflower")
        cranes = world.colleague_class
        for child in (shared, departed):
            tx.execute(
                insert(Enrollment).values(
                    school_id=cranes.school_id,
                    classroom_id=cranes.id,
                    student_id=child.id,
                    avatar="owl-sea",
                    balance=77,
                    joined_at=now,
                )
            )
        tx.execute(
            update(Enrollment)
            .where(
                Enrollment.student_id == departed.id,
                Enrollment.classroom_id == world.own_class.id,
            )
            .values(ended_at=now)
        )
        action = tx.scalar(select(Action.id).where(Action.classroom_id == cranes.id))
        factory._row(
            tx,
            PointEntry,
            school_id=cranes.school_id,
            classroom_id=cranes.id,
            student_id=shared.id,
            action_id=action,
            value=3,
            comment=SHARED_SECRET,
            awarded_by=world.people["colleague"].id,
            awarded_at=now,
        )
        factory._row(
            tx,
            Membership,
            account_id=mixed.id,
            school_id=world.home.id,
            role=Role.TEACHER,
            created_at=now,
        )
        for room, held in (
            (world.colleague_class, TeachingRoleName.OWNER),
            (world.own_class, TeachingRoleName.HELPER),
        ):
            tx.execute(
                insert(TeachingRole).values(
                    school_id=room.school_id, classroom_id=room.id, account_id=mixed.id, role=held
                )
            )
        factory._guardian(tx, mixed, world.elsewhere, world.elsewhere_class.children[0])
        factory.worry(tx, alone)
        # Of whoever follows these children no more: something to answer in each class.
        factory.guardian_request(tx, world.people["alone"], world.colleague_class)
        factory.guardian_request(tx, mixed, world.elsewhere_class)
        factory.guardian_request(tx, world.people["outsider"], alone)
        # Asked for, not approved: shows nothing.
        tx.execute(
            insert(GuardianLink).values(
                school_id=world.home.id,
                student_id=world.own_class.children[1].id,
                account_id=world.people["parent"].id,
                name=world.people["parent"].name,
                status=GuardianStatus.WAITING,
                created_at=now,
            )
        )
    world.own_class.children.append(shared)
    world.colleague_class.children.append(departed)
    return Extras(shared, departed, alone, school)


def _actors(
    world: World,
    extras: Extras,
    classes: Mapping[str, Class],
    schools: Mapping[str, School],
    app: Flask,
) -> Iterator[Actor]:
    home, elsewhere = schools["own"], schools["elsewhere"]
    own, colleague = classes["own"], classes["colleague"]
    # Who stands where: classes in which somebody teaches, schools to which somebody belongs.
    teach: dict[str, tuple[list[Class], list[School]]] = {
        "teacher": ([own], [home]),
        "co_teacher": ([own], [home]),
        "helper": ([own], [home]),
        "colleague": ([colleague], [home]),
        "elsewhere": ([classes["elsewhere"]], [elsewhere]),
        "outsider": ([classes["outside"]], [schools["outside"]]),
        "alone": ([extras.alone], [extras.alone_school]),
        "mixed": ([colleague, own], [home]),
        "leader": ([own, colleague, classes["elsewhere"]], [home, elsewhere]),
        "officer": ([], [home, elsewhere]),
        "founder": ([], []),
        "parent": ([], []),
        "foreign_parent": ([], []),
    }
    assert set(teach) == set(world.people), "Say here where the world's new people stand."
    staff = {
        own.id: ("teacher", "co_teacher", "helper", "mixed"),
        colleague.id: ("colleague", "mixed"),
        classes["elsewhere"].id: ("elsewhere",),
        classes["outside"].id: ("outsider",),
        extras.alone.id: ("alone",),
    }
    # From whom an owner chooses who teaches the class as well.
    at_school = {
        home.id: ("teacher", "colleague", "co_teacher", "helper", "mixed"),
        elsewhere.id: ("elsewhere",),
        schools["outside"].id: ("outsider",),
        extras.alone_school.id: ("alone",),
    }
    owners = {"teacher", "colleague", "mixed", "elsewhere", "outsider", "alone"}
    for name, (rooms, places) in teach.items():
        person = world.people[name]
        students = {child.id: child for room in rooms for child in room.children}
        if colleague in rooms:
            students[extras.shared.id] = extras.shared
        says = {person.name, person.email, *(place.name for place in places)}
        says |= {view_name(each) for each in says}
        working = () if name in {"founder", "officer"} else places
        says |= {text for place in working for text in _field_texts(place)}
        colleagues = [world.people[each] for room in rooms for each in staff[room.id]]
        for room in rooms:
            says |= _class_texts(room) | {f"Comment about {c.family}" for c in room.children}
        for child in students.values():
            says |= _names(child)
        says |= {each.name for each in colleagues}
        eligible = [world.people[each] for place in places for each in at_school[place.id]]
        if name in owners:
            says |= {each.name for each in eligible}
        if colleague in rooms:
            says.add(SHARED_SECRET)
        reach = {
            "school": frozenset(place.id for place in places),
            "classroom": frozenset(room.id for room in rooms),
            "student": frozenset(students),
            "account": frozenset({person.id, *(each.id for each in eligible if name in owners)}),
        }
        for kind in ("action", "point_award"):
            reach[kind] = frozenset(t.id for room in rooms for t in _of_points(room) if t.kind == kind)
        of_families = _of_families(dict.fromkeys(students, "own"))
        for kind in ("guardian_link", "guardian_invitation"):
            reach[kind] = frozenset(each.id for each in of_families if each.kind == kind)
        tablets = _tablets({room.id: "own" for room in rooms})
        reach["classroom_tablet"] = frozenset(each.id for each in tablets)
        # A helper's rows to the database; the policy lets those decide who teach.
        deciding = [room for room in rooms if name != "helper" and (name, room) != ("mixed", own)]
        charges = dict.fromkeys((child.id for room in deciding for child in room.children), "own")
        reach["guardian_request"] = frozenset(
            each.id for each in _of_families(charges) if each.kind == "guardian_request"
        )
        reach["worry"] = frozenset(each.id for room in deciding for each in _worries(room))
        of_changes = [each for room in deciding for each in _changes(room)]
        for kind in ("classroom_change", "student_change", "action_change"):
            reach[kind] = frozenset(each.id for each in of_changes if each.kind == kind)
        says |= {_worry(room) for room in deciding}
        says |= _family_texts({child.id for room in deciding for child in room.children})
        says |= {tablet_text(room) for room in deciding}
        says |= {factory.SIGNED_BY} if name in {"leader", "alone"} else set()
        if name == "leader":
            reach["account"] |= {each.id for each in colleagues}
            imports = _imports({school.id: place for place, school in schools.items()})
            reach["import"] = frozenset(each.id for each in imports if each.place == "own")
            asked = _invitations({school.id: place for place, school in schools.items()})
            reach["invitation"] = frozenset(each.id for each in asked if each.place == "own")
            says |= {f"Amaranth Administrator of {world.home.name}", "Quillfeather District"}
        if name == "founder":
            reach["school"] = frozenset(school.id for school in schools.values())
            reach |= {kind: frozenset(range(1000)) for kind in (*NAMED, *COMPANYS)}
            # By their identifiers and without a name.
            reach["account"] = frozenset(each.id for each in world.people.values())
            # A personal school carries its teacher's name.
            says |= {s.name for s in schools.values()} - {extras.alone_school.name}
            says |= {"Quillfeather District", factory.REPORTED, factory.INCIDENT, factory.NOTICE}
        home_class = {"parent": own, "foreign_parent": classes["outside"], "mixed": classes["elsewhere"]}.get(
            name
        )
        at_home = _family_texts(set(students))
        family: dict[str, frozenset[int]] = {}
        if home_class is not None:
            family = {
                "school": frozenset({home_class.school_id}),
                "classroom": frozenset({home_class.id}),
                "action": frozenset(t.id for t in _of_points(home_class) if t.kind == "action"),
                "student": frozenset({home_class.children[0].id}),
                "guardian_link": _links_of(person),
                "guardian_request": _requests_of(person),
            }
            at_home |= _names(home_class.children[0]) | {home_class.name, f"Praise of the {home_class.name}"}
            at_home.add(f"Request about {home_class.name}")
            # Who opened the child's record.
            opened = {"parent": "teacher", "foreign_parent": "outsider"}.get(name, name)
            at_home.add(world.people[opened].name)
        token = {cookies.ACCOUNT: world.token(name)}
        yield _ready(
            app,
            Actor(name, world.sign_in(name), token, reach, frozenset(says), frozenset(at_home), family),
        )
    child = own.children[0]
    begun = world.student_session(own, child, PATIENT)
    yield _ready(
        app,
        Actor(
            "student",
            world.student(own, child, PATIENT),
            {cookies.STUDENT: tokens.issue(begun.token_id, idle=begun.idle, ends_at=begun.ends_at)},
            {"student": frozenset({child.id})},
            frozenset({child.given, own.name, f"Praise of the {own.name}"}),
        ),
    )
    yield _ready(app, Actor("nobody", Principal(Nobody()), {}, {}, frozenset()))


def _ready(app: Flask, actor: Actor) -> Actor:
    """Fetch the token that the actor's forms carry, and the cookie it is tied to."""
    client = app.test_client()
    actor.token = form_token(client.get("/join").get_data(as_text=True))
    cookie = client.get_cookie(cookies.FORM)
    assert cookie is not None
    actor.jar[cookies.FORM] = cookie.value
    return actor


def _names(child: Child) -> set[str]:
    return {name for name in (child.given, child.family) if name}


def _class_texts(room: Class) -> set[str]:
    spaced = f"{room.code[:4]}-{room.code[4:]}"
    own = {f"Wombat line of {room.name}", f"Beside the wallaby hall of {room.name}"}
    return {room.name, room.code, spaced, f"Praise of the {room.name}"} | own


def _worry(room: Class) -> str:
    return f"Worry of the {room.name}"


def columns_of(row: Mapping[str, Any], kind: str, table: str) -> int | None:
    """The number of the thing of a kind to which a row belongs, or None."""
    found = row.get("id") if table == f"app.{kind}" else row.get(f"{kind}_id")
    return found if isinstance(found, int) else None
