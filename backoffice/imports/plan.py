"""What an import would do, row by row, for people to look at before it is done."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from enum import StrEnum
from functools import cached_property

from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected

NOTHING_TO_DO = lazy("There is nothing to bring in: no row is new or changes anything.")


class RowState(StrEnum):
    """What becomes of a row."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    REFUSED = "refused"


@dataclass(frozen=True)
class CellChange:
    """A cell as it is and as it would be. `column` is the heading that people know."""

    column: str
    before: str
    after: str


@dataclass(frozen=True)
class PlannedRow:
    """A row and what becomes of it.

    `sentence` says why it is refused, or what is to be known of it besides; `column` where. `mark` tells
    what it is about from anything else that reads the same.
    """

    line: int
    state: RowState
    name: str
    place: str = ""
    changes: tuple[CellChange, ...] = ()
    column: str | None = None
    sentence: str | None = None
    mark: str = ""


class RefusedRow(Exception):
    """A row that cannot be done: the heading of the cell that is wrong, and what to do about it."""

    def __init__(self, column: str, sentence: str) -> None:
        super().__init__(sentence)
        self.column, self.sentence = column, sentence

    def planned(self, line: int, name: str, place: str) -> PlannedRow:
        """The row as it is shown."""
        return PlannedRow(line, RowState.REFUSED, name, place, column=self.column, sentence=self.sentence)


@dataclass(frozen=True)
class Plan:
    """The rows of a list in the order of the file. `full` says why there is no room for what is new."""

    rows: Sequence[PlannedRow]
    full: str | None = None

    @cached_property
    def counts(self) -> Mapping[RowState, int]:
        """How many rows there are of each state."""
        counted = Counter(row.state for row in self.rows)
        return {state: counted[state] for state in RowState}

    @property
    def size(self) -> int:
        """How many rows it would write."""
        return self.counts[RowState.NEW] + self.counts[RowState.CHANGED]

    def of(self, state: RowState) -> list[PlannedRow]:
        """The rows of a state."""
        return [row for row in self.rows if row.state is state]

    @cached_property
    def digest(self) -> str:
        """Equal for plans that do the same: by it whoever confirms gets what was shown and nothing else."""
        written = json.dumps([astuple(row) for row in self.rows], ensure_ascii=True)
        return hashlib.sha256(written.encode()).hexdigest()


def beyond(plan: Plan, full: Rejected | None) -> Plan:
    """The plan, with why there is no room for what is new, if that is so.

    By its digest it is the same: it says no other rows.
    """
    return plan if full is None else replace(plan, full=full.in_words)


def require_size(plan: Plan, most: int) -> None:
    """Raise `Rejected` if there is nothing to do, or more than somebody may do at once."""
    if not plan.size:
        raise Rejected.whole(NOTHING_TO_DO)
    if plan.size > most:
        raise Rejected.whole(
            gettext(
                "You may bring in at most %(most)s rows at once. Bring the list in parts.", most=amount(most)
            )
        )


class ChangedMeanwhile(Exception):
    """Something that the import is about has changed since it was shown; nothing was done.

    `plan` is what it would do now.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__("The plan is another one now.")
        self.plan = plan
