"""The form by which anybody reports something."""

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import HiddenField, RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs are older
from wtforms.validators import DataRequired, Length

from backoffice.accounts.addresses import LONGEST as LONGEST_ADDRESS
from backoffice.language.texts import lazy
from backoffice.reports.models import ReportKind
from backoffice.reports.services import CHOOSE, LONGEST, SAY_IT

KINDS = {
    ReportKind.MESSAGE: lazy("A message or page that looks fake"),
    ReportKind.SEEN: lazy("Somebody could see what was not for them"),
    ReportKind.TAKEN: lazy("Somebody uses an account or a code that is not theirs"),
    ReportKind.OTHER: lazy("Something else"),
}


def said_field(asks: str, description: str) -> TextAreaField:
    """The words of a report, by what they are asked for."""
    return TextAreaField(asks, [DataRequired(SAY_IT), Length(max=LONGEST)], description=description)


class SomethingWrong(FlaskForm):
    """What every report has: what it is about, in words of whoever makes it (`said_field`)."""

    form = HiddenField()
    kind = RadioField(
        lazy("What is it about?"),
        [DataRequired(CHOOSE)],
        choices=[SelectChoice(kind.value, words) for kind, words in KINDS.items()],
    )
    said: TextAreaField


class ReportForm(SomethingWrong):
    """What somebody saw, and how they can be asked."""

    said = said_field(
        lazy("What did you see, where, and when?"),
        lazy("Write no password, PIN or code. You need not name a child."),
    )
    file = FileField(
        lazy("The mail itself, as a file"),
        description=lazy("Saved from your mail program (.eml), 1 MB at most."),
    )
    contact = StringField(
        lazy("Your e-mail address"),
        [Length(max=LONGEST_ADDRESS)],
        description=lazy("If we may ask you. You can report without it."),
    )
