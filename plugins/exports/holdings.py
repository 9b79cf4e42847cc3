"""Whom exports are about. Files that may have somebody who is erased go at once, and whole."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, literal, null, or_, select

from backoffice.families.models import GuardianLink
from backoffice.privacy.holdings import PersonalData, Subject, Target
from backoffice.schools.models import Membership, School
from backoffice.storage.numbers import one_of
from plugins.exports.models import DestroyedFor, Export, ExportState, Intake

FILE = (
    *(Export.file.key, Export.file_key.key, Export.passphrase.key),
    *(Export.state.key, Export.destroyed_for.key),
)


def _gone(_target: Target) -> Mapping[str, ColumnElement[Any]]:
    return {
        Export.file.key: null(),
        Export.file_key.key: null(),
        Export.passphrase.key: null(),
        Export.state.key: literal(ExportState.DESTROYED.value),
        Export.destroyed_for.key: literal(DestroyedFor.ERASED.value),
    }


def _whole(target: Target) -> ColumnElement[bool]:
    """Of whole schools and districts in which they are, and of those who work there."""
    above = select(School.district_id).where(one_of(School.id, target.schools))
    there = or_(one_of(Membership.school_id, target.schools), Membership.district_id.in_(above))
    work = select(Membership.account_id).where(there)
    return or_(
        and_(Export.subject == Subject.SCHOOL, one_of(Export.school_id, target.schools)),
        one_of(Export.district_id, target.districts),
        and_(Export.subject == Subject.ACCOUNT, Export.asked_by.in_(work)),
    )


def _with_students(target: Target) -> ColumnElement[bool]:
    follow = select(GuardianLink.account_id).where(one_of(GuardianLink.student_id, target.numbers))
    parents = and_(Export.subject == Subject.ACCOUNT, Export.asked_by.in_(follow))
    there = or_(_whole(target), one_of(Export.classroom_id, target.rooms), parents)
    return and_(Export.file.is_not(None), there)


def _with_classrooms(target: Target) -> ColumnElement[bool]:
    children = and_(Export.subject == Subject.STUDENT, one_of(Export.school_id, target.schools))
    return and_(Export.file.is_not(None), or_(_whole(target), children))


def _with_accounts(target: Target) -> ColumnElement[bool]:
    """Colleagues stand in what is of a school, its classes and students."""
    return and_(
        Export.file.is_not(None),
        or_(_whole(target), one_of(Export.school_id, target.schools)),
    )


def _with_schools(target: Target) -> ColumnElement[bool]:
    return and_(Export.file.is_not(None), _whole(target))


HELD = (
    PersonalData(Export, Subject.STUDENT, _with_students, blank=FILE, instead=_gone),
    PersonalData(Export, Subject.CLASSROOM, _with_classrooms, blank=FILE, instead=_gone),
    PersonalData(Export, Subject.ACCOUNT, _with_accounts, blank=FILE, instead=_gone),
    PersonalData(Export, Subject.SCHOOL, _with_schools, blank=FILE, instead=_gone),
    PersonalData(Export, Subject.DISTRICT),
    PersonalData(Intake, Subject.SCHOOL),
)
