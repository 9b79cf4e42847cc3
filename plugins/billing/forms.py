"""The forms of buying."""

from flask_wtf import FlaskForm
from wtforms import HiddenField, IntegerField
from wtforms.validators import InputRequired

from backoffice.language.texts import lazy


class BuyForm(FlaskForm):
    """Which price, and for how many teachers."""

    price = HiddenField()
    seats = IntegerField(
        lazy("How many teachers"),
        [InputRequired(lazy("Write how many teachers are to have an account."))],
        description=lazy(
            "Everybody at the school with an account of their own counts, invitations included."
        ),
    )


class SeatsForm(FlaskForm):
    """How many teachers a subscription is to be for."""

    seats = IntegerField(
        lazy("How many teachers"),
        [InputRequired(lazy("Write how many teachers are to have an account."))],
        description=lazy("You see what it costs before anything changes."),
    )


class ConfirmForm(FlaskForm):
    """That what was shown is wanted."""

    seats = HiddenField()
    seen = HiddenField()
