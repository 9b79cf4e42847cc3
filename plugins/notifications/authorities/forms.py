"""The form by which a founder says that a form was handed in."""

from flask_wtf import FlaskForm
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from backoffice.language.texts import lazy
from plugins.notifications import services
from plugins.notifications.forms import MOMENT, MomentField


class HandedInForm(FlaskForm):
    """When the authority got it."""

    at = MomentField(lazy("When it was handed in"), [InputRequired(MOMENT)])
    late_reason = TextAreaField(
        lazy("Why so late"),
        [Optional(), Length(max=services.LONGEST)],
        description=lazy("Only where it is later than the law allows, and the form does not say why."),
    )
