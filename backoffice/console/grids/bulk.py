"""What is done to many rows at once: those that are ticked, or all that fit, after a preview."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Select, tuple_
from werkzeug.datastructures import MultiDict

from backoffice.access.permissions import Permission
from backoffice.access.principal import Principal
from backoffice.access.selection import OTHERS_FIT, Beside, Fitting, Narrowing, Which, keys_of, seen_of
from backoffice.access.transaction import Transaction
from backoffice.console.paging import PAGE_SIZE
from backoffice.language.moments import amount, number_in
from backoffice.language.texts import gettext, lazy
from backoffice.settings import Lists

# Of all that fit, so many are named in the question.
MOST_NAMED = 11


@dataclass(frozen=True)
class BulkAction:
    """Something done to selected rows, after a preview. `run` is a method of the grid."""

    name: str
    title: str
    permission: Permission
    run: str
    question: str
    danger: bool = False
    # Reaches far: only for whoever has just proved to be it.
    fresh: bool = False
    # Also for all rows that fit, by what the list is narrowed to and not by a list of them.
    whole: bool = False
    # What else than the rows its preview counts, where it changes that.
    beside: Beside | None = None
    # Only asks for something: `run` says the address of the page on which that is looked at and confirmed.
    leads_on: bool = False


# What is chosen in a form, where a text is to name it that a script puts in its place.
CHOSEN = "{name}"


class Button(NamedTuple):
    """What the button says that does it, and says once it is chosen to where: `CHOSEN` stands for that."""

    title: str
    chosen: str | None = None


@dataclass(frozen=True)
class Chosen:
    """What an action is for: the things that its question names, how many there are, and which.

    `numbers` are those of all of them, `rowids` what a form ticked. `problem` says why nothing can be done,
    where nothing can.
    """

    named: Sequence[Any] = ()
    count: int = 0
    which: Which = ()
    numbers: Collection[int] = ()
    rowids: Sequence[str] = ()
    problem: str | None = None

    @property
    def shown(self) -> Fitting | None:
        """What was shown, where a confirmation is for that and nothing else."""
        return self.which if isinstance(self.which, Fitting) else None

    @property
    def whole(self) -> Fitting | None:
        """All that fit, where it is for all of them and not for some by their identifiers."""
        return None if self.rowids else self.shown


NOTHING = Chosen(problem=lazy("Nothing was selected. Tick the rows first."))


def most_at_once(who: Principal, lists: Lists, schools: Collection[int] | None = None) -> int:
    """How many rows of these schools somebody may change at once; of None, where they are the best.

    What may be done as a leader is more, where all of the rows are of schools that one leads.
    """
    leads = who.led_schools if schools is None else schools and who.led_schools.issuperset(schools)
    return lists.most_leader if leads or who.founder else lists.most_teacher


def ticked(
    tx: Transaction,
    statement: Select[Any],
    entity: Any,
    form: MultiDict[str, str],
    lists: Lists,
    beside: Beside | None = None,
) -> Chosen:
    """Those of the statement's rows that a form has ticked: at most those of a page.

    Where more than the rows is changed, a confirmation is for what was shown beside them.
    """
    wanted = list(dict.fromkeys(form.getlist("rowid")))
    if len(wanted) > PAGE_SIZE:
        return _too_many(PAGE_SIZE)
    found = tx.scalars(statement.where(entity.public_id.in_(wanted))).all()
    most = most_at_once(tx.principal, lists, _schools(found))
    if len(found) > most:
        return _too_many(most)
    if not found:
        return NOTHING
    public_ids, numbers = [thing.public_id for thing in found], [thing.id for thing in found]
    if beside is None:
        return Chosen(found, len(found), public_ids, numbers, public_ids)

    def narrowed(_tx: Transaction, rows: Select[Any]) -> Select[Any]:
        return rows.where(entity.public_id.in_(public_ids))

    keys = keys_of(tx, narrowed(tx, statement), most) or ()
    fitting = Fitting(narrowed, most, seen_of(tx, keys, beside), beside=beside)
    return Chosen(found, len(found), fitting, numbers, public_ids)


def all_that_fit(
    tx: Transaction,
    statement: Select[Any],
    entity: Any,
    narrowed: Narrowing,
    lists: Lists,
    beside: Beside | None = None,
) -> Chosen:
    """All rows of the statement, read by their keys up to what may be changed at once."""
    most = most_at_once(tx.principal, lists)
    keys = keys_of(tx, statement, most)
    if keys is not None:
        most = most_at_once(tx.principal, lists, _schools(keys))
    if keys is None or len(keys) > most:
        return Chosen(
            problem=gettext(
                "At most %(most)s rows can be changed at once. Filter the list first.",
                most=amount(most),
            )
        )
    if not keys:
        return NOTHING
    first = [tuple(key) for key in keys[:MOST_NAMED]]
    key = entity.__mapper__.primary_key
    named = tx.scalars(statement.where(tuple_(*key).in_(first)).order_by(*key)).all()
    fitting = Fitting(narrowed, most, seen_of(tx, keys, beside), beside=beside)
    return Chosen(named, len(keys), fitting, [key.id for key in keys])


def why_not(action: BulkAction, chosen: Chosen, form: MultiDict[str, str], lists: Lists) -> str | None:
    """What is wrong with a confirmation, in a sentence; None if nothing is."""
    if chosen.shown and form.get("expected") != chosen.shown.seen:
        return OTHERS_FIT
    if asks_for_count(action, chosen, lists) and number_in(form.get("typed", "")) != chosen.count:
        return gettext("Type %(count)s to confirm that you mean so many.", count=amount(chosen.count))
    return None


def asks_for_count(action: BulkAction, chosen: Chosen, lists: Lists) -> bool:
    """Whether the number has to be typed: a click is too little for so many."""
    return not action.leads_on and chosen.count >= lists.typed_from


def _too_many(most: int) -> Chosen:
    return Chosen(
        problem=gettext(
            "Of ticked rows, at most %(most)s are changed at once. Tick fewer.", most=amount(most)
        )
    )


def _schools(rows: Sequence[Any]) -> frozenset[int]:
    """Of which schools these rows are; none where that cannot be said of all of them."""
    found: set[Any] = {getattr(row, "school_id", None) for row in rows}
    return frozenset() if None in found else frozenset(found)
