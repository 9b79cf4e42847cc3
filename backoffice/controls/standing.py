"""How a promise stands, as whoever checks it found last."""

from dataclasses import dataclass

from backoffice.controls.check import State

SHORT = frozenset({State.FALLS_SHORT, State.STALE})


@dataclass(frozen=True)
class Stands:
    """One promise: what is promised, how it stands, the evidence, and where it is shown."""

    control: str
    promise: str
    state: State
    evidence: str
    url: str

    @property
    def short(self) -> bool:
        """Whether it counts as falling short. One that was not checked in time does."""
        return self.state in SHORT
