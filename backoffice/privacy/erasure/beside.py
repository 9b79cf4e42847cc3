"""What the core holds about somebody where no foreign key leads to it: sealed texts, and addresses."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Uuid, and_, any_, bindparam, select
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import DeclarativeBase

from backoffice.accounts.address_models import SignUp
from backoffice.accounts.addresses import email_index
from backoffice.accounts.models import AccountLetter
from backoffice.accounts.providers.models import IdentityOffer
from backoffice.families.models import GuardianInvitation
from backoffice.outbox.models import MailContent, OutgoingMail
from backoffice.privacy.holdings import PersonalData, Subject, Target
from backoffice.saved_views.models import SavedView
from backoffice.staff.models import Invitation
from backoffice.storage import about
from backoffice.storage.numbers import one_of


def _views_naming(target: Target) -> ColumnElement[bool]:
    """Lists that are narrowed to somebody: without them there is nothing to narrow to."""
    return _marked(SavedView, map(about.outside, target.outside))


def _mails_naming(target: Target) -> ColumnElement[bool]:
    """Unsent mails to others: they say the name of a class or a colleague, or let in to a child."""
    marks = about.marks(target.subject, target.numbers)
    return OutgoingMail.id.in_(select(MailContent.mail_id).where(_marked(MailContent, marks)))


def _mails_to(target: Target) -> ColumnElement[bool]:
    """Mails to the address of an account that were written as if it had none."""
    marks = map(about.address, target.addresses)
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


def _marked(model: type[DeclarativeBase], marks: Iterable[UUID]) -> ColumnElement[bool]:
    column: Any = model.about  # type: ignore[attr-defined]
    wanted = bindparam(None, list(marks), type_=ARRAY(Uuid), unique=True)
    return column.op("&&", is_comparison=True)(wanted)  # type: ignore[no-any-return]


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
    PersonalData(SavedView, Subject.SCHOOL, _views_naming),
)
