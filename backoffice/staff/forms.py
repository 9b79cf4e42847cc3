"""The form behind the link of an invitation."""

from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, Length

from backoffice.accounts.passwords import LONGEST
from backoffice.accounts.services.newcomers import LONGEST_NAME, NAMELESS
from backoffice.language.texts import lazy


class NewcomerForm(FlaskForm):
    """Who somebody is, and the password of the account that begins here."""

    name = StringField(lazy("Your name"), [DataRequired(NAMELESS), Length(max=LONGEST_NAME)])
    password = PasswordField(lazy("Password"), [DataRequired(lazy("Write a password.")), Length(max=LONGEST)])
