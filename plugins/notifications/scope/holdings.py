"""Whom the scope of incidents is about: a row stays and counts, without saying who it was."""

from sqlalchemy import ColumnElement

from backoffice.privacy.holdings import PersonalData, Subject, Target
from backoffice.storage.numbers import one_of
from plugins.notifications.holdings import blanked
from plugins.notifications.scope.models import AffectedPerson, ScopeSource


def _person_there(target: Target) -> ColumnElement[bool]:
    return one_of(AffectedPerson.school_id, target.numbers)


def _source_there(target: Target) -> ColumnElement[bool]:
    return one_of(ScopeSource.school_id, target.numbers)


HELD = (
    blanked(
        ScopeSource,
        Subject.ACCOUNT,
        ScopeSource.account_id,
        ScopeSource.written_by,
        ScopeSource.withdrawn_by,
    ),
    blanked(ScopeSource, Subject.DISTRICT, ScopeSource.district_id),
    blanked(ScopeSource, Subject.CLASSROOM, ScopeSource.classroom_id),
    blanked(ScopeSource, Subject.STUDENT, ScopeSource.student_id),
    blanked(AffectedPerson, Subject.ACCOUNT, AffectedPerson.account_id),
    blanked(AffectedPerson, Subject.STUDENT, AffectedPerson.student_id),
    # All at once: without its school, the number of a child is no reference that the database would empty.
    PersonalData(
        ScopeSource,
        Subject.SCHOOL,
        _source_there,
        blank=(ScopeSource.school_id.key, ScopeSource.classroom_id.key, ScopeSource.student_id.key),
    ),
    PersonalData(
        AffectedPerson,
        Subject.SCHOOL,
        _person_there,
        blank=(AffectedPerson.school_id.key, AffectedPerson.student_id.key),
    ),
)
