"""The forms of drills."""

from flask_wtf import FlaskForm
from wtforms import HiddenField, TextAreaField
from wtforms.validators import DataRequired, Length

from backoffice.language.texts import lazy
from plugins.notifications import services


class PlayForm(FlaskForm):
    """That a script is to be played."""

    form = HiddenField()
    script = HiddenField()


class AnswerForm(FlaskForm):
    """What is done about something that came in."""

    answer = TextAreaField(
        lazy("What do you do about it?"),
        [DataRequired(services.WRITE_IT), Length(max=services.LONGEST)],
        description=lazy("As you would do it. It stands in the timeline, and counts from when you write it."),
    )
