"""Whom the scope of incidents is about: a row stays and counts, without saying who it was."""

from backoffice.privacy.holdings import Subject
from plugins.notifications.holdings import blanked
from plugins.notifications.scope.models import AffectedPerson, Misuse

HELD = (
    blanked(Misuse, Subject.ACCOUNT, Misuse.account_id, Misuse.written_by),
    blanked(AffectedPerson, Subject.ACCOUNT, AffectedPerson.account_id),
    blanked(AffectedPerson, Subject.STUDENT, AffectedPerson.student_id),
    blanked(AffectedPerson, Subject.SCHOOL, AffectedPerson.school_id),
)
