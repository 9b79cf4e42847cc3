"""The form of letters."""

from flask_wtf import FlaskForm
from wtforms.validators import InputRequired

from backoffice.language.texts import lazy
from plugins.notifications.forms import MOMENT, MomentField


class PostedForm(FlaskForm):
    """That letters were posted."""

    at = MomentField(
        lazy("When"),
        [InputRequired(MOMENT)],
        description=lazy("When they were handed over, in your time. Deadlines are judged by it."),
    )
