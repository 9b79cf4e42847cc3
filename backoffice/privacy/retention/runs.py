"""Letting go what the policy allows to be kept no longer: in batches, resumed where it was killed, and told.

A batch and its count are one transaction. A run that was killed in the middle is gone on with by the next:
its row counts on, and what is left is found anew.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.founders import founders
from backoffice.audit.trail import record
from backoffice.jobs import queue
from backoffice.outbox.services import post
from backoffice.privacy.retention import mails, queries
from backoffice.privacy.retention.kinds import Kind
from backoffice.privacy.retention.models import RetentionRun, RunState
from backoffice.storage import functions
from backoffice.storage.partitions import patiently

BATCH = 10_000
# How far ahead it is told what will be due.
DAYS = 30
# So few may go of people's work whatever their share: a school with ten of something loses one at a time.
FEW = 20
# A kind of which nothing went is told of once a day, and not each time that it was looked at.
TOLD_EVERY = timedelta(hours=20)


@dataclass(frozen=True)
class Rules:
    """How runs go: how many rows a batch takes, and how much of people's work may go without a person."""

    most_share: int
    batch: int = BATCH
    few: int = FEW
    # What a person at the terminal has said: take what is due, however much it is.
    go_ahead: bool = False


@dataclass
class Outcome:
    """What became of some kinds: how many went of each, which wait for a person, how many a hold keeps."""

    gone: dict[str, int] = field(default_factory=dict)
    paused: list[str] = field(default_factory=list)
    held: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Outlook:
    """What is due of a kind now, and on each of the next days. `total` is known of people's work only."""

    kind: Kind
    now: int
    days: tuple[int, ...]
    total: int | None = None

    @property
    def soon(self) -> int:
        """How many are due within these days."""
        return sum(self.days)


def forget(tx: Transaction, kind: Kind, *, before: datetime | None = None) -> int:
    """Let go what is due of a kind, in the transaction of a job that has other work too; how many.

    What began `before` a moment is due, where a setting says so earlier than the policy.
    """
    _keep_holds_away(tx)
    before = before or kind.before(clock.now())
    gone = sum(queries.take(tx, rows, before=before) for rows in kind.rows)
    note(tx, kind, gone, up_to=before)
    return gone


def note(tx: Transaction, kind: Kind, gone: int, *, up_to: datetime) -> None:
    """Tell that so many of a kind went, in the transaction that let them go."""
    if gone:
        now = clock.now()
        of = {"kind": kind.name, "up_to": up_to, "began_at": now}
        tx.add(RetentionRun(**of, ended_at=now, state=RunState.DONE, gone=gone))


def tell(tx: Transaction, kind: Kind, gone: int, *, oldest: datetime | None) -> None:
    """Tell how a kind stands that lies in no table: at most once a day, unless something went."""
    now = clock.now()
    if gone or not _told_lately(tx, kind, now):
        of = {"kind": kind.name, "up_to": kind.before(now), "began_at": now, "ended_at": now}
        tx.add(RetentionRun(**of, state=RunState.DONE, gone=gone, oldest=oldest, outlook=""))


def run_kinds(
    who: Purpose,
    kinds: Iterable[Kind],
    *,
    rules: Rules,
    progress: Callable[[int], object] = lambda _gone: None,
) -> Outcome:
    """Let go what is due of these kinds, of what lies in tables. What another job lets go is only told of."""
    outcome, failed = Outcome(), None
    for kind in kinds:
        if not kind.rows:
            continue
        try:
            _run_kind(who, kind, rules, outcome, progress)
        except Exception as error:  # noqa: BLE001 - raised below: one kind that fails keeps none waiting
            failed = failed or error
    if failed is not None:
        raise failed
    return outcome


def _run_kind(
    who: Purpose, kind: Kind, rules: Rules, outcome: Outcome, progress: Callable[[int], object]
) -> None:
    number = _begin(who, kind, rules)
    if number is None:
        with transaction(who) as tx:
            if _waiting(tx, kind) is not None:
                outcome.paused.append(kind.name)
        return
    while patiently(partial(_take, who, kind, number, rules.batch)):
        progress(sum(outcome.gone.values()))
    outcome.gone[kind.name], outcome.held[kind.name] = _end(who, kind, number)


def outlook(tx: Transaction, kind: Kind, *, at: datetime) -> Outlook:
    """What a run at a moment would let go of a kind, and what would be due on each of the days after it."""
    moments = [kind.before(at + timedelta(days=day)) for day in range(DAYS + 1)]
    now, *days = queries.outlook(tx, kind, moments=moments)
    return Outlook(kind, now, tuple(days), queries.total(tx, kind) if kind.work else None)


def too_much(found: Outlook, rules: Rules) -> bool:
    """Whether so much of people's work would go that a person has to look at it first."""
    return found.total is not None and exceeds(found.now, found.total, rules)


def exceeds(due: int, total: int, rules: Rules) -> bool:
    """Whether so many of all may not go without a person."""
    return due > rules.few and due * 100 > total * rules.most_share


def may_go(tx: Transaction, kind: Kind, due: int, rules: Rules, *, of: int | None = None) -> datetime | None:
    """For a job that makes a kind go by itself, with how many it would take: what began before may go.

    None where all of it waits for a person, whose release holds for what was due then and nothing since.
    `of` is how many of such things there are, where only those that may go some day are of the kind.
    """
    now = clock.now()
    found = _open_one(tx, kind)
    total = queries.total(tx, kind) if of is None else of
    if rules.go_ahead or not (exceeds(due, total, rules) or _still_waits(found, due)):
        if found is not None:
            found.state, found.ended_at = RunState.DONE, now
        return kind.before(now)
    if found is None:
        _open(tx, kind, RunState.PAUSED, due=due, total=total)
        return None
    if found.state == RunState.RELEASED:
        found.state, found.ended_at = RunState.DONE, now
        return _not_past(kind, found.up_to)
    if found.state == RunState.RUNNING:
        # Whoever was to tell how the kind stands was killed, or is about to: what waits is told now.
        found.state, found.up_to, found.due, found.total = RunState.PAUSED, kind.before(now), due, total
        _tell_of_pause(tx, kind, due, total)
    return None


def _open_one(tx: Transaction, kind: Kind) -> RetentionRun | None:
    """The run of a kind that has not ended, locked."""
    open_ones = select(RetentionRun).where(RetentionRun.kind == kind.name, RetentionRun.ended_at.is_(None))
    return tx.scalars(open_ones.order_by(RetentionRun.id).limit(1).with_for_update()).one_or_none()


def _still_waits(found: RetentionRun | None, due: int) -> bool:
    """Whether what waits goes on waiting: until less is due of it. More of all else makes it no less."""
    return found is not None and found.state == RunState.PAUSED and due >= (found.due or 0)


def _begin(who: Purpose, kind: Kind, rules: Rules) -> int | None:
    """The row of the run that is to take what is due: one that was killed, or a new one; None if none is."""
    now = clock.now()
    with transaction(who) as tx:
        found = _open_one(tx, kind)
        if found is not None and kind.by is not None:
            return _go_on_with(tx, kind, found, rules)
        if found is not None and (found.state != RunState.PAUSED or rules.go_ahead):
            release(tx, found.id)
            return found.id
        seen = outlook(tx, kind, at=now) if kind.work and kind.by is None else None
        waits = seen is not None and (too_much(seen, rules) or _still_waits(found, seen.now))
        if seen is not None and waits and not rules.go_ahead:
            if found is None:
                _open(tx, kind, RunState.PAUSED, due=seen.now, total=seen.total)
            return None
        if found is not None:
            # So much is not due any more that a person would have to know.
            found.state, found.ended_at = RunState.DONE, now
            tx.flush()
        if not _is_worth_telling(tx, kind, kind.before(now), now):
            return None
        return _open(tx, kind, RunState.RUNNING)


def _go_on_with(tx: Transaction, kind: Kind, found: RetentionRun, rules: Rules) -> int | None:
    """The open run of a kind with a job of its own, if there is nothing left but to tell how the kind stands.

    What waits for a person is the job's, which takes it once a person has said so.
    """
    assert kind.by is not None
    if found.state == RunState.RUNNING:
        return found.id
    if rules.go_ahead and release(tx, found.id):
        queue.defer(tx, kind.by)
    return None


def _open(
    tx: Transaction, kind: Kind, state: RunState, *, due: int | None = None, total: int | None = None
) -> int | None:
    """Begin a run over what is due now; its number, or None where another has begun at this moment.

    One that waits for a person is told to the founders.
    """
    now = clock.now()
    adding = insert(RetentionRun).values(
        kind=kind.name,
        up_to=kind.before(now),
        began_at=now,
        gone=0,
        state=state,
        due=due,
        total=total,
    )
    number: int | None = tx.scalar(
        adding.on_conflict_do_nothing(
            index_elements=["kind"], index_where=RetentionRun.ended_at.is_(None)
        ).returning(RetentionRun.id)
    )
    if number is not None and state is RunState.PAUSED:
        _tell_of_pause(tx, kind, due or 0, total or 0)
    return number


def _tell_of_pause(tx: Transaction, kind: Kind, due: int, total: int) -> None:
    record(tx, "retention.pause", kind=kind.name, due=due, total=total)
    told = mails.RunPaused(kind.entry.title, due, total)
    for founder in founders(tx):
        post(tx, mails.RUN_PAUSED, to=founder, parameters=told)


def _is_worth_telling(tx: Transaction, kind: Kind, before: datetime, now: datetime) -> bool:
    if kind.by is None and queries.is_due(tx, kind, before=before):
        return True
    return not _told_lately(tx, kind, now)


def _told_lately(tx: Transaction, kind: Kind, now: datetime) -> bool:
    told = select(RetentionRun.id).where(
        RetentionRun.kind == kind.name,
        RetentionRun.outlook.is_not(None),
        RetentionRun.ended_at > now - TOLD_EVERY,
    )
    return tx.scalar(told.limit(1)) is not None


def _take(who: Purpose, kind: Kind, number: int, batch: int) -> bool:
    """Take one batch, or a week of a log that is kept by the day; whether there may be more."""
    with transaction(who) as tx:
        _keep_holds_away(tx)
        run = tx.scalars(select(RetentionRun).where(RetentionRun.id == number).with_for_update()).one()
        if kind.by is not None or run.ended_at is not None:
            return False
        for rows in kind.rows:
            up_to = _not_past(kind, run.up_to)
            if rows.by_day and (days := queries.drop_days(tx, rows, before=up_to)):
                run.gone += sum(each.amount for each in days)
                estimated = sum(each.amount for each in days if not each.counted)
                run.estimated = (run.estimated or 0) + estimated or None
                return True
            gone = queries.take(tx, rows, before=up_to, most=batch)
            if gone:
                run.gone += gone
                return True
    return False


def _keep_holds_away(tx: Transaction) -> None:
    """Have whoever proposes a legal hold wait until this batch is through: nothing is both held and gone."""
    functions.lock_holds(tx, alone=False)


def _not_past(kind: Kind, up_to: datetime) -> datetime:
    """Up to when an open run may take: since it began, the kind may have come to be kept for longer."""
    return min(up_to, kind.before(clock.now()))


def _end(who: Purpose, kind: Kind, number: int) -> tuple[int, int]:
    """Tell how it ended; how many went, and how many stayed for a legal hold."""
    now = clock.now()
    with transaction(who) as tx:
        run = tx.scalars(select(RetentionRun).where(RetentionRun.id == number).with_for_update()).one()
        # The job of the kind may have made it one that waits.
        is_ours = kind.by is None or run.state == RunState.RUNNING
        if run.ended_at is None and is_ours:
            found = outlook(tx, kind, at=now)
            run.held = queries.held(tx, kind, before=run.up_to)
            run.oldest = queries.oldest(tx, kind)
            run.outlook = " ".join(map(str, (found.now, *found.days)))
            run.state, run.ended_at = RunState.DONE, now
            if run.gone:
                record(tx, "retention.run", kind=kind.name, gone=run.gone)
        return run.gone, run.held or 0


def _waiting(tx: Transaction, kind: Kind) -> RetentionRun | None:
    paused = select(RetentionRun).where(RetentionRun.kind == kind.name, RetentionRun.state == RunState.PAUSED)
    return tx.scalars(paused.limit(1)).one_or_none()


def release(tx: Transaction, number: int) -> bool:
    return functions.let_retention_go_on(tx, number=number, at=clock.now())
