"""The forms of incidents. Moments are typed as the clock on the founder's wall shows them."""

from datetime import UTC, datetime
from typing import Any

from flask import g
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateTimeLocalField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs are older
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput

from backoffice.console.picker.fields import PickField, PickingForm
from backoffice.language.texts import gettext, lazy
from backoffice.printing.document import Paper
from plugins.notifications import contracts, schools, services
from plugins.notifications.evidence.services import FOR_WHOM, LONGEST_WHOM
from plugins.notifications.picking import PLACE
from plugins.notifications.words import ENCRYPTED, FACTS, KINDS, RISKS, ROLES

MOMENT = lazy("Choose a day and a time.")
_YEARS = range(2000, 2100)


class MomentField(DateTimeLocalField):
    """A moment, as the clock of whoever types it shows it; its data has a zone."""

    def __init__(self, label: str, validators: Any = None, **options: Any) -> None:
        super().__init__(label, validators, format="%Y-%m-%dT%H:%M", **options)

    def _value(self) -> str:
        if self.raw_data:
            return " ".join(self.raw_data)
        return f"{self.data.astimezone(g.zone):%Y-%m-%dT%H:%M}" if self.data else ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Take what was chosen, in the zone of whoever chose it."""
        self.data = None
        if not valuelist or not valuelist[0]:
            return
        try:
            typed = datetime.strptime(valuelist[0], self.format[0]).replace(tzinfo=g.zone)
        except ValueError:
            raise ValueError(str(MOMENT)) from None
        if typed.year not in _YEARS:
            raise ValueError(str(MOMENT))
        self.data = typed.astimezone(UTC)

    def same_as(self, at: datetime | None) -> datetime | None:
        """What was chosen; the very moment that stood there, where only its seconds do not show."""
        if at is not None and self.data == at.replace(second=0, microsecond=0):
            return at
        return self.data


class OpenForm(FlaskForm):
    """What is known at first."""

    form = HiddenField()
    report = HiddenField()
    title = StringField(
        lazy("Short name"),
        [DataRequired(services.NAME_IT), Length(max=services.LONGEST_TITLE)],
        description=lazy("As you call it among yourselves. Name no child."),
    )
    what = TextAreaField(
        lazy("What happened"),
        [DataRequired(services.SAY_IT), Length(max=services.LONGEST)],
        description=lazy(
            "As far as you know now. You can change it later, and what stood here stays in the timeline."
        ),
    )
    noticed_at = MomentField(
        lazy("When was it noticed?"),
        [InputRequired(MOMENT)],
        description=lazy("Most clocks run from this moment. In your time."),
    )
    is_drill = BooleanField(
        lazy("This is a drill"),
        description=lazy("It is marked as one on every page, and nothing leaves the house."),
    )


class FactsForm(FlaskForm):
    """What laws ask for. `seen` is the version that was looked at."""

    seen = HiddenField()
    what = TextAreaField(FACTS["what"], [DataRequired(services.SAY_IT), Length(max=services.LONGEST)])
    systems = TextAreaField(FACTS["systems"], [Length(max=services.LONGEST)])
    kinds = SelectMultipleField(
        FACTS["kinds"],
        choices=[SelectChoice(kind, words) for kind, words in KINDS.items()],
        widget=CheckboxInput(),
        option_widget=CheckboxInput(),
        description=lazy("Of those that may have got out."),
    )
    encrypted = RadioField(
        FACTS["encrypted"], choices=[SelectChoice(each.value, words) for each, words in ENCRYPTED.items()]
    )
    role = RadioField(
        FACTS["role"], choices=[SelectChoice(each.value, words) for each, words in ROLES.items()]
    )
    risk = RadioField(
        FACTS["risk"], choices=[SelectChoice(each.value, words) for each, words in RISKS.items()]
    )
    noticed_at = MomentField(FACTS["noticed_at"], [InputRequired(MOMENT)])
    determined_at = MomentField(FACTS["determined_at"])
    confirmed_at = MomentField(FACTS["confirmed_at"])
    held_since = MomentField(
        FACTS["held_since"],
        description=lazy("Only with a request in writing. Some clocks stand still meanwhile."),
    )
    held_until = MomentField(FACTS["held_until"])


class NoteForm(FlaskForm):
    """One more line of the timeline."""

    said = TextAreaField(
        lazy("What happened or was done"),
        [DataRequired(services.WRITE_IT), Length(max=services.LONGEST)],
        description=lazy("Nobody can change or delete it afterwards. Name no child."),
    )
    happened_at = MomentField(lazy("When"), [InputRequired(MOMENT)])


class DecideForm(FlaskForm):
    """What was decided."""

    said = TextAreaField(
        lazy("What was decided"), [DataRequired(services.WRITE_IT), Length(max=services.LONGEST)]
    )
    reason = TextAreaField(
        lazy("Why"),
        [DataRequired(services.WHY), Length(max=services.LONGEST)],
        description=lazy("Whoever looks at this in a year has to understand it."),
    )


class TaskForm(FlaskForm):
    """Something to be done."""

    said = TextAreaField(
        lazy("What is to be done"), [DataRequired(services.WRITE_IT), Length(max=services.LONGEST)]
    )
    due_at = MomentField(lazy("By when"))


class EvidenceForm(FlaskForm):
    """For whom a file of the whole incident is."""

    whom = StringField(
        lazy("For whom"),
        [DataRequired(FOR_WHOM), Length(max=LONGEST_WHOM)],
        description=lazy("It stands in the timeline. The name of an office, not of a person."),
    )
    sheet = SelectField(
        lazy("Paper"),
        choices=[SelectChoice(Paper.A4.value, "A4"), SelectChoice(Paper.LETTER.value, lazy("Letter"))],
        default=Paper.A4.value,
    )


class PlaceForm(PickingForm):
    """A school or a district that is concerned."""

    place = PickField(lazy("School or district"), [DataRequired(schools.CHOOSE)], relation=PLACE)


_NUMBER = [InputRequired(lazy("Write a whole number.")), NumberRange(0, schools.MOST)]


class PeopleForm(FlaskForm):
    """How many people of a school are concerned."""

    students = IntegerField(lazy("Students"), _NUMBER)
    staff = IntegerField(lazy("Staff"), _NUMBER)
    parents = IntegerField(lazy("Parents"), _NUMBER)


class TermsForm(FlaskForm):
    """What a contract asks when something goes wrong; `unsaid` is what it means to say nothing of it."""

    terms = SelectField(lazy("What it asks"), choices=[])
    hours = IntegerField(
        lazy("Within how many hours"),
        [Optional(), NumberRange(1, contracts.MOST_HOURS, contracts.SAY_HOURS)],
        description=lazy("Only where the contract has a number of its own."),
    )
    start = SelectField(
        lazy("From when the hours are counted"),
        choices=[SelectChoice(each.value, title) for each, title in contracts.COUNTED.items()],
    )

    def __init__(self, *, unsaid: str = "", **options: Any) -> None:
        super().__init__(**options)
        self.terms.choices = [
            SelectChoice("", unsaid or gettext("Nobody has said yet")),
            SelectChoice(contracts.NO_CLAUSE, gettext("Nothing: it has no clause about this")),
            *(SelectChoice(each.id, contracts.title_of(each)) for each in contracts.rules()),
        ]


class ContractForm(TermsForm):
    """What the contract with a school asks, said at an incident for it or for its district."""

    whole_district = BooleanField(
        lazy("The same for all schools of its district that are concerned"),
    )


class ToldForm(FlaskForm):
    """Who was told, and when."""

    who = SelectField(
        lazy("Who was told"),
        choices=[
            SelectChoice("school", lazy("The school, by us")),
            SelectChoice("people", lazy("The people of the school")),
        ],
    )
    at = MomentField(lazy("When"), [InputRequired(MOMENT)])
    late_reason = TextAreaField(
        lazy("Why so late"),
        [Optional(), Length(max=services.LONGEST)],
        description=lazy("Only where it is later than the law allows."),
    )


class GivenForm(FlaskForm):
    """That what a rule asks for was done."""

    at = MomentField(lazy("When it went out"), [InputRequired(MOMENT)])
    late_reason = TextAreaField(
        lazy("Why so late"),
        [Optional(), Length(max=services.LONGEST)],
        description=lazy("Only where it is later than the law allows."),
    )


class CloseForm(FlaskForm):
    """How it ended."""

    reason = TextAreaField(
        lazy("How it ended"),
        [DataRequired(services.WHY), Length(max=services.LONGEST)],
        description=lazy("What was learned, and what was changed."),
    )
    although_open = BooleanField(
        lazy("Close it although somebody would still have to be told"),
        description=lazy("Say above why none of these notices is owed."),
    )
