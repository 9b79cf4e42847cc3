"""The tile of promises that fall short."""

from backoffice import clock
from backoffice.access.permissions import JOBS_READ
from backoffice.access.transaction import Transaction
from backoffice.controls import registry
from backoffice.tiles import Number, Tile
from backoffice.web.identity import runtime
from plugins.trust import queries, services


def _falling_short(tx: Transaction) -> Number:
    built = {check.control for check in services.checks_of(runtime().plugins)}
    found = queries.standings(tx, controls=registry.current().controls, built=built, now=clock.now())
    short = [each for each in found if each.fails]
    return Number(len(short), f"of {len(found)} promises", "bad" if short else "good")


TILES: tuple[Tile, ...] = (Tile("promises", "Promises that fall short", JOBS_READ, _falling_short, "/trust"),)
