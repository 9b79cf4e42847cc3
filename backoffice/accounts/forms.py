"""The forms of the account pages."""

from flask_wtf import FlaskForm
from wtforms import BooleanField, PasswordField, StringField
from wtforms.validators import DataRequired, Length

from backoffice.accounts.passwords import LONGEST


class SignInForm(FlaskForm):
    """E-mail address and password."""

    email = StringField("E-mail address", [DataRequired("Write your e-mail address."), Length(max=254)])
    password = PasswordField("Password", [DataRequired("Write your password."), Length(max=LONGEST)])
    shared = BooleanField("Others use this computer too")


class AskToResetForm(FlaskForm):
    """The address to which a link is mailed."""

    email = StringField("E-mail address", [DataRequired("Write your e-mail address."), Length(max=254)])


class NewPasswordForm(FlaskForm):
    """A new password. It is typed once: it can be shown, and the mailbox is the way back."""

    password = PasswordField("New password", [DataRequired("Write a new password."), Length(max=LONGEST)])


class ChangePasswordForm(NewPasswordForm):
    """The password as it is, and a new one."""

    current = PasswordField("Password now", [DataRequired("Write your password."), Length(max=LONGEST)])
