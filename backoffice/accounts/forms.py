"""The forms of the account pages."""

from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, Length

from backoffice.accounts.passwords import LONGEST
from backoffice.language.texts import lazy

# Six digits or a recovery code, with room for the blanks that people put in.
LONGEST_CODE = 40


class SignInForm(FlaskForm):
    """E-mail address, password and, for who has a second factor, its code."""

    email = StringField(
        lazy("E-mail address"), [DataRequired(lazy("Write your e-mail address.")), Length(max=254)]
    )
    password = PasswordField(
        lazy("Password"), [DataRequired(lazy("Write your password.")), Length(max=LONGEST)]
    )
    otp = StringField(lazy("One-time code"), [Length(max=LONGEST_CODE)])
    shared = BooleanField(lazy("Others use this computer too"))


class CodeForm(FlaskForm):
    """The code of an authenticator app, or a recovery code."""

    otp = StringField(
        lazy("One-time code"), [DataRequired(lazy("Write the code.")), Length(max=LONGEST_CODE)]
    )


class SignInByCodeForm(CodeForm):
    """The second step of signing in."""

    shared = HiddenField()


class PasswordForm(FlaskForm):
    """The password as it is."""

    password = PasswordField(
        lazy("Password"), [DataRequired(lazy("Write your password.")), Length(max=LONGEST)]
    )


class AskToResetForm(FlaskForm):
    """The address to which a link is mailed."""

    email = StringField(
        lazy("E-mail address"), [DataRequired(lazy("Write your e-mail address.")), Length(max=254)]
    )


class NewPasswordForm(FlaskForm):
    """A new password. It is typed once: it can be shown, and the mailbox is the way back."""

    password = PasswordField(
        lazy("New password"), [DataRequired(lazy("Write a new password.")), Length(max=LONGEST)]
    )


class ChangePasswordForm(NewPasswordForm):
    """The password as it is, and a new one."""

    current = PasswordField(
        lazy("Password now"), [DataRequired(lazy("Write your password.")), Length(max=LONGEST)]
    )
