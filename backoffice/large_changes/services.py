"""Asking for a large change, stopping it, and making it exactly once.

The change itself is one transaction of its verb, whatever the number of rows: a worker that is killed leaves
all of it or nothing. That it is done is noted in that very transaction, so that no second worker does it
again. How far it is, is written beside it by a transaction of its own, for whoever looks on.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import CONSOLE_ENTER
from backoffice.access.policy import require
from backoffice.access.principal import AccountToken, Principal, Purpose
from backoffice.access.selection import OTHERS_FIT
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.models import AccountSession
from backoffice.audit.trail import record
from backoffice.jobs import queue
from backoffice.jobs.models import Asked
from backoffice.language.texts import lazy
from backoffice.large_changes.kinds import LARGE_CHANGES
from backoffice.large_changes.models import UNDER_WAY, ChangeState, LargeChange
from backoffice.large_changes.queries import under_way
from backoffice.privacy.retention.runs import forget
from backoffice.problems import Rejected
from backoffice.storage import about, keyring
from backoffice.storage.keyring import KeyPurpose
from backoffice.storage.public_id import PublicId, new_public_id

JOB = "core.change-many"
PURPOSE = Purpose("core.change-many")
MOST_UNDER_WAY = 3
TOO_MANY = lazy(
    "%(count)s large changes of yours are under way. Wait until one has ended.", count=MOST_UNDER_WAY
)
OVER = lazy("It was stopped, or somebody has done it already.")
TOO_LATE = lazy("It cannot be stopped any more: it is being made, all of it at once.")
LONGEST_STATEMENT = "120s"
# What no worker has ended by then, none will.
GIVEN_UP_AFTER = timedelta(hours=2)
FORGOTTEN: dict[str, Any] = {"values": [], "seen": ""}
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Confirmed:
    """What somebody has confirmed: an action of a list, under these filters, with what the form said.

    `seen` is the `digest_of` the rows that were shown.
    """

    grid: str
    action: str
    values: Pairs
    seen: str
    count: int

    @property
    def asked(self) -> dict[str, Any]:
        """What of it is sealed."""
        return {"values": [list(pair) for pair in self.values], "seen": self.seen}


@dataclass(frozen=True)
class TakenUp:
    """A change that a worker makes now, and as whom. `credential` is None once the session is forgotten."""

    id: int
    confirmed: Confirmed
    credential: AccountToken | None


def ask_for_change(*, principal: Principal, confirmed: Confirmed) -> PublicId:
    """Have a worker make a change that was confirmed. Returns its public identifier.

    Confirmed again while it is under way, it is the same one. Raises `Rejected`, `Denied`.
    """
    require(principal, CONSOLE_ENTER)
    with transaction(principal) as tx:
        number, public_id, mark = tx.take_id(LargeChange), new_public_id(), _fingerprint(confirmed)
        same = (LargeChange.fingerprint == mark, LargeChange.state.in_(UNDER_WAY))
        here = LargeChange.account_id == tx.principal.account_id
        known = tx.scalar(select(LargeChange.public_id).where(here, *same))
        if known is not None:
            return PublicId(known)
        if under_way(tx) >= MOST_UNDER_WAY:
            raise Rejected.whole(TOO_MANY)
        added = tx.execute(
            insert(LargeChange)
            .values(
                id=number,
                public_id=public_id,
                account_id=tx.principal.account_id,
                session_id=tx.principal.session_id,
                grid=confirmed.grid,
                action=confirmed.action,
                asked={**confirmed.asked, "address": tx.principal.credential.address},
                about=about.named_in(confirmed.asked),
                fingerprint=mark,
                count=confirmed.count,
                state=ChangeState.WAITING,
                asked_at=clock.now(),
            )
            .on_conflict_do_nothing()
        )
        if not added.rowcount:  # type: ignore[attr-defined]
            # Confirmed twice at the same moment: the other one has just been committed.
            known = tx.scalar(select(LargeChange.public_id).where(here, *same))
            if known is None:
                raise Rejected.whole(OTHERS_FIT)
            return PublicId(known)
        queue.put(tx, JOB, {"change": number}, asked=Asked.PERSON)
        record(tx, "large-changes.ask", change=number, action=confirmed.action, count=confirmed.count)
    return public_id


def stop_change(*, principal: Principal, change: str) -> None:
    """Have a change that no worker has taken up not made at all. Raises `Rejected`, `NotFound`."""
    with transaction(principal) as tx:
        row = find(tx, LargeChange, change)
        stopped = tx.execute(
            update(LargeChange)
            .where(LargeChange.id == row.id, LargeChange.state == ChangeState.WAITING)
            .values(state=ChangeState.STOPPED, finished_at=clock.now())
            .execution_options(synchronize_session=False)
        )
        if stopped.rowcount:  # type: ignore[attr-defined]
            record(tx, "large-changes.stop", change=row.id)
        elif row.state != ChangeState.STOPPED:
            raise Rejected.whole(TOO_LATE)


def take_up(who: Purpose, *, number: int) -> TakenUp | None:
    """What a worker has to make now; None if it has ended, however it did."""
    with transaction(who) as tx:
        row = tx.scalars(_with(number).with_for_update()).one_or_none()
        if row is None or row.state not in UNDER_WAY:
            if row is not None:
                row.asked = FORGOTTEN
            return None
        row.state, row.started_at = ChangeState.LOOKING, row.started_at or clock.now()
        own = (AccountSession.id == row.session_id, AccountSession.account_id == row.account_id)
        digest = tx.scalar(select(AccountSession.token_digest).where(*own))
        values = [(name, value) for name, value in row.asked["values"]]
        confirmed = Confirmed(row.grid, row.action, values, row.asked["seen"], row.count)
        credential = AccountToken(digest, row.asked.get("address")) if digest is not None else None
        return TakenUp(row.id, confirmed, credential)


def noting(number: int) -> Callable[[Transaction, int], None]:
    """What a verb calls in its own transaction when it has found that the rows are those that were shown."""

    def begins(tx: Transaction, count: int) -> None:
        # On another connection, and before the row is locked: whoever looks on sees it at once.
        with transaction(PURPOSE) as beside:
            beside.execute(
                update(LargeChange)
                .where(LargeChange.id == number, LargeChange.state == ChangeState.LOOKING)
                .values(state=ChangeState.CHANGING)
            )
        # Ten thousand rows may take longer than a page may: nobody waits for this one.
        tx.execute(select(func.set_config("statement_timeout", LONGEST_STATEMENT, True)))
        noted = tx.execute(
            update(LargeChange)
            .where(LargeChange.id == number, LargeChange.state == ChangeState.CHANGING)
            .values(state=ChangeState.DONE, count=count, finished_at=clock.now())
            .execution_options(synchronize_session=False)
        )
        if noted.rowcount != 1:  # type: ignore[attr-defined]
            raise Rejected.whole(OVER)

    return begins


def end_change(who: Purpose, *, number: int, state: ChangeState, said: Mapping[str, Any]) -> None:
    """Keep what became of it, in words. What is done stays done, whatever came after."""
    with transaction(who) as tx:
        row = tx.scalars(_with(number).with_for_update()).one_or_none()
        if row is None or row.state == ChangeState.STOPPED:
            return
        # The words that a list was searched for are names.
        row.asked = FORGOTTEN
        row.said = dict(said) if row.state != ChangeState.DONE or state is ChangeState.DONE else row.said
        row.about = sorted({*row.about, *about.named_in(row.said)})
        if row.state in UNDER_WAY:
            row.state, row.finished_at = state, clock.now()


def forget_changes(who: Purpose) -> dict[str, int]:
    """Give up those that no worker ends any more, and forget old ones; how many."""
    now = clock.now()
    with transaction(who) as tx:
        given_up = tx.execute(
            update(LargeChange)
            .where(LargeChange.state.in_(UNDER_WAY), LargeChange.asked_at <= now - GIVEN_UP_AFTER)
            .values(state=ChangeState.FAILED, asked=FORGOTTEN, finished_at=now)
            .execution_options(synchronize_session=False)
        )
        return {
            "given up": given_up.rowcount,  # type: ignore[attr-defined]
            "forgotten": forget(tx, LARGE_CHANGES),
        }


def _with(number: int) -> Any:
    return select(LargeChange).where(LargeChange.id == number)


def _fingerprint(confirmed: Confirmed) -> bytes:
    whole = json.dumps([confirmed.grid, confirmed.action, confirmed.asked], sort_keys=True)
    return keyring.current().digest(KeyPurpose.INDEX, f"large change\0{whole}".encode())
