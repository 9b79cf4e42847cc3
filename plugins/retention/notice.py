"""Telling people in time: first at once, then so long before the end as the policy says.

A warning counts once its mail has left. One that leaves late moves the end: no notice becomes shorter than
it was said to be. Where no mail to the leaders can be delivered the founders are written to instead, once: an
end that nobody can be told of must not move on for ever.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from backoffice.access.transaction import Transaction
from backoffice.privacy.retention.policy import Entry
from backoffice.schools.ending_models import ContractEnd, OwnerlessClass
from plugins.retention import queries
from plugins.retention.idle import Step

Noticed = ContractEnd | OwnerlessClass


@dataclass(frozen=True)
class Due:
    """What is to be done about a row now; where somebody is to be told, how long before the end it counts.

    `in_vain`: what the leaders were written could not be delivered, so that founders are told instead.
    """

    step: Step
    before: timedelta = timedelta()
    in_vain: bool = False


def look(tx: Transaction, row: Noticed, entry: Entry, now: datetime) -> Due:
    """What is to be done about a row that is locked. It moves the end where somebody hears of it late."""
    assert row.due_at is not None
    first, *_ = known = entry.told_before
    if row.told_days is None:
        # Whoever hears of it for the first time has the time of the first warning.
        row.due_at = max(row.due_at, now + first)
        return Due(Step.TOLD, first if row.due_at - now <= first else entry.period.at_most)
    last = timedelta(days=row.told_days)
    told_by = row.told_by or ()
    left = queries.left_at(tx, told_by)
    if left is None and queries.all_given_up(tx, told_by):
        if not queries.are_founders(tx, told_by):
            return replace(_told(row, known, last, now), in_vain=True)
        # There is nobody left to write to.
        left = row.told_at
    if left is None:
        return Due(Step.WAITS if row.due_at <= now else Step.NONE)
    if last in known:
        row.due_at = max(row.due_at, left + last)
    following = next((each for each in known if each < last), None)
    if following is None:
        return Due(Step.OVER if row.due_at <= now else Step.NONE)
    if row.due_at - now > following:
        return Due(Step.NONE)
    return _told(row, known, following, now)


def note(row: Noticed, before: timedelta, mails: Sequence[str], now: datetime) -> None:
    """Keep that people were told by these mails."""
    row.told_days, row.told_at, row.told_by = before.days, now, list(mails)


def _told(row: Noticed, known: Sequence[timedelta], before: timedelta, now: datetime) -> Due:
    assert row.due_at is not None
    if before in known:
        row.due_at = max(row.due_at, now + before)
    return Due(Step.TOLD, before)
