"""The tiles of promises that fall short, and how promises stand for the page of plugins."""

from collections.abc import Sequence

from backoffice import clock
from backoffice.access.permissions import JOBS_READ
from backoffice.access.transaction import Transaction
from backoffice.controls import registry
from backoffice.controls.check import State
from backoffice.controls.standing import Stands
from backoffice.language.texts import gettext, lazy
from backoffice.tiles import Entry, List, Number, Tile, once
from backoffice.web.identity import runtime
from plugins.trust import queries, services

PAGE = "/trust"
MOST_LISTED = 6
WORDS = {State.FALLS_SHORT: (lazy("Falls short"), "bad"), State.STALE: (lazy("Not checked in time"), "warn")}


def standings(tx: Transaction) -> Sequence[Stands]:
    """How every promise stands, in their order."""
    built = {check.control for check in services.checks_of(runtime().plugins)}
    found = queries.standings(tx, controls=registry.current().controls, built=built, now=clock.now())
    return [
        Stands(each.id, each.promise, each.state, each.evidence or "", f"{PAGE}#{each.id}") for each in found
    ]


def _falling_short(tx: Transaction) -> Number:
    found = once(tx, standings)
    short = [each for each in found if each.short]
    unchecked = sum(1 for each in found if each.state is State.NOT_BUILT)
    note = gettext("of %(total)s promises", total=len(found) - unchecked)
    if unchecked:
        note = gettext(
            "of %(total)s with a check, %(count)s without", total=len(found) - unchecked, count=unchecked
        )
    return Number(len(short), note, "bad" if short else "good")


def _which(tx: Transaction) -> List | None:
    """Those that fall short, the worst first, each with what its check found."""
    short = [each for each in once(tx, standings) if each.short]
    if not short:
        return None
    short.sort(key=lambda each: each.state is State.STALE)
    return List(
        [
            Entry(each.promise, [each.evidence], each.url, None, *WORDS[each.state])
            for each in short[:MOST_LISTED]
        ],
        PAGE if len(short) > MOST_LISTED else None,
    )


TILES: tuple[Tile, ...] = (
    Tile("promises", lazy("Promises that fall short"), JOBS_READ, _falling_short, PAGE),
    Tile("promises-short", lazy("Which promises fall short"), JOBS_READ, _which, PAGE),
)
