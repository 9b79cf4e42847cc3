"""A plugin that says what a school's plan holds, as the one that sells plans does."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from backoffice import entitlements
from backoffice.access import toggles
from backoffice.access.transaction import Transaction
from backoffice.entitlements import Entitlement
from backoffice.plugin import Plugin
from backoffice.runtime import Runtime

NAME = "heron"
PLANS = "/console/heron/"
NOTHING: Mapping[Entitlement, int | None] = dict.fromkeys(Entitlement, 0)


@contextmanager
def plan(
    runtime: Runtime, holds: Mapping[Entitlement, int | None], *, on: bool = True
) -> Iterator[list[int]]:
    """Every school's plan holds as much, while it lasts; yields of which schools was asked.

    The plugin comes in by way of what a process installs at its start, and goes again. Others that know plans
    are silent meanwhile.
    """
    asked: list[int] = []

    def limits(_tx: Transaction, school_id: int) -> Mapping[Entitlement, int | None]:
        asked.append(school_id)
        return holds

    def link(tx: Transaction, school_id: int) -> str | None:
        return PLANS if school_id in tx.principal.led_schools else None

    made = Plugin(
        name=NAME,
        title="The heron",
        summary="Knows plans.",
        tables=None,
        personal_data=(),
        retention=(),
        entitlements=limits,
        billing_link=link,
    )
    defaults = {each.name: each.enabled_at_first for each in runtime.plugins}
    toggles.install({**defaults, NAME: on})
    entitlements.install([made])
    try:
        yield asked
    finally:
        entitlements.install(runtime.plugins)
        toggles.install(defaults)


@contextmanager
def no_plan(runtime: Runtime) -> Iterator[None]:
    """Nobody knows plans while it lasts, whatever is installed."""
    entitlements.install([])
    try:
        yield
    finally:
        entitlements.install(runtime.plugins)
