"""The form of a certificate."""

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import DateField, StringField
from wtforms.validators import InputRequired, Length

from backoffice.language.texts import lazy
from plugins.billing import papers
from plugins.billing.exemption.services import WRITE_DAY, WRITE_STATE


class CertificateForm(FlaskForm):
    """Which state gave it, until when it holds, and its paper."""

    state = StringField(
        lazy("State that gave it"),
        [InputRequired(WRITE_STATE), Length(min=2, max=2, message=WRITE_STATE)],
        description=lazy("Two letters."),
    )
    last_day = DateField(
        lazy("Last day on which it holds"),
        [InputRequired(WRITE_DAY)],
        description=lazy("If it names none, the day in five years: then look at it again."),
    )
    file = FileField(
        lazy("Certificate as a file"),
        [FileRequired(papers.NONE)],
        description=lazy("PDF, PNG or JPEG, 2 MB at most."),
    )
