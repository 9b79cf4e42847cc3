"""The days of the week as the reader calls them. The weeks of schools and of jobs begin with Monday, too."""

from collections.abc import Iterable

from babel.dates import get_day_names

from backoffice.language.spoken import locale
from backoffice.language.texts import lazy
from backoffice.schools.doors import DAYS

DAY_NAMES = (
    lazy("Monday"),
    lazy("Tuesday"),
    lazy("Wednesday"),
    lazy("Thursday"),
    lazy("Friday"),
    lazy("Saturday"),
    lazy("Sunday"),
)


def short_names(days: Iterable[str]) -> list[str]:
    """Days of a school, in short: "Mon", "Tue"."""
    names = get_day_names("abbreviated", locale=locale())
    return [names[DAYS.index(day)] for day in days]
