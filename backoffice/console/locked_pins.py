"""What is locked in a class after wrong PINs, in words, for `console/parts/locked_pins.html`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm

from backoffice import clock
from backoffice.access.permissions import NETWORKS_OPEN
from backoffice.access.policy import scope
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction
from backoffice.language.moments import weekday
from backoffice.language.texts import gettext
from backoffice.schools.models import Classroom
from backoffice.settings import Throttles
from backoffice.students.pins import counting
from backoffice.students.pins.counting import LockedClass
from backoffice.students.pins.queries import Pupil

NETWORKS = "/console/locked-networks/"


def locked_pins(
    tx: Transaction, who: Principal, row: Classroom, *, pupils: Sequence[Pupil], throttles: Throttles
) -> dict[str, Any] | None:
    """The values of the part for a class of these pupils; None where nothing is locked."""
    found = counting.locked(tx, row, throttles)
    shared = _shared(who, found)
    held = [
        {"public_id": each.public_id, "name": each.name, "until": clock_time(who, each.locked_until)}
        for each in pupils
        if each.locked_until
    ]
    if not (shared or held or found.network_until):
        return None
    return {
        "network_until": clock_time(who, found.network_until) if found.network_until else None,
        "networks_url": NETWORKS if row.school_id in scope(who, NETWORKS_OPEN).schools else None,
        "shared": shared,
        "students": held,
        "url": f"/console/classrooms/{row.public_id}/cards/unlock",
        "form": FlaskForm(),
    }


def clock_time(who: Principal, until: datetime) -> str:
    """The time of day where somebody is, with the day if that is another."""
    zone = ZoneInfo(who.time_zone)
    there, today = until.astimezone(zone), clock.now().astimezone(zone).date()
    return f"{there:%H:%M}" if there.date() == today else f"{weekday(there)} {there:%H:%M}"


def _shared(who: Principal, found: LockedClass) -> list[dict[str, str | None]]:
    """What is locked for more than one student."""
    shared = (
        (
            gettext("Devices that are new here"),
            found.strangers_until,
            gettext("Nobody who has a PIN gets in there."),
        ),
        (gettext("The class's own devices"), found.devices_until, gettext("Tablets and cards still work.")),
    )
    devices = sorted(found.devices, key=lambda each: (each.tablet or "", each.last_child or ""))
    lines: list[dict[str, str | None]] = [
        {"what": what, "until": clock_time(who, until), "more": more} for what, until, more in shared if until
    ]
    for each in devices:
        what = gettext("The tablet %(tablet)s", tablet=each.tablet) if each.tablet else gettext("A device")
        more = gettext("Last used by %(child)s.", child=each.last_child) if each.last_child else None
        lines.append({"what": what, "until": clock_time(who, each.until), "more": more})
    return lines
