"""The form of letters."""

from flask_wtf import FlaskForm
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from backoffice.language.texts import lazy
from plugins.notifications.forms import MOMENT, MomentField
from plugins.notifications.notices.services import LONGEST_REASON


class PostedForm(FlaskForm):
    """That letters were posted."""

    at = MomentField(
        lazy("When"),
        [InputRequired(MOMENT)],
        description=lazy("When they were handed over, in your time. Deadlines are judged by it."),
    )
    late_reason = TextAreaField(
        lazy("Why so late"),
        [Optional(), Length(max=LONGEST_REASON)],
        description=lazy("Only where schools are told by them later than the law allows."),
    )
