"""The forms of signing up, of another address, and of closing the account."""

from flask_wtf import FlaskForm
from wtforms import PasswordField, SelectField, StringField
from wtforms.validators import DataRequired, Length

from backoffice.accounts import places
from backoffice.accounts.passwords import LONGEST
from backoffice.accounts.services.newcomers import LONGEST_NAME, NAMELESS
from backoffice.language.texts import lazy

_EMAIL = [DataRequired(lazy("Write your e-mail address.")), Length(max=254)]
_NAME = [DataRequired(NAMELESS), Length(max=LONGEST_NAME)]
_NONE = ("", lazy("Choose (other countries: none)"))
_USUAL = ("", lazy("The usual one there"))


class SignUpForm(FlaskForm):
    """Who wants an account, and where. Whether it is a place is judged by `places.checked`."""

    name = StringField(lazy("Your name"), _NAME)
    email = StringField(lazy("E-mail address"), _EMAIL)
    country = SelectField(lazy("Country"), validate_choice=False)
    state = SelectField(lazy("State or province"), validate_choice=False)
    time_zone = SelectField(lazy("Time zone"), validate_choice=False)

    def offer_places(self) -> None:
        """Fill the lists."""
        self.country.choices = places.named_countries()
        self.state.choices = {
            "": [_NONE],
            **{
                places.country_name(country): [(f"{country}-{code}", name) for code, (name, _) in own.items()]
                for country, own in places.STATES.items()
            },
        }
        self.time_zone.choices = {
            "": [_USUAL],
            **{part: list(zones.items()) for part, zones in places.ZONES.items()},
        }


class BeginForm(FlaskForm):
    """The name as colleagues and families see it, and the first password."""

    name = StringField(lazy("Your name"), _NAME)
    password = PasswordField(lazy("Password"), [DataRequired(lazy("Write a password.")), Length(max=LONGEST)])


class NewAddressForm(FlaskForm):
    """The address that an account is to have."""

    email = StringField(lazy("New e-mail address"), _EMAIL)


class EraseAccountForm(FlaskForm):
    """The own address, which nobody writes by accident."""

    typed = StringField(
        lazy("Your email address, to confirm"),
        [DataRequired(lazy("Type the address of your account.")), Length(max=320)],
    )
