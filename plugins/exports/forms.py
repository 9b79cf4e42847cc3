"""How an export is wished: the part of the forms that is the same wherever one is asked for."""

from flask_wtf import FlaskForm
from wtforms import BooleanField

from backoffice.language.texts import lazy


class HowForm(FlaskForm):
    """What is made besides what every export has."""

    workbooks = BooleanField(
        lazy("Excel workbooks too"),
        description=lazy("CSV and JSON are always in it. Workbooks take longer to make."),
    )
