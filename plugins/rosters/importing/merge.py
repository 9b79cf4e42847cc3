"""Merging what was staged and checked, in the order in which rows need each other."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import Any

from backoffice.access.transaction import Transaction
from backoffice.language.texts import gettext
from backoffice.problems import Rejected
from backoffice.schools import codes
from backoffice.schools.services.codes import CODE_TRIES
from backoffice.schools.source_queries import ROSTER
from backoffice.storage import keyring
from plugins.rosters.importing import wire
from plugins.rosters.importing.alone import queries as alone
from plugins.rosters.importing.following.queries import beside, follow
from plugins.rosters.importing.merging import queries
from plugins.rosters.importing.roles.queries import merge_roles, merge_roles_back
from plugins.rosters.importing.seats.queries import merge_seats
from plugins.rosters.importing.staging.queries import copy, empty_codes
from plugins.rosters.importing.vocabulary import ENROLLMENTS

# The origin of what imports give back to those who had given it.
BY_HAND = "console"
# So many codes are sent at once.
TOGETHER = 1024
# What was done, by school: how many of which kind.
Done = dict[int, Counter[str]]


def merge(tx: Transaction, *, schools: Sequence[int], absent: frozenset[str], at: datetime) -> Done:
    """Write everything. `absent` are the files that were not sent: what they would say stays as it is."""
    done: Done = defaultdict(Counter)
    for what, school, times in _steps(tx, schools, absent, at):
        done[school][what] += times
    return done


def _steps(
    tx: Transaction, schools: Sequence[int], absent: frozenset[str], at: datetime
) -> Iterator[tuple[str, int, int]]:
    alone.begin(tx)
    yield from follow(tx)
    beside(tx)
    yield from queries.merge_rooms(tx, at=at)
    _give_codes(tx, at)
    yield from queries.merge_pupils(tx, at=at)
    yield from queries.merge_staff(tx, at=at)
    if ENROLLMENTS not in absent:
        with given_by(tx, ROSTER):
            yield from merge_seats(tx, schools=schools, at=at)
            yield from merge_roles(tx, schools=schools)
        with given_by(tx, BY_HAND):
            yield from merge_roles_back(tx)
    yield from alone.how_many(tx)
    yield from queries.missing(tx, schools=schools)


@contextmanager
def given_by(tx: Transaction, origin: str) -> Iterator[None]:
    """Say by which way people come into classes meanwhile; the database notes it."""
    queries.note_origin(tx, origin)
    yield
    # If anything goes wrong, the setting ends with the transaction.
    queries.note_origin(tx, "")


def _give_codes(tx: Transaction, at: datetime) -> None:
    for _ in range(CODE_TRIES):
        rooms = queries.rooms_without_code(tx)
        if not rooms:
            return
        copy(tx, "fresh_code", _codes(rooms))
        queries.merge_codes(tx, at=at)
        empty_codes(tx)
    if queries.rooms_without_code(tx):
        raise Rejected.whole(gettext("No codes could be made just now. Try once more."))


def _codes(rooms: Sequence[Any]) -> Iterator[bytes]:
    made = map(_code, rooms, codes.many_codes())
    while some := b"".join(islice(made, TOGETHER)):
        yield some


def _code(room: Any, code: str) -> bytes:
    sealed = keyring.current().seal(code.encode(), context="classroom_code.code")
    return (
        wire.code(4, 8, room.school_id, 8, room.id) + wire.varying(sealed) + wire.varying(codes.index(code))
    )
