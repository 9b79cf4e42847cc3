"""What the core holds about somebody where no foreign key leads to it: sealed texts, and addresses."""

from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Uuid, all_, and_, any_, bindparam, cast, func, null, or_, select
from sqlalchemy.dialects.postgresql import BYTEA, array
from sqlalchemy.orm import DeclarativeBase

from backoffice.accounts.address_models import SignUp
from backoffice.accounts.addresses import email_index
from backoffice.accounts.models import AccountLetter
from backoffice.accounts.providers.models import IdentityOffer
from backoffice.families.models import GuardianInvitation
from backoffice.large_changes.models import LargeChange
from backoffice.outbox.models import MailContent, OutgoingMail
from backoffice.privacy.holdings import PersonalData, Subject, Target
from backoffice.privacy.holds.models import HELD as HOLDS
from backoffice.reports.models import Report
from backoffice.saved_views.models import SavedView
from backoffice.schools.award_models import PointAward
from backoffice.staff.models import Invitation
from backoffice.storage import about
from backoffice.storage.marks import Many
from backoffice.storage.marks import array_of as marks_as_array
from backoffice.storage.numbers import array_of, one_of
from backoffice.students.worries.models import GoesTo, Worry


def _views_naming(target: Target) -> ColumnElement[bool]:
    """Lists that are narrowed to somebody: without them there is nothing to narrow to."""
    return _marked(SavedView, target.marks_outside)


def _mails_naming(target: Target) -> ColumnElement[bool]:
    """Unsent mails to others: they say the name of a class or a colleague, or let in to a child."""
    return OutgoingMail.id.in_(select(MailContent.mail_id).where(_marked(MailContent, target.marks)))


def _mails_to(target: Target) -> ColumnElement[bool]:
    """Mails to the address of an account that were written as if it had none."""
    marks = [about.address(each) for each in target.addresses]
    return OutgoingMail.id.in_(select(MailContent.mail_id).where(_marked(MailContent, marks)))


def _own_views(target: Target) -> ColumnElement[bool]:
    """A view that is shared stays with the school."""
    return and_(one_of(SavedView.account_id, target.numbers), SavedView.school_id.is_(None))


def _of_address(model: type[DeclarativeBase]) -> PersonalData:
    """What was asked for with an address, or sent to it, by whomever."""

    def rows(target: Target) -> ColumnElement[bool]:
        indexes = bindparam(None, [*map(email_index, target.addresses)], type_=ARRAY(BYTEA), unique=True)
        condition: ColumnElement[bool] = model.email_index == any_(indexes)  # type: ignore[attr-defined]
        return condition

    return PersonalData(model, Subject.ACCOUNT, rows)


def _reported(target: Target) -> ColumnElement[bool]:
    """What somebody reported, signed in or with their address to be asked at: their words stay."""
    marks = [about.address(each) for each in target.addresses]
    return or_(one_of(Report.account_id, target.numbers), _marked(Report, marks))


def _of_nobody(_target: Target) -> dict[str, ColumnElement[Any]]:
    return {
        Report.account_id.key: null(),
        Report.contact.key: null(),
        Report.mail.key: null(),
        Report.about.key: cast(array([]), ARRAY(Uuid)),
    }


def _told_past(target: Target) -> ColumnElement[bool]:
    """What a child told the leaders past somebody."""
    column: Any = Worry.told_past
    past = column.op("&&", is_comparison=True)(array_of(target.numbers))
    return and_(Worry.goes_to == GoesTo.LEADER, past)


def _others_told_past(target: Target) -> dict[str, ColumnElement[Any]]:
    told = func.unnest(Worry.told_past).column_valued("number")
    others = select(told).where(told != all_(array_of(target.numbers)))
    return {Worry.told_past.key: func.array(others.scalar_subquery())}


def _choices(target: Target) -> ColumnElement[bool]:
    """Awards of their classes: whom each was for cannot be told from its digest."""
    return and_(PointAward.school_id == target.school, one_of(PointAward.classroom_id, target.rooms))


def _changes_naming(target: Target) -> ColumnElement[bool]:
    """Large changes that were narrowed to them, or whose words or ways back name them."""
    return _marked(LargeChange, target.marks_outside)


def _marked(model: type[DeclarativeBase], marks: Many) -> ColumnElement[bool]:
    column: Any = model.about  # type: ignore[attr-defined]
    return column.op("&&", is_comparison=True)(marks_as_array(marks))  # type: ignore[no-any-return]


REPORTED = (Report.account_id.key, Report.contact.key, Report.mail.key, Report.about.key)
HELD = (
    PersonalData(SavedView, Subject.STUDENT, _views_naming),
    PersonalData(OutgoingMail, Subject.STUDENT, _mails_naming),
    PersonalData(SavedView, Subject.CLASSROOM, _views_naming),
    PersonalData(OutgoingMail, Subject.CLASSROOM, _mails_naming),
    PersonalData(SavedView, Subject.ACCOUNT, _views_naming),
    PersonalData(OutgoingMail, Subject.ACCOUNT, _mails_naming),
    PersonalData(OutgoingMail, Subject.ACCOUNT, _mails_to),
    PersonalData(SavedView, Subject.ACCOUNT, _own_views),
    _of_address(SignUp),
    _of_address(IdentityOffer),
    _of_address(AccountLetter),
    _of_address(Invitation),
    _of_address(GuardianInvitation),
    PersonalData(Report, Subject.ACCOUNT, _reported, blank=REPORTED, instead=_of_nobody),
    PersonalData(SavedView, Subject.SCHOOL, _views_naming),
    PersonalData(Worry, Subject.ACCOUNT, _told_past, blank=(Worry.told_past.key,), instead=_others_told_past),
    PersonalData(PointAward, Subject.STUDENT, _choices, blank=(PointAward.chosen.key,)),
    PersonalData(LargeChange, Subject.STUDENT, _changes_naming),
    PersonalData(LargeChange, Subject.CLASSROOM, _changes_naming),
    PersonalData(LargeChange, Subject.ACCOUNT, _changes_naming),
    PersonalData(LargeChange, Subject.SCHOOL, _changes_naming),
    *HOLDS,
)
