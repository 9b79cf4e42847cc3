"""What a check of a promise is: code that looks at the running system and says what it found."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from flask import Flask

from backoffice.access.transaction import Transaction
from backoffice.settings import Settings


class State(StrEnum):
    """How a promise stands. `NOT_BUILT` is the answer of a control without a check."""

    HOLDS = "holds"
    FALLS_SHORT = "falls short"
    ATTESTED = "attested"
    NOT_EXERCISED = "not exercised"
    STALE = "stale"
    NOT_BUILT = "not built"


@dataclass(frozen=True)
class Finding:
    """What a check found, with a one-line figure as evidence. The evidence is public: no personal data."""

    state: State
    evidence: str


@dataclass(frozen=True)
class Looking:
    """What a check may look at: the running system, as the system role with the stated purpose."""

    app: Flask
    settings: Settings
    tx: Transaction


@dataclass(frozen=True)
class Check:
    """The check of one control, named by the control's id in `config/controls.toml`."""

    control: str
    look: Callable[[Looking], Finding]


def holds(evidence: str) -> Finding:
    """The promise is kept."""
    return Finding(State.HOLDS, evidence)


def falls_short(evidence: str) -> Finding:
    """The promise is not kept."""
    return Finding(State.FALLS_SHORT, evidence)


def not_exercised(evidence: str) -> Finding:
    """Nothing has happened yet that could show it."""
    return Finding(State.NOT_EXERCISED, evidence)
