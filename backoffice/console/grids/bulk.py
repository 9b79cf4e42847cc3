"""What is done to many rows at once: those that are ticked, or all that fit, after a preview."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select
from werkzeug.datastructures import MultiDict

from backoffice.access.permissions import Permission
from backoffice.access.principal import Principal
from backoffice.access.selection import Which
from backoffice.access.transaction import Transaction
from backoffice.console.paging import count_up_to
from backoffice.settings import Lists

MOST_SELECTED = 500
# Of all that fit, so many are named in the question.
MOST_NAMED = 11
CHANGED = "The list has changed meanwhile. Look at the number again."
_COUNT = re.compile(r"[\d,. ]{1,12}", re.ASCII)


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


@dataclass(frozen=True)
class Chosen:
    """What an action is for: the things that its question names, how many there are, and which.

    `count` is None where all that fit are more than may be changed at once.
    """

    named: Sequence[Any]
    count: int | None
    which: Which
    whole: bool = False
    most: int = MOST_SELECTED

    @property
    def problem(self) -> str:
        """Why nothing can be done, where nothing can."""
        if self.count is None:
            return f"Of all that fit, at most {self.most:,} are changed at once. Narrow the list first."
        return "Nothing was selected. Tick the rows first."


def most_at_once(who: Principal, lists: Lists) -> int:
    """How many rows somebody may change at once, of all that fit."""
    return lists.most_leader if who.led_schools or who.founder else lists.most_teacher


def ticked(tx: Transaction, statement: Select[Any], entity: Any, form: MultiDict[str, str]) -> Chosen:
    """Those of the statement's rows that a form has ticked."""
    wanted = list(dict.fromkeys(form.getlist("rowid")))[:MOST_SELECTED]
    found = tx.scalars(statement.where(entity.public_id.in_(wanted))).all()
    return Chosen(found, len(found), [thing.public_id for thing in found])


def all_that_fit(tx: Transaction, statement: Select[Any], entity: Any, which: Which, most: int) -> Chosen:
    """All rows of the statement, counted up to what may be changed at once."""
    first = tx.scalars(statement.order_by(*entity.__mapper__.primary_key).limit(MOST_NAMED)).all()
    return Chosen(first, count_up_to(tx, statement, most), which, whole=True, most=most)


def why_not(chosen: Chosen, form: MultiDict[str, str], lists: Lists) -> str | None:
    """What is wrong with a confirmation of all that fit, in a sentence; None if nothing is."""
    if not chosen.whole:
        return None
    if form.get("expected") != str(chosen.count):
        return CHANGED
    if asks_for_count(chosen, lists) and _number(form.get("typed", "")) != chosen.count:
        return f"Type {chosen.count:,} to confirm that you mean so many."
    return None


def asks_for_count(chosen: Chosen, lists: Lists) -> bool:
    """Whether the number has to be typed: a click is too little for so many."""
    return chosen.whole and chosen.count is not None and chosen.count >= lists.typed_from


def _number(text: str) -> int | None:
    digits = re.sub(r"\D", "", text, flags=re.ASCII)
    return int(digits) if digits and _COUNT.fullmatch(text.strip()) else None
