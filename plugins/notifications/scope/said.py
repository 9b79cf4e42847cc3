"""What the scope of an incident follows from, as pages show it: without whose account or class it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from backoffice.access.transaction import Transaction
from backoffice.language.moments import amount, moment
from backoffice.language.texts import gettext
from plugins.notifications.queries import names_by_number
from plugins.notifications.scope.models import Extent, SourceKind
from plugins.notifications.scope.words import EXTENTS, KINDS


@dataclass(frozen=True)
class Shown:
    """A source as it is shown. `people` is how many it has reached by itself, each at each school."""

    public_id: str
    number: int
    kind: str
    whose: str
    is_gone: bool
    from_at: datetime
    until_at: datetime
    written_at: datetime
    withdrawn_at: datetime | None
    reason: str | None
    people: int


def shown(tx: Transaction, sources: Sequence[Any]) -> list[Shown]:
    """Sources with what they are called; a school by its name, and nothing else."""
    of_schools = {each.school_id for each in sources if each.extent == Extent.SCHOOL and not each.is_gone}
    names = names_by_number(tx, of_schools)
    return [
        Shown(
            each.public_id,
            each.number,
            str(KINDS[SourceKind(each.kind)]),
            _whose(each, names),
            *(each.is_gone, each.from_at, each.until_at, each.written_at, each.withdrawn_at, each.reason),
            people=each.people,
        )
        for each in sources
    ]


def _whose(each: Any, names: Mapping[int, str]) -> str:
    # Of a class or child, too, the row has the school.
    name = names.get(each.school_id) if each.extent == Extent.SCHOOL else None
    return name or str(EXTENTS[Extent(each.extent)])


def in_a_line(each: Shown, zone: tzinfo) -> str:
    """One of them among choices."""
    since, until = (moment(at.astimezone(zone)) for at in (each.from_at, each.until_at))
    return gettext(
        "%(number)s. %(kind)s: %(whose)s, %(since)s to %(until)s",
        number=amount(each.number),
        kind=each.kind,
        whose=each.whose,
        since=since,
        until=until,
    )
