"""How the policy is said to people, where that does not stand in its file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from backoffice.language.texts import gettext, lazy
from backoffice.privacy.retention.differences import Difference, Longer
from backoffice.privacy.retention.in_force import Change
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


@dataclass(frozen=True)
class Told:
    """A difference of two policies as it is read, in the language that is spoken then."""

    of: Difference

    @property
    def title(self) -> str:
        """What the kind of data is called."""
        return str(self.of.title)

    @property
    def is_new(self) -> bool:
        """Whether the policy before had no such kind."""
        return self.of.old is None

    @property
    def is_gone(self) -> bool:
        """Whether the new policy has no such kind."""
        return self.of.new is None

    @property
    def lines(self) -> list[Line]:
        """What changes, field by field."""
        old, new = self.of.old, self.of.new
        if old is None or new is None:
            return []
        longer = LONGER[self.of.period] if self.of.period else ""
        return [
            Line(
                str(FIELDS[field]),
                value(old, field),
                value(new, field),
                str(longer) if field == "period" else "",
            )
            for field in self.of.changed
        ]


def told(found: Iterable[Difference]) -> tuple[Told, ...]:
    """Differences as they are read."""
    return tuple(map(Told, found))


@dataclass(frozen=True)
class ToldChange:
    """One decision as it is read: what of it is in force from which moment on, and what never is."""

    parts: tuple[tuple[datetime | None, tuple[Told, ...]], ...]
    never: tuple[Told, ...] = ()


def told_changes(found: Iterable[Change]) -> list[ToldChange]:
    """Decisions as they are read, without those that changed nothing."""
    kept = []
    for each in found:
        parts = ((each.version.confirmed_at, each.at_once), (each.version.later_at, each.later))
        kept.append(ToldChange(tuple((at, told(some)) for at, some in parts if some), told(each.never)))
    return [each for each in kept if each.parts or each.never]


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
