"""The forms of parents' pages."""

from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, Length

from backoffice.accounts.addresses import LONGEST as LONGEST_ADDRESS
from backoffice.accounts.passwords import LONGEST
from backoffice.accounts.services.newcomers import LONGEST_NAME, NAMELESS
from backoffice.language.texts import lazy

# Four groups of four, with room for the blanks that people put in.
LONGEST_CODE = 40


class LetterForm(FlaskForm):
    """The code of a printed letter."""

    code = StringField(
        lazy("Code of the letter"), [DataRequired(lazy("Type the code.")), Length(max=LONGEST_CODE)]
    )


class HeldLetterForm(FlaskForm):
    """Carries a code that was good on."""

    code = HiddenField(validators=[Length(max=LONGEST_CODE)])


class AddressForm(HeldLetterForm):
    """Who holds a letter, and where the link is mailed."""

    name = StringField(lazy("Your name"), [DataRequired(NAMELESS), Length(max=LONGEST_NAME)])
    email = StringField(
        lazy("Your e-mail address"),
        [DataRequired(lazy("Write an e-mail address.")), Length(max=LONGEST_ADDRESS)],
        description=lazy("A link is mailed to it. It shows that the mailbox is yours."),
    )


class NewParentForm(FlaskForm):
    """Who a parent is, and the password of the account that begins here."""

    name = StringField(lazy("Your name"), [DataRequired(NAMELESS), Length(max=LONGEST_NAME)])
    password = PasswordField(lazy("Password"), [DataRequired(lazy("Write a password.")), Length(max=LONGEST)])
