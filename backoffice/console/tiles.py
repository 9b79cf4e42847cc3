"""The tiles of the core and of plugins, and their order on each role's dashboard."""

from collections.abc import Iterator, Mapping
from typing import Any

from backoffice.access.policy import can
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction
from backoffice.accounts.care.tiles import TILES as CARE_TILES
from backoffice.console.charts import Mark, columns, lengths
from backoffice.families.requests.tiles import TILES as REQUEST_TILES
from backoffice.host.tiles import TILES as HOST_TILES
from backoffice.jobs.tiles import TILES as JOB_TILES
from backoffice.outbox.tiles import TILES as MAIL_TILES
from backoffice.privacy.erasure.tiles import TILES as ERASURE_TILES
from backoffice.reports.tiles import TILES as REPORT_TILES
from backoffice.schools.ending_tiles import TILES as ENDING_TILES
from backoffice.schools.led_tiles import TILES as LED_TILES
from backoffice.schools.tiles import TILES as SCHOOL_TILES
from backoffice.students.pins.tiles import TILES as PIN_TILES
from backoffice.students.still_tiles import TILES as STILL_TILES
from backoffice.students.tiles import TILES as SIGN_IN_TILES
from backoffice.tiles import Chart, List, Number, Tile
from backoffice.web.identity import runtime

TILES: tuple[Tile, ...] = (
    *SCHOOL_TILES,
    *LED_TILES,
    *ENDING_TILES,
    *STILL_TILES,
    *SIGN_IN_TILES,
    *REQUEST_TILES,
    *PIN_TILES,
    *CARE_TILES,
    *REPORT_TILES,
    *JOB_TILES,
    *MAIL_TILES,
    *HOST_TILES,
    *ERASURE_TILES,
)
# What each role sees first. A tile that is not named, as one of a plugin may be, stands behind these.
ORDER: Mapping[str, tuple[str, ...]] = {
    "founder": (
        "incidents",
        "promises",
        "contracts-ending",
        "jobs",
        "events-open",
        "reports-open",
        "mails-given-up",
        "mails-came-back",
        "jobs-waiting",
        "mails-waiting",
        "mails-held",
        "promises-short",
        "plugins-off",
        "exports",
        "deletions",
        "events-by-hour",
        "jobs-failed",
        "mails-by-hour",
    ),
    "led_schools": (
        "contracts-ending",
        "ownerless-classes",
        "to-answer",
        "exports",
        "deletions",
        "locked-networks",
        "in-lately",
        "schools",
        "classes",
        "students",
        "staff",
        "sign-ins",
        "still-classes",
        "subscription",
        "own-schools",
    ),
    "taught_schools": (
        "to-answer",
        "exports",
        "deletions",
        "open-doors",
        "own-students",
        "locked-out",
        "classes-today",
        "points-this-week",
    ),
}
NARROW, FEWEST_TITLES = 480.0, 6


def shown(tx: Transaction) -> dict[str, list[dict[str, Any]]]:
    """What the principal's dashboard shows: numbers, and cards with charts and lists."""
    numbers: list[dict[str, Any]] = []
    cards: list[dict[str, Any]] = []
    for tile in placed(tx):
        content = tile.load(tx)
        if content is None or _is_empty(content):
            continue
        values = {
            "name": tile.name,
            "title": tile.title,
            "url": tile.url if _leads(tx.principal, tile) else None,
        }
        if isinstance(content, Number):
            numbers.append(values | {"number": content})
        elif isinstance(content, List):
            cards.append(values | {"list": content})
        else:
            cards.append(values | _drawn(content))
    return {"numbers": numbers, "cards": cards}


def placed(tx: Transaction) -> list[Tile]:
    """The tiles that are open to the principal, in the order of the strongest role."""
    who = tx.principal
    first = next((names for role, names in ORDER.items() if getattr(who, role)), ())
    places = {name: number for number, name in enumerate(first)}
    opened = [tile for tile in _switched_on(tx) if can(who, tile.permission)]
    return sorted(opened, key=lambda tile: places.get(tile.name, len(places)))


def _switched_on(tx: Transaction) -> Iterator[Tile]:
    yield from TILES
    for plugin in runtime().plugins:
        if plugin.tiles and tx.enabled(plugin.name):
            yield from plugin.tiles


def _leads(who: Principal, tile: Tile) -> bool:
    return tile.leads_for is None or can(who, tile.leads_for)


def _is_empty(content: Number | Chart | List) -> bool:
    return (
        isinstance(content, Chart)
        and not content.even_empty
        and not any(each.value for each in content.amounts)
    )


def _drawn(chart: Chart) -> dict[str, Any]:
    if chart.over_time:
        marks = [Mark(each.title, each.short or each.title, each.value) for each in chart.amounts]
        return {
            "chart": chart,
            "columns": columns(marks, width=NARROW, most_titles=FEWEST_TITLES, at_least=chart.at_least),
        }
    long = lengths([each.value for each in chart.amounts])
    return {"chart": chart, "bars": list(zip(chart.amounts, long, strict=True))}
