"""The form that says which account was misused."""

from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import Length, Optional

from backoffice.language.texts import lazy
from plugins.notifications.forms import MomentField


class ScopeForm(FlaskForm):
    """Which account was misused, and when. Without an account it is computed anew."""

    account = StringField(
        lazy("Account that was misused"),
        [Length(max=320)],
        description=lazy(
            "Its identifier, or the e-mail address of somebody of staff. Leave all empty to compute anew."
        ),
    )
    since = MomentField(
        lazy("From"),
        [Optional()],
        description=lazy("Rather too early: misuse mostly began before anybody noticed."),
    )
    until = MomentField(lazy("Until"), [Optional()])
