"""The forms of the account pages."""

from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, Length

from backoffice.accounts.passwords import LONGEST

# Six digits or a recovery code, with room for the blanks that people put in.
LONGEST_CODE = 40


class SignInForm(FlaskForm):
    """E-mail address, password and, for who has a second factor, its code."""

    email = StringField("E-mail address", [DataRequired("Write your e-mail address."), Length(max=254)])
    password = PasswordField("Password", [DataRequired("Write your password."), Length(max=LONGEST)])
    otp = StringField("One-time code", [Length(max=LONGEST_CODE)])
    shared = BooleanField("Others use this computer too")


class CodeForm(FlaskForm):
    """The code of an authenticator app, or a recovery code."""

    otp = StringField("One-time code", [DataRequired("Write the code."), Length(max=LONGEST_CODE)])


class SignInByCodeForm(CodeForm):
    """The second step of signing in."""

    shared = HiddenField()


class PasswordForm(FlaskForm):
    """The password as it is."""

    password = PasswordField("Password", [DataRequired("Write your password."), Length(max=LONGEST)])


class AskToResetForm(FlaskForm):
    """The address to which a link is mailed."""

    email = StringField("E-mail address", [DataRequired("Write your e-mail address."), Length(max=254)])


class NewPasswordForm(FlaskForm):
    """A new password. It is typed once: it can be shown, and the mailbox is the way back."""

    password = PasswordField("New password", [DataRequired("Write a new password."), Length(max=LONGEST)])


class ChangePasswordForm(NewPasswordForm):
    """The password as it is, and a new one."""

    current = PasswordField("Password now", [DataRequired("Write your password."), Length(max=LONGEST)])
