"""Taking a try before something is tried, and giving it back when it went well.

A try is taken first and not counted afterwards: of a hundred requests at once no more get through than
are allowed. Short spans slow somebody down long before a long one locks them out. The counts stand in an
unlogged table, for all processes; who is refused takes nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from limits import RateLimitItem, parse_many
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from backoffice import clock
from backoffice.problems import Rejected, Throttled
from backoffice.storage import database, functions, keyring
from backoffice.storage.roles import DatabaseRole


@dataclass(frozen=True)
class Claim:
    """One try of `what`, counted for `subject`, out of an allowance such as "5/minute;30/day"."""

    what: str
    allowance: str
    subject: str

    @property
    def spans(self) -> Sequence[RateLimitItem]:
        """The allowance's spans, the shortest first: who is slowed down loses nothing of a day's tries."""
        return _spans(self.allowance)

    def key(self, span: RateLimitItem) -> UUID:
        """Under what its tries in a span are counted: a digest, so that the table names no address."""
        named = span.key_for(self.what, self.subject)
        return UUID(bytes=keyring.current().blind_index(named, context="throttle.key"))


@dataclass(frozen=True)
class Taken:
    """Tries that were taken."""

    claims: Sequence[Claim]

    def give_back(self) -> None:
        """As if they had not been taken."""
        keys = [claim.key(span) for claim in self.claims for span in claim.spans]
        with at_once() as connection:
            functions.give_back_tries(connection, keys=keys, at=clock.now())


def take(*claims: Claim, code_index: bytes | None = None) -> Taken:
    """Take one try of each claim. Raises `Throttled` with the time to wait if one has none left.

    With a code's index: only if no class has the code. There is no moment at which a right one is counted.
    """
    if not claims:
        return Taken(())
    asked = [(claim, span) for claim in claims for span in claim.spans]
    now = clock.now()
    with at_once() as connection:
        refused = functions.take_tries(
            connection,
            keys=[claim.key(span) for claim, span in asked],
            seconds=[span.get_expiry() for _, span in asked],
            most=[span.amount for _, span in asked],
            at=now,
            code_index=code_index,
        )
    if refused is not None:
        raise Throttled(asked[refused.place - 1][0].what, refused.ends_at - now)
    return Taken(claims)


@contextmanager
def trying(*claims: Claim) -> Iterator[None]:
    """Take one try of each claim for what is done within; it counts if that is `Rejected`.

    Not if it fails: whose tries an outage took could not come in after it. Raises `Throttled`.
    """
    taken = take(*claims)
    try:
        yield
    except Rejected:
        raise
    except Exception:
        with suppress(SQLAlchemyError):
            taken.give_back()
        raise
    taken.give_back()


@cache
def _spans(allowance: str) -> Sequence[RateLimitItem]:
    return sorted(parse_many(allowance), key=lambda each: each.get_expiry())


@contextmanager
def at_once() -> Iterator[Connection]:
    """A connection on which a statement stands for itself."""
    engine = database.current().engine(DatabaseRole.APP)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection
