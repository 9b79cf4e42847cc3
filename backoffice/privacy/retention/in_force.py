"""Which policy is in force: the file's, as two founders have accepted it, and as the program can go by it.

What was decided stands in the database, so that every process goes by the same. A process reads it anew when
what it knows is older than two seconds. Where nothing was decided yet, the file is in force.

Of each kind of data it is the newest decision whose time has come; one that is changed again before that
never comes. A kind that nobody has decided about, and one whose decided entry the program cannot go by any
more (by its plugin, column, action or warnings, or since its columns promise less), is as the file has it, at
once: without it the program does not start.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from backoffice import clock
from backoffice.privacy.retention import policy
from backoffice.privacy.retention.differences import Difference, differences
from backoffice.privacy.retention.policy import Entry, Policy
from backoffice.storage import database, functions
from backoffice.storage.database import Database
from backoffice.storage.roles import DatabaseRole

KNOWN_FOR = timedelta(seconds=2)


@dataclass(frozen=True)
class Version:
    """A policy that was decided. `number` is that of its row."""

    number: int
    said: Policy
    digest: str
    confirmed_at: datetime
    later: frozenset[str] = frozenset()
    later_at: datetime | None = None

    def begins(self, kind: str) -> datetime | None:
        """From when on it is in force for a kind of data; None until schools are being told."""
        return self.later_at if kind in self.later else self.confirmed_at


@dataclass(frozen=True)
class Change:
    """A decision after the first, and what it changed of the one before it.

    `replaced` are the kinds of data that were decided anew before this was in force for them, and when: for
    those it never is.
    """

    version: Version
    differences: tuple[Difference, ...]
    replaced: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def at_once(self) -> tuple[Difference, ...]:
        """What was in force as it was confirmed."""
        return tuple(each for each in self.differences if each.name not in self.version.later)

    @property
    def later(self) -> tuple[Difference, ...]:
        """What comes in force after schools have been told, or did."""
        waits = self.version.later - self.replaced.keys()
        return tuple(each for each in self.differences if each.name in waits)

    @property
    def never(self) -> tuple[Difference, ...]:
        """What is never in force."""
        return tuple(each for each in self.differences if each.name in self.replaced)

    def begins(self, kind: str) -> datetime | None:
        """From when on it is in force for a kind of data; None until schools are being told, and for ever."""
        return None if kind in self.replaced else self.version.begins(kind)


@dataclass(frozen=True)
class _Known:
    database: Database
    read_at: datetime
    versions: tuple[Version, ...]
    policy: Policy
    # When something of it comes in force that was not as it was read.
    until: datetime | None

    def holds(self, here: Database, now: datetime) -> bool:
        fresh = self.database is here and abs(now - self.read_at) < KNOWN_FOR
        return fresh and (self.until is None or now < self.until)


_known: _Known | None = None


def _all_fit(_entry: Entry) -> bool:
    return True


_fits: Callable[[Entry], bool] = _all_fit


def install(fits: Callable[[Entry], bool]) -> None:
    """Say for this process by which entries the program can go."""
    global _fits  # noqa: PLW0603 - a process has one program
    _fits = fits
    forget()


def current() -> Policy:
    """The policy in force. What another process decided counts within two seconds."""
    return _known_now().policy


def versions() -> tuple[Version, ...]:
    """Every policy that was decided, the oldest first."""
    return _known_now().versions


def forget() -> None:
    """Read anew what was decided when it is next asked for: this process has just changed it."""
    global _known  # noqa: PLW0603
    _known = None


def read(connection: Connection) -> tuple[Version, ...]:
    """Every policy that was decided, the oldest first, as a transaction sees it."""
    return tuple(
        Version(
            row.number,
            policy.remembered(row.said),
            row.digest,
            row.confirmed_at,
            frozenset(row.later),
            row.later_at,
        )
        for row in functions.retention_policies(connection)
    )


def at(moment: datetime, decided: Sequence[Version]) -> Policy:
    """The policy in force at a moment, by these decisions."""
    found = _decided_by(moment, decided)
    return Policy(
        {
            name: found[name] if _goes_by(found.get(name)) else own
            for name, own in policy.on_disk().entries.items()
        }
    )


def changes(decided: Sequence[Version]) -> list[Change]:
    """What each decision after the first changed, the newest first."""
    found, anew = list[Change](), dict[str, datetime]()
    for version, before in pairwise(reversed(decided)):
        changed = tuple(differences(before.said, version.said))
        replaced = {
            each.name: anew[each.name]
            for each in changed
            if each.name in anew and not _has_begun(version.begins(each.name), anew[each.name])
        }
        found.append(Change(version, changed, replaced))
        anew |= {each.name: version.confirmed_at for each in changed}
    return found


def undecided(decided: Sequence[Version]) -> list[Difference]:
    """What the file says otherwise than the last decision; nothing where nothing was decided yet."""
    return list(differences(decided[-1].said, policy.on_disk())) if decided else []


def notice(decided: Sequence[Version]) -> str | None:
    """For whoever runs the service: that the file says something else than what was decided, if it does."""
    found = [each.name for each in undecided(decided)]
    if not found:
        return None
    return (
        f"{policy.FILE} says something else than the policy that was decided, of: {', '.join(found)}."
        " Nothing of it is in force until two founders have decided it: see Retention in the console,"
        " or run: backoffice retention diff"
    )


def forced(decided: Sequence[Version], found: Sequence[Difference]) -> set[str]:
    """Those of undecided differences by which the program goes already, since it could go by no other."""
    now = _decided_by(clock.now(), decided)
    return {each.name for each in found if each.new is None or not _goes_by(now.get(each.name))}


def _goes_by(entry: Entry | None) -> bool:
    return entry is not None and _fits(entry)


def _decided_by(moment: datetime, decided: Sequence[Version]) -> Mapping[str, Entry]:
    found: dict[str, list[tuple[datetime | None, Entry]]] = {}
    before: Mapping[str, Entry] = {}
    for version in decided:
        for name, entry in version.said.entries.items():
            # What a decision leaves as it was keeps its own time: it may still be to come.
            if before.get(name) != entry:
                # What had not begun when something else was decided never does.
                begun = [each for each in found.get(name, ()) if _has_begun(each[0], version.confirmed_at)]
                found[name] = [*begun, (version.begins(name), entry)]
        before = version.said.entries
    now = {
        name: [entry for begins, entry in known if _has_begun(begins, moment)]
        for name, known in found.items()
    }
    return {name: entries[-1] for name, entries in now.items() if entries}


def _has_begun(begins: datetime | None, at: datetime) -> bool:
    return begins is not None and begins <= at


def _known_now() -> _Known:
    global _known  # noqa: PLW0603
    known, here, now = _known, database.current(), clock.now()
    if known is not None and known.holds(here, now):
        return known
    try:
        # A connection of its own: who asks may be in a transaction, and hold one of few.
        with here.engine(DatabaseRole.APP, prompt=True).connect() as connection:
            decided = read(connection)
    except OperationalError:
        if known is None or known.database is not here:
            raise
        # What was known goes on, with the dates that were known.
        decided = known.versions
    ahead = (each.later_at for each in decided if each.later_at is not None and each.later_at > now)
    known = _known = _Known(here, now, decided, at(now, decided), min(ahead, default=None))
    return known
