"""The forms about points."""

from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, IntegerField, RadioField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange

from backoffice.language.texts import lazy
from backoffice.schools.services.actions import ICONS, LONGEST_LABEL, MOST_POINTS
from backoffice.schools.services.points import LONGEST_COMMENT


class AwardForm(FlaskForm):
    """Beside the children and the Action, which are buttons."""

    comment = StringField(
        lazy("Comment"),
        [
            Length(
                max=LONGEST_COMMENT,
                message=lazy("Shorten the comment to %(most)s letters.", most=LONGEST_COMMENT),
            )
        ],
        description=lazy("For the staff of the class. Students and parents do not see it."),
    )


class ActionForm(FlaskForm):
    """What a teacher says of an Action."""

    label = StringField(
        lazy("What the student did"),
        [DataRequired(lazy("Write what the student did, in a few words.")), Length(max=LONGEST_LABEL)],
        description=lazy("Students and parents read it, such as “Helped a friend”. Leave out names."),
    )
    points = IntegerField(
        lazy("Points"),
        [
            InputRequired(lazy("Choose a number from 1 to %(most)s.", most=MOST_POINTS)),
            NumberRange(1, MOST_POINTS, lazy("Choose a number from 1 to %(most)s.", most=MOST_POINTS)),
        ],
        default=1,
    )
    takes = BooleanField(lazy("It takes these points away"))
    icon = RadioField(lazy("Picture"), choices=ICONS, default=next(iter(ICONS)))

    @property
    def value(self) -> int:
        """Points that it gives; below zero if it takes them."""
        points: int = self.points.data or 0
        return -points if self.takes.data else points


class EditActionForm(ActionForm):
    """The same of an Action that there is. `seen` is the `version` of what was shown."""

    seen = HiddenField()
