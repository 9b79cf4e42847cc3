"""The routes of the application, walked and never typed, and what opens each of them."""

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from flask import Flask
from sqlalchemy import func, select
from werkzeug.routing import Rule

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.permissions import (
    CHILDREN_READ,
    CLASSROOMS_ARCHIVE,
    CLASSROOMS_CREATE,
    CLASSROOMS_EXPORT,
    FIELDS_MANAGE,
    GUARDIANS_APPROVE,
    GUARDIANS_INVITE,
    POINTS_UNDO,
    SCHOOL_DAYS_EDIT,
    SCHOOL_YEARS_BEGIN,
    STUDENTS_CREATE,
    STUDENTS_ERASE,
    STUDENTS_UNENROLL,
    Permission,
)
from backoffice.access.policy import scope
from backoffice.access.transaction import transaction
from backoffice.accounts.care.models import FactorReset, ResetState
from backoffice.accounts.codes import RECOVERY_CODES
from backoffice.accounts.models import Account, AccountSession
from backoffice.changes.keeping import version
from backoffice.changes.models import CHANGES
from backoffice.console.classrooms import ClassroomGrid
from backoffice.console.grid import BulkAction, Grid
from backoffice.console.guard import GuardedView
from backoffice.console.students import StudentGrid
from backoffice.families.models import GuardianInvitation, GuardianLink, GuardianStatus
from backoffice.fields.models import CustomField, FieldSubject
from backoffice.fields.queries import OF, fields_of
from backoffice.host.fields import Kind, settings_in
from backoffice.host.queries import seen
from backoffice.imports import carrying
from backoffice.imports.columns import Row
from backoffice.imports.plan import Plan
from backoffice.messages import registry as messages
from backoffice.messages.models import MailChoice
from backoffice.plugin import discover
from backoffice.privacy.erasure.models import Erasure
from backoffice.privacy.holds.models import HoldState, LegalHold
from backoffice.problems import Rejected
from backoffice.schools.ending_models import ContractEnd
from backoffice.schools.models import (
    Enrollment,
    Membership,
    PointEntry,
    Role,
    School,
    SchoolKind,
    TeachingRole,
)
from backoffice.schools.queries import schools_for
from backoffice.schools.roster_models import RosterChangeStudent
from backoffice.schools.services import merging
from backoffice.schools.services.importing import preview_students
from backoffice.schools.services.importing_classes import preview_classrooms
from backoffice.settings import plugin_config
from backoffice.students.cards.models import StudentCard
from backoffice.students.models import StudentSession
from backoffice.students.tablet_models import ClassroomTablet
from backoffice.web.converters import CONVERTERS
from plugins.exports.back.reading import UNPACKED_BY_PAGE, opened, to_carry
from plugins.notifications.models import Incident
from plugins.notifications.notices.models import LetterBatch, Notice
from plugins.notifications.scope.models import ScopeSource
from tests.contract.actors import Actor, Stage, Thing
from tests.factories import oneroster
from tests.factories.exports import small_export
from tests.factories.world import PASSWORD, SYSTEM

METHODS = ("GET", "POST")
# Anybody may ask for these. They show nothing that belongs to somebody, and change nothing but the
# asker's own session.
PUBLIC = frozenset(
    {
        "web.home",
        # Taken from anybody, and shown to none of them again.
        "reports.report",
        "reports.sent",
        # For whoever can sign as Stripe.
        "billing_webhooks.stripe",
        # What the code declares, the same for everybody.
        "privacy.data",
        "privacy.json",
        "retention.page",
        "retention.json",
        # For whoever holds a receipt: by its number and its hash.
        "receipts.ask",
        "receipts.receipt",
        "receipts.document",
        "receipts.on_paper",
        # Keeps one word in a cookie.
        "language.choose",
        "web.healthz",
        "web.readyz",
        "web.csp_reports",
        # Numbers of the whole, from this machine only or with a token.
        "web.figures",
        "accounts.sign_in",
        "accounts.sign_out",
        # Asks for a code only where the password was right.
        "accounts.sign_in_by_code",
        # A question for a passkey, the same for everybody; the second only where the password was right.
        "accounts.passkey_to_sign_in",
        "accounts.sign_in_by_passkey",
        "accounts.passkey_after_password",
        "accounts.sign_in_after_password",
        # The same for every address, and for whoever has the link of a mail.
        "accounts.ask_to_reset",
        "accounts.reset",
        "accounts.not_me",
        "accounts.keep_factor",
        "accounts.take_back",
        "keeping.keep",
        "accounts.sign_up",
        "accounts.sign_up_sent",
        "accounts.begin_account",
        "accounts.about_deactivating",
        # Lead to an identity provider and back: who it is that comes back is proved there.
        "providers.begin",
        "providers.callback",
        # For whom a provider has just named, and for whoever has the link of a mail.
        "providers.ask_for_link",
        "providers.link_by_mail",
        "staff.invitation",
        # For whoever has a link or a letter, and the same for everybody who has neither.
        "families.invitation",
        "families.scanned",
        "families.join",
        "families.type_code",
        "families.give_address",
        "families.sent",
        "families.accept_letter",
        "students.scanned",
        "students.join",
        "students.choose",
        "students.by_username",
        # For whoever holds a child's card.
        "students.held_up",
        "students.card",
        "students.come_in",
        # These look for the child who is signed in themselves.
        "students.page",
        "students.pin",
        "students.set_pin",
        "students.remove_pin",
        "students.tell",
        "students.send_worry",
        "students.told",
        "students.leave",
        "students.goodbye",
        # For whoever has the picture that a teacher has just shown.
        "tablets.asked",
        "tablets.pair",
        # This sends whoever is signed in on, and says that nothing is shared where nothing is.
        "accounts.welcome",
        # The site of the promises.
        "trust.page",
        "trust.security",
        "trust.json",
    }
)
# For everybody who signs in with credentials: they look for who that is themselves.
OWN = frozenset(
    {
        "accounts.account",
        "accounts.about_signing_out",
        "accounts.change_password",
        "accounts.language_of_account",
        "messages.index",
        "messages.message",
        "messages.open_message",
        "messages.read_all",
        "messages.mails_of_account",
        "accounts.change_email",
        # By a link besides, which opens nothing to another account.
        "accounts.confirm_email",
        "accounts.deactivate",
        "accounts.prove",
        "accounts.passkey_to_prove",
        "accounts.prove_by_passkey",
        "accounts.passkeys",
        "accounts.passkey_to_add",
        "accounts.remove_passkey",
        "accounts.factor",
        "accounts.begin_factor",
        "accounts.confirm_factor",
        "accounts.renew_codes",
        "accounts.remove_factor",
        "accounts.end_session",
        "accounts.end_other_sessions",
        # By a signed link besides, which the page of the own exports has.
        "exports.fetch",
        "exports.index",
        "exports.cancel",
        "providers.link",
        "providers.unlink",
    }
)
# Pages outside the console, behind a permission.
BEHIND: Mapping[str, Permission] = dict.fromkeys(
    ("families.family", "families.child", "families.ask", "families.leave"), CHILDREN_READ
)


@dataclass(frozen=True)
class Route:
    """One rule and one method. `kinds` maps its variables to the kinds of thing that they name."""

    rule: Rule
    method: str
    kinds: Mapping[str, str]

    @property
    def endpoint(self) -> str:
        """The endpoint's name."""
        return str(self.rule.endpoint)

    def __str__(self) -> str:
        return f"{self.method} {self.rule.rule}"

    def address(self, app: Flask, **values: str) -> str:
        """The path for these values."""
        return app.url_map.bind("localhost").build(self.rule.endpoint, values, self.method)


def is_static(rule: Rule) -> bool:
    """Whether the rule serves files."""
    return str(rule.endpoint).rpartition(".")[2] == "static"


def routes(app: Flask) -> list[Route]:
    """Every route but those of static files, by method."""
    by_class = {each: name for name, each in CONVERTERS.items()}
    return [
        Route(
            rule,
            method,
            {name: by_class.get(type(converter), "untyped") for name, converter in rule._converters.items()},
        )
        for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, str(rule.endpoint)))
        if not is_static(rule)
        for method in METHODS
        if method in (rule.methods or ())
    ]


def views(app: Flask) -> dict[str, GuardedView]:
    """The console's views by the names of their endpoints."""
    return {view.endpoint: view for view in app.extensions["admin"][0]._views}


def door(app: Flask, route: Route) -> tuple[GuardedView, str] | None:
    """The console's view and the method that a route leads to, or None outside the console."""
    blueprint, _, name = route.endpoint.rpartition(".")
    view = views(app).get(blueprint)
    return (view, name) if view is not None else None


def bulk_actions(app: Flask, route: Route) -> tuple[BulkAction, ...]:
    """The bulk actions behind a route, if it is a grid's door to them."""
    found = door(app, route)
    if found is None or found[1] != "act":
        return ()
    return found[0].actions if isinstance(found[0], Grid) else ()


def permission_of(app: Flask, route: Route) -> Permission | None:
    """What opens a route, or None: it is public, or closed to everybody."""
    found = door(app, route)
    return found[0].doors.get(found[1]) if found else BEHIND.get(route.endpoint)


def is_known(app: Flask, route: Route) -> bool:
    """Whether somebody has said what opens the route."""
    return door(app, route) is not None or route.endpoint in PUBLIC | OWN | set(BEHIND)


@dataclass(frozen=True)
class Filled:
    """A form that is valid, and what it does: `effect` lists "kind table" of every row but the audit's.

    `identifiers` names the fields whose values identify something, with its kind.
    """

    fields: Mapping[str, Any]
    effect: tuple[str, ...] = ()
    query: Mapping[str, str] | None = None
    identifiers: Mapping[str, str] | None = None
    audited: bool = True
    # With what it is refused, where nobody here can make it good: whoever sends it signs it.
    refused: int | None = None


# What looking at a page leaves behind.
NOTED: Mapping[str, Filled] = {
    "console_students.details": Filled({}, ("added app.student_view",), audited=False),
    "console_class_points.report": Filled({}, ("added app.student_view",)),
    # That somebody took a signed paper along is noted.
    "plugin_billing_billing.order_file": Filled({}),
    "plugin_billing_billing.certificate_file": Filled({}),
}


def noted(endpoint: str, thing: Thing | None) -> Filled | None:
    """What looking at a page about a thing leaves behind."""
    if endpoint == "console_class_points.reports" and thing is not None:
        return Filled({}, ("added app.student_view",) * len(_seated(thing)))
    return NOTED.get(endpoint)


# What a mail about an account leaves behind.
TOLD = ("added app.account_letter", "added app.job_run")
# A change of a roster takes the place of the one before.
NOTED_CHANGE = (
    *("changed app.roster_change", "added app.roster_change_student"),
    "removed app.roster_change_student",
)
# The lists with cells to change, by the kind of their rows.
WITH_CELLS: Mapping[str, Any] = {each.kind: each for each in (ClassroomGrid, StudentGrid)}
Fill = Callable[[Stage, Actor, Thing | None], Filled]


def _new_class(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    own = stage.own(actor, "school")
    chosen = {"school": own[0].public_id} if len(own) > 1 else {}
    return Filled(
        {"name": "Ninth Narwhals", "shared_devices": "y", **chosen},
        ("added app.classroom", "added app.classroom_code", "added app.teaching_role"),
        identifiers={"school": "school"} if chosen else None,
    )


def _seated(room: Thing) -> list[int]:
    """Who sits in a class now."""
    live = (Enrollment.classroom_id == room.id, Enrollment.ended_at.is_(None))
    with transaction(SYSTEM) as tx:
        return list(tx.scalars(select(Enrollment.student_id).where(*live)))


def _awarded(stage: Stage, _actor: Actor, thing: Thing | None) -> Filled:
    """A class's own Action for one of its children."""
    room = thing or stage.of("classroom")[0]
    seated = _seated(room)
    student = next(each for each in stage.of("student") if each.id in seated)
    return Filled(
        {
            "form": "0c63ba2d-0d4a-4a3b-9a9e-6f1a2c0e9f11",
            "whom": "chosen",
            "student": [student.public_id],
            "for": next(each for each in stage.of("action") if each.place == room.place).public_id,
        },
        ("added app.point_award", "added app.point_entry", "changed app.enrollment"),
        identifiers={"student": "student", "for": "action"},
    )


def _taken_back(stage: Stage, actor: Actor, thing: Thing | None) -> Filled:
    """What was awarded to the class, where the actor may take back what others awarded."""
    room = thing or stage.of("classroom")[0]
    award = next(each for each in stage.of("point_award") if each.place == room.place)
    with transaction(SYSTEM) as tx:
        to = tx.scalars(select(PointEntry.student_id).where(PointEntry.award_id == award.id)).all()
    held = scope(actor.principal, POINTS_UNDO)
    may = room.id in held.classrooms or room.school_id in held.schools
    effect = (*("added app.point_entry", "changed app.enrollment") * len(to), "changed app.point_award")
    return Filled(
        {"award": award.public_id},
        effect if may else (),
        identifiers={"award": "point_award"},
        audited=may,
    )


def _goals(stage: Stage, _actor: Actor, thing: Thing | None) -> Filled:
    """The same goal for everybody in the class."""
    seated = _seated(thing or stage.of("classroom")[0])
    return Filled({"everybody": "yes", "same": "40"}, ("changed app.enrollment",) * len(seated))


def _child_of(stage: Stage, thing: Thing | None) -> Thing:
    """Somebody who sits in the class."""
    seated = _seated(thing or stage.of("classroom")[0])
    return next(each for each in stage.of("student") if each.id in seated)


def _corrected(_stage: Stage, _actor: Actor, thing: Thing | None) -> Filled:
    """Another name. Where the class's last change was about the same child, the record of it is changed."""
    with transaction(SYSTEM) as tx:
        about = select(RosterChangeStudent.student_id).where(
            RosterChangeStudent.student_id == (thing.id if thing else 0)
        )
        same = tx.scalar(about) is not None
    noted_anew = ("changed app.roster_change", "changed app.roster_change_student") if same else NOTED_CHANGE
    return Filled(
        {"given_name": "Corrected", "family_name": "Spelling"},
        ("added app.student_change", "changed app.student", *noted_anew),
    )


def _in_its_cell(column: str, **fields: str) -> Fill:
    """A cell of a list, by whoever has just seen what is there; the change is kept."""

    def filled(_stage: Stage, _actor: Actor, thing: Thing | None) -> Filled:
        seen = "nothing"
        if thing is not None:
            grid = WITH_CELLS[thing.kind]
            edit = next(each.edit for each in grid.columns if each.key == column)
            with transaction(SYSTEM) as tx:
                row = tx.scalars(select(grid.entity).where(grid.entity.id == thing.id)).one()
                seen = edit.version_of(row) if edit else seen
        kind = thing.kind if thing else ""
        return Filled({**fields, "seen": seen}, (f"added app.{kind}_change", f"changed app.{kind}"))

    return filled


def _aliased(stage: Stage, _actor: Actor, thing: Thing | None) -> Filled:
    child = _child_of(stage, thing)
    return Filled({f"alias-{child.public_id}": "Captain"}, ("changed app.enrollment",))


def _pictured(stage: Stage, _actor: Actor, thing: Thing | None) -> Filled:
    child = _child_of(stage, thing)
    fields = {"student": child.public_id, "avatar": "boat-rose"}
    return Filled(fields, ("changed app.enrollment",), identifiers={"student": "student"})


def _renewed(stage: Stage, _actor: Actor, thing: Thing | None) -> Filled:
    """A new code; whoever came in with the old one is put out."""
    del stage
    out = ("changed app.student_session",) * _inside(thing)
    return Filled({"sign_out": "y"}, ("added app.classroom_code", "changed app.classroom_code", *out))


def _lesson_ended(stage: Stage, _actor: Actor, thing: Thing | None) -> Filled:
    """No class of the world has a lesson code: tests/schools/test_codes_services.py has them."""
    del stage, thing
    return Filled({"sign_out": "y"})


def _tablet_voided(stage: Stage, _actor: Actor, thing: Thing | None) -> Filled:
    tablets = stage.of("classroom_tablet")
    own = next((each for each in tablets if thing and each.place == thing.place), tablets[0])
    return Filled(
        {"tablet": own.public_id},
        ("changed app.classroom_tablet",),
        identifiers={"tablet": "classroom_tablet"},
    )


def _signed_out(stage: Stage, _actor: Actor, thing: Thing | None) -> Filled:
    """One child of the class; only the one of the own class is in."""
    children = stage.of("student")
    child = next((each for each in children if thing and each.place == thing.place), children[0])
    own = bool(thing and thing.place == "own")
    return Filled(
        {"student": child.public_id},
        ("changed app.student_session",) * _inside(thing, child if own else None),
        identifiers={"student": "student"},
        audited=own,
    )


def _all_signed_out(stage: Stage, _actor: Actor, thing: Thing | None) -> Filled:
    del stage
    inside = _inside(thing)
    return Filled({}, ("changed app.student_session",) * inside, audited=bool(inside))


def _inside(room: Thing | None, child: Thing | None = None) -> int:
    """How many sessions there are in a class."""
    here = [StudentSession.classroom_id == (room.id if room else 0), StudentSession.ended_at.is_(None)]
    if child:
        here.append(StudentSession.student_id == child.id)
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).where(*here)) or 0


def _ways_in(room: Thing | None, child: Thing | None = None) -> tuple[str, ...]:
    """The cards and the sessions of a class, or of one child there, end."""
    return (
        *("changed app.student_card",) * _live_cards(room, child),
        *("changed app.student_session",) * _inside(room, child),
    )


def _one_seated(stage: Stage, actor: Actor, permission: Permission) -> tuple[Thing, Thing]:
    """A class of whose students the actor holds a permission, if there is one, and one of these."""
    held = scope(actor.principal, permission)
    allowed = [
        each
        for each in stage.own(actor, "classroom")
        if each.id in held.classrooms or each.school_id in held.schools
    ]
    room = next(iter(allowed), stage.of("classroom")[0])
    return room, next(each for each in stage.of("student") if each.place == room.place)


def _chosen_to_erase(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    """It is looked what would go; nothing is erased."""
    _room, student = _one_seated(stage, actor, STUDENTS_ERASE)
    return Filled(
        {"action": "erase", "rowid": [student.public_id], "confirm": "yes"},
        ("added app.erasure", "added app.job_run"),
        identifiers={"rowid": "student"},
    )


def _unenroll(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    room, student = _one_seated(stage, actor, STUDENTS_UNENROLL)
    return Filled(
        {"action": "unenroll", "rowid": [student.public_id], "confirm": "yes"},
        ("changed app.enrollment", *_ways_in(room, student), *_noted(room, student)),
        query={"classroom": room.public_id},
        identifiers={"rowid": "student"},
    )


def _noted(room: Thing, student: Thing) -> tuple[str, ...]:
    """What becomes of the last change of a class when it is that of this student."""
    with transaction(SYSTEM) as tx:
        of_room = RosterChangeStudent.classroom_id == room.id
        before = set(tx.scalars(select(RosterChangeStudent.student_id).where(of_room)))
    changes = {
        "added": {student.id} - before,
        "removed": before - {student.id},
        "changed": before & {student.id},
    }
    return (
        "changed app.roster_change",
        *(f"{change} app.roster_change_student" for change, whose in changes.items() if whose),
    )


def _archived(stage: Stage, actor: Actor, thing: Thing | None) -> Filled:
    """Code and cards end, and whoever is in is out; the last change of the roster is forgotten."""
    del stage, actor
    out, gone = _ways_in(thing), ("removed app.roster_change", "removed app.roster_change_student")
    return Filled({"confirm": "yes"}, ("changed app.classroom", "changed app.classroom_code", *out, *gone))


def _moved(stage: Stage, actor: Actor, thing: Thing | None) -> Filled:
    """To a class where nobody may put them: nothing moves. Moving is in tests/schools."""
    filled = _unenroll(stage, actor, thing)
    fields = {**filled.fields, "action": "move", "target": ""}
    return Filled(fields, query=filled.query, identifiers=filled.identifiers, audited=False)


def _left_all(stage: Stage, actor: Actor, thing: Thing | None) -> Filled:
    """Out of all their classes: only looked at. Leaving is in tests/console/grids/test_large.py."""
    filled = _unenroll(stage, actor, thing)
    fields = {"action": "leave", "rowid": filled.fields["rowid"]}
    return Filled(fields, identifiers=filled.identifiers, audited=False)


def _proposed_hold(stage: Stage, _actor: Actor, _thing: Thing | None) -> Filled:
    """A class is to be kept; the other founder is told."""
    values = {
        "subject": "classroom",
        "public_id": stage.world.own_class.public_id,
        "reason": "A court asks for it",
        "review_on": (clock.now() + timedelta(days=30)).date().isoformat(),
    }
    return Filled(values, ("added app.legal_hold",))


def _step_of_a_hold(_stage: Stage, _actor: Actor, _thing: Thing | None) -> Filled:
    """The world's hold is over: nothing becomes of it."""
    with transaction(SYSTEM) as tx:
        over = tx.scalars(select(LegalHold.public_id).where(LegalHold.state == HoldState.RELEASED)).first()
    return Filled({"step": "withdraw", "hold": over}, audited=False)


def _confirmed_erasure(_stage: Stage, _actor: Actor, thing: Thing | None) -> Filled:
    """What it is called, whoever asked for it. Each way in ends at once."""
    assert thing is not None
    with transaction(SYSTEM) as tx:
        erasure = tx.get_one(Erasure, thing.id)
        found, ended = erasure.found or {}, []
        for model, still in (
            (GuardianInvitation, (GuardianInvitation.accepted_at, GuardianInvitation.withdrawn_at)),
            (StudentCard, (StudentCard.voided_at,)),
            (StudentSession, (StudentSession.ended_at,)),
        ):
            open_ones = select(func.count()).select_from(model).where(*(each.is_(None) for each in still))
            count = tx.scalar(open_ones.where(model.student_id == erasure.subject_id)) or 0
            ended += [f"changed {model.__table__}"] * count
    return Filled({"typed": found["title"]}, ("changed app.erasure", "added app.job_run", *ended))


def _looked_at_class(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    held = scope(actor.principal, CLASSROOMS_ARCHIVE)
    allowed = [
        each
        for each in stage.own(actor, "classroom")
        if each.id in held.classrooms or each.school_id in held.schools
    ]
    room = next(iter(allowed), stage.of("classroom")[0])
    fields = {"action": "archive", "rowid": [room.public_id]}
    return Filled(fields, identifiers={"rowid": "classroom"}, audited=False)


def _picked(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    """A school, which everybody in the console may look for, within one of the own."""
    own = next(iter(stage.own(actor, "school")), stage.of("school")[0])
    fields = {"relation": "school", "q": "", "within": own.public_id}
    return Filled(fields, identifiers={"within": "school"}, audited=False)


# What a mail to a colleague leaves behind.
MAILED = ("added app.job_run", "added app.mail", "added app.mail_content", "added app.message")


def _given_role(stage: Stage, _actor: Actor, thing: Thing | None) -> Filled:
    """Somebody of the school who has no role in the class; where there is nobody, nothing happens."""
    room = thing or stage.of("classroom")[0]
    works = select(Membership.account_id).where(Membership.school_id == room.school_id)
    there = select(TeachingRole.account_id).where(TeachingRole.classroom_id == room.id)
    with transaction(SYSTEM) as tx:
        free = set(tx.scalars(works)) - set(tx.scalars(there))
    person = next((each for each in stage.of("account") if each.id in free), None)
    fields = {"account": (person or stage.of("account")[0]).public_id, "role": "helper"}
    effect = (*MAILED, "added app.teaching_role") if person else ()
    return Filled(fields, effect, identifiers={"account": "account"}, audited=person is not None)


def _other_of(stage: Stage, actor: Actor, thing: Thing | None) -> Thing | None:
    """Somebody else who teaches the class beside an owner."""
    roles = select(TeachingRole.account_id, TeachingRole.role)
    with transaction(SYSTEM) as tx:
        held = dict(tx.execute(roles.where(TeachingRole.classroom_id == (thing.id if thing else 0))).all())
    held.pop(actor.principal.account_id or 0, None)
    beside = {each for each, role in held.items() if role != "owner"} or (
        # The actor is an owner, too.
        set(held) if actor.name != "leader" or len(held) > 1 else set()
    )
    return next((each for each in stage.of("account") if each.id in beside), None)


def _taught_by(stage: Stage, thing: Thing | None) -> Thing:
    """The only one who teaches the class: an owner who stays one."""
    with transaction(SYSTEM) as tx:
        held = tx.scalar(
            select(TeachingRole.account_id).where(TeachingRole.classroom_id == (thing.id if thing else 0))
        )
    return next((each for each in stage.of("account") if each.id == held), stage.of("account")[0])


def _changed_role(stage: Stage, actor: Actor, thing: Thing | None) -> Filled:
    """Somebody becomes an owner of the class, who is none; where all are owners, nothing happens."""
    other = _other_of(stage, actor, thing)
    with transaction(SYSTEM) as tx:
        role = tx.scalar(
            select(TeachingRole.role).where(
                TeachingRole.account_id == (other.id if other else 0),
                TeachingRole.classroom_id == (thing.id if thing else 0),
            )
        )
    fields = {"account": (other or _taught_by(stage, thing)).public_id, "role": "owner"}
    effect = (*MAILED, "changed app.teaching_role") if role not in {None, "owner"} else ()
    return Filled(fields, effect, identifiers={"account": "account"}, audited=bool(effect))


def _ended_role(stage: Stage, actor: Actor, thing: Thing | None) -> Filled:
    other = _other_of(stage, actor, thing)
    fields = {"rowid": (other or _taught_by(stage, thing)).public_id, "confirm": "yes"}
    effect = (*MAILED, "removed app.teaching_role", *_tablets_of(other.id, thing)) if other else ()
    return Filled(fields, effect, identifiers={"rowid": "account"}, audited=other is not None)


def _left_class(_stage: Stage, actor: Actor, thing: Thing | None) -> Filled:
    """Whoever has a role, and is not the only owner."""
    roles = select(TeachingRole.account_id, TeachingRole.role)
    with transaction(SYSTEM) as tx:
        held = dict(tx.execute(roles.where(TeachingRole.classroom_id == (thing.id if thing else 0))).all())
    own = held.pop(actor.principal.account_id or 0, None)
    goes = own is not None and (own != "owner" or "owner" in held.values())
    effect = ("removed app.teaching_role", *_tablets_of(actor.principal.account_id, thing)) if goes else ()
    return Filled({"confirm": "yes"}, effect, audited=goes)


def _asked_beside(stage: Stage, _actor: Actor, _thing: Thing | None) -> Filled:
    """No invitation of the world is one into a class: tests/staff/test_class_roles.py has them."""
    return Filled(
        {"invitation": stage.of("invitation")[0].public_id},
        identifiers={"invitation": "invitation"},
        audited=False,
    )


def _year_looked_at(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    """Only looked at, before it begins; tests/schools/test_school_years_services.py begins one."""
    with transaction(actor.principal.credential) as tx:
        begun_by = {each.id: each.public_id for each in schools_for(tx, SCHOOL_YEARS_BEGIN)}
    room = next((each for each in stage.own(actor, "classroom") if each.school_id in begun_by), None)
    if room is None:
        return Filled({}, audited=False)
    return Filled(
        {"school": begun_by[room.school_id or 0], "class": [room.public_id], "do": "look"},
        identifiers={"school": "school", "class": "classroom"},
        audited=False,
    )


def _days_set(_stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    """Other days, where the actor sets them: elsewhere the page asks of which school."""
    with transaction(actor.principal.credential) as tx:
        school = next(iter(schools_for(tx, SCHOOL_DAYS_EDIT)), None)
    if school is None:
        return Filled({}, audited=False)
    return Filled(
        {"school": school.public_id, "days": ["tue", "thu"], "time_zone": "America/Phoenix"},
        ("added app.school_change", "added app.school_change", "changed app.school"),
        identifiers={"school": "school"},
    )


def _field_made(_stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    """A field more, where the actor makes any: elsewhere the page asks of which school."""
    with transaction(actor.principal.credential) as tx:
        school = next(iter(schools_for(tx, FIELDS_MANAGE)), None)
    if school is None:
        return Filled({}, audited=False)
    said = {"name": "Made anew", "purpose": "To be seen in a list", "keep_days": "30"}
    return Filled(
        {"school": school.public_id, "subject": "student", "kind": "text", **said},
        ("added app.custom_field",),
        identifiers={"school": "school"},
    )


def _field_erased(_stage: Stage, _actor: Actor, thing: Thing | None) -> Filled:
    """By its name; with it goes what is written in it."""
    with transaction(SYSTEM) as tx:
        row = tx.scalar(select(CustomField).where(CustomField.id == (thing.id if thing else 0)))
    if row is None or row.name is None:
        return Filled({"typed": "nothing"})
    gone = ("added app.job_run", "changed app.custom_field", f"removed app.{row.subject}_value")
    return Filled({"typed": row.name}, gone)


def _fields_filled(subject: FieldSubject) -> Fill:
    """All of those of the school of a student or class."""
    model, column, _ = OF[subject]

    def filled(_stage: Stage, _actor: Actor, thing: Thing | None) -> Filled:
        if thing is None:
            return Filled({})
        with transaction(SYSTEM) as tx:
            fields = fields_of(tx, thing.school_id or 0, subject)
            there = {*tx.scalars(select(model.field_id).where(column == thing.id))}
        effect = tuple(f"{'changed' if each.id in there else 'added'} app.{subject}_value" for each in fields)
        return Filled({f"field_{each.public_id}": "Filled anew" for each in fields}, effect)

    return filled


def _network_opened(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    """One that is locked, where the actor opens any."""
    own = stage.own(actor, "locked_network")
    if not own:
        return Filled({}, audited=False)
    return Filled(
        {"network": own[0].public_id},
        ("changed app.locked_network",),
        identifiers={"network": "locked_network"},
    )


def _looked_at_both(stage: Stage, actor: Actor, thing: Thing | None) -> Filled:
    """Only looked at, before it is confirmed; merging is in tests/schools/test_merging_services.py.

    Where there is nobody with whom the actor may merge it, somebody is looked for.
    """
    for other in stage.own(actor, "student"):
        try:
            merging.preview_merge(
                principal=actor.principal, keeper=thing.public_id if thing else "", merged=other.public_id
            )
        except (NotFound, Rejected):
            continue
        return Filled({"other": other.public_id}, identifiers={"other": "student"}, audited=False)
    return Filled({"q": "zz"}, audited=False)


def _in_by_code(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    # Whoever was in this browser before is signed out.
    before = {"nobody": (), "student": ("changed app.student_session",)}
    ended = before.get(actor.name, ("changed app.account_session",))
    student, room = stage.of("student")[0], stage.of("classroom")[0]
    assert student.place == room.place
    assert room.code
    return Filled(
        {"code": room.code, "student": student.public_id},
        ("added app.student_session", *ended),
        identifiers={"student": "student", "code": "code"},
    )


def _in_by_card(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    before = {"nobody": (), "student": ("changed app.student_session",)}
    ended = before.get(actor.name, ("changed app.account_session",))
    return Filled({"card": stage.world.card}, ("added app.student_session", *ended))


def _own_pin(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    """Whoever else is in as the same child goes out."""
    fields = {"new": "4937", "again": "4937"}
    if actor.name != "student":
        return Filled(fields, audited=False)
    return Filled(fields, ("changed app.student", *_sessions_inside(stage, actor)))


def _told(_stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    """As the child that is signed in; nobody else tells anything."""
    fields = {"kind": "strange", "form": "0c63ba2d-0d4a-4a3b-9a9e-6f1a2c0e9f11", "note": "A note"}
    if actor.name != "student":
        return Filled(fields, audited=False)
    return Filled(fields, ("added app.job_run", "added app.worry"))


def _sessions_inside(stage: Stage, actor: Actor) -> tuple[str, ...]:
    """The child's sessions but the one of the cookie."""
    del stage
    others = (
        StudentSession.student_id == actor.principal.student_id,
        StudentSession.ended_at.is_(None),
    )
    with transaction(SYSTEM) as tx:
        count = tx.scalar(select(func.count()).where(*others)) or 0
    return ("changed app.student_session",) * (count - 1)


def _cards(stage: Stage, actor: Actor, thing: Thing | None) -> tuple[int, int]:
    """How many children the class has, and how many of them a card."""
    del stage, actor
    here = thing.id if thing else 0
    with transaction(SYSTEM) as tx:
        children = select(func.count()).where(Enrollment.classroom_id == here, Enrollment.ended_at.is_(None))
        return tx.scalar(children) or 0, _live_cards(thing)


def _live_cards(room: Thing | None, child: Thing | None = None) -> int:
    """How many cards of a class work."""
    here = [StudentCard.classroom_id == (room.id if room else 0), StudentCard.voided_at.is_(None)]
    if child:
        here.append(StudentCard.student_id == child.id)
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).where(*here)) or 0


def _new_cards(stage: Stage, actor: Actor, thing: Thing | None) -> Filled:
    children, live = _cards(stage, actor, thing)
    effect = ("added app.student_card",) * children + ("changed app.student_card",) * live
    return Filled({"all": "yes", "paper": "a4"}, effect)


def _void_cards(stage: Stage, actor: Actor, thing: Thing | None) -> Filled:
    _children, live = _cards(stage, actor, thing)
    return Filled({"all": "yes"}, ("changed app.student_card",) * live, audited=bool(live))


def _sign_in(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    person = stage.world.people.get(actor.name, stage.world.people["teacher"])
    ended = () if actor.name in {"nobody", "student"} else ("changed app.account_session",)
    used = ("changed app.account_second_factor",) if person.secret else ()
    return Filled(
        {"email": person.email, "password": PASSWORD, "otp": person.otp()},
        ("added app.account_session", "changed app.account", *TOLD, *ended, *used),
    )


def _out_elsewhere(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    """The telephone, and whatever else somebody has been signed in at."""
    del stage
    others = (
        AccountSession.account_id == actor.principal.account_id,
        AccountSession.id != actor.principal.session_id,
        AccountSession.ended_at.is_(None),
    )
    with transaction(SYSTEM) as tx:
        count = tx.scalar(select(func.count()).where(*others)) or 0
    return Filled({}, ("changed app.account_session",) * count)


# What a change of factors does besides: everybody has an app and a passkey, so that one is left.
CHANGED_FACTOR = ("added app.account_session", "changed app.account", "changed app.account_session", *TOLD)


def _new_codes(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    del stage, actor
    added = ("added app.account_recovery_code",) * RECOVERY_CODES
    return Filled({}, (*added, "removed app.account_recovery_code", *CHANGED_FACTOR))


def _new_password(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    del stage, actor
    return Filled(
        {"current": PASSWORD, "password": "walrus umbrella saxophone"},
        (
            "added app.account_session",
            "changed app.account",
            "changed app.account_password",
            "changed app.account_session",
            *TOLD,
        ),
    )


def _closed(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    """The only founder and the district's only leader stay, as does whoever moved to another address lately.

    Of a school of one's own the codes stop.

    The tablets that somebody paired go with the account. The rest is a worker's.
    """
    with transaction(SYSTEM) as tx:
        email = tx.scalar(select(Account.email).where(Account.id == actor.principal.account_id)) or ""
    if actor.name in {"founder", "leader", "outsider"}:
        return Filled({"typed": email}, audited=False)
    alone = actor.name == "alone"
    own = ("changed app.classroom", "changed app.classroom_code") if alone else ()
    paired = _tablets_of(actor.principal.account_id)
    del stage
    return Filled(
        {"typed": email},
        (
            *("changed app.account", "added app.erasure", "added app.job_run", *own),
            *paired,
        ),
    )


def _tablets_of(account: int | None, room: Thing | None = None) -> tuple[str, ...]:
    """The end of the tablets that somebody paired, with one class or with any."""
    theirs = select(func.count()).where(
        ClassroomTablet.paired_by == account, ClassroomTablet.voided_at.is_(None)
    )
    if room is not None:
        theirs = theirs.where(ClassroomTablet.classroom_id == room.id)
    with transaction(SYSTEM) as tx:
        return ("changed app.classroom_tablet",) * (tx.scalar(theirs) or 0)


def _suspended_everywhere(stage: Stage, _actor: Actor, thing: Thing | None) -> Filled:
    del stage
    effect = (*TOLD, "added app.security_event", "added app.suspension", "changed app.account")
    return Filled({"reason": "Asked for it"}, (*effect, *_tablets_of(thing.id if thing else 0)))


def _sign_out(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    del stage
    inside = actor.name not in {"nobody", "student"}
    return Filled({}, ("changed app.account_session",) if inside else (), audited=inside)


def _leave(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    del stage
    inside = actor.name == "student"
    return Filled({}, ("changed app.student_session",) if inside else (), audited=inside)


def _switched(stage: Stage, actor: Actor, thing: Thing | None) -> Filled:
    """Every plugin is on; one that somebody has switched before has a row."""
    del stage, actor
    known = thing is not None and thing.public_id == "trust"
    return Filled(
        {"wanted": "off", "reason": "Too much to look after"},
        ("added app.plugin_history", "changed app.plugin_state" if known else "added app.plugin_state"),
    )


def _set(stage: Stage, actor: Actor, thing: Thing | None) -> Filled:
    """All at their defaults but the first number, or the first text where there is no number."""
    del stage, actor
    plugin = next(
        (p for p in discover(plugin_config("plugins")["installed"]) if thing and p.name == thing.public_id),
        None,
    )
    if plugin is None or plugin.settings is None:
        return Filled({}, audited=False)
    defaults = plugin.settings().model_dump(mode="json")
    fields = {name: "y" if value is True else value for name, value in defaults.items() if value is not False}
    kinds = settings_in(plugin.settings).values()
    number = next((each for each in kinds if each.kind is Kind.WHOLE), None)
    other = {number.name: number.low} if number else {next(each.name for each in kinds): "Another"}
    fields |= {**other, "seen": seen({})}
    return Filled(fields, ("added app.plugin_change", "added app.plugin_history", "added app.plugin_state"))


def _retried(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    del actor
    mail = next(each for each in stage.of("mail") if each.place == "company")
    return Filled(
        {"action": "retry", "rowid": [mail.public_id], "confirm": "yes"},
        ("added app.job_run", "changed app.mail"),
        identifiers={"rowid": "mail"},
    )


def _unsold(_stage: Stage, _actor: Actor, _thing: Thing | None) -> Filled:
    fields = {"price": "school_seat_yearly", "seats": "12"}
    return Filled(fields, audited=False, refused=422)


def _taken_in_again(stage: Stage, _actor: Actor, _thing: Thing | None) -> Filled:
    told = stage.of("stripe_event")[0]
    return Filled(
        {"action": "replay", "rowid": [told.public_id], "confirm": "yes"},
        ("added app.job_run", "changed plugin_billing.stripe_event"),
        identifiers={"rowid": "stripe_event"},
    )


def _invited(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    """A helper of the own class, or of one of the own school's."""
    own = stage.own(actor, "school") or stage.of("school")
    rooms = [each for each in stage.own(actor, "classroom") if each.school_id == own[0].school_id]
    room = (rooms or stage.of("classroom"))[0]
    chosen = {"school": own[0].public_id} if len(own) > 1 else {}
    return Filled(
        {
            "email": "new@people.example",
            "name": "Nadia Newcomer",
            "role": "helper",
            "classroom": room.public_id,
            **chosen,
        },
        ("added app.invitation", "added app.job_run"),
        identifiers={"classroom": "classroom", **dict.fromkeys(chosen, "school")},
    )


def _asked(action: str, *effect: str) -> Fill:
    def filled(stage: Stage, _actor: Actor, _thing: Thing | None) -> Filled:
        invitation = next(each for each in stage.of("invitation") if each.place == "own")
        return Filled(
            {"action": action, "rowid": [invitation.public_id], "confirm": "yes"},
            effect,
            identifiers={"rowid": "invitation"},
        )

    return filled


def _known(stage: Stage, _actor: Actor, _thing: Thing | None) -> Filled:
    """All of the world's people sign in: nobody is still to be invited."""
    teacher = stage.world.people["teacher"]
    return Filled(
        {"action": "invite", "rowid": [teacher.public_id], "confirm": "yes"},
        identifiers={"rowid": "account"},
        audited=False,
    )


def _leaves(stage: Stage, actor: Actor, thing: Thing | None) -> Filled:
    """All roles at the one school of somebody, who is told; the classes they own stay with the school."""
    with transaction(SYSTEM) as tx:
        who = thing.id if thing else 0
        rooms = tx.scalars(select(TeachingRole.role).where(TeachingRole.account_id == who)).all()
    del stage, actor
    # A row whose key is another is one less and one more.
    passed = ["added app.teaching_role"] * rooms.count("owner")
    return Filled(
        {"confirm": "yes"},
        (
            *MAILED,
            "changed app.account",
            "removed app.membership",
            *["removed app.teaching_role"] * len(rooms),
            *passed,
            *_tablets_of(who),
        ),
    )


def _suspended(stage: Stage, actor: Actor, thing: Thing | None) -> Filled:
    """Somebody at a school, who is told; the whole account unless there is a child to see."""
    with transaction(SYSTEM) as tx:
        who = thing.id if thing else 0
        other = tx.scalar(select(func.count()).where(GuardianLink.account_id == who))
    del stage, actor
    return Filled(
        {"reason": "Asked for it"},
        (
            *MAILED,
            "added app.suspension",
            "changed app.account",
            "changed app.membership",
            *(() if other else ("added app.security_event",)),
            *_tablets_of(who),
        ),
    )


def _reset_asked(stage: Stage, actor: Actor, thing: Thing | None) -> Filled:
    """A lost factor: a teacher's by a leader, and by a founder whichever no leader sees to."""
    del stage
    who = thing.id if thing else 0
    places = (
        select(Membership.role, School.kind)
        .outerjoin(School, School.id == Membership.school_id)
        .where(Membership.account_id == who)
    )
    with transaction(SYSTEM) as tx:
        held = {(row.role, row.kind) for row in tx.execute(places)}
        waits = tx.scalar(
            select(func.count()).where(FactorReset.account_id == who, FactorReset.state == ResetState.WAITING)
        )
    leads = any(role == Role.LEADER for role, _kind in held)
    by_leader = (Role.TEACHER, SchoolKind.SCHOOL) in held and not leads
    asked = not waits and by_leader != actor.principal.founder
    return Filled({"confirm": "yes"}, (*TOLD, "added app.factor_reset") if asked else (), audited=asked)


def _with_letter(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    """Whoever is signed in asks to follow the child of the letter; its parent does already."""
    if actor.name in {"nobody", "student"}:
        return Filled({"code": stage.world.letter}, audited=False)
    asks = () if actor.name == "parent" else ("added app.guardian_link",)
    return Filled(
        {"code": stage.world.letter}, (*asks, "added app.job_run", "changed app.guardian_invitation")
    )


def _addressed(stage: Stage, _actor: Actor, _thing: Thing | None) -> Filled:
    return Filled(
        {"code": stage.world.letter, "email": "new-parent@people.example", "name": "Norma Newparent"},
        ("added app.job_run", "changed app.guardian_invitation"),
    )


def _decided(action: str, status: GuardianStatus) -> Fill:
    """A link that is as the action wants it, where the actor may decide; else nothing happens."""

    def filled(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
        held = scope(actor.principal, GUARDIANS_APPROVE)
        rooms = {
            each.place
            for each in stage.of("classroom")
            if each.id in held.classrooms or each.school_id in held.schools
        }
        with transaction(SYSTEM) as tx:
            fit = set(tx.scalars(select(GuardianLink.id).where(GuardianLink.status == status)))
        links = stage.of("guardian_link")
        own = [each for each in links if each.place in rooms and each.id in fit]
        return Filled(
            {"action": action, "rowid": [(own or links)[0].public_id], "confirm": "yes"},
            ("added app.job_run", "changed app.guardian_link") if own else (),
            identifiers={"rowid": "guardian_link"},
            audited=bool(own),
        )

    return filled


def _family(action: str, *effect: str) -> Fill:
    def filled(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
        return _of_family(stage, actor, action, effect)

    return filled


def _of_family(stage: Stage, actor: Actor, action: str, effect: tuple[str, ...]) -> Filled:
    held = scope(actor.principal, GUARDIANS_INVITE)
    rooms = {
        each.place
        for each in stage.of("classroom")
        if each.id in held.classrooms or each.school_id in held.schools
    }
    every = stage.of("guardian_invitation")
    own = [each for each in every if each.place in rooms]
    with transaction(SYSTEM) as tx:
        letters = set(
            tx.scalars(select(GuardianInvitation.id).where(GuardianInvitation.code_digest.is_not(None)))
        )
    # A letter is not mailed again.
    does = [each for each in own if action != "again" or each.id not in letters]
    return Filled(
        {"action": action, "rowid": [(does or own or every)[0].public_id], "confirm": "yes"},
        effect if does else (),
        identifiers={"rowid": "guardian_invitation"},
        audited=bool(does),
    )


def _letters(stage: Stage, _actor: Actor, thing: Thing | None) -> Filled:
    """A letter for each child of the class that has neither a parent nor a letter."""
    del stage
    with transaction(SYSTEM) as tx:
        here = set(
            tx.scalars(
                select(Enrollment.student_id).where(
                    Enrollment.classroom_id == (thing.id if thing else 0), Enrollment.ended_at.is_(None)
                )
            )
        )
        here -= set(tx.scalars(select(GuardianLink.student_id)))
        here -= set(
            tx.scalars(
                select(GuardianInvitation.student_id).where(GuardianInvitation.code_digest.is_not(None))
            )
        )
    return Filled({}, ("added app.guardian_invitation",) * len(here), audited=bool(here))


def _roster(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    """A small set, into the own school."""
    own = next(iter(stage.own(actor, "school")), stage.of("school")[0])
    content = oneroster.zipped(oneroster.Shape(students=3))
    return Filled(
        {"place": own.public_id, "file": lambda: (io.BytesIO(content), "roster.zip")},
        ("added app.job_run", "added plugin_rosters.roster_import", "added plugin_rosters.roster_upload"),
        identifiers={"place": "school"},
    )


def _taken_along(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    """A class that the actor may take along; where there is none, anybody's."""
    held = scope(actor.principal, CLASSROOMS_EXPORT)
    rooms = [
        each
        for each in stage.own(actor, "classroom")
        if each.id in held.classrooms or each.school_id in held.schools
    ]
    room = next(iter(rooms), stage.of("classroom")[0])
    return Filled(
        {"place": "", "classroom": room.public_id, "student": "", "workbooks": "y"},
        ("added app.job_run", "added plugin_exports.export"),
        identifiers={"classroom": "classroom"},
    )


def _took_along(_stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    """The own account."""
    return Filled(
        {"what": actor.principal.account_public_id or "", "workbooks": "y"},
        ("added app.job_run", "added plugin_exports.export"),
        identifiers={"what": "account"},
    )


def _imported(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    """One new student in a class that the actor may add to; where there is none, a page of nobody's."""
    held = scope(actor.principal, STUDENTS_CREATE)
    room = next(
        (
            each
            for each in stage.own(actor, "classroom")
            if each.id in held.classrooms or each.school_id in held.schools
        ),
        None,
    )
    if room is None:
        return Filled({"carried": "nothing"}, audited=False)
    with transaction(SYSTEM) as tx:
        school = tx.scalars(select(School.public_id).where(School.id == room.school_id)).one()
    line = ("Newton Newcomer", room.public_id)
    rows = [Row(2, dict(zip(("whole", "classes"), line, strict=True)))]
    plan = preview_students(principal=actor.principal, school=school, rows=rows)
    effect = ("added app.enrollment", "added app.student", *_noted_anew(room))
    return _list_confirmed(
        actor, "students", school, {"whole": line[0], "classes": line[1]}, "ask", plan, effect
    )


def _classes_imported(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    """One new class in a school in which the actor may make some."""
    place = _school_for_classes(stage, actor)
    if place is None:
        return Filled({"carried": "nothing"}, audited=False)
    name = "Newly Brought Newts"
    plan = preview_classrooms(
        principal=actor.principal, school=place.public_id, rows=[Row(2, {"name": name})]
    )
    effect = ("added app.classroom", "added app.classroom_code", "added app.teaching_role")
    return _list_confirmed(actor, "classrooms", place.public_id, {"name": name}, "", plan, effect)


def _export_back(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    """A file that is only looked at; what it has comes in by the next page."""
    place = _school_for_classes(stage, actor)
    return Filled(
        {
            "school": "" if place is None else place.public_id,
            "file": lambda: (io.BytesIO(small_export()), "class.zip"),
        },
        audited=False,
        identifiers={"school": "school"},
    )


def _export_came_back(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    """One class without anybody in it, as the page carries it that has shown it."""
    place = _school_for_classes(stage, actor)
    if place is None:
        return Filled({"carried": "nothing"}, audited=False)
    packed = small_export()
    with opened(io.BytesIO(packed), len(packed), most=UNPACKED_BY_PAGE) as archive:
        kept = {"archive": to_carry(archive), "school": place.public_id, "form": str(uuid4())}
    context = f"plugin_exports_exports {actor.principal.account_id}"
    return Filled(
        # Every actor brings the same.
        {"carried": carrying.sealed(kept, context=context, at=clock.now()), "anew": "y"},
        (
            *("added app.classroom", "added app.classroom_code", "added app.teaching_role"),
            "added plugin_exports.intake",
        ),
    )


def _school_for_classes(stage: Stage, actor: Actor) -> Thing | None:
    held = scope(actor.principal, CLASSROOMS_CREATE)
    return next((each for each in stage.own(actor, "school") if each.id in held.schools), None)


def _list_confirmed(
    actor: Actor,
    address: str,
    school: str,
    line: Mapping[str, str],
    answer: str,
    plan: Plan,
    effect: tuple[str, ...],
) -> Filled:
    """A list of one line, by its columns, as the page sends it that has shown the plan."""
    carried = carrying.sealed(
        {
            "lines": [(1, list(line)), (2, list(line.values()))],
            "text": True,
            "asked": [tuple(line), True, school, answer],
            "seen": plan.digest,
            "size": plan.size,
        },
        context=f"console_{address} {actor.principal.account_id}",
        at=clock.now(),
    )
    columns = {f"col-{at}": key for at, key in enumerate(line)}
    fields = {"carried": carried, **columns, "heads": "yes", "school": school}
    return Filled(fields, effect, identifiers={"school": "school"})


def _noted_anew(room: Thing) -> tuple[str, ...]:
    """What becomes of the last change of a class when somebody new comes in."""
    with transaction(SYSTEM) as tx:
        before = select(RosterChangeStudent.student_id).where(RosterChangeStudent.classroom_id == room.id)
        noted = bool(tx.scalars(before).all())
    return NOTED_CHANGE if noted else ("added app.roster_change", "added app.roster_change_student")


def _view_saved(_stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    grid = "schools" if actor.name in {"founder", "leader", "officer"} else "classrooms"
    fields = {"grid": grid, "state": "", "name": "All of it"}
    return Filled(fields, ("added app.saved_view",))


def _view_shared(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    school = next(iter(stage.own(actor, "school")), stage.of("school")[0])
    fields = {"shared_with": "teachers", "school": school.public_id}
    return Filled(fields, ("changed app.saved_view",), identifiers={"school": "school"})


def _contract_ended(_stage: Stage, _actor: Actor, thing: Thing | None) -> Filled:
    fields = {"last_day": f"{clock.now() + timedelta(days=30):%Y-%m-%d}"}
    noted = "changed" if _ends(thing) else "added"
    return Filled(fields, (f"{noted} app.contract_end", "added app.job_run"))


def _contract_continued(_stage: Stage, _actor: Actor, thing: Thing | None) -> Filled:
    """Where none ends, nothing is done."""
    fields = {"of": "school"}
    return Filled(fields, ("removed app.contract_end",)) if _ends(thing) else Filled(fields, audited=False)


def _ends(school: Thing | None) -> bool:
    with transaction(SYSTEM) as tx:
        end = select(ContractEnd.id).where(ContractEnd.school_id == (school.id if school else None))
        return tx.scalar(end) is not None


def _put_back(*effect: str) -> Fill:
    """What was changed last is as before again: the form says what it is now."""

    def filled(_stage: Stage, _actor: Actor, thing: Thing | None) -> Filled:
        if thing is None:
            return Filled({"confirm": "yes", "seen": "-"}, audited=False)
        model = next(each for each in CHANGES if each.__tablename__ == thing.kind)
        with transaction(SYSTEM) as tx:
            difference = tx.scalars(select(model.difference).where(model.id == thing.id)).one()
        seen = version(difference["after"])
        return Filled({"confirm": "yes", "seen": seen}, effect)

    return filled


def _concerned(stage: Stage, _actor: Actor, _thing: Thing | None) -> Filled:
    """Another school that an incident concerns."""
    school = next(each for each in stage.of("school") if each.place == "outside")
    return Filled(
        {"place": school.public_id},
        ("added plugin_notifications.concerned_school", "added plugin_notifications.timeline_entry"),
        identifiers={"place": "school"},
    )


def _lately() -> str:
    """After the world's incident was noticed and before now, whatever the zone."""
    return f"{clock.now() - timedelta(hours=18):%Y-%m-%dT%H:%M}"


def _told_school(_stage: Stage, _actor: Actor, _thing: Thing | None) -> Filled:
    return Filled(
        {"who": "school", "at": _lately(), "late_reason": ""},
        ("added plugin_notifications.timeline_entry", "changed plugin_notifications.concerned_school"),
    )


def _given_notice(stage: Stage, _actor: Actor, _thing: Thing | None) -> Filled:
    school = stage.of("concerned_school")[0].public_id
    return Filled(
        {"at": _lately(), "late_reason": ""},
        (
            *("added plugin_notifications.given_notice", "added plugin_notifications.timeline_entry"),
            "changed plugin_notifications.concerned_school",
        ),
        query={"rule": "us-ny-121-10-vendor", "school": school},
    )


def _misused(stage: Stage, _actor: Actor, _thing: Thing | None) -> Filled:
    times = {"since": "2020-03-01T10:00", "until": _lately()}
    # Two children, a colleague and a parent.
    reached = ("added plugin_notifications.affected_person",) * 4
    effect = (
        "added plugin_notifications.scope_source",
        # Of the source, and of what it changed.
        *("added plugin_notifications.timeline_entry",) * 2,
        *("added plugin_notifications.scope_reach",) * 4,
        "changed plugin_notifications.concerned_school",
    )
    typed = {"account": stage.world.people["teacher"].email, **times}
    return Filled(typed, (*reached, *effect), query={"kind": "account"})


def _withdrawn(_stage: Stage, _actor: Actor, thing: Thing | None) -> Filled:
    of_it = select(ScopeSource.public_id).join(Incident, Incident.id == ScopeSource.incident_id)
    of_it = of_it.where(Incident.public_id == (thing.public_id if thing else ""))
    with transaction(SYSTEM) as tx:
        source = tx.scalar(of_it.where(ScopeSource.withdrawn_at.is_(None)).limit(1)) or ""
    # Whom it has reached was written to by the notice that there is, and stays in the set.
    effect = ("changed plugin_notifications.scope_source", "added plugin_notifications.timeline_entry")
    return Filled({"source": source, "reason": "It was another narwhal"}, effect)


def _letters_apart(_stage: Stage, _actor: Actor, thing: Thing | None) -> Filled:
    of_it = select(LetterBatch.public_id).join(Notice, Notice.id == LetterBatch.notice_id)
    with transaction(SYSTEM) as tx:
        batch = tx.scalar(of_it.where(Notice.public_id == (thing.public_id if thing else ""))) or ""
    effect = ("removed plugin_notifications.letter_batch", "changed plugin_notifications.notice_delivery")
    return Filled({"do": "apart", "batch": batch}, effect)


def _always(effect: tuple[str, ...] = (), *, audited: bool = True, **fields: str) -> Fill:
    return lambda _stage, _actor, _thing: Filled(fields, effect, audited=audited)


def _handed_in(effect: tuple[str, ...] = (), **fields: str) -> Fill:
    """A paper of a school's."""
    paper = b"%PDF-1.7 paper %%EOF"
    return lambda _stage, _actor, _thing: Filled(
        {**fields, "file": lambda: (io.BytesIO(paper), "paper.pdf")}, effect, audited=bool(effect)
    )


def _exempted(stage: Stage, actor: Actor, thing: Thing | None) -> Filled:
    """A newer certificate, in place of the one that there is."""
    school = thing.id if thing is not None and thing.kind == "school" else None
    held = [each for each in stage.of("tax_certificate") if school is not None and each.school_id == school]
    replaced = ("changed plugin_billing.tax_certificate",) * len(held)
    begins = () if held else ("added plugin_billing.customer",)
    effect = ("added app.job_run", "added plugin_billing.tax_certificate", *replaced, *begins)
    day = (clock.now() + timedelta(days=90)).date().isoformat()
    return _handed_in(effect, state="MA", last_day=day)(stage, actor, thing)


def _all_read(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    newest = max(stage.own(actor, "message"), key=lambda each: each.id, default=None)
    if newest is None:  # Nobody tells a child or a stranger anything.
        return Filled({"up_to": "q" * 16}, audited=False)
    read = ("changed app.message",)
    return Filled({"up_to": newest.public_id}, read, identifiers={"up_to": "message"}, audited=False)


def _no_mails(_stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    """Whoever may turn mails off turns all of them off."""
    if messages.choices(actor.principal):
        mine = select(MailChoice).where(MailChoice.account_id == actor.principal.account_id)
        with transaction(SYSTEM) as tx:
            chose = tx.scalars(mine).first()
        # Whom the stage added has chosen nothing so far.
        return Filled({}, ("changed app.mail_choice" if chose else "added app.mail_choice",))
    return Filled({}, audited=False)


# How each form is filled in by somebody who may. A route that takes a form and is not here fails a test.
FORMS: Mapping[str, Fill] = {
    "web.csp_reports": _always(audited=False),
    "reports.report": _always(
        ("added app.report",), kind="other", said="Something odd", form="6f0e6b1c-5d9e-4c55-9a52-0c1f6c1b1a11"
    ),
    "accounts.sign_in": _sign_in,
    "accounts.sign_out": _sign_out,
    "accounts.ask_to_reset": _always(TOLD, email="teacher@people.example"),
    # Links open nothing here: they are in tests/accounts/test_reset_views.py.
    "accounts.reset": _always(),
    "accounts.not_me": _always(),
    "keeping.keep": _always(),
    # As well: in tests/console/test_accounts.py and tests/staff/test_views.py.
    "accounts.keep_factor": _always(),
    # As well: in tests/accounts/test_address_views.py.
    "accounts.begin_account": _always(),
    "accounts.confirm_email": _always(),
    "accounts.take_back": _always(),
    "accounts.sign_up": _always(
        ("added app.job_run", "added app.sign_up"),
        name="Nora New",
        email="teacher@people.example",
        country="US",
        state="US-CA",
        time_zone="",
    ),
    "accounts.change_email": _always(
        ("added app.account_letter", "added app.email_change", "added app.job_run", "added app.job_run"),
        email="another@people.example",
    ),
    "accounts.deactivate": _closed,
    # Nobody comes from an identity provider here: they do in tests/accounts/providers.
    "providers.ask_for_link": _always(audited=False),
    "providers.link_by_mail": _always(),
    "providers.unlink": _always(),
    # As well: in tests/staff/test_views.py.
    "staff.invitation": _always(),
    # As well: in tests/families/test_joining_views.py.
    "families.invitation": _always(),
    "families.type_code": _always(audited=False, code="BCDF-GHJK-MNPQ-RTVW"),
    "families.give_address": _addressed,
    "families.accept_letter": _with_letter,
    "families.leave": _always(("changed app.guardian_link",)),
    "console_families.act:approve": _decided("approve", GuardianStatus.WAITING),
    "console_families.act:refuse": _decided("refuse", GuardianStatus.WAITING),
    "console_families.act:revoke": _decided("revoke", GuardianStatus.APPROVED),
    "console_families.invite": _always(
        ("added app.guardian_invitation", "added app.job_run"),
        email="new-parent@people.example",
        name="Norma Newparent",
    ),
    "console_families.print_letter": _always(("added app.guardian_invitation",)),
    "console_families.print_letters": _letters,
    "console_family-invitations.act:again": _family(
        "again", "added app.job_run", "changed app.guardian_invitation"
    ),
    "console_family-invitations.act:withdraw": _family("withdraw", "changed app.guardian_invitation"),
    "accounts.change_password": _new_password,
    "accounts.language_of_account": _always(("changed app.account",), language="es"),
    "messages.open_message": _always(("changed app.message",), audited=False),
    "messages.read_all": _all_read,
    "messages.mails_of_account": _no_mails,
    # The half way that it goes on from is in tests/accounts/test_factor_views.py, and so is a first code.
    "accounts.sign_in_by_code": _always(audited=False),
    "accounts.confirm_factor": _always(audited=False),
    # What an authenticator answers is in tests/accounts/passkeys.
    "accounts.sign_in_by_passkey": _always(audited=False),
    "accounts.sign_in_after_password": _always(audited=False),
    "accounts.prove_by_passkey": _always(audited=False),
    "accounts.passkeys": _always(audited=False),
    "accounts.remove_passkey": _always(("removed app.account_passkey", *CHANGED_FACTOR)),
    "accounts.prove": _always(("changed app.account_session",), password=PASSWORD),
    "accounts.begin_factor": _always(("changed app.account_second_factor",)),
    "accounts.renew_codes": _new_codes,
    "accounts.remove_factor": _always(("removed app.account_second_factor", *CHANGED_FACTOR)),
    "accounts.end_session": _always(("changed app.account_session",)),
    "accounts.end_other_sessions": _out_elsewhere,
    "students.choose": _in_by_code,
    # No class here asks for usernames: tests/students/test_usernames.py has one.
    "students.by_username": _always(audited=False, code="BCDFGHJK", username="ada.l"),
    "students.leave": _leave,
    "students.come_in": _in_by_card,
    "students.set_pin": _own_pin,
    # Nobody has one: who has takes it away in tests/students/test_pin_views.py.
    "students.remove_pin": _always(audited=False),
    "students.send_worry": _told,
    "console_inbox.take_up": _always(("changed app.worry",)),
    "families.ask": _always(("added app.guardian_request", "added app.job_run"), kind="delete"),
    "console_inbox.answer": _always(("added app.job_run", "changed app.guardian_request"), answer="Done"),
    "console_inbox.pass_on": _always(
        ("added app.report", "changed app.worry"),
        kind="taken",
        said="Somebody used an account that is not theirs",
        form="6f0e6b1c-5d9e-4c55-9a52-0c1f6c1b1a14",
    ),
    "console_inbox.close": _always(("changed app.worry",), answer="Spoke with the child"),
    # Nobody has one, and nobody is locked: tests/console/test_class_cards.py has them.
    "console_class_cards.clear": _always(audited=False, all="yes"),
    "console_class_cards.unlock": _always(audited=False, all="yes"),
    "console_class_cards.require": _always(
        ("added app.classroom_change", "added app.pin_override", "changed app.classroom"), required="yes"
    ),
    "console_class_cards.issue": _new_cards,
    "console_class_cards.void": _void_cards,
    "console_class_names.show": _always(
        ("added app.classroom_change", "changed app.classroom"), how="aliases"
    ),
    "console_class_names.save": _aliased,
    "console_class_names.picture": _pictured,
    "console_classrooms.new": _new_class,
    # Its name, and that its students share devices.
    "console_classrooms.edit": _always(
        ("added app.classroom_change", "added app.classroom_change", "changed app.classroom"),
        name="Renamed Rhinos",
    ),
    "console_classrooms.paste": _always(
        (
            *("added app.enrollment", "added app.student"),
            *NOTED_CHANGE,
        ),
        names="Newton Newcomer",
        confirm="yes",
    ),
    "console_class_manage.manage": _always(
        ("added app.classroom_change", "changed app.classroom"), icon="owl", colour="plum"
    ),
    "console_class_manage.archive": _archived,
    # None is archived, and nothing was changed that could be undone: tests/schools/test_rosters_services.py.
    "console_class_manage.restore": _always(audited=False),
    "console_class_manage.undo_last": _always(audited=False),
    "console_students.act:move": _moved,
    "console_students.act:leave": _left_all,
    "console_students.act:erase": _chosen_to_erase,
    # Only looked at: archiving is in tests/schools.
    "console_classrooms.act:archive": _looked_at_class,
    "console_large-changes.stop": _always(("changed app.large_change",)),
    "console_students.erase": _always(("added app.erasure", "added app.job_run")),
    "console_class_manage.erase": _always(("added app.erasure", "added app.job_run")),
    "console_schools.erase": _always(("added app.erasure", "added app.job_run")),
    "console_schools.erase_district": _always(("added app.erasure", "added app.job_run")),
    "console_erasures.confirm": _confirmed_erasure,
    "console_erasures.leave": _always(("changed app.erasure",)),
    "console_pick.pick": _picked,
    "console_students.narrow": _always(audited=False, active="today"),
    "console_classrooms.narrow": _always(audited=False, archived="yes"),
    "console_class_teachers.give": _given_role,
    "console_class_teachers.change": _changed_role,
    "console_class_teachers.take": _ended_role,
    "console_class_teachers.leave": _left_class,
    "console_class_teachers.invite": _always(
        ("added app.invitation", "added app.job_run"),
        email="new@people.example",
        name="Nadia Newcomer",
        role="helper",
    ),
    "console_class_teachers.again": _asked_beside,
    "console_class_teachers.withdraw": _asked_beside,
    "console_school-year.index": _year_looked_at,
    "console_school-days.index": _days_set,
    "console_fields.index": _always(audited=False),
    "console_fields.make": _field_made,
    "console_fields.change": _always(
        ("changed app.custom_field",), name="Changed", purpose="To be seen in a list", keep_days="365"
    ),
    "console_fields.erase": _field_erased,
    "console_students.fields": _fields_filled(FieldSubject.STUDENT),
    "console_classrooms.fields": _fields_filled(FieldSubject.CLASSROOM),
    "console_locked-networks.open": _network_opened,
    "console_student_merge.merge": _looked_at_both,
    "console_classrooms.door": _always(("changed app.classroom",), door="closed"),
    "console_class_points.award": _awarded,
    "console_class_points.undo": _taken_back,
    "console_class_points.goals": _goals,
    "console_class_points.actions": _always(
        ("added app.action",), label="Sang in tune", points="3", icon="music"
    ),
    # The classes here have Actions; tests/console/test_class_points.py has one that has none.
    "console_class_points.start": _always(audited=False, key="helped"),
    "console_class_points.edit_action": _always(
        (*("added app.action_change",) * 3, "changed app.action"),
        label="Sang out of tune",
        points="3",
        takes="y",
        icon="music",
    ),
    "console_class_points.retire": _always(("changed app.action",)),
    # None is retired.
    "console_class_points.bring_back": _always(),
    "console_class_entry.turn": _always(("changed app.classroom",), door="closed"),
    "console_class_entry.open_for": _always(("changed app.classroom",), minutes="1"),
    "console_class_entry.keep_hours": _always(
        ("added app.classroom_change", "changed app.classroom"), begin="08:00", end="15:00"
    ),
    "console_class_entry.renew": _renewed,
    "console_class_entry.begin_lesson": _always(("added app.classroom_code",), lesson="45"),
    "console_class_entry.end_lesson": _lesson_ended,
    "console_class_entry.pair": _always(("added app.classroom_tablet",), label="Window 1"),
    "console_class_entry.void_tablet": _tablet_voided,
    "console_class_live.sign_out": _signed_out,
    "console_class_live.sign_all_out": _all_signed_out,
    # A picture is used in tests/students/test_tablets.py.
    "tablets.pair": _always(audited=False),
    "console_students.edit": _corrected,
    "console_students.cell_name": _in_its_cell("name", given_name="Celled", family_name="Spelling"),
    "console_classrooms.cell_name": _in_its_cell("name", name="Celled Sheep"),
    "console_classrooms.cell_mark": _in_its_cell("mark", icon="owl", colour="plum"),
    "console_students.act:unenroll": _unenroll,
    "plugin_exports_exports.index": _taken_along,
    "plugin_exports_exports.back": _export_back,
    "plugin_exports_exports.back_confirmed": _export_came_back,
    "exports.index": _took_along,
    "exports.cancel": _always(("added app.job_run", "changed plugin_exports.export")),
    "plugin_rosters_rosters.upload": _roster,
    # None waits for it: tests/plugins/rosters/test_views.py has one.
    "plugin_rosters_rosters.bring_in": _always(audited=False),
    # Nobody left at this moment; who did is brought back in tests/console/test_classrooms.py.
    "console_classrooms.resume": _always(left_at=clock.now().isoformat()),
    "console_density.index": _always(audited=False, rows="compact"),
    "console_find.search": _always(audited=False, q="zz"),
    "console_students.search": _always(audited=False, q="zz"),
    "console_classrooms.search": _always(audited=False, q="zz"),
    "console_teachers.search": _always(audited=False, q="zz"),
    "console_schools.search": _always(audited=False, q="zz"),
    "console_families.search": _always(audited=False, q="zz"),
    "console_family-invitations.search": _always(audited=False, q="zz"),
    "console_invitations.search": _always(audited=False, q="zz"),
    "console_students.import_rows": _always(audited=False, pasted="Name,Class"),
    "console_students.import_confirmed": _imported,
    "console_classrooms.import_rows": _always(audited=False, pasted="Name"),
    "console_classrooms.import_confirmed": _classes_imported,
    "console_classrooms.export_found": _always(q="zz"),
    "console_students.export_found": _always(q="zz"),
    "console_teachers.export_found": _always(q="zz"),
    "console_families.export_found": _always(q="zz"),
    "console_family-invitations.export_found": _always(q="zz"),
    "console_invitations.export_found": _always(q="zz"),
    "console_schools.export_found": _always(q="zz"),
    # Asks for nothing, as before; for more one must have come that way.
    "console_schools.staff_sign_in": _always(domain=""),
    "console_holds.propose": _proposed_hold,
    "console_holds.step": _step_of_a_hold,
    "console_holds.review": _always(audited=False, hold="x" * 16, review_on="2001-01-01"),
    "plugin_retention_retention.go_on": _always(
        ("changed app.retention_run", "added app.job_run"), kind="roster-names", due="30"
    ),
    # Nothing to propose, and what waits in the world is of no file: as well in tests/privacy/retention.
    "plugin_retention_retention.propose": _always(audited=False, digest="0" * 64),
    "plugin_retention_retention.confirm": _always(audited=False, digest="0" * 64),
    "plugin_retention_retention.withdraw": _always(("changed app.policy_version",), digest="0" * 64),
    "console_jobs.run": _always(("added app.job_run",)),
    "console_jobs.pause": _always(("changed app.job_schedule",)),
    # None of them rests.
    "console_jobs.resume": _always(audited=False),
    "console_jobs.time": _always(
        ("added app.job_change", "changed app.job_schedule"), how="weekly", on="friday", at="04:56"
    ),
    "console_outbox.act:retry": _retried,
    "console_invitations.new": _invited,
    "console_invitations.act:again": _asked("again", "added app.job_run", "changed app.invitation"),
    "console_invitations.act:withdraw": _asked("withdraw", "changed app.invitation"),
    "console_teachers.act:invite": _known,
    "console_teachers.leave": _leaves,
    "console_teachers.suspend": _suspended,
    # Nobody is suspended: tests/console/test_teachers.py has them.
    "console_teachers.reinstate": _always(audited=False, confirm="yes"),
    "console_teachers.reset_factor": _reset_asked,
    "console_schools.second_factor": _always(),
    "console_schools.district_contacts": _always(
        ("changed app.district",), security_contact="security@people.example", postal_address="2 Long Road"
    ),
    # No Stripe is connected here: tests/plugins/billing/orders has what they do with one.
    "plugin_billing_billing.quotes": _always(audited=False, price="school_seat_yearly", seats="12"),
    "plugin_billing_billing.order": _handed_in(number="PO-1", invoice_to="office@people.example"),
    "plugin_billing_billing.paid": _always(audited=False, way="check", reference="1", amount="720"),
    "plugin_billing_billing.order_again": _always(audited=False),
    "plugin_billing_billing.exemption": _exempted,
    # Nothing is bought while no Stripe is connected: what is, in tests/plugins/billing.
    "plugin_billing_billing.buy": _unsold,
    "plugin_billing_billing.seats": _unsold,
    "plugin_billing_billing.confirm": _always(audited=False, seats="20", seen="20:0:0"),
    "plugin_billing_billing.act": _always(audited=False, do="end"),
    "plugin_billing_stripe-messages.act:replay": _taken_in_again,
    "billing_webhooks.stripe": lambda *_: Filled({}, audited=False, refused=404),
    "plugin_notifications_hooks.edit": _always(
        ("changed plugin_notifications.district_hook",), url="https://hooks.example/ours"
    ),
    "plugin_notifications_hooks.act": _always(("changed plugin_notifications.district_hook",), do="renew"),
    "console_schools.contacts": _always(
        ("changed app.school",), security_contact="security@home.example", postal_address="1 Long Road\nHome"
    ),
    "console_schools.end_contract": _contract_ended,
    "console_schools.continue_contract": _contract_continued,
    "console_accounts.find": _always(email="teacher@people.example"),
    "console_accounts.suspend": _suspended_everywhere,
    "console_accounts.reinstate": _always(audited=False, confirm="yes"),
    "console_accounts.reset_factor": _reset_asked,
    "plugin_notifications_incidents.open": _always(
        ("added plugin_notifications.incident", "added plugin_notifications.timeline_entry"),
        title="Walrus loose",
        what="A walrus swam off",
        noticed_at="2020-03-01T10:00",
        form="6f0e6b1c-5d9e-4c55-9a52-0c1f6c1b1a12",
        report="",
    ),
    "plugin_notifications_incidents.facts": _always(
        ("added plugin_notifications.timeline_entry", "changed plugin_notifications.incident"),
        seen="0",
        what="A narwhal read the mails",
        systems="",
        kinds="name",
        encrypted="no",
        role="processor",
        risk="high",
        noticed_at="2020-03-01T10:00",
    ),
    "plugin_notifications_incidents.note": _always(
        ("added plugin_notifications.timeline_entry",), said="It is quiet", happened_at="2020-03-01T10:00"
    ),
    "plugin_notifications_incidents.decide": _always(
        ("added plugin_notifications.timeline_entry",), said="We tell all", reason="It was names"
    ),
    "plugin_notifications_incidents.task": _always(
        ("added plugin_notifications.incident_task",), said="Look at the mails"
    ),
    "plugin_notifications_incidents.done": _always(
        ("added plugin_notifications.timeline_entry", "changed plugin_notifications.incident_task")
    ),
    "plugin_notifications_incidents.close": _always(
        ("added plugin_notifications.timeline_entry", "changed plugin_notifications.incident"),
        reason="The narwhal is home",
        although_open="y",
    ),
    "plugin_notifications_incidents.evidence": _always(
        ("added plugin_notifications.timeline_entry",), whom="The authority of Somewhere", sheet="a4"
    ),
    "plugin_notifications_incidents.concern": _concerned,
    "plugin_notifications_incidents.scope": _misused,
    "plugin_notifications_incidents.withdraw": _withdrawn,
    "plugin_notifications_incidents.people": _always(
        ("added plugin_notifications.timeline_entry", "changed plugin_notifications.concerned_school"),
        students="2",
        staff="1",
        parents="0",
    ),
    **{
        f"plugin_notifications_contracts.{door}": _always(
            (f"{what} plugin_notifications.contract_terms",),
            terms="contract-hours",
            hours="48",
            start="determined",
        )
        # Of the district something is known already.
        for door, what in (("state", "added"), ("state_district", "changed"))
    },
    "plugin_notifications_incidents.contract": _always(
        (
            *("added plugin_notifications.timeline_entry", "added plugin_notifications.contract_terms"),
            "changed plugin_notifications.concerned_school",
        ),
        terms="contract-hours",
        hours="48",
        start="determined",
    ),
    "plugin_notifications_incidents.told": _told_school,
    # The world's school has a notice that was given: it stays.
    "plugin_notifications_incidents.leave_out": _always(audited=False),
    "plugin_notifications_incidents.given": _given_notice,
    "plugin_notifications_notices.new": _always(
        ("added plugin_notifications.notice",),
        form="6f0e6b1c-5d9e-4c55-9a52-0c1f6c1b1a13",
        en_heading="A walrus looked in",
    ),
    "plugin_notifications_notices.edit": _always(
        ("changed plugin_notifications.notice",), seen="0", en_heading="A narwhal looked in"
    ),
    "plugin_notifications_notices.letters": _letters_apart,
    # Of a draft nothing was posted. As well: in tests/plugins/notifications/letters.
    "plugin_notifications_notices.posted": _always(audited=False),
    # A draft is not handed in. As well: in tests/plugins/notifications/authorities.
    "plugin_notifications_notices.handed_in": _always(audited=False),
    "plugin_notifications_notices.step": _always(
        ("added plugin_notifications.notice_step", "changed plugin_notifications.notice"), step="discard"
    ),
    "plugin_notifications_drills.play": _always(
        (
            *("added plugin_notifications.incident", "added plugin_notifications.timeline_entry"),
            "added plugin_notifications.drill",
            *("added plugin_notifications.drill_event",) * 4,
        ),
        script="guessed-password",
        form="6f0e6b1c-5d9e-4c55-9a52-0c1f6c1b1a14",
    ),
    "plugin_notifications_drills.answer": _always(
        ("changed plugin_notifications.drill_event", *("added plugin_notifications.timeline_entry",) * 2),
        answer="We call the narwhal",
    ),
    "console_reports.close": _always(("changed app.report",), finding="fake", note="Looked into it"),
    "console_security.close": _always(("changed app.security_event",), note="Called them"),
    "console_changes.student": _put_back("added app.student_change", "changed app.student"),
    "console_changes.classroom": _put_back("added app.classroom_change", "changed app.classroom"),
    "console_changes.action": _put_back("added app.action_change", "changed app.action"),
    "console_changes.school": _put_back("added app.school_change", "changed app.school"),
    # It has no setting of that name: tests/console/test_changes.py has one.
    "console_changes.plugin_settings": _always(audited=False, confirm="yes", seen="-"),
    "console_changes.job": _put_back("added app.job_change", "changed app.job_schedule"),
    "console_views.save": _view_saved,
    "console_views.view": _always(("changed app.saved_view",), name="Renamed"),
    "console_views.keep": _always(("changed app.saved_view",), state=""),
    "console_views.share": _view_shared,
    "console_views.delete": _always(("removed app.saved_view",), confirm="yes"),
    "console_plugins.switch": _switched,
    "console_plugins.configure": _set,
}


def form_keys(app: Flask, route: Route) -> Iterator[tuple[str, Permission | None]]:
    """The entries of `FORMS` that a route needs, each with what opens it; none for a closed door."""
    found = door(app, route)
    if found is not None and found[1] not in found[0].doors:
        return
    actions = bulk_actions(app, route)
    for action in actions:
        yield f"{route.endpoint}:{action.name}", action.permission
    if not actions:
        yield route.endpoint, permission_of(app, route)
