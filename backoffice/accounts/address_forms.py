"""The forms of signing up, of another address, and of closing the account."""

from flask_wtf import FlaskForm
from wtforms import PasswordField, SelectField, StringField
from wtforms.validators import DataRequired, Length

from backoffice.accounts import places
from backoffice.accounts.passwords import LONGEST
from backoffice.accounts.services.newcomers import LONGEST_NAME, NAMELESS

_EMAIL = [DataRequired("Write your e-mail address."), Length(max=254)]
_NAME = [DataRequired(NAMELESS), Length(max=LONGEST_NAME)]
_NONE = ("", "Choose (other countries: none)")
_USUAL = ("", "The usual one there")


class SignUpForm(FlaskForm):
    """Who wants an account, and where. Whether it is a place is judged by `places.checked`."""

    name = StringField("Your name", _NAME)
    email = StringField("E-mail address", _EMAIL)
    country = SelectField("Country", validate_choice=False)
    state = SelectField("State or province", validate_choice=False)
    time_zone = SelectField("Time zone", validate_choice=False)

    def offer_places(self) -> None:
        """Fill the lists."""
        self.country.choices = list(places.countries().items())
        self.state.choices = {
            "": [_NONE],
            **{
                places.countries()[country]: [(f"{country}-{code}", name) for code, (name, _) in own.items()]
                for country, own in places.STATES.items()
            },
        }
        self.time_zone.choices = {
            "": [_USUAL],
            **{part: list(zones.items()) for part, zones in places.ZONES.items()},
        }


class BeginForm(FlaskForm):
    """The name as colleagues and families see it, and the first password."""

    name = StringField("Your name", _NAME)
    password = PasswordField("Password", [DataRequired("Write a password."), Length(max=LONGEST)])


class NewAddressForm(FlaskForm):
    """The address that an account is to have."""

    email = StringField("New e-mail address", _EMAIL)


class CloseForm(FlaskForm):
    """A word that nobody writes by accident."""

    word = StringField("Write the word close", [DataRequired("The word is missing."), Length(max=40)])
