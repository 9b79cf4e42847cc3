"""Whether usernames are digests, classrooms are apart, and leaders see their own schools only."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select, table

from backoffice.access import probe
from backoffice.access.principal import Ids
from backoffice.accounts.models import Account
from backoffice.controls.check import Check, Finding, Looking, falls_short, holds, not_exercised
from backoffice.controls.looking import count, metadatas, some
from backoffice.privacy.inventory import held_in, mapped
from backoffice.schools.models import Classroom, School, Student
from backoffice.schools.reach import OWN_TABLE, Reach, beyond, leaders, reach_of, teachers
from backoffice.storage import catalog, keyring
from backoffice.storage.catalog import LiveTable
from backoffice.storage.columns import Class
from backoffice.storage.keyring import KeyPurpose

_IS_A_DIGEST = "ck_student_username_is_a_digest"
_CLUSTER = "PG_VERSION"  # the file by which a folder is a database's


class ProbeFailed(Exception):
    """Somebody did not even reach what is their own, so what they did not reach says nothing."""


@dataclass(frozen=True)
class _Trial:
    """Whom to try the isolation with, and by what their rows are told from foreign ones."""

    role: str
    nouns: tuple[str, str]
    entity: type[Classroom] | type[School]
    within: Callable[[Reach], Ids]
    # The first of these columns that a table has decides to whom its rows belong.
    order: tuple[str, ...]


TEACHER = _Trial(
    "teacher",
    ("other class", "other classes"),
    Classroom,
    lambda reach: reach.classrooms,
    ("classroom_id", "student_id", "school_id", "district_id", "account_id"),
)
LEADER = _Trial(
    "leader",
    ("other school", "other schools"),
    School,
    lambda reach: reach.schools,
    ("school_id", "district_id", "account_id"),
)


def username_digest(look: Looking) -> Finding:
    """Usernames are kept as keyed digests only, under a key outside the database."""
    wrong_about = _what_is_wrong_with_usernames(look)
    if wrong_about:
        return falls_short(wrong_about)
    stored = Student.username_digest
    is_digest = stored.regexp_match("^[0-9a-f]{32}$")
    total, good = look.tx.execute(select(func.count(stored), func.count(stored).filter(is_digest))).one()
    if good != total:
        return falls_short(f"{total - good:,} of {count(total, 'stored username')} not a digest.")
    if not total:
        return not_exercised("No student has a username yet.")
    return holds(f"{count(total, 'username')}, each 32 hex digits under a key outside the database.")


def classroom_isolation(look: Looking) -> Finding:
    """Isolation is forced on every table, and teachers reach no row of a class that is not theirs."""
    return _isolation(look, TEACHER, teachers(look.tx))


def leader_oversight(look: Looking) -> Finding:
    """Isolation is forced on every table, and leaders reach their schools and no row of another."""
    return _isolation(look, LEADER, leaders(look.tx))


def guarded(look: Looking) -> list[LiveTable]:
    """The live tables that have to be isolated."""
    personal = frozenset(
        str(column.table)
        for column in mapped(metadatas(look))
        if (held := held_in(column)) and held.kind in {Class.PERSONAL, Class.NETWORK_ADDRESS}
    )
    return catalog.belonging(catalog.tables(look.tx.connection()), frozenset(OWN_TABLE), personal)


def weaknesses(look: Looking, tables: Iterable[LiveTable]) -> list[str]:
    """What the database's catalogs say against the isolation."""
    connection = look.tx.connection()
    # The role first: one with too much power is the cause of much that follows.
    found = [f"the web's role {words}" for words in catalog.app_role(connection).excesses()]
    found += [said for each in tables if (said := _weakness(each))]
    found += [f"the view {name} reads past the policies" for name in catalog.open_views(connection)]
    return found


def _weakness(each: LiveTable) -> str | None:
    if each.partition:
        return f"the partition {each.name} is open to the web" if each.open_to_app else None
    if not (each.enabled and each.forced):
        return f"row-level security is not forced on {each.name}"
    if each.open_to_app and not each.policy_for_app:
        return f"{each.name} has no policy for the web"
    return None


def _isolation(look: Looking, trial: _Trial, people: list[int]) -> Finding:
    tables = guarded(look)
    weak = weaknesses(look, tables)
    if weak:
        return falls_short(f"Isolation is broken: {some(weak)}.")
    readable = [each for each in tables if each.readable]
    leaking = _leaks_to_nobody(readable)
    if leaking:
        return falls_short(f"Without signing in, rows can be read of {some(leaking)}.")
    tried, largest = 0, 0
    for account in people:
        reach = reach_of(look.tx, account)
        within = trial.within(reach)
        others = look.tx.scalar(
            select(func.count()).select_from(trial.entity).where(trial.entity.id.not_in(within))
        )
        if not others:
            continue
        leaking = _leaks(look, trial, reach, readable)
        if leaking:
            return falls_short(f"A {trial.role} can read foreign rows of {some(leaking)}.")
        tried, largest = tried + 1, max(largest, others)
    isolated = f"{count(len(tables), 'table')} isolated"
    if not tried:
        return not_exercised(f"{isolated}; there is no {trial.role} beside {trial.nouns[1]} yet.")
    return holds(
        f"{isolated}; {count(tried, trial.role)} tried and read 0 rows of {count(largest, *trial.nouns)}."
    )


def _leaks_to_nobody(tables: Iterable[LiveTable]) -> list[str]:
    with probe.as_nobody() as connection:
        return [each.name for each in tables if connection.scalar(any_row(each))]


def _leaks(look: Looking, trial: _Trial, reach: Reach, tables: Iterable[LiveTable]) -> list[str]:
    entity = trial.entity
    epoch = look.tx.scalar(select(Account.security_epoch).where(Account.id == reach.account)) or 0
    with probe.as_account(reach.account, epoch) as (connection, _principal):
        own = select(func.count()).select_from(entity).where(entity.id.in_(trial.within(reach)))
        if not connection.scalar(own):
            raise ProbeFailed
        found = []
        for each in tables:
            outside = beyond(each, reach, trial.order)
            if outside is not None and connection.scalar(any_row(each, outside)):
                found.append(each.name)
        return found


def any_row(of: LiveTable, *conditions: ColumnElement[bool]) -> Any:
    """The question whether there is a row under these conditions."""
    schema, _, name = of.name.partition(".")
    return select(select(1).select_from(table(name, schema=schema)).where(*conditions).exists())


def _what_is_wrong_with_usernames(look: Looking) -> str | None:
    connection = look.tx.connection()
    clear = [
        f"{column.table}.{column.name}"
        for column in catalog.columns(connection)
        if "username" in column.name.replace("_", "")
        and (column.table, column.name) != ("app.student", "username_digest")
    ]
    if clear:
        return f"A column may hold usernames in the clear: {some(clear)}."
    if _IS_A_DIGEST not in catalog.validated_checks(connection, "app.student"):
        return "The database no longer insists that a stored username is a digest."
    ring, school = keyring.current(), "school"
    bare = {
        hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        for text in ("ada", f"{school}\0ada", f"{school}ada")
    }
    if ring.username_digest("ada", school=school) in bare:
        return "The digest is a bare MD5 without a key."
    path = look.settings.keyring.resolve()
    if any((folder / _CLUSTER).exists() for folder in path.parents):
        return "The keyring lies inside the database's own folder."
    others = [
        key
        for purpose in KeyPurpose
        if purpose is not KeyPurpose.USERNAME
        for key in ring.keys[purpose].values()
    ]
    if ring.newest(KeyPurpose.USERNAME)[1] in others:
        return "The key of usernames is used for something else too."
    return None


CHECKS = (
    Check("username-digest", username_digest),
    Check("classroom-isolation", classroom_isolation),
    Check("leader-oversight", leader_oversight),
)
