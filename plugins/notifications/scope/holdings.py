"""Whom the scope of incidents is about: a row stays and counts, without saying who it was."""

from sqlalchemy import ColumnElement

from backoffice.privacy.holdings import PersonalData, Subject, Target
from backoffice.storage.numbers import one_of
from plugins.notifications.holdings import blanked
from plugins.notifications.scope.models import AffectedPerson, Misuse


def _of_school(target: Target) -> ColumnElement[bool]:
    return one_of(AffectedPerson.school_id, target.numbers)


HELD = (
    blanked(Misuse, Subject.ACCOUNT, Misuse.account_id, Misuse.written_by),
    blanked(AffectedPerson, Subject.ACCOUNT, AffectedPerson.account_id),
    blanked(AffectedPerson, Subject.STUDENT, AffectedPerson.student_id),
    # Both at once: without its school, the number of a child is no reference that the database would empty.
    PersonalData(
        AffectedPerson,
        Subject.SCHOOL,
        _of_school,
        blank=(AffectedPerson.school_id.key, AffectedPerson.student_id.key),
    ),
)
