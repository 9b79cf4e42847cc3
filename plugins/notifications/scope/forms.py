"""The forms that say what the scope of an incident follows from, one for each kind, and that take it back."""

from collections.abc import Mapping, Sequence

from flask_wtf import FlaskForm
from wtforms import SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs are older
from wtforms.validators import DataRequired, Length, Optional

from backoffice.access.principal import Principal
from backoffice.console.picker.fields import PickField, PickingForm
from backoffice.language.texts import lazy
from plugins.notifications import services
from plugins.notifications.forms import MomentField
from plugins.notifications.picking import SCOPE_PLACE
from plugins.notifications.scope import services as scopes
from plugins.notifications.scope.models import SourceKind

_LONGEST = Length(max=320)
_UNTIL = lazy("Up to this moment, which is no part of it.")


class AccountForm(FlaskForm):
    """Which account was misused, and when."""

    account = StringField(
        lazy("Account that was misused"),
        [_LONGEST],
        description=lazy("Its identifier, or the e-mail address of somebody of staff."),
    )
    since = MomentField(
        lazy("From"),
        [Optional()],
        description=lazy("Rather too early: misuse mostly began before anybody noticed."),
    )
    until = MomentField(lazy("Until"), [Optional()], description=_UNTIL)


class SessionForm(FlaskForm):
    """Which session of an account was misused."""

    session = StringField(
        lazy("Identifier of the session"),
        [_LONGEST],
        description=lazy("Leave it empty where you know the account and a moment."),
    )
    account = StringField(
        lazy("Or its account"),
        [_LONGEST],
        description=lazy("Its identifier, or the e-mail address of somebody of staff."),
    )
    at = MomentField(
        lazy("And a moment of it"),
        [Optional()],
        description=lazy("All sessions that the account had at that moment are taken."),
    )


class ExportForm(FlaskForm):
    """Which export got out."""

    export = StringField(
        lazy("Identifier of the export"),
        [_LONGEST],
        description=lazy("It is in the name of the file: what comes after “export-”."),
    )


class ScopePlaceForm(PickingForm):
    """Of which school or class data of everybody got out, and when."""

    place = PickField(lazy("School or district"), [Optional()], relation=SCOPE_PLACE)
    classroom = StringField(
        lazy("Or the identifier of a class"),
        [_LONGEST],
        description=lazy("It is in the address of the page of the class."),
    )
    since = MomentField(
        lazy("From"),
        [Optional()],
        description=lazy("Whoever left before, or came afterwards, is not counted."),
    )
    until = MomentField(lazy("Until"), [Optional()], description=_UNTIL)


class WithdrawForm(FlaskForm):
    """What was named by mistake, and why it is taken back."""

    source = SelectField(lazy("What was named by mistake"), [DataRequired(scopes.CHOOSE_SOURCE)], choices=[])
    reason = TextAreaField(
        lazy("Why"),
        [DataRequired(services.WHY), Length(max=services.LONGEST)],
        description=lazy("Whoever looks at this in a year has to understand it."),
    )

    def offer(self, known: Sequence[tuple[str, str]]) -> None:
        """Offer these, by their identifiers, with what they are called."""
        self.source.choices = [SelectChoice(public_id, words) for public_id, words in known]


def add_source(*, principal: Principal, incident: str, form: FlaskForm) -> int:
    """What the service of a form's kind does with what was typed. Raises as that does."""
    match form:
        case AccountForm():
            return scopes.add_account(
                principal=principal,
                incident=incident,
                account=form.account.data or "",
                since=form.since.data,
                until=form.until.data,
            )
        case SessionForm():
            return scopes.add_session(
                principal=principal,
                incident=incident,
                session=form.session.data or "",
                account=form.account.data or "",
                at=form.at.data,
            )
        case ExportForm():
            return scopes.add_export(principal=principal, incident=incident, export=form.export.data or "")
        case ScopePlaceForm():
            return scopes.add_place(
                principal=principal,
                incident=incident,
                place=form.place.data or "",
                classroom=form.classroom.data or "",
                since=form.since.data,
                until=form.until.data,
            )
    raise TypeError(f"{type(form).__name__} says nothing that a scope follows from.")


FORMS: Mapping[SourceKind, type[FlaskForm]] = {
    SourceKind.ACCOUNT: AccountForm,
    SourceKind.SESSION: SessionForm,
    SourceKind.EXPORT: ExportForm,
    SourceKind.PLACE: ScopePlaceForm,
}
