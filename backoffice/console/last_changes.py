"""The last changes of a record in words, as they stand below its form."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import DeclarativeBase

from backoffice.access.policy import can
from backoffice.access.transaction import Transaction
from backoffice.accounts import places
from backoffice.changes import queries
from backoffice.changes.keeping import version
from backoffice.changes.models import (
    ActionChange,
    ActionField,
    Change,
    ClassroomChange,
    ClassroomField,
    JobChange,
    JobField,
    PluginChange,
    SchoolChange,
    SchoolField,
    StudentChange,
    StudentField,
)
from backoffice.changes.services import Field, fields_of
from backoffice.console import settings_form
from backoffice.console.weekdays import short_names
from backoffice.host.models import PluginState
from backoffice.jobs.job import When
from backoffice.jobs.models import JobSchedule
from backoffice.language import catalogues
from backoffice.language.texts import gettext, lazy
from backoffice.schools import labels, names
from backoffice.schools.models import Action, Classroom, NamesShown, School, Student
from backoffice.schools.services.actions import ICONS
from backoffice.web.identity import runtime, settings

NOBODY = lazy("Somebody")
NOTHING = lazy("nothing")
SHOWN = {
    NamesShown.NAMES: lazy("name and initial"),
    NamesShown.ALIASES: lazy("alias"),
    NamesShown.AVATARS: lazy("picture only"),
    NamesShown.USERNAMES: lazy("no list"),
}
SCHOOL_DAYS = "school-days/?school={}"
SCHOOL_FORMS: Mapping[str, str] = {
    SchoolField.FACTOR_REQUIRED: "schools/{}/second-factor",
    SchoolField.SIGN_IN_FROM: "schools/{}/sign-in",
}
CLASS_EDIT = "edit"
CLASS_FORMS: Mapping[str, str] = {
    ClassroomField.MARK: "manage",
    ClassroomField.NAMES_SHOWN: "names",
    ClassroomField.PINS_REQUIRED: "cards",
    ClassroomField.HOURS: "entry",
}
# Where a change of each kind is put back, below the console's own address.
KINDS: Mapping[type[Change], str] = {
    StudentChange: "student",
    ClassroomChange: "classroom",
    ActionChange: "action",
    SchoolChange: "school",
    PluginChange: "plugin",
    JobChange: "job",
}


@dataclass(frozen=True)
class Line:
    """One change as it is read. `url` leads to putting it back, where that would change something."""

    at: datetime
    by: str
    title: str
    before: str
    after: str
    url: str | None


@dataclass(frozen=True)
class Shown:
    """The values of `console/parts/changes.html`."""

    lines: list[Line]
    days: int


def shown(tx: Transaction, row: DeclarativeBase) -> Shown:
    """The last changes of a record, for somebody who may change it."""
    days = settings().changes.kept_days
    changes = queries.last_changes(tx, row)
    people = queries.people_of(tx, changes)
    fields = fields_of(tx, row, runtime().plugins) if changes else {}
    return Shown([_line(tx, row, each, people, fields.get(each.field)) for each in changes], days)


def title_of(row: DeclarativeBase, field: str) -> str:
    """What a field of a record is called."""
    if isinstance(row, PluginState):
        model = _settings_of(row)
        known = model is not None and field in model.model_fields
        return (
            settings_form.title_of(model, field)
            if model is not None and known
            else gettext("A former setting")
        )
    return TITLES[type(row)][field]


def in_words(row: DeclarativeBase, field: str, value: Any) -> str:
    """A field's value in words."""
    if isinstance(row, PluginState):
        model = _settings_of(row)
        known = model is not None and field in model.model_fields
        return settings_form.in_words(model, field, value) if model is not None and known else str(value)
    return WORDS[type(row)][field](value)


def edit_url(row: Any, field: str) -> str:
    """The form of a record that a field is on, or else the first of its forms."""
    match row:
        case Student():
            below = f"students/{row.public_id}/edit"
        case Classroom():
            below = f"classrooms/{row.public_id}/{CLASS_FORMS.get(field, CLASS_EDIT)}"
        case Action():
            below = f"classrooms/actions/{row.public_id}"
        case School():
            below = SCHOOL_FORMS.get(field, SCHOOL_DAYS).format(row.public_id)
        case PluginState():
            below = f"plugins/{row.name}/settings"
        case _:
            below = f"jobs/{row.job}/time"
    return f"/console/{below}"


def called(row: Any) -> str:
    """What a record is called."""
    match row:
        case Student():
            return f"{row.given_name} {row.family_name or ''}".strip()
        case PluginState():
            return next((each.title for each in runtime().plugins if each.name == row.name), row.name)
        case JobSchedule():
            return str(row.job)
        case Action():
            return str(row.label)
        case _:
            return str(row.name)


def _line(
    tx: Transaction, row: DeclarativeBase, change: Change, people: Mapping[int, str], field: Field | None
) -> Line:
    before, after = change.difference["before"], change.difference["after"]
    # Of a school every field stands on each of its forms; what one may not change, one may not put back.
    may = field is not None and (
        isinstance(row, (Student, PluginState, JobSchedule)) or can(tx.principal, field.permission, row)
    )
    differs = field is not None and version(field.now(row)) != version(before) and field.leads_back(before)
    return Line(
        at=change.at,
        by=people.get(change.by or 0, NOBODY),
        title=title_of(row, change.field),
        before=in_words(row, change.field, before),
        after=in_words(row, change.field, after),
        url=f"/console/changes/{KINDS[type(change)]}/{change.public_id}" if may and differs else None,
    )


def _settings_of(row: PluginState) -> Any:
    return next((each.settings for each in runtime().plugins if each.name == row.name), None)


def _name(value: list[str | None]) -> str:
    given, family = value
    return f"{given} {family or ''}".strip()


def _yes_or_no(value: Any) -> str:
    return gettext("yes") if value else gettext("no")


def _mark(value: list[str | None]) -> str:
    picture = names.picture(*value)
    return labels.in_words(picture) if picture else NOTHING


def _hours(value: list[int] | None) -> str:
    if value is None:
        return gettext("no hours")
    begin, end = (f"{minute // 60:02}:{minute % 60:02}" for minute in value)
    return gettext("%(begin)s to %(end)s", begin=begin, end=end)


def _language(value: str) -> str:
    return catalogues.own_name(value) if value in catalogues.languages() else value


def _days(value: list[str]) -> str:
    return ", ".join(short_names(value))


TITLES: Mapping[type[DeclarativeBase], Mapping[str, str]] = {
    Student: {StudentField.NAME: lazy("Name")},
    Classroom: {
        ClassroomField.NAME: lazy("Name of the class"),
        ClassroomField.SHARED_DEVICES: lazy("Students share devices"),
        ClassroomField.MARK: lazy("Picture and colour"),
        ClassroomField.NAMES_SHOWN: lazy("Behind the code"),
        ClassroomField.PINS_REQUIRED: lazy("PINs are asked for"),
        ClassroomField.HOURS: lazy("Open on school days"),
    },
    Action: {
        ActionField.LABEL: lazy("What it says"),
        ActionField.VALUE: lazy("Points"),
        ActionField.ICON: lazy("Picture"),
    },
    School: {
        SchoolField.DAYS: lazy("Days with lessons"),
        SchoolField.TIME_ZONE: lazy("Time zone"),
        SchoolField.LANGUAGE: lazy("Language"),
        SchoolField.FACTOR_REQUIRED: lazy("Second factor is required"),
        SchoolField.SIGN_IN_FROM: lazy("Staff sign in from"),
    },
    JobSchedule: {JobField.TIME: lazy("When it runs")},
}
WORDS: Mapping[type[DeclarativeBase], Mapping[str, Callable[[Any], str]]] = {
    Student: {StudentField.NAME: _name},
    Classroom: {
        ClassroomField.NAME: str,
        ClassroomField.SHARED_DEVICES: _yes_or_no,
        ClassroomField.MARK: _mark,
        ClassroomField.NAMES_SHOWN: lambda value: SHOWN[NamesShown(value)],
        ClassroomField.PINS_REQUIRED: _yes_or_no,
        ClassroomField.HOURS: _hours,
    },
    Action: {
        ActionField.LABEL: str,
        ActionField.VALUE: lambda value: f"{value:+}".replace("-", "\N{MINUS SIGN}"),
        ActionField.ICON: lambda value: ICONS[value].lower() if value in ICONS else NOTHING,
    },
    School: {
        SchoolField.DAYS: _days,
        SchoolField.TIME_ZONE: places.zone_name,
        SchoolField.LANGUAGE: _language,
        SchoolField.FACTOR_REQUIRED: _yes_or_no,
        SchoolField.SIGN_IN_FROM: lambda value: f"{value[1]} ({value[0]})" if value else gettext("anywhere"),
    },
    JobSchedule: {JobField.TIME: lambda value: When(value).words},
}
