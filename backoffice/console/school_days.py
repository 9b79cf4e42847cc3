"""The days and the time zone of a school: leaders set them, and in a school of one's own its owner."""

from collections.abc import Iterable

from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import HiddenField, SelectField, SelectMultipleField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs are older
from wtforms.widgets import CheckboxInput

from backoffice.access.lookup import reread
from backoffice.access.permissions import SCHOOL_DAYS_EDIT, SCHOOLS_COUNT
from backoffice.access.policy import can
from backoffice.access.seen import version
from backoffice.access.transaction import Transaction
from backoffice.accounts import places
from backoffice.console.class_page import CRUMB
from backoffice.console.command import Command
from backoffice.console.guard import GuardedView
from backoffice.console.listed import listed
from backoffice.console.overtaken import not_over_others
from backoffice.console.school_of import ask_of_which, school_of
from backoffice.console.weekdays import DAY_NAMES, short_names
from backoffice.language import catalogues
from backoffice.language.texts import gettext, lazy
from backoffice.schools.doors import DAYS, in_order
from backoffice.schools.models import Classroom, School
from backoffice.schools.queries import school_public_id
from backoffice.schools.services import school_days
from backoffice.web.identity import done_reading, reading
from backoffice.web.resend import shows_what_was_typed

HERE = "/console/school-days/"
RELATION = "school-with-days"


class SchoolDaysForm(FlaskForm):
    """When a school teaches. What is chosen is judged by `school_days.set_school_days`.

    `seen` is the `version` of what was shown.
    """

    seen = HiddenField()
    days = SelectMultipleField(
        lazy("Days with lessons"),
        choices=[SelectChoice(day, name) for day, name in zip(DAYS, DAY_NAMES, strict=True)],
        validate_choice=False,
        widget=CheckboxInput(),
        option_widget=CheckboxInput(),
    )
    time_zone = SelectField(
        lazy("Time zone"),
        validate_choice=False,
        description=lazy("The clock on the wall of the school. Doors open and close by it."),
    )
    language = SelectField(
        lazy("Language"),
        validate_choice=False,
        description=lazy("Children read it where they have not chosen, and so do those who are invited."),
    )


class SchoolDaysPage(GuardedView):
    """When a school teaches."""

    doors = {"index": SCHOOL_DAYS_EDIT}
    title = lazy("School days")
    category = lazy("School")
    address = "school-days"
    icon = "clock"
    commands = (
        Command(lazy("Set the school days"), "index", "school-days/", also=lazy("time zone language week")),
    )

    def is_visible(self) -> bool:
        """In the menu of who signed up alone; leaders reach it from the school, or a class's door."""
        return bool(self.who.personal_schools)

    def offered(self) -> Iterable[Command]:
        """To leaders as well: the owner of a class is told on the page who sets the days."""
        return super().offered() if self.who.led_schools or self.who.personal_schools else ()

    @expose("/", methods=("GET", "POST"))
    @shows_what_was_typed
    def index(self) -> str | Response | tuple[str, int]:
        """The seven days and the time zone."""
        school = school_of(RELATION)
        if school is None:
            return ask_of_which(
                self,
                RELATION,
                nobodys={
                    "title": gettext("A leader of your school sets its days"),
                    "sentence": gettext("In a school of your own you do it yourself."),
                },
            )
        done_reading()
        form = SchoolDaysForm(days=school.school_days, time_zone=school.time_zone, language=school.language)
        form.language.choices = [(each, catalogues.own_name(each)) for each in catalogues.languages()]
        form.time_zone.choices = _zones(school)
        if not form.is_submitted():
            form.seen.data = version(*school_days.shown(school))
        counts = can(self.who, SCHOOLS_COUNT, school)
        back = "/console/schools/" if counts else CRUMB["url"]

        def now() -> tuple[str, str]:
            there = reread(reading(), School, school.public_id, SCHOOL_DAYS_EDIT)
            return _in_words(there), version(*school_days.shown(there))

        def save() -> str:
            with not_over_others(form.seen, now):
                school_days.set_school_days(
                    principal=self.who,
                    school=school.public_id,
                    days=form.days.data or [],
                    time_zone=form.time_zone.data or "",
                    language=form.language.data,
                    seen=form.seen.data or None,
                )
            return back

        return self.form_page(
            form,
            save=save,
            said=gettext("Saved. Doors that keep hours follow at once."),
            record=school,
            heading=self.title,
            intro=gettext(
                "On these days the classes of %(school)s that keep hours open their doors.",
                school=school.name,
            ),
            cancel_url=back,
            crumbs=[{"title": gettext("Schools"), "url": back} if counts else CRUMB, {"title": self.title}],
        )


def _in_words(school: School) -> str:
    """What the form holds of a school."""
    return listed(
        [
            *short_names(in_order(school.school_days)),
            places.zone_name(school.time_zone),
            catalogues.own_name(school.language),
        ]
    )


def days_url(tx: Transaction, row: Classroom) -> str | None:
    """Where the days of a class's school are set, for somebody who may."""
    school = school_public_id(tx, row.school_id, SCHOOL_DAYS_EDIT)
    return url_of(school) if school else None


def url_of(school: str) -> str:
    """Where the days of a school are set, by its public identifier."""
    return f"{HERE}?school={school}"


def _zones(school: School) -> dict[str, list[tuple[str, str]]]:
    """The time zones by region, those of the school's country before all others."""
    near = [zone for zone in places.zones_of(school.country) if zone in school_days.time_zones()]
    if school.time_zone not in school_days.time_zones():
        near.insert(0, school.time_zone)
    known = school.country in places.countries()
    groups = {places.country_name(school.country) if known else gettext("Here"): near}
    for zone in sorted(school_days.time_zones() - set(near)):
        region, _, city = zone.partition("/")
        title = str(places.REGIONS.get(region, region)) if city else gettext("Everywhere")
        groups.setdefault(title, []).append(zone)
    return {
        name: [(zone, places.zone_name(zone)) for zone in zones] for name, zones in groups.items() if zones
    }
