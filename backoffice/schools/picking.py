"""Picking one class, school or adult of many by the beginnings of its name, among those that one may pick.

These names are sealed and have no tokens: they are read, up to so many, and it is said where there are more.
A fixed number of statements, whatever there is. A plugin adds kinds of its own with `offer`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Select, select

from backoffice.access.permissions import (
    CLASSROOMS_CREATE,
    CLASSROOMS_READ,
    FIELDS_MANAGE,
    SCHOOL_DAYS_EDIT,
    SCHOOL_YEARS_BEGIN,
    SCHOOLS_READ,
    STUDENTS_CREATE,
    TEACHERS_INVITE,
    TEACHERS_LIST,
    TEACHERS_REMOVE,
    VIEWS_SHARE,
    Permission,
)
from backoffice.access.policy import can, visible
from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account, AccountStatus
from backoffice.language.texts import gettext, ngettext
from backoffice.schools import names, queries
from backoffice.schools.finding import MOST_READ
from backoffice.schools.models import Classroom, Membership, School
from backoffice.storage.public_id import is_public_id

# So many are shown at once; of more, further letters choose.
MOST_PICKED = 12
# Public identifier, name, and the number of the school.
Known = Select[str, str, int]
LONGEST_WORDS = 60


class Picked(NamedTuple):
    """One that can be picked, and what tells it from another of that name."""

    public_id: str
    name: str
    hint: str = ""


@dataclass(frozen=True)
class Pickable:
    """What came of looking. `more` fit than are shown; of `unread` names nobody knows whether they fit."""

    shown: Sequence[Picked] = ()
    more: bool = False
    unread: bool = False

    @property
    def said(self) -> str:
        """It in a sentence."""
        if not self.shown:
            if self.unread:
                return gettext("Nothing of that name, but not all were looked at: choose the school first.")
            return gettext("Nothing of that name.")
        if self.more:
            return gettext(
                "The first %(count)s are shown. Type further to find others.", count=len(self.shown)
            )
        if self.unread:
            return ngettext(
                "%(num)s found, but not all were looked at: choose the school first.",
                "%(num)s found, but not all were looked at: choose the school first.",
                len(self.shown),
            )
        return ngettext("%(num)s found.", "%(num)s found.", len(self.shown))


@dataclass(frozen=True)
class Relation:
    """A kind of thing that is picked, and what one must be allowed to do with each.

    `known` selects public identifier, name and school of all, or of those in the school of this number. Of
    schools, `with_class` takes those with a class on which one may do that. `ahead` are a few others that are
    offered before them: those that one may pick, whoever asks.
    """

    permission: Permission
    known: Callable[[int | None], Known]
    hints: bool = False
    with_class: Permission | None = None
    ahead: Callable[[Transaction], Sequence[Picked]] = lambda _tx: ()

    @property
    def opened_by(self) -> Permission:
        """Without it there is nothing to pick."""
        return self.with_class or self.permission

    def rows(self, tx: Transaction, within: int | None) -> Known:
        """The statement of those that the principal may pick."""
        statement = visible(tx.principal, self.known(within), self.permission)
        if self.with_class is None:
            return statement
        rooms = visible(tx.principal, select(Classroom.school_id), self.with_class)
        return statement.where(School.id.in_(rooms))


def _classrooms(within: int | None) -> Known:
    live = select(Classroom.public_id, Classroom.name, Classroom.school_id.label("school"))
    live = live.where(Classroom.archived_at.is_(None)).order_by(Classroom.school_id, Classroom.id)
    return live if within is None else live.where(Classroom.school_id == within)


def schools(within: int | None) -> Known:
    """All schools, or the one of this number."""
    known = select(School.public_id, School.name, School.id.label("school")).order_by(School.id)
    return known if within is None else known.where(School.id == within)


def _adults(within: int | None) -> Known:
    known = select(Account.public_id, Account.name, Account.id.label("school")).order_by(Account.id)
    if within is None:
        return known
    there = select(Membership.account_id).where(
        Membership.school_id == within, Membership.suspended_at.is_(None)
    )
    return known.where(Account.id.in_(there), Account.status == AccountStatus.ACTIVE)


# By the word that a form says for each.
RELATIONS: dict[str, Relation] = {
    "class": Relation(CLASSROOMS_READ, _classrooms, hints=True),
    "class-to-join": Relation(STUDENTS_CREATE, _classrooms, hints=True),
    "class-to-invite-to": Relation(TEACHERS_INVITE, _classrooms, hints=True),
    "school": Relation(SCHOOLS_READ, schools),
    "school-to-make-a-class-in": Relation(CLASSROOMS_CREATE, schools),
    "school-to-import-into": Relation(SCHOOLS_READ, schools, with_class=STUDENTS_CREATE),
    "school-to-invite-to": Relation(TEACHERS_INVITE, schools),
    "school-to-share-in": Relation(VIEWS_SHARE, schools),
    "school-with-days": Relation(SCHOOL_DAYS_EDIT, schools),
    "school-with-fields": Relation(FIELDS_MANAGE, schools),
    "school-with-a-year": Relation(SCHOOL_YEARS_BEGIN, schools),
    "teacher": Relation(TEACHERS_LIST, _adults),
    "heir": Relation(TEACHERS_REMOVE, _adults),
}


def offer(name: str, relation: Relation) -> None:
    """Have something more picked, under a name of its own."""
    RELATIONS[name] = relation


def may_pick(tx: Transaction, relation: str) -> bool:
    """Whether there is anything of it that the principal could pick."""
    known = RELATIONS.get(relation)
    return known is not None and can(tx.principal, known.opened_by)


def pick(tx: Transaction, relation: str, words: str, *, within: int | None = None) -> Pickable:
    """Those whose names have words that begin so, by name; without words, the first of all.

    The names of their schools tell classes of several schools apart, and can be looked for too.
    """
    known = RELATIONS[relation]
    rows = tx.execute(known.rows(tx, within).limit(MOST_READ + 1)).all()
    schools = _names_of(tx, known, rows, within)
    found = [
        Picked(row.public_id, row.name, schools.get(row.school, ""))
        for row in rows[:MOST_READ]
        if _fits(f"{row.name} {schools.get(row.school, '')}", words)
    ]
    found.sort(key=_by_name)
    found = [*(each for each in known.ahead(tx) if _fits(each.name, words)), *found]
    return Pickable(found[:MOST_PICKED], len(found) > MOST_PICKED, len(rows) > MOST_READ)


def picked(tx: Transaction, relation: str, public_id: str, *, within: int | None = None) -> Picked | None:
    """The one with this public identifier, if the principal may pick it."""
    if not is_public_id(public_id):
        return None
    known = RELATIONS[relation]
    if ahead := next((each for each in known.ahead(tx) if each.public_id == public_id), None):
        return ahead
    statement = known.rows(tx, within)
    # The first column is the public identifier, whatever the thing is.
    rows = tx.execute(statement.where(statement.selected_columns[0] == public_id)).all()
    schools = _names_of(tx, known, rows, within)
    return next((Picked(row.public_id, row.name, schools.get(row.school, "")) for row in rows), None)


def few(tx: Transaction, relation: str, *, most: int, within: int | None = None) -> Sequence[Picked] | None:
    """All of them by name, or None where they are more than a select shows."""
    known = RELATIONS[relation]
    ahead = known.ahead(tx)
    rows = tx.execute(known.rows(tx, within).limit(most + 1)).all()
    if len(ahead) + len(rows) > most:
        return None
    schools = _names_of(tx, known, rows, within)
    found = [Picked(row.public_id, row.name, schools.get(row.school, "")) for row in rows]
    return [*ahead, *sorted(found, key=_by_name)]


def _by_name(picked: Picked) -> tuple[str, str]:
    return names.sort_key(picked.name, picked.hint)


def _names_of(tx: Transaction, known: Relation, rows: Sequence[Any], within: int | None) -> Mapping[int, str]:
    """The names of the schools of these rows, where they tell them apart."""
    if not known.hints or within is not None:
        return {}
    schools = {row.school for row in rows}
    return queries.school_names(tx, schools) if len(schools) > 1 else {}


def _fits(name: str, words: str) -> bool:
    begun = names.plain(words).split()
    parts = names.plain(name).split()
    return all(any(part.startswith(word) for part in parts) for word in begun)
