"""What can be subscribed to, as `config/plans.toml` says; refused with every mistake at once."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from backoffice.entitlements import Entitlement
from backoffice.settings import CONFIG
from plugins.billing.models import PlanName

FILE = CONFIG / "plans.toml"
_DAYS = ("trial_days", "grace_days", "invoice_days", "quote_days")
_OF_A_PLAN = {"lookup_keys", "per_seat", "fewest_seats", "entitlements"}


class PlansError(ValueError):
    """The plans cannot be used; `problems` says why, one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Plan:
    """A plan: the names of its prices at Stripe, and what it holds. What is not limited is not named."""

    name: PlanName
    lookup_keys: tuple[str, ...]
    per_seat: bool
    fewest_seats: int
    entitlements: Mapping[Entitlement, int]

    def limits(self, seats: int) -> Mapping[Entitlement, int]:
        """What it holds for so many seats."""
        return {**self.entitlements, **({Entitlement.SEATS: seats} if self.per_seat else {})}


@dataclass(frozen=True)
class Plans:
    """All of them, with the days that hold for each."""

    trial: timedelta
    grace: timedelta
    invoice: timedelta
    quote: timedelta
    by_name: Mapping[PlanName, Plan]

    @property
    def free(self) -> Plan:
        """What whoever has no subscription has."""
        return self.by_name[PlanName.FREE]

    def of_price(self, lookup_key: str | None) -> Plan | None:
        """The plan that a price of Stripe's belongs to."""
        return next((each for each in self.by_name.values() if lookup_key in each.lookup_keys), None)


@cache
def current() -> Plans:
    """The plans of this installation. Raises `PlansError`."""
    return read(FILE)


def read(path: Path) -> Plans:
    """The plans of a file. Raises `PlansError`."""
    try:
        said = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PlansError([f"{path.name} cannot be read: {error}"]) from None
    problems = [f"{path.name}: {problem}" for problem in _problems(said)]
    if problems:
        raise PlansError(problems)
    plans = {PlanName(name): _plan(PlanName(name), entry) for name, entry in said["plan"].items()}
    trial, grace, invoice, quote = (timedelta(days=said[name]) for name in _DAYS)
    return Plans(trial, grace, invoice, quote, plans)


def _problems(said: Mapping[str, Any]) -> Iterator[str]:
    for name in _DAYS:
        if not isinstance(said.get(name), int) or said[name] < 0:
            yield f"{name} is no number of days."
    yield from (f"nothing is called {name}." for name in said if name not in {*_DAYS, "plan"})
    found: Mapping[str, Any] = said.get("plan", {})
    yield from (f"there is no plan {name}." for name in found if name not in set(PlanName))
    yield from (f"the plan {name} is missing." for name in PlanName if name not in found)
    for name, entry in found.items():
        yield from (f"{name}: nothing is called {key}." for key in entry if key not in _OF_A_PLAN)
        yield from (
            f"{name}: {key} is no entitlement."
            for key in entry.get("entitlements", {})
            if key not in set(Entitlement)
        )
        yield from (
            f"{name}: {key} is no number."
            for key, limit in entry.get("entitlements", {}).items()
            if not isinstance(limit, int) or limit < 0
        )
        if name != PlanName.FREE and not entry.get("lookup_keys"):
            yield f"{name} has no price. Name its lookup_keys."
    keys = [key for entry in found.values() for key in entry.get("lookup_keys", ())]
    yield from (f"the price {key} belongs to two plans." for key in set(keys) if keys.count(key) > 1)


def _plan(name: PlanName, entry: Mapping[str, Any]) -> Plan:
    return Plan(
        name,
        tuple(entry.get("lookup_keys", ())),
        bool(entry.get("per_seat")),
        int(entry.get("fewest_seats", 1)),
        {Entitlement(key): limit for key, limit in entry.get("entitlements", {}).items()},
    )
