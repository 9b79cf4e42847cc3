"""Whom incidents are about. What was done stays, without who did it and without which school it was."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, case, null, or_
from sqlalchemy.orm import InstrumentedAttribute

from backoffice.privacy.holdings import PersonalData, Subject, Target
from backoffice.storage.numbers import one_of
from plugins.notifications.models import (
    ConcernedSchool,
    GivenNotice,
    Incident,
    IncidentTask,
    TimelineEntry,
)

Column = InstrumentedAttribute[Any]


def _naming(*columns: Column) -> Callable[[Target], ColumnElement[bool]]:
    return lambda target: or_(*(one_of(column, target.numbers) for column in columns))


def _without(*columns: Column) -> Callable[[Target], Mapping[str, ColumnElement[Any]]]:
    """Nobody where the subject stood, and whoever else there was where not."""
    return lambda target: {
        column.key: case((one_of(column, target.numbers), null()), else_=column) for column in columns
    }


def blanked(model: Any, subject: Subject, *columns: Column) -> PersonalData:
    """The rows in which one of these columns names a subject: they stay, without naming it."""
    names = tuple(column.key for column in columns)
    return PersonalData(model, subject, _naming(*columns), blank=names, instead=_without(*columns))


HELD = (
    blanked(Incident, Subject.ACCOUNT, Incident.opened_by, Incident.led_by, Incident.closed_by),
    blanked(TimelineEntry, Subject.ACCOUNT, TimelineEntry.written_by),
    blanked(IncidentTask, Subject.ACCOUNT, IncidentTask.done_by),
    blanked(GivenNotice, Subject.ACCOUNT, GivenNotice.given_by),
    blanked(ConcernedSchool, Subject.SCHOOL, ConcernedSchool.school_id),
)
