"""Doors in words."""

from datetime import datetime, tzinfo

from backoffice.console.grid import Cell
from backoffice.language.moments import weekday
from backoffice.language.texts import gettext
from backoffice.schools.doors import DoorState, Hours


def cell(state: DoorState | None) -> Cell:
    """The door in a list."""
    if state is None or not state.is_open:
        return Cell(gettext("Closed"), "badge", tone="mute")
    if state.changes_at is None:
        return Cell(gettext("Open"), "badge", tone="good")
    return Cell(gettext("Open for now"), "badge", tone="warn")


def shown(state: DoorState) -> dict[str, object]:
    """The door on a page of its class: `now` is "open", "until" or "closed", `pressed` what was chosen."""
    timed = "until" if state.changes_at else "open"
    now = timed if state.is_open else "closed"
    return {
        "door": now,
        "door_until": state.changes_at if state.is_open else None,
        "pressed": "hours" if state.hours and not state.opened_for_now else now,
    }


def sentence(state: DoorState, at: datetime, reader: tzinfo) -> str:
    """How the door stands and what comes next, in the time of the school."""
    if not state.changes:
        return (
            gettext("The door is open, until you close it.")
            if state.is_open
            else gettext("The door is closed, until you open it.")
        )
    first, *later = state.changes
    until = _when(first, at, state.zone)
    said = [
        gettext("The door is open until %(until)s.", until=until)
        if state.is_open
        else gettext("The door is closed until %(until)s.", until=until)
    ]
    if later:
        until = _when(later[0], first, state.zone)
        said.append(
            gettext("Then it is closed until %(until)s.", until=until)
            if state.is_open
            else gettext("Then it is open until %(until)s.", until=until)
        )
    elif state.is_open:
        said.append(gettext("Then it is closed."))
    if at.astimezone(reader).utcoffset() != at.astimezone(state.zone).utcoffset():
        said.append(gettext("These are times of the school."))
    return " ".join(said)


def clock_time(minute: int) -> str:
    """A minute of the day as clocks show it: 08:05."""
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


def at_clock(there: datetime) -> str:
    """A time of day within a sentence."""
    time = f"{there:%H:%M}"
    return gettext("%(time)s", time=time)


def hours_in_words(hours: Hours) -> str:
    """A span of the day: 08:00 to 15:00."""
    return gettext("%(begin)s to %(end)s", begin=clock_time(hours.begin), end=clock_time(hours.end))


def _when(moment: datetime, seen_from: datetime, zone: tzinfo) -> str:
    there, here = moment.astimezone(zone), seen_from.astimezone(zone)
    time = f"{there:%H:%M}"
    match (there.date() - here.date()).days:
        case 0:
            return at_clock(there)
        case 1:
            return gettext("midnight") if time == "00:00" else gettext("%(time)s tomorrow", time=time)
    return gettext("%(time)s on %(day)s", time=time, day=weekday(there))
