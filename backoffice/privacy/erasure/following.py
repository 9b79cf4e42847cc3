"""What follows an erasure outside its own transactions: others outside erase it too, and space is freed.

Neither can be part of erasing: a vendor may be away for a day, and no transaction vacuums. Receipts are
signed when everything here is gone and looked through; what follows is told beside them as it stands.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ARRAY, BigInteger, Text, cast, exists, func, insert, select, update

from backoffice import clock, events
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.jobs import queue
from backoffice.jobs.job import JobRun
from backoffice.privacy.erasure import receipts
from backoffice.privacy.erasure.events import SubjectErased
from backoffice.privacy.erasure.models import Erasure, ErasureOutside, Stage
from backoffice.privacy.erasure.plan import Plan
from backoffice.privacy.outside import Outside, Reaching, handlers_of
from backoffice.storage.numbers import one_of
from backoffice.storage.vacuum import is_past, vacuum

ERASE_OUTSIDE = "core.erase-outside"
# After the first failures it is tried again soon, after many once a day.
SOON, SELDOM = timedelta(minutes=5), timedelta(days=1)
LONGEST_PROOF = 200
_CURRENT = cast(cast(func.pg_current_xact_id(), Text), BigInteger)
# Rows of these go with most, and are not told apart or not counted: what receipts keep back, what erasing
# itself empties, and personal schools that pass to somebody else.
ALWAYS = (*sorted(receipts.UNTOLD), "app.erasure", "app.school")


def note_outside(tx: Transaction, row: Erasure, plan: Plan, installed: Iterable[Reaching]) -> None:
    """Before rows go: keep what plugins need to have it erased outside, and have a job do it."""
    found: dict[tuple[str, str], None] = {}
    for name, outside in handlers_of(installed).items():
        for target in plan.targets:
            found.update({(name, each): None for each in outside.references(tx, target)})
    if not found:
        return
    # What is large comes here in its first step and in its last. What was done between is forgotten here,
    # and is asked for once more if its rows are still there.
    of_it = select(ErasureOutside).where(
        ErasureOutside.erasure == row.public_id, ErasureOutside.reference.is_not(None)
    )
    for noted in tx.scalars(of_it):
        found.pop((noted.handler, noted.reference or ""), None)
    if not found:
        return
    now = clock.now()
    lines = [
        {"erasure": row.public_id, "handler": name, "reference": reference, "noted_at": now, "tries": 0}
        for name, reference in found
    ]
    tx.execute(insert(ErasureOutside), lines)
    queue.defer(tx, ERASE_OUTSIDE)


def outside_of(tx: Transaction, plan: Plan, installed: Iterable[Reaching]) -> list[str]:
    """The full names of the handlers by which something of it is to be erased outside."""
    return sorted(
        name
        for name, outside in handlers_of(installed).items()
        if any(True for target in plan.targets for _reference in outside.references(tx, target))
    )


def when_erased(tx: Transaction, row: Erasure, plan: Plan) -> tuple[list[str], int]:
    """After rows went and before all is looked through: tell the plugins.

    Returns the full names of the handlers by which it is erased outside, and the number of this transaction:
    whoever still reads what went before it has to be past it.
    """
    for target in plan.targets:
        events.publish(tx, SubjectErased(row.public_id, target.subject, target.outside))
    of_it = select(ErasureOutside.handler).where(ErasureOutside.erasure == row.public_id).distinct()
    asked = select(func.array(of_it.scalar_subquery(), type_=ARRAY(Text)), _CURRENT)
    ((handlers, this_moment),) = tx.rows(asked)
    return sorted(handlers), this_moment


def erase_outside(run: JobRun, installed: Iterable[Reaching]) -> Mapping[str, int]:
    """Have everything erased outside that waits and is due; how much was, and how much failed.

    Each by itself: one that fails keeps none of the others waiting.
    """
    handlers, done, failed, waiting = handlers_of(installed), 0, 0, 0
    for number, name, reference in _due(run.who):
        # An uninstalled plugin's wait until it is back: nobody else knows how. The promise falls short then.
        if name not in handlers:
            _note_failure(run.who, number, "NotInstalled")
            waiting += 1
        elif _erase_one(run, number, handlers[name], reference):
            done += 1
        else:
            failed += 1
    return {"done": done, "failed": failed, "waiting": waiting}


def _erase_one(run: JobRun, number: int, outside: Outside, reference: str) -> bool:
    try:
        proof = outside.erase(run, reference)
    except Exception as error:  # noqa: BLE001 - whatever it is, the others are not kept waiting
        # Its kind and not its words: they may quote what it is about.
        _note_failure(run.who, number, type(error).__name__)
        return False
    with transaction(run.who) as tx:
        row = tx.scalars(select(ErasureOutside).where(ErasureOutside.id == number).with_for_update()).one()
        if row.done_at is None:
            row.tries, row.tried_at, row.done_at = row.tries + 1, clock.now(), clock.now()
            row.reference, row.problem = None, None
            row.proof = proof[:LONGEST_PROOF] if proof else None
            record(tx, "erasures.erase-outside", outside=row.handler, receipt=row.erasure)
    return True


def _due(who: Purpose) -> list[tuple[int, str, str]]:
    """What waits and is to be tried now, the first first. Nothing of what a hold has stopped half-way."""
    now = clock.now()
    held = exists().where(Erasure.public_id == ErasureOutside.erasure, Erasure.stage == Stage.HELD)
    with transaction(who) as tx:
        waiting = tx.scalars(
            select(ErasureOutside).where(ErasureOutside.done_at.is_(None), ~held).order_by(ErasureOutside.id)
        ).all()
        return [
            (row.id, row.handler, row.reference)
            for row in waiting
            if row.reference is not None and (row.tried_at is None or now - row.tried_at >= _pause(row.tries))
        ]


def _pause(tries: int) -> timedelta:
    longer: int = 2 ** min(tries - 1, 12)
    return min(SOON * longer, SELDOM)


def _note_failure(who: Purpose, number: int, kind: str) -> None:
    with transaction(who) as tx:
        tx.execute(
            update(ErasureOutside)
            .where(ErasureOutside.id == number, ErasureOutside.done_at.is_(None))
            .values(tries=ErasureOutside.tries + 1, tried_at=clock.now(), problem=kind)
            .execution_options(synchronize_session=False)
        )


def free_space(who: Purpose, known: Iterable[str]) -> Mapping[str, int]:
    """Vacuum what rows were erased from, each table once for however many erasures; how much was done.

    `known` are the tables that there are. An erasure waits for the next time while somebody may still read
    what it took, such as an export that began before.
    """
    there, by_table = frozenset(known), defaultdict[str, list[_Dead]](list)
    waiting = _to_vacuum(who)
    for each in waiting:
        for table in there & each.tables:
            by_table[table].append(each)
    left: set[int] = set()
    for table, dead in sorted(by_table.items()):
        schema, _, name = table.partition(".")
        cutoff = vacuum(schema, name)
        left.update(each.erasure for each in dead if not is_past(cutoff, each.after))
    done = [each.erasure for each in waiting if each.erasure not in left]
    if done:
        with transaction(who) as tx:
            tx.execute(
                update(Erasure)
                .where(one_of(Erasure.id, done))
                .values(vacuumed_at=clock.now())
                .execution_options(synchronize_session=False)
            )
    return {"tables": len(by_table), "erasures": len(done), "waiting": len(left)}


@dataclass(frozen=True)
class _Dead:
    """Of one erasure: from which tables rows went, and which transaction all readers have to be past."""

    erasure: int
    after: int
    tables: frozenset[str]


def _to_vacuum(who: Purpose) -> list[_Dead]:
    waits = (Erasure.receipt.is_not(None), Erasure.vacuum_after.is_not(None), Erasure.vacuumed_at.is_(None))
    with transaction(who) as tx:
        now = tx.scalar(select(_CURRENT)) or 0
        # One of before a restore counted the transactions of another database.
        return [
            _Dead(row.id, min(row.vacuum_after or 0, now), frozenset(_tables_of(row)))
            for row in tx.scalars(select(Erasure).where(*waits).order_by(Erasure.id))
        ]


def _tables_of(row: Erasure) -> Iterator[str]:
    yield from ALWAYS
    for table in receipts.counts_of(row):
        yield table.partition(" ")[0]
