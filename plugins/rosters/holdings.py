"""What rosters hold about whom, and the reports of imports, which name people for a while."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, or_, select

from backoffice.privacy.holdings import PersonalData, Subject, Target
from backoffice.schools.models import Membership, School
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


def _reports_of(schools: Collection[int]) -> ColumnElement[bool]:
    """The reports of a school, and of its whole district."""
    district = select(School.district_id).where(one_of(School.id, schools))
    return or_(one_of(RosterImport.school_id, schools), RosterImport.district_id.in_(district))


def _of_a_school(target: Target) -> ColumnElement[bool]:
    return _reports_of(target.numbers)


def _within_a_school(target: Target) -> ColumnElement[bool]:
    return _reports_of([target.school] if target.school else [])


def _of_people(target: Target) -> ColumnElement[bool]:
    """Those of the places where they work."""
    works = select(Membership.school_id).where(one_of(Membership.account_id, target.numbers))
    leads = select(Membership.district_id).where(one_of(Membership.account_id, target.numbers))
    districts = select(School.district_id).where(School.id.in_(works))
    return or_(
        RosterImport.school_id.in_(works),
        RosterImport.district_id.in_(leads),
        RosterImport.district_id.in_(districts),
    )


HELD = (
    PersonalData(SchoolSource, Subject.SCHOOL),
    PersonalData(ClassroomSource, Subject.CLASSROOM),
    PersonalData(StudentSource, Subject.STUDENT),
    PersonalData(AccountSource, Subject.ACCOUNT),
    PersonalData(TeachingSource, Subject.ACCOUNT),
    PersonalData(Unseated, Subject.STUDENT),
    PersonalData(RosterImport, Subject.STUDENT, _within_a_school, blank=NAMES),
    PersonalData(RosterImport, Subject.CLASSROOM, _within_a_school, blank=NAMES),
    PersonalData(RosterImport, Subject.ACCOUNT, _of_people, blank=NAMES),
    PersonalData(RosterImport, Subject.SCHOOL, _of_a_school, blank=NAMES),
    PersonalData(RosterImport, Subject.DISTRICT),
    PersonalData(RosterUpload, Subject.SCHOOL),
)
