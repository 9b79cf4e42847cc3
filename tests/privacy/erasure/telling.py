"""What only the rows of somebody who is erased held, by which anybody could be told again."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from backoffice.privacy.holdings import Subject
from tests.contract.snapshot import Rows
from tests.factories.world import World

# Identifiers; digests and UUIDs; what is sealed, and other bytes.
PUBLIC = re.compile(r"[2-9a-z]{16}")
DIGEST = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BYTES = re.compile(r"\\x(?:[0-9a-f]{2}){12,}")


@dataclass(frozen=True)
class Telling:
    """Public identifiers, and bytes: digests, tokens, marks and sealed values."""

    texts: frozenset[str]
    values: frozenset[bytes]


def subjects(world: World) -> dict[Subject, str]:
    """One of each kind, by its public identifier."""
    return {
        Subject.STUDENT: world.own_class.children[0].public_id,
        Subject.CLASSROOM: world.own_class.public_id,
        Subject.ACCOUNT: world.people["colleague"].public_id,
        Subject.SCHOOL: world.outside.public_id,
        Subject.DISTRICT: world.district,
    }


def gone_between(before: Mapping[str, Rows], after: Mapping[str, Rows]) -> Telling:
    """What the rows that are gone or changed held, and no row that is there now had then."""
    went, stayed = set[str](), set[str]()
    for table, rows in before.items():
        for key, row in rows.items():
            kept = key in after[table]
            (stayed if kept and after[table][key] == row else went).update(_leaves(json.loads(row)))
            if kept:
                # Of one that only changed, what has stayed in it is somebody else's.
                stayed.update(_leaves(json.loads(after[table][key])))
    alone = went - stayed
    texts = {each for each in alone if PUBLIC.fullmatch(each)}
    values = {UUID(hex=each).bytes for each in alone if DIGEST.fullmatch(each)}
    values |= {bytes.fromhex(each[2:]) for each in alone if BYTES.fullmatch(each)}
    return Telling(frozenset(texts), frozenset(values))


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _all(value.values())
    elif isinstance(value, list):
        yield from _all(value)


def _all(values: Iterable[Any]) -> Iterator[str]:
    for each in values:
        yield from _leaves(each)
