"""A lock that each wrong try brings nearer, and that lasts longer each time.

Unlike a span of `tries`, which begins with the first try, its time begins with the one that locks: five quick
guesses wait as long as five slow ones. It stands in the same table, so it outlives every process.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from backoffice import clock
from backoffice.storage import functions, keyring
from backoffice.throttles.tries import Claim, at_once


@dataclass(frozen=True)
class Lock:
    """Wrong tries of `what` at `subject`, and the ladder of waits that they lead up.

    "5/minute;10/5 minute" locks for a minute after the fifth, and for five after the tenth. All are forgotten
    as long after the first as the longest step lasts.
    """

    what: str
    ladder: str
    subject: str

    @property
    def keys(self) -> tuple[UUID, UUID]:
        """Under what its tries are counted, and under what it is held."""
        return self._key("tries"), self._key("held")

    def take(self, connection: Connection | None = None) -> datetime | None:
        """Take one try; or take none and say until when the lock holds."""
        if connection is None:
            with at_once() as own:
                return self.take(own)
        counted_by, held_by = self.keys
        steps = Claim(self.what, self.ladder, self.subject).spans
        return functions.take_step(
            connection,
            counted_by=counted_by,
            held_by=held_by,
            most=[step.amount for step in steps],
            seconds=[step.get_expiry() for step in steps],
            at=clock.now(),
        )

    def forget(self) -> None:
        """As if nothing had been tried."""
        with at_once() as connection:
            functions.forget_tries(connection, keys=self.keys)

    def _key(self, part: str) -> UUID:
        named = f"{self.what}/{self.subject}/{part}"
        return UUID(bytes=keyring.current().blind_index(named, context="throttle.lock"))


def held(tx: Session, locks: Mapping[int, Lock]) -> dict[int, datetime]:
    """Which of these locks hold, and until when."""
    names = {lock.keys[1]: name for name, lock in locks.items()}
    found = functions.tries_taken(tx, keys=list(names), at=clock.now())
    return {names[row.key]: row.ends_at for row in found}


def used_up(tx: Session, claims: Collection[Claim]) -> dict[Claim, datetime]:
    """Which of these claims have no try left, and until when."""
    of = {claim.key(span): (claim, span.amount) for claim in claims for span in claim.spans}
    found = [
        row for row in functions.tries_taken(tx, keys=list(of), at=clock.now()) if row.tries >= of[row.key][1]
    ]
    until: dict[Claim, datetime] = {}
    for row in sorted(found, key=lambda each: each.ends_at):
        until[of[row.key][0]] = row.ends_at
    return until


def unlock(tx: Session, *, locks: Iterable[Lock] = (), claims: Iterable[Claim] = ()) -> None:
    """Let these try again, when the transaction is committed."""
    keys = [key for lock in locks for key in lock.keys]
    keys += [claim.key(span) for claim in claims for span in claim.spans]
    functions.forget_tries(tx, keys=keys)
