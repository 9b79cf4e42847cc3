"""How an export is wished: the part of the forms that is the same wherever one is asked for."""

from typing import Any

from flask_wtf import FlaskForm
from wtforms import BooleanField, PasswordField
from wtforms.validators import EqualTo, Length

from backoffice.accounts.passwords import LONGEST
from backoffice.language.texts import lazy
from backoffice.problems import Rejected


class HowForm(FlaskForm):
    """What is made besides what every export has, and what opens it."""

    workbooks = BooleanField(
        lazy("Excel workbooks too"),
        description=lazy("CSV and JSON are always in it. Workbooks take longer to make."),
    )
    passphrase = PasswordField(
        lazy("Passphrase"),
        [Length(max=LONGEST)],
        description=lazy(
            "With one, the file is locked: a program that knows age opens it, with the passphrase alone."
            " We do not keep it. If you lose it, nobody can open the file, and neither can we."
        ),
    )
    again = PasswordField(
        lazy("The passphrase again"),
        [EqualTo("passphrase", lazy("Type the same passphrase twice."))],
    )

    @property
    def how(self) -> dict[str, Any]:
        """What the service is to know of it."""
        return {"workbooks": self.workbooks.data, "passphrase": self.passphrase.data or ""}

    def refuse(self, rejected: Rejected) -> str:
        """Say beside the field what is wrong with it, or give back what is wrong with the whole."""
        for name, sentence in rejected.fields.items():
            if name in self._fields:
                self[name].errors = [sentence]
        return rejected.fields.get("", "")
