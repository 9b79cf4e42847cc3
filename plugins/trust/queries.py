"""How every promise stands now."""

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ARRAY, Text, cast, func, select
from sqlalchemy.orm import aliased

from backoffice.access.transaction import Transaction
from backoffice.controls.check import State
from backoffice.controls.registry import Control
from backoffice.language.texts import Lazy, lazy
from plugins.trust.models import ControlResult

TIMES_STALE = 2

# Lazy, so that the page is in its reader's language, and the data and the command stay in English.
NOT_YET = lazy("Not checked yet.")
STATES = {
    State.HOLDS: lazy("holds"),
    State.FALLS_SHORT: lazy("falls short"),
    State.ATTESTED: lazy("attested"),
    State.NOT_EXERCISED: lazy("not exercised"),
    State.STALE: lazy("stale"),
    State.NOT_BUILT: lazy("not built"),
}


@dataclass(frozen=True)
class Standing:
    """One promise and what its check found last."""

    control: Control
    state: State
    evidence: str | None = None
    checked_at: datetime | None = None

    @property
    def id(self) -> str:
        """The control's id."""
        return self.control.id

    @property
    def promise(self) -> str:
        """What is promised."""
        return self.control.promise

    @property
    def quotes(self) -> bool:
        """Whether the evidence is what a check wrote, which is public and stays in English."""
        return self.checked_at is not None and not isinstance(self.evidence, Lazy)

    @property
    def fails(self) -> bool:
        """Whether it counts as falling short."""
        return self.state in {State.FALLS_SHORT, State.STALE}


def standings(
    tx: Transaction, *, controls: Sequence[Control], built: AbstractSet[str], now: datetime
) -> list[Standing]:
    """How each control stands, in their order. `built` are the ids that have a check."""
    latest = _latest(tx, built)
    return [
        _standing(control, latest.get(control.id), now)
        if control.id in built
        else Standing(control, State.NOT_BUILT)
        for control in controls
    ]


def counts(found: Sequence[Standing]) -> dict[str, int]:
    """How many promises are in each state."""
    return {str(state): number for state, number in Counter(each.state for each in found).items()}


def last_checked(found: Sequence[Standing]) -> datetime | None:
    """When the last of the checks ran."""
    return max((each.checked_at for each in found if each.checked_at), default=None)


def _latest(tx: Transaction, controls: AbstractSet[str]) -> Mapping[str, ControlResult]:
    """The newest answer of each, looked up one by one: all answers are kept, and most of them are old."""
    names = func.unnest(cast(sorted(controls), ARRAY(Text))).table_valued("name").alias("names")
    each = aliased(ControlResult)
    newest = (
        select(each.id)
        .where(each.control_id == names.c.name)
        .order_by(each.checked_at.desc(), each.id.desc())
        .limit(1)
        .correlate(names)
        .scalar_subquery()
    )
    statement = select(ControlResult).where(ControlResult.id.in_(select(newest).select_from(names)))
    return {row.control_id: row for row in tx.scalars(statement)}


def _standing(control: Control, result: ControlResult | None, now: datetime) -> Standing:
    if result is None:
        return Standing(control, State.STALE, NOT_YET)
    if now - result.checked_at > TIMES_STALE * control.every:
        said = lazy("The check is overdue. It last said: %(state)s.", state=STATES[State(result.state)])
        return Standing(control, State.STALE, said, result.checked_at)
    return Standing(control, State(result.state), result.evidence, result.checked_at)
