"""What rosters hold about whom, and the reports of imports, which name people for a while."""

from sqlalchemy import ColumnElement, or_, select

from backoffice.privacy.holdings import PersonalData, Subject, Target
from backoffice.storage.numbers import one_of
from plugins.rosters.models import (
    AccountSource,
    ClassroomSource,
    RosterImport,
    RosterUpload,
    SchoolSource,
    StudentSource,
    TeachingSource,
    Unseated,
)

NAMES = (RosterImport.names.key,)


def _reports(target: Target) -> ColumnElement[bool]:
    """The reports of the schools in which somebody is or works, and of their whole districts."""
    return or_(
        one_of(RosterImport.school_id, target.schools), one_of(RosterImport.district_id, target.districts)
    )


def _waiting(target: Target) -> ColumnElement[bool]:
    """Files from before the erasure, which would bring somebody in anew. Whoever uploaded them is told."""
    return RosterUpload.import_id.in_(select(RosterImport.id).where(_reports(target)))


HELD = (
    PersonalData(SchoolSource, Subject.SCHOOL),
    PersonalData(ClassroomSource, Subject.CLASSROOM),
    PersonalData(StudentSource, Subject.STUDENT),
    PersonalData(AccountSource, Subject.ACCOUNT),
    PersonalData(TeachingSource, Subject.ACCOUNT),
    PersonalData(Unseated, Subject.STUDENT),
    PersonalData(RosterImport, Subject.STUDENT, _reports, blank=NAMES),
    PersonalData(RosterImport, Subject.CLASSROOM, _reports, blank=NAMES),
    PersonalData(RosterImport, Subject.ACCOUNT, _reports, blank=NAMES),
    PersonalData(RosterImport, Subject.SCHOOL, _reports, blank=NAMES),
    PersonalData(RosterImport, Subject.DISTRICT),
    PersonalData(RosterUpload, Subject.STUDENT, _waiting),
    PersonalData(RosterUpload, Subject.CLASSROOM, _waiting),
    PersonalData(RosterUpload, Subject.ACCOUNT, _waiting),
    PersonalData(RosterUpload, Subject.SCHOOL, _waiting),
)
