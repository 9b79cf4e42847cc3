"""Whether schools get their exports in time, and their deletions too."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import aliased

from backoffice import clock
from backoffice.controls import registry
from backoffice.controls.check import Check, Finding, Looking, falls_short, holds, not_exercised
from backoffice.controls.looking import count
from backoffice.privacy.erasure.models import AskedAs, Erasure, Stage
from plugins.exports.models import PLACES, UNDER_WAY, Export, ExportState

CONTROL = "export-and-deletion"
LATELY = timedelta(days=30)
# What is erased by itself, or to try it out, nobody has asked for.
_BY_PEOPLE = (AskedAs.TEACHER, AskedAs.LEADER, AskedAs.OWNER)
# One that a hold has stopped waits for whoever set it.
_UNFINISHED = (Stage.CONFIRMED, Stage.NOTED, Stage.ERASED)


@dataclass(frozen=True)
class _Done:
    """How many there were lately, when the last was ready, and how long the slowest took."""

    number: int
    last: datetime | None
    slowest: timedelta | None

    def said(self, one: str) -> str:
        last = f", the last on {self.last:%Y-%m-%d}" if self.last else ""
        slowest = f", the slowest took {self.slowest.total_seconds():,.0f} s" if self.slowest else ""
        return f"{count(self.number, one)} of 30 days{last}{slowest}"


def export_and_deletion(look: Looking) -> Finding:
    """No export and no deletion that somebody asked for has waited for longer than the promise."""
    promised = registry.current().control(CONTROL).times[0]
    now = clock.now()
    if late := _late_exports(look, now, promised):
        return falls_short(f"{count(late, 'export')} of 30 days not ready in time.")
    if late := _late_erasures(look, now - promised):
        return falls_short(f"{count(late, 'deletion')} confirmed and not done in time.")
    exports, deletions = _exports(look, now - LATELY), _deletions(look, now - LATELY)
    waiting = look.tx.scalar(select(func.count()).where(Export.state.in_(UNDER_WAY))) or 0
    said = f"{exports.said('export')}; {deletions.said('deletion')}; {waiting:,} under way, none late."
    return holds(said) if exports.number and deletions.number else not_exercised(said)


def _late_exports(look: Looking, now: datetime, promised: timedelta) -> int:
    """How many waited for longer, or failed by our fault and nobody got another in time."""
    asked = Export.asked_at
    waits = and_(Export.state.in_(UNDER_WAY), asked < now - promised)
    slow = and_(asked >= now - LATELY, Export.ready_at - asked > promised)
    # What failed before it was begun, its asker might not take along any more.
    failed = and_(Export.state == ExportState.FAILED, Export.started_at.is_not(None))
    missed = and_(failed, asked >= now - LATELY, asked < now - promised, ~_made_instead(promised))
    late = select(func.count()).select_from(Export).where(waits | slow | missed)
    return look.tx.scalar(late) or 0


def _made_instead(promised: timedelta) -> ColumnElement[bool]:
    other = aliased(Export)
    same: list[ColumnElement[bool]] = [
        getattr(other, name).is_not_distinct_from(getattr(Export, name))
        for name in {"subject", "for_family", *PLACES.values()}
    ]
    in_time = and_(other.ready_at > Export.asked_at, other.ready_at <= Export.asked_at + promised)
    return select(other.id).where(*same, in_time).correlate(Export).exists()


def _late_erasures(look: Looking, before: datetime) -> int:
    began: Any = func.coalesce(Erasure.freed_at, Erasure.confirmed_at)
    late = select(func.count()).where(Erasure.stage.in_(_UNFINISHED), began < before)
    return look.tx.scalar(late) or 0


def _exports(look: Looking, since: datetime) -> _Done:
    took: Any = func.max(Export.ready_at - Export.asked_at)
    done = select(func.count(), func.max(Export.ready_at), took).where(Export.ready_at >= since)
    return _Done(*look.tx.execute(done).one())


def _deletions(look: Looking, since: datetime) -> _Done:
    took: Any = func.max(Erasure.verified_at - func.coalesce(Erasure.freed_at, Erasure.confirmed_at))
    done = select(func.count(), func.max(Erasure.verified_at), took).where(
        Erasure.verified_at >= since, Erasure.asked_as.in_(_BY_PEOPLE)
    )
    return _Done(*look.tx.execute(done).one())


CHECKS = (Check(CONTROL, export_and_deletion),)
