"""The isolation matrix: every route, every role, every identifier that is somebody else's.

Here is how an attempt is made and judged; test_isolation_matrix.py and its neighbours make them with all
layers in place, test_single_layers.py with one alone.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import selectinload
from werkzeug.test import TestResponse

from backoffice import clock
from backoffice.access.permissions import (
    ACCOUNTS_FIND,
    ACCOUNTS_RESET,
    ACCOUNTS_SUSPEND,
    CONSOLE_ENTER,
    STUDENTS_ERASE,
    Permission,
)
from backoffice.access.policy import can, scope, visible
from backoffice.access.transaction import transaction
from backoffice.accounts.care.models import SecurityEvent
from backoffice.accounts.models import Account, AccountSession
from backoffice.changes.models import CHANGES, StudentChange
from backoffice.console.grid import Grid
from backoffice.families.models import GuardianInvitation, GuardianLink
from backoffice.families.requests.models import GuardianRequest
from backoffice.fields.models import CustomField
from backoffice.outbox.models import OutgoingMail
from backoffice.privacy.erasure.models import Erasure
from backoffice.reports.models import Report
from backoffice.runtime import Runtime
from backoffice.schools.award_models import PointAward
from backoffice.schools.models import Action, Classroom, District, School, SchoolKind, Student
from backoffice.staff.models import Invitation
from backoffice.storage.public_id import new_public_id
from backoffice.students.pins.network_models import LockedNetwork
from backoffice.students.tablet_models import ClassroomTablet
from backoffice.students.worries.models import Worry
from plugins.billing.exemption.models import TaxCertificate
from plugins.billing.models import Invoice, StripeEvent
from plugins.billing.orders.models import PurchaseOrder, Quote
from plugins.notifications.drills.models import DrillEvent
from plugins.notifications.models import ConcernedSchool, Incident, IncidentTask
from plugins.notifications.notices.models import Notice
from plugins.notifications.permissions import INCIDENTS_TOLD
from plugins.rosters.models import RosterImport
from tests.contract.actors import KINDS, NAMED, Actor, Stage, Thing, build_stage, columns_of
from tests.contract.pages import body_of, forms, settled
from tests.contract.routes import (
    FORMS,
    OWN,
    PUBLIC,
    Filled,
    Route,
    door,
    form_keys,
    noted,
    permission_of,
    routes,
)
from tests.contract.snapshot import AUDIT, Change, Snapshots, snapshots
from tests.factories.world import PEOPLE, SYSTEM, World

# What founders do to accounts that they do not see; nothing to their own.
BY_IDENTIFIER = frozenset({ACCOUNTS_FIND, ACCOUNTS_SUSPEND, ACCOUNTS_RESET})
ROLES = (*(role for role, _name in PEOPLE), "alone", "mixed", "student", "nobody")
GONE = 404
NOBODYS = {"plugin": "dodo", "job": "dodo.fly", "provider": "dodo", "link": "x" * 43, "card": "x" * 27}
BROKEN = 599  # no status of HTTP: what `whole` makes of a body that breaks off
# Only who may erase the student confirms it.
CONFIRM = "console_erasures.confirm"
# The district is the school's, and a teacher's own school has no contract: whose it is, it goes with.
_HOOKS = {f"plugin_notifications_hooks.{door}" for door in ("hook", "edit", "act")}
_TERMS = {f"plugin_notifications_contracts.{door}" for door in ("state", "state_district")}
OF_DISTRICT = {
    *("console_schools.erase_district", "console_schools.district_contacts"),
    *_HOOKS,
    "plugin_notifications_contracts.state_district",
}
OF_SCHOOLS = (
    _HOOKS
    | _TERMS
    | {"plugin_billing_billing.quotes", "plugin_billing_billing.exemption"}
    | {
        f"console_schools.{door}"
        for door in (
            *("erase", "erase_district", "end_contract", "continue_contract"),
            *("contacts", "district_contacts"),
        )
    }
)
PAID = frozenset({"invoice", "quote", "purchase_order", "tax_certificate"})
# Founders see what is held by its identifier alone; in the world it is this.
HOLDS, HELD = "/console/holds/", ("classroom", "own")
MODELS: Mapping[str, Any] = {
    "school": School,
    "district": District,
    "classroom": Classroom,
    "student": Student,
    "account": Account,
    "mail": OutgoingMail,
    "import": RosterImport,
    "invitation": Invitation,
    "event": SecurityEvent,
    "report": Report,
    "incident": Incident,
    "incident_task": IncidentTask,
    "drill_event": DrillEvent,
    "concerned_school": ConcernedSchool,
    "notice": Notice,
    "invoice": Invoice,
    "quote": Quote,
    "purchase_order": PurchaseOrder,
    "tax_certificate": TaxCertificate,
    "guardian_link": GuardianLink,
    "guardian_invitation": GuardianInvitation,
    "action": Action,
    "point_award": PointAward,
    "classroom_tablet": ClassroomTablet,
    "locked_network": LockedNetwork,
    "worry": Worry,
    "guardian_request": GuardianRequest,
    "custom_field": CustomField,
    "field_receipt": CustomField,
    "stripe_event": StripeEvent,
    **{model.__tablename__: model for model in CHANGES},
}
# Names under which a careless page might take an identifier, whatever its form says.
SMUGGLED = (
    *KINDS,
    *(f"{kind}_id" for kind in KINDS),
    *("id", "public_id", "code", "sort", "rowid", "session", "district", "owner", "student_session"),
)


@dataclass
class Tally:
    """What one role's attempts came to.

    Holes are the problems that no layer may have, even alone: something foreign shown or changed, a failure.
    """

    pairs: int = 0
    twins: int = 0
    denied: int = 0
    problems: list[str] = field(default_factory=list)
    holes: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """For the summary."""
        return {"pairs": self.pairs, "twins": self.twins, "twins denied by policy": self.denied}

    def hole(self, said: str) -> None:
        """Note a problem that is a hole."""
        self.problems.append(said)
        self.holes.append(said)

    def verdict(self, *, holes_only: bool = False) -> None:
        """Fail with a line for each problem."""
        found = self.holes if holes_only else self.problems
        if found:
            pytest.fail("\n".join([f"{len(found)} problems", *found[:60]]), False)


@dataclass(eq=False)
class Matrix:
    """The application on the stage, and how an attempt is made and judged."""

    app: Flask
    stage: Stage
    snapshots: Snapshots
    routes: list[Route]
    # From where identifiers are smuggled in; None is from everywhere.
    places: Sequence[str] | None = None
    # Every answer that was a failure.
    failures: list[str] = field(default_factory=list)

    def actor(self, name: str) -> Actor:
        """The actor of a name."""
        return next(actor for actor in self.stage.actors if actor.name == name)

    def within(self, things: Sequence[Thing]) -> list[Thing]:
        """Those of the places that are tried; all, if that is none of them."""
        places = self.places or ()
        return [thing for thing in things if thing.place in places] or list(things)

    # ------------------------------------------------------------------ knocking

    def knock(
        self,
        actor: Actor,
        route: Route,
        thing: Thing | None = None,
        filled: Filled | None = None,
        *,
        public_id: str | None = None,
        query: Mapping[str, Any] | None = None,
        fields: Mapping[str, Any] | None = None,
    ) -> TestResponse:
        """Ask as the actor, with the token that its forms carry."""
        named = public_id or (thing.public_id if thing else "")
        address = route.address(self.app, **dict.fromkeys(route.kinds, named))
        asked = {**(filled.query if filled and filled.query else {}), **(query or {})}
        browser = self.stage.browser(self.app, actor)
        if route.method == "GET":
            return self._noted(actor, route, browser.get(address, query_string=asked))
        sent = {"csrf_token": actor.token, **(filled.fields if filled else {}), **(fields or {})}
        # A file is read when it is sent, so it is made anew for each attempt.
        sent = {name: value() if callable(value) else value for name, value in sent.items()}
        return self._noted(actor, route, browser.post(address, query_string=asked, data=sent))

    def _noted(self, actor: Actor, route: Route, response: TestResponse) -> TestResponse:
        answer = whole(response)
        if answer.status_code >= 500:
            self.failures.append(f"{actor.name} {route} {answer.request.query_string!r}: {answer.status}")
        return answer

    def settle(self) -> list[Change]:
        """What the last attempt changed; afterwards everything is as before."""
        return self.snapshots.settle()

    # ------------------------------------------------------------------ what is expected

    def may(self, actor: Actor, route: Route, permission: Permission | None, thing: Thing | None) -> bool:
        """What the policy says, read from `config/roles.toml`; a console page also needs the console."""
        if route.endpoint in OWN:
            return actor.principal.account_id is not None and (thing is None or actor.owns(thing))
        if permission is None:
            return route.endpoint in PUBLIC
        inside = door(self.app, route) is None or can(actor.principal, CONSOLE_ENTER)
        if thing is None and "erasure" in route.kinds.values():
            return inside and can(actor.principal, STUDENTS_ERASE)
        # Who may bring in rosters where is told by the database alone: an import is own or foreign.
        if thing is None or thing.kind in {*NAMED, "import"}:
            return inside and can(actor.principal, permission)
        if thing.kind in {"saved_view", "large_change"}:
            # Those of the stage are shared with nobody.
            return inside and actor.owns(thing) and can(actor.principal, permission)
        if thing.kind == "erasure":
            return inside and actor.owns(thing) and self.does(actor, route, thing)
        if thing.kind == "district":
            return inside and actor.owns(thing) and can(actor.principal, permission)
        if thing.kind in PAID:
            return inside and thing.school_id in scope(actor.principal, permission).schools
        if thing.kind == "account":
            return inside and self.works_for(actor, thing, permission)
        if route.endpoint in OF_SCHOOLS and self.row(thing).kind != SchoolKind.SCHOOL:
            return False
        if route.endpoint in OF_DISTRICT and self.row(thing).district_id is None:
            return False
        return inside and can(actor.principal, permission, self.row(thing))

    def does(self, actor: Actor, route: Route, thing: Thing) -> bool:
        """Whether it is an erasure that the actor asked for, where it is not only looked at."""
        if route.method == "GET":
            return True
        if thing.place != actor.name:
            return False
        return route.endpoint != CONFIRM or can(actor.principal, STUDENTS_ERASE, self.row(self.erased(thing)))

    def erased(self, erasure: Thing) -> Thing:
        """The student whom an erasure of the stage is about."""
        with transaction(SYSTEM) as tx:
            number = tx.get_one(Erasure, erasure.id).subject_id
        return next(each for each in self.stage.things if each.kind == "student" and each.id == number)

    def works_for(self, actor: Actor, thing: Thing, permission: Permission) -> bool:
        """Whether an account is of where the actor holds a permission, which the database alone can tell."""
        if actor.principal.founder and permission in BY_IDENTIFIER:
            return permission == ACCOUNTS_FIND or thing.id != actor.principal.account_id
        statement = select(Account.id).where(Account.id == thing.id)
        with transaction(actor.principal.credential) as tx:
            return tx.scalar(visible(tx.principal, statement, permission)) is not None

    @cache  # noqa: B019 - one matrix a module
    def row(self, thing: Thing) -> Any:
        """The thing's row, as the policy judges it."""
        model = MODELS[thing.kind]
        statement = select(model).where(model.id == thing.id)
        if model in {Student, GuardianRequest, StudentChange}:
            statement = statement.options(selectinload(model.enrollments))
        with transaction(SYSTEM) as tx:
            return tx.scalars(statement).one()

    def turned_away(self, actor: Actor, response: TestResponse) -> str | None:
        """What is wrong with the answer to somebody who may not; None if it is as it should be."""
        signed_in = actor.principal.account_id is not None
        if not signed_in and response.status_code == 303:
            return None if response.location == "/sign-in" else f"sent to {response.location}"
        if response.status_code != GONE:
            return f"answered {response.status}"
        return None

    def leaked(self, actor: Actor, response: TestResponse, sent: str = "") -> list[str]:
        """Texts and identifiers in the body or the headers that are not for the actor."""
        body = body_of(response) + str(response.headers)
        path = response.request.path
        says = actor.says if path.startswith("/console") else actor.says | actor.at_home
        # Somebody's own address may end in another's.
        for own in (each for each in says if "@" in each):
            body = body.replace(own, "")
        strangers = [t for t in self.stage.texts - says if t in body and t not in sent]
        strangers += [
            f"{thing.kind} {thing.place}"
            for thing in self.stage.things
            if thing.kind not in NAMED
            and not actor.owns(thing)
            and thing.public_id in body
            and thing.public_id not in sent
            and not (actor.principal.founder and path == HOLDS and (thing.kind, thing.place) == HELD)
        ]
        return strangers

    def trespass(self, actor: Actor, thing: Thing | None, changes: list[Change]) -> list[str]:
        """The changed rows that are not the actor's own, or not of the very thing."""
        added = {
            kind: {c.row["id"] for c in changes if c.table == f"app.{kind}" and c.kind == "added"}
            for kind in (
                *("classroom", "student", "invitation", "mail", "guardian_link", "guardian_invitation"),
                *("action", "point_award", "classroom_tablet", "worry", "guardian_request", "saved_view"),
                *("erasure", "custom_field", "report", "message"),
                *(model.__tablename__ for model in CHANGES),
            )
        }
        added |= {
            kind: {
                c.row["id"]
                for c in changes
                if c.table == f"plugin_notifications.{kind}" and c.kind == "added"
            }
            for kind in ("incident", "incident_task", "drill_event", "concerned_school", "notice")
        }
        added["import"] = {
            c.row["id"] for c in changes if c.table == "plugin_rosters.roster_import" and c.kind == "added"
        }
        reach = actor.reach
        if thing is not None and actor.follows(thing):
            reach = {
                kind: actor.family.get(kind, frozenset()) | reach.get(kind, frozenset()) for kind in KINDS
            }
        # What is done to a whole district is noted in the trail of each of its schools.
        along = _schools_of(
            {c.row["id"] for c in changes if c.table == "app.district"}
            | {c.row["district_id"] for c in changes if c.table == "plugin_notifications.district_hook"}
            | {c.row["district_id"] for c in changes if c.table == "plugin_billing.customer"} - {None}
        )
        found = []
        for change in changes:
            for kind in KINDS:
                number = columns_of(change.row, kind, change.table)
                if number is None or number in added.get(kind, ()):
                    continue
                if kind == "account" and change.table in {"app.guardian_link", "app.guardian_request"}:
                    # Whose it is, nobody sees who decides about it; the row is judged by its own number.
                    continue
                if change.table == "app.classroom_tablet" and thing and thing.kind == "account":
                    # It ends with the account that paired it, and with no other.
                    if change.row["paired_by"] != thing.id:
                        found.append(f"{change} is somebody else's")
                    continue
                if number not in reach.get(kind, frozenset()):
                    found.append(f"{change} is of a foreign {kind}")
                elif kind == "account" and number == actor.principal.account_id:
                    # Who does something to somebody may get something by it: a class that was theirs.
                    continue
                elif change.table == "app.roster_change_student" and change.kind == "removed":
                    # The record of the change before goes, whoever it was about.
                    continue
                elif thing and kind == thing.kind and change.table not in AUDIT and number != thing.id:
                    found.append(f"{change} is of another {kind}")
                elif (
                    thing
                    and kind == "school"
                    and thing.school_id not in {None, number}
                    and not (change.table in AUDIT and number in along)
                ):
                    found.append(f"{change} is of another school")
        return found

    def effect(self, filled: Filled, changes: list[Change]) -> str | None:
        """What is wrong with the effect of a valid form."""
        done = Counter(f"{c.kind} {c.table}" for c in changes if c.table not in AUDIT)
        if done != Counter(filled.effect):
            return f"changed {sorted(done.elements())} and not {sorted(filled.effect)}"
        noted = {f"{c.kind} {c.table}" for c in changes if c.table in AUDIT}
        if filled.audited and noted != {f"added {table}" for table in AUDIT}:
            return "wrote no audit entry"
        return None


@contextmanager
def build_matrix(runtime: Runtime, world: World, app: Flask) -> Iterator[Matrix]:
    """The matrix over a module's database, set up and kept as it is."""
    stage = build_stage(world, app)
    for person in world.people.values():
        person.otp()  # So that a code that was used for the stage's own sessions changes its row again.
    with transaction(SYSTEM) as tx:
        # Everybody has just proved to be it until all have knocked, however slow the machine.
        tx.execute(update(AccountSession).values(proven_at=clock.now() + timedelta(hours=4)))
    with snapshots(runtime) as taken:
        taken.keep()
        yield Matrix(app, stage, taken, routes(app))


# ---------------------------------------------------------------------- trying


def is_nowhere(matrix: Matrix, actor: Actor, route: Route, kind: str) -> bool:
    """Whether the page is for schools or a district, and the actor has none but, perhaps, the own one."""
    if kind == "district":
        return not matrix.stage.own(actor, kind)
    own = [matrix.row(each) for each in matrix.stage.own(actor, kind)] if route.endpoint in OF_SCHOOLS else []
    return bool(own) and all(each.kind != SchoolKind.SCHOOL for each in own)


def addresses(matrix: Matrix, tally: Tally, role: str) -> None:
    """Somebody else's identifier in an address is as good as none; the own one works, or is denied."""
    actor = matrix.actor(role)
    for route in matrix.routes:
        if not set(route.kinds.values()) & {*KINDS, *NAMED}:
            continue
        (kind,) = route.kinds.values()
        keys = list(form_keys(matrix.app, route)) if route.method == "POST" else []
        fill = FORMS[keys[0][0]] if keys else None
        permission = permission_of(matrix.app, route)
        worked = 0
        # Of a place one child is like the other.
        for thing in {
            each.place: each for each in reversed(matrix.within(matrix.stage.own(actor, kind)))
        }.values():
            filled = fill(matrix.stage, actor, thing) if fill else noted(route.endpoint, thing)
            response = matrix.knock(actor, route, thing, filled)
            changes = matrix.settle()
            name = f"{role} {route} own {kind} ({thing.place})"
            if not matrix.may(actor, route, permission, thing):
                tally.denied += 1
                _denied(matrix, tally, actor, response, changes, name, thing=thing)
                continue
            worked += 1
            tally.twins += 1
            _worked(matrix, tally, actor, thing, filled, response, changes, name)
        # Whoever owns a class holds the right to a school's days there, where no school is.
        nowhere = is_nowhere(matrix, actor, route, kind)
        nowhere |= kind == "school_change" and not (permission and scope(actor.principal, permission).schools)
        # No school of the world was told of an incident: tests/plugins/notifications/told has some.
        nowhere |= permission == INCIDENTS_TOLD
        if not worked and not nowhere and matrix.may(actor, route, permission, None):
            tally.problems.append(f"{role} {route}: may, but has nothing to try it on: not tested")
        unknown = matrix.knock(actor, route, public_id=NOBODYS.get(kind) or new_public_id())
        for thing in _strangers(matrix, actor, route, permission, kind):
            filled = fill(matrix.stage, actor, thing) if fill else None
            response = matrix.knock(actor, route, thing, filled)
            tally.pairs += 1
            name = f"{role} {route} {kind} of {thing.place}"
            _denied(matrix, tally, actor, response, matrix.settle(), name, sent=thing.public_id)
            if route.method == "GET" and settled(response.text) != settled(unknown.text):
                tally.problems.append(f"{name}: differs from one that does not exist")


def pages(matrix: Matrix, tally: Tally, role: str) -> None:
    """Pages show nothing foreign, offer nothing foreign, and take nothing foreign in their query."""
    actor = matrix.actor(role)
    for route in matrix.routes:
        if route.method != "GET" or route.kinds:
            continue
        permission = permission_of(matrix.app, route)
        response = matrix.knock(actor, route)
        changes = matrix.settle()
        name = f"{role} {route}"
        if not matrix.may(actor, route, permission, None):
            tally.denied += 1
            _denied(matrix, tally, actor, response, changes, name)
            # Nor is the door opened by anything that is added to the address.
            for place in ("own", "outside"):
                response = matrix.knock(actor, route, query=_smuggled(matrix, place))
                tally.pairs += 1
                _denied(
                    matrix, tally, actor, response, matrix.settle(), f"{name} smuggling", sent=_all(matrix)
                )
            continue
        tally.twins += 1
        _worked(matrix, tally, actor, None, Filled({}, audited=False), response, changes, name)
        offered = _offered(matrix, tally, actor, response, name)
        for field_name, values in offered.items():
            _asked_for(matrix, tally, actor, route, field_name, values, name)
        for place in matrix.places or sorted({thing.place for thing in matrix.stage.of("classroom")}):
            smuggled = {
                key: value
                for key, value in _smuggled(matrix, place).items()
                if key not in offered and key not in {"before", "after"}
            }
            cursors = [
                {cursor: each.public_id}
                for cursor in ("before", "after")
                for each in _at(matrix, place)
                if route.endpoint.endswith(".index") and each.kind == listed(matrix, route)
            ]
            for query in (smuggled, *cursors):
                response = matrix.knock(actor, route, query=query)
                tally.pairs += 1
                said = f"{name} with {sorted(query)} of {place}"
                if response.status_code >= 500:
                    tally.problems.append(f"{said}: answered {response.status}")
                _kept(matrix, tally, actor, response, matrix.settle(), said, sent=_all(matrix))


def filled_forms(matrix: Matrix, tally: Tally, role: str) -> None:
    """A valid form changes the own rows it names; foreign identifiers in it change nothing foreign."""
    actor = matrix.actor(role)
    for route in matrix.routes:
        if route.method != "POST":
            continue
        keys = list(form_keys(matrix.app, route))
        if not keys:
            tally.denied += 1
            response = matrix.knock(actor, route, fields={"action": "unenroll", "rowid": _at_own(matrix)})
            _denied(matrix, tally, actor, response, matrix.settle(), f"{role} {route} closed")
        for key, permission in keys:
            kind = next(iter(route.kinds.values()), None)
            thing = first(matrix, actor, route, permission, kind)
            if kind and thing is None:
                continue  # tried, and turned away, by its address
            filled = FORMS[key](matrix.stage, actor, thing)
            name = f"{role} {route} {key.partition(':')[2]}".strip()
            response = matrix.knock(actor, route, thing, filled)
            changes = matrix.settle()
            if not matrix.may(actor, route, permission, thing):
                tally.denied += 1
                _denied(matrix, tally, actor, response, changes, name, thing=thing)
                continue
            if not kind:
                tally.twins += 1
                public = route.endpoint in PUBLIC
                _worked(matrix, tally, actor, thing, filled, response, changes, name, public=public)
            _smuggle(matrix, tally, actor, route, thing, filled, name)


# Whose forms are sent with unknown fields of every place, and the two places that do for the others.
TRY_ALL = {"leader", "teacher"}
NEAR_AND_FAR = ("colleague", "outside")
SEARCHES = {"search", "export_found"}


def searches(matrix: Matrix, tally: Tally, role: str) -> None:
    """The beginning of a foreign child's name finds nobody, and is not told from one that nobody has."""
    actor = matrix.actor(role)
    world = matrix.stage.world
    assert {r.endpoint.rpartition(".")[2] for r in matrix.routes} >= SEARCHES
    children = {
        child.id: child
        for room in (world.own_class, world.colleague_class, world.elsewhere_class, world.foreign_class)
        for child in room.children
    }
    for route in matrix.routes:
        if listed(matrix, route) != "student" or route.endpoint.rpartition(".")[2] not in SEARCHES:
            continue
        if route.method != "POST":
            continue
        permission = permission_of(matrix.app, route)
        if not matrix.may(actor, route, permission, None):
            continue
        allowed = {
            thing.id
            for thing in matrix.stage.own(actor, "student")
            if matrix.may(actor, route, permission, thing)
        }
        reach = actor.reach.get("student", frozenset())
        nobody = matrix.knock(actor, route, fields={"q": "Qqqqqq"})
        for child in children.values():
            own = child.id in allowed
            for word in (child.given[:5], (child.family or "")[:5].lower()):
                response = matrix.knock(actor, route, fields={"q": word})
                matrix.settle()
                if own:
                    tally.twins += 1
                    if child.given not in body_of(response):
                        tally.problems.append(f"{role} {route} q={word}: does not find its own child")
                else:
                    tally.pairs += 1
                    plain = settled(body_of(response)).replace(word, "Qqqqqq")
                    if plain != settled(body_of(nobody)):
                        said = f"{role} {route} q={word}: tells of a foreign child"
                        (tally.problems.append if child.id in reach else tally.hole)(said)
                if response.status_code != 200:
                    tally.problems.append(f"{role} {route} q={word}: answered {response.status}")


# ---------------------------------------------------------------------- judging


def whole(response: TestResponse) -> TestResponse:
    """The answer with its whole body; one whose body breaks off becomes a 599 that says why."""
    try:
        response.get_data()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
        status = f"{BROKEN} {type(error).__name__} within the body"
        return TestResponse([], status, response.headers, response.request)
    return response


def _denied(
    matrix: Matrix,
    tally: Tally,
    actor: Actor,
    response: TestResponse,
    changes: list[Change],
    name: str,
    sent: str = "",
    thing: Thing | None = None,
) -> None:
    wrong = matrix.turned_away(actor, response)
    if wrong:
        tally.problems.append(f"{name}: {wrong}")
    if changes:
        own = thing is not None and not matrix.trespass(actor, thing, changes)
        _changed(tally, changes, name, own=own)
    if strangers := matrix.leaked(actor, response, sent):
        tally.hole(f"{name}: shows {strangers}")


def _changed(tally: Tally, changes: list[Change], name: str, *, own: bool) -> None:
    # What is one's own and may not be changed all the same: no layer but the policy knows that.
    said = f"{name}: changed {[str(change) for change in changes]}"
    (tally.problems.append if own else tally.hole)(said)


def _worked(
    matrix: Matrix,
    tally: Tally,
    actor: Actor,
    thing: Thing | None,
    filled: Filled | None,
    response: TestResponse,
    changes: list[Change],
    name: str,
    *,
    public: bool = False,
) -> None:
    if filled is not None and filled.refused == response.status_code:
        if changes:
            tally.problems.append(f"{name}: it was refused, and did something")
        return
    if not 200 <= response.status_code < 400:
        tally.problems.append(f"{name}: the twin answered {response.status}: not tested")
    if filled is None:
        filled = Filled({}, audited=False)
    if wrong := matrix.effect(filled, changes):
        tally.problems.append(f"{name}: {wrong}")
    _kept(matrix, tally, actor, response, changes, name, thing=thing, public=public)


def _kept(
    matrix: Matrix,
    tally: Tally,
    actor: Actor,
    response: TestResponse,
    changes: list[Change],
    name: str,
    *,
    thing: Thing | None = None,
    sent: str = "",
    public: bool = False,
) -> None:
    """Nothing foreign was shown, nothing foreign was changed."""
    known = anybody(matrix, actor) if public else actor
    if strangers := matrix.leaked(actor, response, sent):
        tally.hole(f"{name}: shows {strangers}")
    if trespasses := matrix.trespass(known, thing, changes):
        tally.hole(f"{name}: {trespasses}")


def anybody(matrix: Matrix, actor: Actor) -> Actor:
    """On a public page one becomes the child or the person whose secret one presents."""
    world = matrix.stage.world
    secret = {
        "school": frozenset({world.home.id}),
        "classroom": frozenset({world.own_class.id}),
        "student": frozenset({world.own_class.children[0].id}),
        "account": frozenset({world.people["teacher"].id}),
        "guardian_invitation": frozenset(
            each.id for each in matrix.stage.of("guardian_invitation") if each.place == "own"
        ),
    }
    reach = {kind: ids | actor.reach.get(kind, frozenset()) for kind, ids in secret.items()}
    return Actor(actor.name, actor.principal, {}, reach, actor.says)


def _schools_of(districts: set[int]) -> frozenset[int]:
    if not districts:
        return frozenset()
    with transaction(SYSTEM) as tx:
        return frozenset(tx.scalars(select(School.id).where(School.district_id.in_(districts))))


def _strangers(
    matrix: Matrix, actor: Actor, route: Route, permission: Permission | None, kind: str
) -> list[Thing]:
    """Somebody else's things of every place.

    Of the place next door and one far away, where the door is closed to the actor whatever is named: what
    is one's own has just been turned away there, too.
    """
    found = matrix.within(matrix.stage.foreign(actor, kind))
    if matrix.may(actor, route, permission, None):
        return found
    return [thing for thing in found if thing.place in NEAR_AND_FAR] or found


def first(
    matrix: Matrix, actor: Actor, route: Route, permission: Permission | None, kind: str | None
) -> Thing | None:
    """The first of the actor's own that a route opens, if it names one of a kind."""
    own = matrix.stage.own(actor, kind) if kind in {*KINDS, *NAMED} else []
    return next((t for t in own if matrix.may(actor, route, permission, t)), None)


def _at(matrix: Matrix, place: str) -> list[Thing]:
    """One thing of each kind at a place; the colleague's school is the own one."""
    people = {"own": "teacher", "outside": "outsider"}
    found = {thing.kind: thing for thing in matrix.stage.things if thing.place == place}
    person = matrix.stage.world.people[people.get(place, place)]
    found["account"] = next(t for t in matrix.stage.of("account") if t.id == person.id)
    return [found[kind] for kind in KINDS if kind in found]


def _key_of(route: Route, filled: Filled) -> str:
    """The entry of `FORMS` from which a form was filled."""
    action = filled.fields.get("action")
    return f"{route.endpoint}:{action}" if action else route.endpoint


def listed(matrix: Matrix, route: Route) -> str | None:
    """The kind of thing that a grid lists."""
    found = door(matrix.app, route)
    entity = found[0].entity if found and isinstance(found[0], Grid) else None
    return next((kind for kind, model in MODELS.items() if model is entity), None)


def _at_own(matrix: Matrix) -> str:
    return matrix.stage.of("student")[0].public_id


def _all(matrix: Matrix) -> str:
    return " ".join(f"{thing.public_id} {thing.code}" for thing in matrix.stage.things)


def _smuggled(matrix: Matrix, place: str) -> dict[str, str]:
    """Identifiers of a place, public ones and internal ones, under every name one could think of."""
    here = {thing.kind: thing for thing in _at(matrix, place)}
    room = here["classroom"]
    values = {"code": room.code or ""}
    for name in SMUGGLED:
        thing = here.get("account" if name == "owner" else name.removesuffix("_id"), room)
        internal = name.removesuffix("_id") in KINDS and name.endswith("_id")
        values.setdefault(name, str(thing.id) if internal else thing.public_id)
    return values


def _offered(
    matrix: Matrix, tally: Tally, actor: Actor, response: TestResponse, name: str
) -> dict[str, set[str]]:
    """The fields with identifiers that a page's forms offer to be asked with, all of them own ones."""
    found: dict[str, set[str]] = {}
    if response.mimetype != "text/html":
        return found
    own = {thing.public_id for thing in matrix.stage.things if actor.owns(thing)}
    if actor.name == "leader":
        own.add(matrix.stage.world.district)  # the one district, and its leader
    for form in forms(response.text):
        for field_name, values in form.identifiers.items():
            if values - own:
                tally.hole(f"{name}: the field {field_name} offers foreign things")
            if form.method == "get":
                found.setdefault(field_name, set()).update(values)
    return found


def _asked_for(
    matrix: Matrix,
    tally: Tally,
    actor: Actor,
    route: Route,
    field_name: str,
    offered: set[str],
    name: str,
) -> None:
    """A filter takes what it offers and knows nothing else; so does the export of the same list."""
    by_id = {thing.public_id: thing for thing in matrix.stage.things}
    kind = by_id[next(iter(offered))].kind
    export = next(
        (
            r
            for r in matrix.routes
            if r.endpoint == route.endpoint.replace(".index", ".export") and r is not route
        ),
        None,
    )
    targets = [route]
    if export and matrix.may(actor, export, permission_of(matrix.app, export), None):
        targets.append(export)
    for target in targets:
        for public_id in sorted(offered):
            response = matrix.knock(actor, target, query={field_name: public_id})
            tally.twins += 1
            if response.status_code != 200:
                tally.problems.append(f"{name}: the twin of {field_name} answered {response.status_code}")
            _kept(matrix, tally, actor, response, matrix.settle(), f"{name} {field_name}")
        for thing in matrix.stage.foreign(actor, kind):
            said = f"{actor.name} {target} with {field_name} of {thing.place}"
            tally.pairs += 1
            response = matrix.knock(actor, target, query={field_name: thing.public_id})
            _denied(matrix, tally, actor, response, matrix.settle(), said, sent=thing.public_id)


def _denied_within(
    matrix: Matrix, tally: Tally, actor: Actor, route: Route, filled: Filled, name: str
) -> None:
    """A class that one may see, but not do this in: rights do not add up over classes."""
    permission = dict(form_keys(matrix.app, route)).get(_key_of(route, filled))
    for field_name in filled.query or {}:
        for room in matrix.stage.own(actor, "classroom"):
            if matrix.may(actor, route, permission, room):
                continue
            students = [t.public_id for t in matrix.stage.own(actor, "student") if t.place == room.place]
            matrix.knock(
                actor, route, None, filled, query={field_name: room.public_id}, fields={"rowid": students}
            )
            tally.pairs += 1
            if changes := matrix.settle():
                said = f"{name} in the own class of {room.place}, where it is denied"
                tally.problems.append(f"{said}: changed {[str(change) for change in changes]}")


def _smuggle(
    matrix: Matrix,
    tally: Tally,
    actor: Actor,
    route: Route,
    thing: Thing | None,
    filled: Filled,
    name: str,
) -> None:
    stage = matrix.stage
    public = route.endpoint in PUBLIC
    known = filled.identifiers or {}
    # Fields that identify something, with somebody else's instead of the own.
    for field_name, kind in known.items():
        strangers = (
            [t for t in stage.of("classroom" if kind == "code" else kind) if t.place != "own"]
            if public
            else stage.foreign(actor, kind)
        )
        for stranger in strangers:
            value = stranger.code if kind == "code" else stranger.public_id
            response = matrix.knock(actor, route, thing, filled, fields={field_name: value})
            tally.pairs += 1
            said = f"{name} with the {field_name} of {stranger.place}"
            if changes := matrix.settle():
                _changed(tally, changes, said, own=not matrix.trespass(actor, None, changes))
            typed = " ".join(str(filled.fields[name]) for name, of in known.items() if of == "code")
            if strange := matrix.leaked(actor, response, f"{value} {typed}"):
                tally.hole(f"{said}: shows {strange}")
            if isinstance(filled.fields[field_name], list):
                both = [*filled.fields[field_name], value]
                response = matrix.knock(actor, route, thing, filled, fields={field_name: both})
                tally.pairs += 1
                _kept(matrix, tally, actor, response, matrix.settle(), f"{said} beside the own")
    _denied_within(matrix, tally, actor, route, filled, name)
    # The filter of the list on which the form stands.
    for field_name in filled.query or {}:
        for stranger in stage.foreign(actor, "classroom"):
            query = {field_name: stranger.public_id}
            response = matrix.knock(actor, route, thing, filled, query=query)
            tally.pairs += 1
            said = f"{name} with ?{field_name}= of {stranger.place}"
            _denied(matrix, tally, actor, response, matrix.settle(), said, sent=stranger.public_id)
    # Fields that the form does not have. On public pages, which know nobody, and on those of the own account,
    # which look for nobody else, one place is like another; in the address it is one near and one far.
    one_like_another = public or route.endpoint in OWN
    # The place next door and one far away; a leader and a teacher try them all for everybody.
    everywhere = sorted({t.place for t in stage.of("classroom")})
    places = matrix.places or (everywhere if actor.name in TRY_ALL else NEAR_AND_FAR)
    for place in ("outside",) if one_like_another else places:
        more = {
            key: value
            for key, value in _smuggled(matrix, place).items()
            if key not in filled.fields and key not in (filled.query or {})
        }
        # In both ways at once where one layer stands alone: each by itself is tried with both in place.
        ways = ("fields", "query") if place in NEAR_AND_FAR else ("fields",)
        for way in ("fields and query",) if matrix.places else ways:
            response = matrix.knock(
                actor,
                route,
                thing,
                filled,
                fields=more if "fields" in way else None,
                query=more if "query" in way else None,
            )
            tally.pairs += 1
            said = f"{name} smuggling {way} of {place}"
            if response.status_code >= 500:
                tally.problems.append(f"{said}: answered {response.status}")
            _kept(
                matrix,
                tally,
                actor,
                response,
                matrix.settle(),
                said,
                thing=thing,
                sent=_all(matrix),
                public=public,
            )
