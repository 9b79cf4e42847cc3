"""How every promise stands now."""

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from backoffice.access.transaction import Transaction
from backoffice.controls.check import State
from backoffice.controls.registry import Control
from plugins.trust.models import ControlResult

TIMES_STALE = 2


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
    def fails(self) -> bool:
        """Whether it counts as falling short."""
        return self.state in {State.FALLS_SHORT, State.STALE}


def standings(
    tx: Transaction, *, controls: Sequence[Control], built: AbstractSet[str], now: datetime
) -> list[Standing]:
    """How each control stands, in their order. `built` are the ids that have a check."""
    latest = _latest(tx)
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


def _latest(tx: Transaction) -> Mapping[str, ControlResult]:
    newest_first = (ControlResult.checked_at.desc(), ControlResult.id.desc())
    rows = tx.scalars(
        select(ControlResult)
        .ext(distinct_on(ControlResult.control_id))
        .order_by(ControlResult.control_id, *newest_first)
    )
    return {row.control_id: row for row in rows}


def _standing(control: Control, result: ControlResult | None, now: datetime) -> Standing:
    if result is None:
        return Standing(control, State.STALE, "Not checked yet.")
    if now - result.checked_at > TIMES_STALE * control.every:
        said = f"The check is overdue. It last said: {result.state}."
        return Standing(control, State.STALE, said, result.checked_at)
    return Standing(control, State(result.state), result.evidence, result.checked_at)
