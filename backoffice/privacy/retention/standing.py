"""How each kind of data stands: what went of it lately, the oldest that is left, and what will be due."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on

from backoffice import clock
from backoffice.access.transaction import Transaction
from backoffice.privacy.retention.kinds import Kind, installed
from backoffice.privacy.retention.models import RetentionRun, RunState

LATELY = timedelta(days=30)


@dataclass(frozen=True)
class Standing:
    """One kind of data.

    `gone` are those of the last 30 days, of which `estimated` were not counted one by one; `looked_at` is
    when the oldest and what will be due were last found out, `due` how many were due then, and `days` how
    many will be on each day after it. `waiting` is a run that waits for a person. `held` stayed then for a
    legal hold.
    """

    kind: Kind
    gone: int = 0
    estimated: int = 0
    last_at: datetime | None = None
    looked_at: datetime | None = None
    oldest: datetime | None = None
    due: int = 0
    days: tuple[int, ...] = ()
    waiting: RetentionRun | None = None
    held: int = 0

    @property
    def next(self) -> int:
        """How many the runs of the day after will take."""
        return self.due + sum(self.days[:1])

    @property
    def soon(self) -> int:
        """How many will go within a month."""
        return self.due + sum(self.days)


def standings(tx: Transaction) -> list[Standing]:
    """Every kind of data, in the policy's order. It names nobody, and everybody may read it."""
    now = clock.now()
    lately = (
        select(
            RetentionRun.kind,
            func.sum(RetentionRun.gone).label("gone"),
            func.coalesce(func.sum(RetentionRun.estimated), 0).label("estimated"),
        )
        .where(RetentionRun.ended_at > now - LATELY)
        .group_by(RetentionRun.kind)
    )
    gone: Mapping[str, tuple[int, int]] = {
        row.kind: (int(row.gone), int(row.estimated)) for row in tx.execute(lately)
    }
    in_order = select(RetentionRun).order_by(RetentionRun.kind, RetentionRun.id.desc())
    newest = in_order.ext(distinct_on(RetentionRun.kind))
    ended = {run.kind: run for run in tx.scalars(newest.where(RetentionRun.ended_at.is_not(None)))}
    looked = {run.kind: run for run in tx.scalars(newest.where(RetentionRun.outlook.is_not(None)))}
    paused = {run.kind: run for run in tx.scalars(newest.where(RetentionRun.state == RunState.PAUSED))}
    return [
        _standing(kind, gone.get(name, (0, 0)), ended.get(name), looked.get(name), paused.get(name))
        for name, kind in installed().items()
    ]


def ahead(found: Sequence[Standing]) -> dict[date, int]:
    """How many will go on each of the days to come, all kinds together."""
    today = clock.now().date()
    days = {today + timedelta(days=number): 0 for number in range(LATELY.days)}
    for each in found:
        if each.looked_at is None:
            continue
        days[today] += each.due
        for number, count in enumerate(each.days, start=1):
            # What has fallen due since it was looked at goes with the next run.
            day = max(today, each.looked_at.date() + timedelta(days=number))
            if day in days:
                days[day] += count
    return days


def _standing(
    kind: Kind,
    gone: tuple[int, int],
    ended: RetentionRun | None,
    looked: RetentionRun | None,
    paused: RetentionRun | None,
) -> Standing:
    now, *days = map(int, looked.outlook.split()) if looked and looked.outlook else (0,)
    return Standing(
        kind,
        *gone,
        ended.ended_at if ended else None,
        looked.ended_at if looked else None,
        looked.oldest if looked else None,
        now,
        tuple(days),
        paused,
        (looked.held if looked else None) or 0,
    )
