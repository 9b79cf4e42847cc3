"""Every form that edits a record shows the record's last changes, or says here why it does not."""

from collections.abc import Callable, Iterator, Mapping

import pytest
from flask import Flask
from sqlalchemy import select

from backoffice.access.transaction import transaction
from backoffice.changes.keeping import OF
from backoffice.changes.models import (
    CHANGES,
    ActionField,
    ClassroomField,
    JobField,
    SchoolField,
    StudentField,
)
from backoffice.changes.services import FIELDS
from backoffice.console.last_changes import KINDS, TITLES, WORDS
from backoffice.host.models import PluginState
from backoffice.jobs import scheduler
from backoffice.jobs.models import JobSchedule
from backoffice.schools.models import Action, Classroom, School, Student
from tests.contract.actors import KINDS as KNOWN
from tests.contract.actors import NAMED
from tests.contract.matrix import Matrix
from tests.contract.routes import FORMS, door, form_keys, routes
from tests.factories.visitor import signed_in
from tests.factories.world import SYSTEM, World


def _of_class(tail: str) -> tuple[str, Callable[[World], str]]:
    return "teacher", lambda world: f"/console/classrooms/{world.own_class.public_id}/{tail}"


# What takes a form, who opens the page on which it stands, and the page's address in the world.
SHOWS: Mapping[str, tuple[str, Callable[[World], str]]] = {
    "console_students.edit": (
        "teacher",
        lambda world: f"/console/students/{world.own_class.children[0].public_id}/edit",
    ),
    "console_classrooms.edit": _of_class("edit"),
    "console_class_manage.manage": _of_class("manage"),
    "console_class_entry.keep_hours": _of_class("entry"),
    # Hours end with the door that kept them.
    **dict.fromkeys(("console_class_entry.turn", "console_class_entry.open_for"), _of_class("entry")),
    "console_class_names.show": _of_class("names"),
    "console_class_cards.require": _of_class("cards"),
    "console_class_points.edit_action": (
        "teacher",
        lambda world: f"/console/classrooms/actions/{_action_of(world)}",
    ),
    "console_school-days.index": (
        "leader",
        lambda world: f"/console/school-days/?school={world.home.public_id}",
    ),
    "console_schools.second_factor": (
        "leader",
        lambda world: f"/console/schools/{world.home.public_id}/second-factor",
    ),
    "console_schools.staff_sign_in": (
        "leader",
        lambda world: f"/console/schools/{world.home.public_id}/sign-in",
    ),
    "console_plugins.configure": ("founder", lambda _world: "/console/plugins/rosters/settings"),
    "console_jobs.time": ("founder", lambda _world: "/console/jobs/core.forget-mail/time"),
}
NEW = "makes something new"
SEALED = "what is written there is kept nowhere but where it stands, and goes with it"
ACT = "an act that is asked about, not a form of fields"
MANY = "of many records at once; each has a form of its own"
SEARCH = "looks for something, or takes a list out"
CELL = "one cell of a list; what changed stands on the record's own form"
BACK = "puts back what a form shows, which shows that as well"
DOOR = "opened and shut daily, which would push all else out; hours that end by it stand on their form"
PICTURE = "one of many pictures, taken with a click as the one before was"
ROLES = "names people, so it goes with their account; they are told, and the trail has it"
CONTACT = "may name a person who has no account, and whose erasure would not find it in a second place"
ANSWER = "is written once, and stands beside what it answers"
VIEW = "how one likes to see a list, made anew with two clicks"
ROWS = "an act that is done to rows of a list, after a question"
SEARCHED = ("classrooms", "students", "teachers", "families", "family-invitations", "invitations", "schools")
# Forms that show none, each with the reason.
WITHOUT: Mapping[str, str] = {
    "console_classrooms.new": NEW,
    "console_class_teachers.invite": NEW,
    "console_families.invite": NEW,
    "console_invitations.new": NEW,
    "console_class_points.actions": NEW,
    "plugin_rosters_rosters.upload": NEW,
    "plugin_exports_exports.index": NEW,
    "plugin_notifications_incidents.open": NEW,
    "plugin_notifications_incidents.task": NEW,
    "plugin_notifications_drills.play": NEW,
    "plugin_notifications_drills.answer": ACT,
    "plugin_notifications_notices.new": NEW,
    "plugin_notifications_notices.step": ACT,
    "plugin_notifications_notices.letters": ACT,
    "plugin_notifications_notices.posted": ACT,
    "plugin_notifications_notices.handed_in": ACT,
    # What was decided about it stands on its page.
    "plugin_notifications_notices.edit": ACT,
    "plugin_billing_billing.quotes": NEW,
    "plugin_billing_billing.order": NEW,
    "plugin_billing_billing.exemption": NEW,
    # What was paid stands at Stripe.
    "plugin_billing_billing.paid": ACT,
    "plugin_billing_billing.order_again": ACT,
    "plugin_billing_billing.buy": ACT,
    "plugin_billing_billing.seats": ACT,
    "plugin_billing_billing.confirm": ACT,
    "plugin_billing_billing.act": ACT,
    "plugin_billing_stripe-messages.act": ACT,
    "plugin_notifications_hooks.edit": ACT,
    "plugin_notifications_hooks.act": ACT,
    # Since when and by whom stands in the list.
    "plugin_notifications_contracts.state": ACT,
    "plugin_notifications_contracts.state_district": ACT,
    "console_fields.make": NEW,
    "console_fields.index": SEARCH,
    "console_fields.change": SEALED,
    "console_fields.erase": ACT,
    "console_students.fields": SEALED,
    "console_classrooms.fields": SEALED,
    "console_accounts.reinstate": ACT,
    "console_accounts.reset_factor": ACT,
    "console_accounts.suspend": ACT,
    "console_class_manage.archive": ACT,
    "console_class_manage.erase": ACT,
    "console_students.erase": ACT,
    "console_schools.contacts": CONTACT,
    "console_schools.district_contacts": CONTACT,
    "console_schools.erase": ACT,
    "console_schools.erase_district": ACT,
    "console_erasures.confirm": ACT,
    "console_schools.end_contract": ACT,
    "console_schools.continue_contract": ACT,
    "console_erasures.leave": ACT,
    "console_holds.propose": NEW,
    "console_holds.step": ACT,
    "console_holds.review": ACT,
    **dict.fromkeys(
        (f"plugin_retention_retention.{door}" for door in ("go_on", "propose", "confirm", "withdraw")), ACT
    ),
    "console_class_teachers.leave": ACT,
    "console_plugins.switch": ACT,
    "console_reports.close": ACT,
    **dict.fromkeys(
        (
            f"plugin_notifications_incidents.{door}"
            for door in (
                *("facts", "note", "decide", "done", "close"),
                *(
                    "people",
                    "told",
                    "leave_out",
                    "given",
                    "concern",
                    "evidence",
                    "scope",
                    "withdraw",
                    "contract",
                ),
            )
        ),
        ACT,
    ),
    "console_security.close": ACT,
    "console_student_merge.merge": ACT,
    "console_teachers.leave": ACT,
    "console_teachers.reinstate": ACT,
    "console_teachers.reset_factor": ACT,
    "console_teachers.suspend": ACT,
    "console_views.delete": ACT,
    **dict.fromkeys((f"console_changes.{kind}" for kind in KINDS.values() if kind != "plugin"), BACK),
    "console_changes.plugin_settings": BACK,
    "console_classrooms.paste": MANY,
    "console_students.import_rows": MANY,
    "console_classrooms.import_rows": MANY,
    "console_class_points.award": MANY,
    "console_class_points.goals": MANY,
    "console_school-year.index": MANY,
    "console_class_names.save": MANY,
    "console_students.import_confirmed": MANY,
    "console_classrooms.import_confirmed": MANY,
    "plugin_exports_exports.back": MANY,
    "plugin_exports_exports.back_confirmed": MANY,
    "console_class_names.picture": PICTURE,
    "console_classrooms.door": DOOR,
    "console_density.index": "one word, kept in the browser",
    **dict.fromkeys((f"console_views.{door}" for door in ("view", "keep", "share")), VIEW),
    **dict.fromkeys((f"console_class_teachers.{door}" for door in ("give", "change", "take")), ROLES),
    **dict.fromkeys((f"console_inbox.{door}" for door in ("answer", "close")), ANSWER),
    **dict.fromkeys(
        (
            "console_class_cards.issue",
            "console_class_entry.begin_lesson",
            "console_class_entry.pair",
            "console_class_entry.renew",
            "console_class_points.start",
            "console_families.print_letter",
            "console_families.print_letters",
            "console_views.save",
        ),
        NEW,
    ),
    **dict.fromkeys(
        (
            *(f"console_class_cards.{door}" for door in ("clear", "unlock", "void")),
            *(f"console_class_entry.{door}" for door in ("end_lesson", "void_tablet")),
            *(f"console_class_live.{door}" for door in ("sign_out", "sign_all_out")),
            *(f"console_class_manage.{door}" for door in ("restore", "undo_last")),
            *(f"console_class_points.{door}" for door in ("bring_back", "retire", "undo")),
            *(f"console_class_teachers.{door}" for door in ("again", "withdraw")),
            *(f"console_jobs.{door}" for door in ("pause", "resume", "run")),
            "console_classrooms.resume",
            "console_inbox.take_up",
            "console_inbox.pass_on",
            "console_large-changes.stop",
            "console_locked-networks.open",
            "plugin_rosters_rosters.bring_in",
        ),
        ACT,
    ),
    **dict.fromkeys(
        (
            *(f"console_{grid}.act" for grid in ("classrooms", "families", "family-invitations")),
            *(f"console_{grid}.act" for grid in ("invitations", "outbox", "students", "teachers")),
        ),
        ROWS,
    ),
    **dict.fromkeys(
        (
            *("console_accounts.find", "console_find.search", "console_pick.pick"),
            *(f"console_{grid}.search" for grid in SEARCHED),
            *(f"console_{grid}.export_found" for grid in SEARCHED),
            "console_classrooms.narrow",
            "console_students.narrow",
        ),
        SEARCH,
    ),
    **dict.fromkeys(
        ("console_classrooms.cell_mark", "console_classrooms.cell_name", "console_students.cell_name"), CELL
    ),
}


def _action_of(world: World) -> str:
    with transaction(SYSTEM) as tx:
        found = tx.scalar(select(Action.public_id).where(Action.classroom_id == world.own_class.id).limit(1))
    assert found is not None
    return found


def test_every_form_is_accounted_for(app: Flask) -> None:
    """Whatever takes one, wherever its page is."""
    taking = {
        route.endpoint
        for route in routes(app)
        if route.method == "POST" and door(app, route) is not None and list(form_keys(app, route))
    }
    assert taking == {*SHOWS, *WITHOUT}
    assert not set(SHOWS) & set(WITHOUT)


def test_what_is_kept_is_shown_or_stands_elsewhere(matrix: Matrix) -> None:
    """By what valid forms change, which the isolation matrix looks at in the database."""
    kept = {f"added app.{model.__tablename__}" for model in CHANGES}
    records = {f"changed app.{entity.__tablename__}" for entity in OF}
    keeping, changing = set(), set()
    for endpoint, effect in _effects(matrix):
        if kept & effect:
            keeping.add(endpoint)
        elif records & effect:
            changing.add(endpoint)
    changing -= keeping
    assert {"console_class_entry.keep_hours", "console_class_names.show"} <= keeping
    assert "console_class_manage.archive" in changing
    assert {WITHOUT[endpoint] for endpoint in keeping - set(SHOWS)} <= {MANY, CELL, BACK}
    # What else changes such a record has no fields whose values could be kept, or should not have them kept.
    assert {WITHOUT[endpoint] for endpoint in changing - set(SHOWS)} <= {ACT, DOOR, MANY, ROWS, CONTACT}


def _effects(matrix: Matrix) -> Iterator[tuple[str, set[str]]]:
    """What valid forms of the console change, as somebody of each role to whom the record belongs."""
    for actor in map(matrix.actor, ("founder", "leader", "teacher")):
        for route in matrix.routes:
            kind = next(iter(route.kinds.values()), None)
            things = matrix.stage.own(actor, kind) if kind in {*KNOWN, *NAMED} else []
            if route.method != "POST" or door(matrix.app, route) is None or (kind and not things):
                continue
            for key, permission in form_keys(matrix.app, route):
                thing = things[0] if things else None
                if matrix.may(actor, route, permission, thing):
                    yield route.endpoint, set(FORMS[key](matrix.stage, actor, thing).effect)


@pytest.mark.parametrize("endpoint", SHOWS)
def test_the_form_shows_the_last_changes(endpoint: str, app: Flask, world: World) -> None:
    scheduler.sync()
    role, address = SHOWS[endpoint]
    answer = signed_in(app, world, role).get(address(world))
    assert answer.status_code == 200
    assert 'id="changes-title"' in answer.text


def test_every_kind_and_field_has_words_and_a_way_back() -> None:
    fields = {
        Student: StudentField,
        Classroom: ClassroomField,
        Action: ActionField,
        School: SchoolField,
        JobSchedule: JobField,
    }
    assert set(KINDS) == set(CHANGES) == {model for model, _columns in OF.values()}
    assert set(OF) == {*fields, PluginState}
    for entity, known in fields.items():
        assert set(FIELDS[entity]) == set(TITLES[entity]) == set(WORDS[entity]) == set(known)


def test_where_staff_sign_in_from_is_said_with_the_provider() -> None:
    said = WORDS[School][SchoolField.SIGN_IN_FROM]
    assert (said(["google", "home.example"]), said(None)) == ("home.example (google)", "anywhere")
