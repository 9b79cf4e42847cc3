"""Asking for work to be done later: a job is in the queue exactly if its cause was committed."""

import re
from collections.abc import Mapping
from datetime import datetime

import procrastinate

from backoffice import clock
from backoffice.access.transaction import Transaction
from backoffice.jobs import library_logs, queries, registry
from backoffice.jobs.models import Asked
from backoffice.storage.public_id import PublicId, new_public_id

# What a person asks for now goes before what came by itself.
ASKED_FOR = 1
_SLUG = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
_LARGEST = 2**63 - 1

library_logs.route("procrastinate")
# Without a pool of its own: it only ever works on the connection of a transaction.
_app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())


class NotForTheQueue(ValueError):
    """An argument of a job is no identifier. The queue holds numbers, public identifiers and plain words."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The argument {name} is no number, public identifier or plain lower-case word.")


def defer(tx: Transaction, name: str, **arguments: int | str) -> PublicId:
    """Have a worker run the job `owner.name` once this transaction is committed.

    Returns the run's public identifier. Arguments are identifiers only, since the queue is no place for
    personal data. Work of a plugin that is switched off waits until it is switched on again. Raises
    `UnknownJob`, `NotForTheQueue`.
    """
    return put(tx, name, arguments, asked=Asked.SERVICE)


def put(
    tx: Transaction,
    name: str,
    arguments: Mapping[str, int | str],
    *,
    asked: Asked,
    due_at: datetime | None = None,
) -> PublicId:
    """The same, saying why it is asked for, and for a firing of the schedule when it was due."""
    entry = registry.one(name)
    for key, value in arguments.items():
        _check(key, value)
    deferrer = _app.configure_task(
        name,
        queue=entry.queue,
        lock=lock_of(name, arguments),
        priority=ASKED_FOR if asked is Asked.PERSON else 0,
        connection=queries.driver_of(tx),
    )
    number = deferrer.defer(**arguments)
    run = new_public_id()
    queries.note_run(tx, run=run, number=number, asked=asked, due_at=due_at, at=clock.now())
    return run


def lock_of(name: str, arguments: Mapping[str, int | str]) -> str:
    """What is worked on: two jobs with the same name and arguments are never worked on at once."""
    return " ".join([name, *(f"{key}={arguments[key]}" for key in sorted(arguments))])


def _check(name: str, value: object) -> None:
    number = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST
    word = isinstance(value, str) and _SLUG.match(value) is not None
    if not (number or word):
        raise NotForTheQueue(name)
