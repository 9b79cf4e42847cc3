"""The form that says which account was misused."""

from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from backoffice.language.texts import lazy
from plugins.notifications.forms import MOMENT, MomentField


class ScopeForm(FlaskForm):
    """Which account was misused, and when. Without an account it is computed anew."""

    account = StringField(
        lazy("Account that was misused"),
        [Length(max=320)],
        description=lazy(
            "Its identifier, or the e-mail address of somebody of staff. Leave it empty to compute anew."
        ),
    )
    since = MomentField(lazy("From"), [InputRequired(MOMENT)])
    until = MomentField(lazy("Until"), [InputRequired(MOMENT)])
