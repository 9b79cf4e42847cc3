"""The forms of the console."""

from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs are older
from wtforms.validators import DataRequired, InputRequired, Length, Optional

from backoffice.accounts.addresses import LONGEST as LONGEST_ADDRESS
from backoffice.accounts.providers.services import asking
from backoffice.accounts.services.newcomers import LONGEST_NAME as LONGEST_PERSON
from backoffice.accounts.services.newcomers import NOBODY_NAMED
from backoffice.console.marks import COLOUR_NAMES, FIGURE_NAMES
from backoffice.console.picker.fields import PickField, PickingForm
from backoffice.language.texts import lazy
from backoffice.schools.names import COLOURS, FIGURES, LONGEST
from backoffice.schools.services.classrooms import LONGEST_NAME


class ConfirmForm(PickingForm):
    """A second, deliberate click."""

    confirm = HiddenField(validators=[InputRequired()])


class SchoolForm(PickingForm):
    """Of which school something is to be; fields of a form declared earlier are asked for first."""

    school = PickField(
        lazy("School"), [DataRequired(lazy("Choose a school."))], relation="school-to-make-a-class-in"
    )


class StudentsSchoolForm(SchoolForm):
    """Into which school students are brought: one with a class that they can be added to."""

    school = PickField(
        lazy("School"), [DataRequired(lazy("Choose a school."))], relation="school-to-import-into"
    )


class ClassroomForm(FlaskForm):
    """What a teacher says of a class."""

    name = StringField(
        lazy("Name of the class"),
        [DataRequired(lazy("Give the class a name.")), Length(max=LONGEST_NAME)],
        description=lazy("As you call it, such as “5B Science”."),
    )
    shared_devices = BooleanField(
        lazy("Students share devices"),
        default=True,
        description=lazy("They are signed out after 5 quiet minutes instead of 20."),
    )


class EditClassroomForm(ClassroomForm):
    """The same of a class that there is, by whoever has seen how it is called."""

    seen = HiddenField()


class NewClassroomForm(SchoolForm, ClassroomForm):
    """A new class, for somebody who may make one at several schools."""


class PasteForm(FlaskForm):
    """A list of names."""

    names = TextAreaField(
        lazy("Names"), [DataRequired(lazy("Write or paste at least one name, one a line."))]
    )


class MoveForm(ConfirmForm):
    """Into which class students move."""

    target = PickField(lazy("Move to"), [DataRequired(lazy("Choose a class."))], relation="class-to-join")


class MarkForm(FlaskForm):
    """By what a class is told from others at a glance. `seen` is the `version` of what was shown."""

    seen = HiddenField()
    icon = RadioField(
        lazy("Picture"), choices=[SelectChoice(figure, FIGURE_NAMES[figure]) for figure in FIGURES]
    )
    colour = RadioField(
        lazy("Colour"), choices=[SelectChoice(colour, COLOUR_NAMES[colour]) for colour in COLOURS]
    )


class StudentForm(FlaskForm):
    """How a student's name is written. `seen` is the `version` of the name that was shown."""

    seen = HiddenField()

    given_name = StringField(
        lazy("Given name"), [DataRequired(lazy("Write a given name.")), Length(max=LONGEST)]
    )
    family_name = StringField(
        lazy("Family name"),
        [Length(max=LONGEST)],
        description=lazy("Classmates see its first letter only."),
    )


class InvitationForm(PickingForm):
    """Whom a leader invites, as what and where."""

    email = StringField(
        lazy("E-mail address"), [DataRequired(lazy("Write an e-mail address.")), Length(max=LONGEST_ADDRESS)]
    )
    name = StringField(
        lazy("Name"),
        [DataRequired(NOBODY_NAMED), Length(max=LONGEST_PERSON)],
        description=lazy("The mail begins with it. They can change it."),
    )
    role = SelectField(lazy("Invited as"), [DataRequired(lazy("Choose what they will be."))])
    school = PickField(
        lazy("School"), [DataRequired(lazy("Choose a school."))], relation="school-to-invite-to"
    )
    classroom = PickField(
        lazy("Class"),
        relation="class-to-invite-to",
        description=lazy("For an owner, a co-teacher or a helper. Who owns it now is its co-teacher then."),
        validators=[Optional()],
    )


class GuardianForm(FlaskForm):
    """Which parent a teacher invites."""

    email = StringField(
        lazy("E-mail address"), [DataRequired(lazy("Write an e-mail address.")), Length(max=LONGEST_ADDRESS)]
    )
    name = StringField(
        lazy("Name of the parent"),
        [DataRequired(NOBODY_NAMED), Length(max=LONGEST_PERSON)],
        description=lazy("The mail begins with it. They can change it."),
    )


class EndPlaceForm(PickingForm):
    """Who takes over the classes of somebody who leaves."""

    heir = PickField(lazy("Who takes over the classes they own"), [Optional()], relation="heir")


class StaffSignInForm(FlaskForm):
    """From which domain a school's staff must come."""

    domain = StringField(
        lazy("Domain"),
        [Length(max=asking.LONGEST)],
        description=lazy("Such as school.example. Leave it empty to ask for nothing."),
    )
