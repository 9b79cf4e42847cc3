"""The form of a district's own system."""

from flask_wtf import FlaskForm
from wtforms import URLField
from wtforms.validators import DataRequired, Length

from backoffice.language.texts import lazy
from plugins.notifications.hooks.addresses import LONGEST


class HookForm(FlaskForm):
    """Which address is called. What is typed is judged by `services.set_hook`."""

    url = URLField(
        lazy("Address of your system"),
        [DataRequired(lazy("Write the address.")), Length(max=LONGEST)],
        description=lazy("It begins with https:// and takes what we send by POST, as JSON."),
    )
