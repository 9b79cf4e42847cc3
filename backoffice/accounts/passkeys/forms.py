"""The forms that carry what an authenticator answered."""

from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField
from wtforms.validators import DataRequired, Length

from backoffice.accounts.passkeys.ceremony import LONGEST_ANSWER, MALFORMED
from backoffice.accounts.passkeys.services import LONGEST_NAME, NAMELESS
from backoffice.language.texts import lazy

# Said where a form comes without an answer, which no button of ours sends.
NOTHING = lazy("Passkeys need JavaScript. Switch it on for this page, or use another way.")


class PasskeyForm(FlaskForm):
    """An answer, as the browser's script writes it down."""

    answer = HiddenField(validators=[DataRequired(NOTHING), Length(max=LONGEST_ANSWER, message=MALFORMED)])
    shared = HiddenField()

    @property
    def sentence(self) -> str:
        """What is wrong with it."""
        return " ".join(str(error) for error in self.answer.errors) or NOTHING


class AddPasskeyForm(PasskeyForm):
    """A passkey that was made, and what its owner calls it."""

    name = StringField(lazy("Name"), [DataRequired(NAMELESS), Length(max=LONGEST_NAME)])
