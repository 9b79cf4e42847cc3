"""Every form that edits a record shows the record's last changes, or says here why it does not."""

from collections.abc import Callable, Mapping

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
from tests.contract.routes import door, routes
from tests.factories.visitor import signed_in
from tests.factories.world import SYSTEM, World

# Who opens it, and its address in the world.
SHOWS: Mapping[str, tuple[str, Callable[[World], str]]] = {
    "console_students.edit": (
        "teacher",
        lambda world: f"/console/students/{world.own_class.children[0].public_id}/edit",
    ),
    "console_classrooms.edit": (
        "teacher",
        lambda world: f"/console/classrooms/{world.own_class.public_id}/edit",
    ),
    "console_class_manage.manage": (
        "teacher",
        lambda world: f"/console/classrooms/{world.own_class.public_id}/manage",
    ),
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
ACT = "an act that is asked about, not a form of fields"
MANY = "of many records at once; each has a form of its own"
SEARCH = "looks for something"
CELL = "one cell of a list; what changed stands on the record's own form"
# Forms that show none, each with the reason.
WITHOUT: Mapping[str, str] = {
    "console_classrooms.new": NEW,
    "console_class_teachers.invite": NEW,
    "console_families.invite": NEW,
    "console_invitations.new": NEW,
    "console_class_points.actions": NEW,
    "plugin_rosters_rosters.upload": NEW,
    "console_accounts.reinstate": ACT,
    "console_accounts.reset_factor": ACT,
    "console_accounts.suspend": ACT,
    "console_class_manage.archive": ACT,
    "console_class_teachers.leave": ACT,
    "console_plugins.switch": ACT,
    "console_security.close": ACT,
    "console_student_merge.merge": ACT,
    "console_teachers.leave": ACT,
    "console_teachers.reinstate": ACT,
    "console_teachers.reset_factor": ACT,
    "console_teachers.suspend": ACT,
    "console_views.delete": ACT,
    **dict.fromkeys((f"console_changes.{kind}" for kind in KINDS.values() if kind != "plugin"), ACT),
    "console_changes.plugin_settings": ACT,
    "console_classrooms.paste": MANY,
    "console_students.import_rows": MANY,
    "console_classrooms.import_rows": MANY,
    "console_class_points.award": MANY,
    "console_class_points.goals": MANY,
    "console_school-year.index": MANY,
    "console_views.view": "how one likes to see a list, made anew with two clicks",
    **dict.fromkeys(
        ("console_classrooms.cell_mark", "console_classrooms.cell_name", "console_students.cell_name"), CELL
    ),
    **dict.fromkeys(
        (
            f"{grid}.{door}"
            for door in ("search", "narrow")
            for grid in (
                *("console_classrooms", "console_families", "console_family-invitations"),
                *("console_invitations", "console_outbox", "console_schools", "console_security"),
                *("console_students", "console_teachers", "plugin_rosters_rosters"),
            )
        ),
        SEARCH,
    ),
}


def _action_of(world: World) -> str:
    with transaction(SYSTEM) as tx:
        found = tx.scalar(select(Action.public_id).where(Action.classroom_id == world.own_class.id).limit(1))
    assert found is not None
    return found


def test_every_form_is_accounted_for(app: Flask) -> None:
    """A page that shows a form and takes it."""
    taken: dict[tuple[str, str], set[str]] = {}
    for route in routes(app):
        if door(app, route) is not None:
            taken.setdefault((route.endpoint, route.rule.rule), set()).add(route.method)
    forms = {endpoint for (endpoint, _rule), methods in taken.items() if methods == {"GET", "POST"}}
    assert forms == {*SHOWS, *WITHOUT}
    assert not set(SHOWS) & set(WITHOUT)


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
