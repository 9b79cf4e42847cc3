"""The forms of the account pages."""

from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, Length

from backoffice.accounts.passwords import LONGEST


class SignInForm(FlaskForm):
    """E-mail address and password."""

    email = StringField("E-mail address", [DataRequired("Write your e-mail address."), Length(max=254)])
    password = PasswordField("Password", [DataRequired("Write your password."), Length(max=LONGEST)])
