"""How the policy is said to people, where that does not stand in its file."""

from collections.abc import Mapping
from dataclasses import dataclass

from backoffice.language.texts import gettext, lazy
from backoffice.privacy.retention.differences import Difference, Longer
from backoffice.privacy.retention.period import Period
from backoffice.privacy.retention.policy import Action, Entry

ACTIONS: Mapping[Action, str] = {
    Action.ERASE: lazy("It is erased."),
    Action.EMPTY: lazy("What it tells is erased. That there was something stays."),
    Action.CLOSE: lazy("It is closed."),
}


def kept_for(period: Period) -> str:
    """How long, as a person says it."""
    return period.words if period.count else gettext("until then, and no longer")


FIELDS: Mapping[str, str] = {
    "title": lazy("Name"),
    "purpose": lazy("What for"),
    "need": lazy("Why so long"),
    "period": lazy("Kept for"),
    "clock": lazy("From when on"),
    "columns": lazy("Where that moment is found"),
    "action": lazy("Then"),
    "warnings": lazy("Told before"),
    "plugin": lazy("Part of the service"),
}
LONGER: Mapping[Longer, str] = {Longer.LONGER: lazy("longer"), Longer.SHORTER: lazy("shorter")}


@dataclass(frozen=True)
class Line:
    """One field of which two policies say something else. `longer` is said of a period alone."""

    label: str
    old: str
    new: str
    longer: str = ""


def lines(found: Difference) -> list[Line]:
    """What changes of a kind of data, field by field, in the language that is spoken."""
    old, new = found.old, found.new
    if old is None or new is None:
        return []
    return [
        Line(
            str(FIELDS[field]),
            value(old, field),
            value(new, field),
            str(LONGER[found.period]) if field == "period" and found.period else "",
        )
        for field in found.changed
    ]


def value(entry: Entry, field: str) -> str:
    """What an entry says in a field, as a person reads it."""
    match field:
        case "period":
            return kept_for(entry.period)
        case "action":
            return str(ACTIONS[entry.action])
        case "warnings":
            return " · ".join(each.words for each in entry.warnings) or gettext("nobody")
        case "columns":
            return ", ".join(entry.columns) or gettext("in no column")
        case "plugin":
            return entry.plugin or gettext("the core")
        case _:
            return str(getattr(entry, field))
