"""Putting a change back, by the verb that anybody would use for it; forgetting old ones."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import (
    ACTIONS_EDIT,
    CLASSROOMS_EDIT,
    JOBS_EDIT,
    PINS_CLEAR,
    PLUGINS_EDIT,
    SCHOOL_DAYS_EDIT,
    SCHOOLS_EDIT,
    SCHOOLS_SECURE,
    STUDENTS_EDIT,
    Permission,
)
from backoffice.access.policy import visible
from backoffice.access.principal import Principal, Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.care.services.requirement import require_second_factor
from backoffice.accounts.providers.services.asking import ask_of_staff, asked_by
from backoffice.changes.keeping import OF, PutBack
from backoffice.changes.kinds import RECORD_CHANGES
from backoffice.changes.models import (
    ActionField,
    Change,
    ClassroomField,
    JobField,
    SchoolField,
    StudentField,
)
from backoffice.changes.queries import change_of
from backoffice.host import queries as plugins
from backoffice.host.fields import Kind, settings_in
from backoffice.host.models import PluginState
from backoffice.host.services import installed_one, set_plugin
from backoffice.jobs.models import JobSchedule
from backoffice.jobs.services import change_time
from backoffice.language.texts import lazy
from backoffice.plugin import Plugin
from backoffice.privacy.retention.runs import forget
from backoffice.problems import Rejected
from backoffice.schools.doors import Hours, in_order
from backoffice.schools.models import Action, Classroom, NamesShown, School, Student
from backoffice.schools.services.actions import action_to_change, change_action
from backoffice.schools.services.archiving import mark_classroom
from backoffice.schools.services.classrooms import rename_classroom
from backoffice.schools.services.doors import keep_hours, written
from backoffice.schools.services.school_days import set_school_days
from backoffice.schools.services.showing import show_as
from backoffice.schools.services.students import correct_student
from backoffice.students.pins.overrides import require_pins

GONE = lazy("This setting is no more. There is nothing to put back.")
NO_HOURS = lazy("The door kept no hours then. Open or close it instead, and they end.")
NO_MARK = lazy("The class had no mark then. Choose another one instead.")


@dataclass(frozen=True)
class Field:
    """A field whose changes are kept: who may change it, what it is now, and by which verb it is put back.

    `leads_back` says whether a verb leads to a value at all: to some that a field began with none does.
    """

    permission: Permission
    now: Callable[[Any], Any]
    put_back: Callable[[Principal, Any, Any, PutBack], None]
    leads_back: Callable[[Any], bool] = lambda _value: True


@dataclass(frozen=True)
class Found:
    """A change, the record that it is of, and what its field is now."""

    change: Change
    row: Any
    now: Any

    @property
    def before(self) -> Any:
        """What it would become."""
        return self.change.difference["before"]


def _name_student(who: Principal, row: Student, value: Any, back: PutBack) -> None:
    given, family = value
    correct_student(principal=who, student=row.public_id, given_name=given, family_name=family, back=back)


def _name_class(who: Principal, row: Classroom, value: Any, back: PutBack) -> None:
    rename_classroom(
        principal=who, classroom=row.public_id, name=value, shared_devices=row.shared_devices, back=back
    )


def _share(who: Principal, row: Classroom, value: Any, back: PutBack) -> None:
    rename_classroom(principal=who, classroom=row.public_id, name=row.name, shared_devices=value, back=back)


def _is_marked(value: Any) -> bool:
    return None not in value


def _mark(who: Principal, row: Classroom, value: Any, back: PutBack) -> None:
    icon, colour = value
    if not _is_marked(value):
        raise Rejected.whole(NO_MARK)
    mark_classroom(principal=who, classroom=row.public_id, icon=icon, colour=colour, back=back)


def _show(who: Principal, row: Classroom, value: Any, back: PutBack) -> None:
    show_as(principal=who, classroom=row.public_id, how=NamesShown(value), back=back)


def _ask_for_pins(who: Principal, row: Classroom, value: Any, back: PutBack) -> None:
    require_pins(principal=who, classroom=row.public_id, required=value, back=back)


def _had_hours(value: Any) -> bool:
    return value is not None


def _keep_hours(who: Principal, row: Classroom, value: Any, back: PutBack) -> None:
    if not _had_hours(value):
        raise Rejected.whole(NO_HOURS)
    keep_hours(principal=who, classroom=row.public_id, hours=Hours(*value), back=back)


def _call(who: Principal, row: Action, value: Any, back: PutBack) -> None:
    _change(who, row, back, label=value)


def _give(who: Principal, row: Action, value: Any, back: PutBack) -> None:
    _change(who, row, back, value=value)


def _picture(who: Principal, row: Action, value: Any, back: PutBack) -> None:
    _change(who, row, back, icon=value or "")


def _change(who: Principal, row: Action, back: PutBack, **field: Any) -> None:
    now: dict[str, Any] = {"label": row.label, "icon": row.icon or "", "value": row.value}
    change_action(principal=who, action=row.public_id, back=back, **(now | field))


def _secure(who: Principal, row: School, value: Any, back: PutBack) -> None:
    require_second_factor(principal=who, school=row.public_id, required=value, back=back)


def _sign_in_from(who: Principal, row: School, value: Any, back: PutBack) -> None:
    by, domain = value or (None, "")
    ask_of_staff(principal=who, school=row.public_id, domain=domain, by=by, back=back)


def _teach_on(who: Principal, row: School, value: Any, back: PutBack) -> None:
    set_school_days(principal=who, school=row.public_id, days=value, time_zone=row.time_zone, back=back)


def _go_by(who: Principal, row: School, value: Any, back: PutBack) -> None:
    set_school_days(
        principal=who, school=row.public_id, days=in_order(row.school_days), time_zone=value, back=back
    )


def _speak(who: Principal, row: School, value: Any, back: PutBack) -> None:
    days, time_zone = in_order(row.school_days), row.time_zone
    set_school_days(
        principal=who, school=row.public_id, days=days, time_zone=time_zone, language=value, back=back
    )


def _run_at(who: Principal, row: JobSchedule, value: Any, back: PutBack) -> None:
    change_time(principal=who, job=row.job, time=value, back=back)


FIELDS: Mapping[type[DeclarativeBase], Mapping[str, Field]] = {
    Student: {
        StudentField.NAME: Field(STUDENTS_EDIT, lambda row: [row.given_name, row.family_name], _name_student)
    },
    Classroom: {
        ClassroomField.NAME: Field(CLASSROOMS_EDIT, lambda row: row.name, _name_class),
        ClassroomField.SHARED_DEVICES: Field(CLASSROOMS_EDIT, lambda row: row.shared_devices, _share),
        ClassroomField.MARK: Field(
            CLASSROOMS_EDIT, lambda row: [row.icon, row.colour], _mark, leads_back=_is_marked
        ),
        ClassroomField.NAMES_SHOWN: Field(CLASSROOMS_EDIT, lambda row: row.names_shown, _show),
        ClassroomField.PINS_REQUIRED: Field(PINS_CLEAR, lambda row: row.pins_required, _ask_for_pins),
        ClassroomField.HOURS: Field(CLASSROOMS_EDIT, written, _keep_hours, leads_back=_had_hours),
    },
    Action: {
        ActionField.LABEL: Field(ACTIONS_EDIT, lambda row: row.label, _call),
        ActionField.VALUE: Field(ACTIONS_EDIT, lambda row: row.value, _give),
        ActionField.ICON: Field(ACTIONS_EDIT, lambda row: row.icon, _picture, leads_back=bool),
    },
    School: {
        SchoolField.DAYS: Field(SCHOOL_DAYS_EDIT, lambda row: in_order(row.school_days), _teach_on),
        SchoolField.TIME_ZONE: Field(SCHOOL_DAYS_EDIT, lambda row: row.time_zone, _go_by),
        SchoolField.LANGUAGE: Field(SCHOOL_DAYS_EDIT, lambda row: row.language, _speak),
        SchoolField.FACTOR_REQUIRED: Field(SCHOOLS_SECURE, lambda row: row.factor_required, _secure),
        SchoolField.SIGN_IN_FROM: Field(SCHOOLS_EDIT, asked_by, _sign_in_from),
    },
    JobSchedule: {JobField.TIME: Field(JOBS_EDIT, lambda row: row.time, _run_at)},
}
_KINDS = {model: entity for entity, (model, _columns) in OF.items()}


def fields_of(tx: Transaction, row: DeclarativeBase, installed: Sequence[Plugin]) -> Mapping[str, Field]:
    """The fields of a record whose changes are kept, by name; of a plugin those that it has today."""
    if not isinstance(row, PluginState):
        return FIELDS[type(row)]
    plugin = installed_one(installed, row.name)
    if plugin.settings is None:
        return {}
    now = plugins.settings_of(tx, plugin.name, plugin.settings).model_dump(mode="json")
    kinds = settings_in(plugin.settings)
    secrets = {name for name in kinds if kinds[name].kind is Kind.SECRET}
    return {name: _setting(installed, now, name, secrets) for name in kinds if name not in secrets}


def _setting(
    installed: Sequence[Plugin], now: Mapping[str, Any], name: str, secrets: Collection[str]
) -> Field:
    def put_back(who: Principal, row: PluginState, value: Any, back: PutBack) -> None:
        values = {**now, name: value}
        set_plugin(principal=who, installed=installed, name=row.name, values=values, keep=secrets, back=back)

    return Field(PLUGINS_EDIT, lambda _row: now[name], put_back)


def found_change(
    tx: Transaction, model: type[Change], public_id: str, *, installed: Sequence[Plugin]
) -> tuple[Found, Field]:
    """A change that the principal may put back, with the field that it is of.

    Raises `NotFound`, `Closed` for what is archived, and `Rejected` where the field is no more.
    """
    change = change_of(tx, model, public_id)
    row = _record_of(tx, change)
    field = fields_of(tx, row, installed).get(change.field)
    if field is None:
        raise Rejected.whole(GONE)
    if isinstance(row, Action):
        row, _room = action_to_change(tx, row.public_id)
    elif isinstance(row, (Student, Classroom, School)):
        row = find(tx, type(row), row.public_id, permission=field.permission)
    return Found(change, row, field.now(row)), field


def put_back(
    *,
    principal: Principal,
    model: type[Change],
    change: str,
    seen: str,
    installed: Sequence[Plugin] = (),
) -> None:
    """Give a field the value that it had before a change, by the verb that changes it.

    `seen` is the `version` of the value that is replaced. Raises `Rejected` if it is another one by now, or
    the old one cannot be any more; `NotFound`, `Closed`, and what the verb raises.
    """
    with transaction(principal) as tx:
        found, field = found_change(tx, model, change, installed=installed)
    back = PutBack(found.change.id, found.change.field, seen)
    field.put_back(principal, found.row, found.before, back)


def forget_old(who: Purpose, *, days: int) -> dict[str, int]:
    """Forget the changes that are older than so many days; how many."""
    now = clock.now()
    # The setting can shorten what the policy allows, and not lengthen it.
    before = max(RECORD_CHANGES.before(now), now - timedelta(days=days))
    with transaction(who) as tx:
        return {"forgotten": forget(tx, RECORD_CHANGES, before=before)}


def _record_of(tx: Transaction, change: Change) -> Any:
    entity = _KINDS[type(change)]
    _model, columns = OF[entity]
    of_change = (getattr(entity, own) == getattr(change, column) for column, own in columns.items())
    row = tx.scalars(visible(tx.principal, select(entity).where(*of_change))).one_or_none()
    if row is None:
        raise NotFound
    return row
