"""The time that a drill plays: an hour of it is a minute of ours.

Laws are asked in played time, and answer in it; what they say is shown in ours, by which everybody lives.
So a deadline of 72 hours ends 72 minutes after it began, and nothing else has to know of another time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select

from backoffice.access.transaction import Transaction
from backoffice.storage.numbers import one_of
from plugins.notifications.deadlines.engine import Deadlines, Row
from plugins.notifications.deadlines.facts import Facts
from plugins.notifications.drills.models import Drill
from plugins.notifications.models import Incident

FASTER = 60


@dataclass(frozen=True)
class Pace:
    """How many times faster time runs from a moment on. What lies before runs as it did."""

    begun: datetime
    faster: int = 1

    def played(self, at: datetime) -> datetime:
        """What a moment of ours is in the time that is played."""
        return at if at <= self.begun else self.begun + (at - self.begun) * self.faster

    def ours(self, at: datetime) -> datetime:
        """When a moment that is played comes, in the zone in which it is said."""
        if at <= self.begun or self.faster == 1:
            return at
        return (self.begun + (at - self.begun) / self.faster).astimezone(at.tzinfo)

    def lasts(self, span: timedelta) -> timedelta:
        """How long a span of ours is in the time that is played."""
        return span * self.faster

    def facts(self, known: Facts) -> Facts:
        """What is known, as laws are asked about it."""
        at = self._maybe_played
        hold = known.hold
        return replace(
            known,
            noticed=self.played(known.noticed),
            determined=at(known.determined),
            confirmed=at(known.confirmed),
            schools={
                name: replace(each, told=at(each.told), individuals_told=at(each.individuals_told))
                for name, each in known.schools.items()
            },
            individuals_told={place: self.played(told) for place, told in known.individuals_told.items()},
            hold=replace(hold, since=self.played(hold.since), until=at(hold.until)) if hold else None,
            given=tuple(replace(each, at=self.played(each.at)) for each in known.given),
        )

    def deadlines(self, said: Deadlines) -> Deadlines:
        """What laws answer, in our time."""
        return replace(
            said,
            rows=tuple(map(self._row, said.rows)),
            earliest=tuple(map(self._row, said.earliest)),
        )

    def _row(self, row: Row) -> Row:
        return replace(
            row,
            due=self._maybe_ours(row.due),
            normal_due=self._maybe_ours(row.normal_due),
            safe_due=self._maybe_ours(row.safe_due),
            due_if=self._maybe_ours(row.due_if),
            given_at=self._maybe_ours(row.given_at),
        )

    def _maybe_played(self, at: datetime | None) -> datetime | None:
        return None if at is None else self.played(at)

    def _maybe_ours(self, at: datetime | None) -> datetime | None:
        return None if at is None else self.ours(at)


def paces(tx: Transaction, incidents: Sequence[Incident]) -> dict[int, Pace]:
    """How fast time runs in each, by their numbers; a statement more if drills are among them."""
    played = [each.id for each in incidents if each.is_drill]
    drills = select(Drill.incident_id, Drill.begun_at, Drill.faster).where(one_of(Drill.incident_id, played))
    found = {each.incident_id: Pace(each.begun_at, each.faster) for each in tx.rows(drills)} if played else {}
    return {each.id: found.get(each.id) or Pace(each.opened_at) for each in incidents}
