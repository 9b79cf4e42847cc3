"""The routes of the application, walked and never typed, and what opens each of them."""

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy import func, select
from werkzeug.routing import Rule

from backoffice.access.permissions import CHILDREN_READ, STUDENTS_UNENROLL, Permission
from backoffice.access.policy import scope
from backoffice.access.transaction import transaction
from backoffice.accounts.codes import RECOVERY_CODES
from backoffice.accounts.models import AccountSession
from backoffice.console.grid import BulkAction, Grid
from backoffice.console.guard import GuardedView
from backoffice.plugin import discover
from backoffice.schools.models import TeachingRole
from backoffice.settings import plugin_config
from backoffice.students.models import StudentSession
from backoffice.web.converters import CONVERTERS
from tests.contract.actors import Actor, Stage, Thing
from tests.factories import oneroster
from tests.factories.world import PASSWORD, SYSTEM

METHODS = ("GET", "POST")
# Anybody may ask for these. They show nothing that belongs to somebody, and change nothing but the
# asker's own session.
PUBLIC = frozenset(
    {
        "web.home",
        "web.report",
        "web.healthz",
        "web.readyz",
        "web.csp_reports",
        # Numbers of the whole, from this machine only or with a token.
        "web.figures",
        "accounts.sign_in",
        "accounts.sign_out",
        # Asks for a code only where the password was right.
        "accounts.sign_in_by_code",
        # The same for every address, and for whoever has the link of a mail.
        "accounts.ask_to_reset",
        "accounts.reset",
        "accounts.not_me",
        # Lead to an identity provider and back: who it is that comes back is proved there.
        "providers.begin",
        "providers.callback",
        # For whom a provider has just named, and for whoever has the link of a mail.
        "providers.ask_for_link",
        "providers.link_by_mail",
        "staff.invitation",
        "students.scanned",
        "students.join",
        "students.choose",
        # These look for the child who is signed in themselves.
        "students.page",
        "students.leave",
        "students.goodbye",
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
        "accounts.change_password",
        "accounts.prove",
        "accounts.factor",
        "accounts.begin_factor",
        "accounts.confirm_factor",
        "accounts.renew_codes",
        "accounts.remove_factor",
        "accounts.end_session",
        "accounts.end_other_sessions",
        "providers.link",
        "providers.unlink",
    }
)
# Pages outside the console, behind a permission.
BEHIND: Mapping[str, Permission] = {"families.family": CHILDREN_READ}


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
        with app.test_request_context():
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


# What a mail about an account leaves behind.
TOLD = ("added app.account_letter", "added app.job_run")
Fill = Callable[[Stage, Actor, Thing | None], Filled]


def _new_class(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    own = stage.own(actor, "school")
    chosen = {"school": own[0].public_id} if len(own) > 1 else {}
    return Filled(
        {"name": "Ninth Narwhals", "shared_devices": "y", **chosen},
        ("added app.classroom", "added app.classroom_code", "added app.teaching_role"),
        identifiers={"school": "school"} if chosen else None,
    )


def _renewed(stage: Stage, _actor: Actor, thing: Thing | None) -> Filled:
    """A new code; whoever came in with the old one is put out."""
    del stage
    here = (StudentSession.classroom_id == (thing.id if thing else 0), StudentSession.ended_at.is_(None))
    with transaction(SYSTEM) as tx:
        inside = tx.scalar(select(func.count()).where(*here)) or 0
    out = ("changed app.student_session",) * inside
    return Filled({}, ("added app.classroom_code", "changed app.classroom_code", *out))


def _unenroll(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    held = scope(actor.principal, STUDENTS_UNENROLL)
    allowed = [
        each
        for each in stage.own(actor, "classroom")
        if each.id in held.classrooms or each.school_id in held.schools
    ]
    room = next(iter(allowed), stage.of("classroom")[0])
    student = next(each for each in stage.of("student") if each.place == room.place)
    return Filled(
        {"action": "unenroll", "rowid": [student.public_id], "confirm": "yes"},
        ("changed app.enrollment",),
        query={"classroom": room.public_id},
        identifiers={"rowid": "student"},
    )


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


def _begun_factor(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    person = stage.world.people.get(actor.name)
    known = person is not None and person.secret is not None
    return Filled({}, ("changed app.account_second_factor" if known else "added app.account_second_factor",))


def _of_factor(stage: Stage, actor: Actor, *, may: bool, codes: int) -> Filled:
    """An act on a second factor: only one actor has one."""
    person = stage.world.people.get(actor.name)
    if not may or person is None or person.secret is None:
        return Filled({}, audited=False)
    return Filled(
        {},
        (
            *("added app.account_recovery_code",) * codes,
            "added app.account_session",
            "changed app.account",
            "changed app.account_session",
            "removed app.account_recovery_code",
            *TOLD,
        ),
    )


def _new_codes(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    return _of_factor(stage, actor, may=True, codes=RECOVERY_CODES)


def _removed_factor(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    """Founders must keep theirs; others remove theirs in tests/accounts/test_factor_views.py."""
    return _of_factor(stage, actor, may=False, codes=0)


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
        ("changed app.plugin_state" if known else "added app.plugin_state",),
    )


def _set(stage: Stage, actor: Actor, thing: Thing | None) -> Filled:
    """All at their defaults: the form is filled with what it shows."""
    del stage, actor
    plugin = next(
        (p for p in discover(plugin_config("plugins")["installed"]) if thing and p.name == thing.public_id),
        None,
    )
    if plugin is None or plugin.settings is None:
        return Filled({}, audited=False)
    defaults = plugin.settings().model_dump(mode="json")
    fields = {name: "y" if value is True else value for name, value in defaults.items() if value is not False}
    return Filled(fields, ("added app.plugin_state",))


def _retried(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    del actor
    mail = next(each for each in stage.of("mail") if each.place == "company")
    return Filled(
        {"action": "retry", "rowid": [mail.public_id], "confirm": "yes"},
        ("added app.job_run", "changed app.mail"),
        identifiers={"rowid": "mail"},
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
            "added app.job_run",
            "added app.mail",
            "added app.mail_content",
            "changed app.account",
            "removed app.membership",
            *["removed app.teaching_role"] * len(rooms),
            *passed,
        ),
    )


def _roster(stage: Stage, actor: Actor, _thing: Thing | None) -> Filled:
    """A small set, into the own school."""
    own = next(iter(stage.own(actor, "school")), stage.of("school")[0])
    content = oneroster.zipped(oneroster.Shape(students=3))
    return Filled(
        {"place": own.public_id, "file": lambda: (io.BytesIO(content), "roster.zip")},
        ("added app.job_run", "added plugin_rosters.roster_import", "added plugin_rosters.roster_upload"),
        identifiers={"place": "school"},
    )


def _always(effect: tuple[str, ...] = (), *, audited: bool = True, **fields: str) -> Fill:
    return lambda _stage, _actor, _thing: Filled(fields, effect, audited=audited)


# How each form is filled in by somebody who may. A route that takes a form and is not here fails a test.
FORMS: Mapping[str, Fill] = {
    "web.csp_reports": _always(audited=False),
    "accounts.sign_in": _sign_in,
    "accounts.sign_out": _sign_out,
    "accounts.ask_to_reset": _always(TOLD, email="teacher@people.example"),
    # Links open nothing here: they are in tests/accounts/test_reset_views.py.
    "accounts.reset": _always(),
    "accounts.not_me": _always(),
    # Nobody comes from an identity provider here: they do in tests/accounts/providers.
    "providers.ask_for_link": _always(audited=False),
    "providers.link_by_mail": _always(),
    "providers.unlink": _always(),
    # As well: in tests/staff/test_views.py.
    "staff.invitation": _always(),
    "accounts.change_password": _new_password,
    # The half way that it goes on from is in tests/accounts/test_factor_views.py, and so is a first code.
    "accounts.sign_in_by_code": _always(audited=False),
    "accounts.confirm_factor": _always(audited=False),
    "accounts.prove": _always(("changed app.account_session",), password=PASSWORD),
    "accounts.begin_factor": _begun_factor,
    "accounts.renew_codes": _new_codes,
    "accounts.remove_factor": _removed_factor,
    "accounts.end_session": _always(("changed app.account_session",)),
    "accounts.end_other_sessions": _out_elsewhere,
    "students.choose": _in_by_code,
    "students.leave": _leave,
    "console_classrooms.new": _new_class,
    "console_classrooms.edit": _always(("changed app.classroom",), name="Renamed Rhinos"),
    "console_classrooms.paste": _always(
        ("added app.enrollment", "added app.student"), names="Newton Newcomer", confirm="yes"
    ),
    "console_classrooms.door": _always(("changed app.classroom",), door="closed"),
    "console_classrooms.renew_code": _renewed,
    "console_students.edit": _always(
        ("changed app.student",), given_name="Corrected", family_name="Spelling"
    ),
    "console_students.act:unenroll": _unenroll,
    "plugin_rosters_rosters.upload": _roster,
    # Nobody left at this moment; who did is brought back in tests/console/test_classrooms.py.
    "console_classrooms.resume": _always(left_at="2026-01-01T00:00:00+00:00"),
    "console_students.search": _always(audited=False, q="zz"),
    "console_classrooms.search": _always(audited=False, q="zz"),
    "console_teachers.search": _always(audited=False, q="zz"),
    "console_classrooms.export_found": _always(q="zz"),
    "console_students.export_found": _always(q="zz"),
    # Asks for nothing, as before; for more one must have come that way.
    "console_schools.staff_sign_in": _always(domain=""),
    "console_jobs.run": _always(("added app.job_run",)),
    "console_jobs.pause": _always(("changed app.job_schedule",)),
    # None of them rests.
    "console_jobs.resume": _always(audited=False),
    "console_jobs.time": _always(("changed app.job_schedule",), how="weekly", on="friday", at="04:56"),
    "console_outbox.act:retry": _retried,
    "console_invitations.new": _invited,
    "console_invitations.act:again": _asked("again", "added app.job_run", "changed app.invitation"),
    "console_invitations.act:withdraw": _asked("withdraw", "changed app.invitation"),
    "console_teachers.act:invite": _known,
    "console_teachers.leave": _leaves,
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
