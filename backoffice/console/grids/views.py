"""Saved views on a list: opening one, and saying which is open and whether the list is as it says.

An address that names a view and nothing else opens it: it leads to the address that the view stands for, with
its name kept. What the view asks for is asked anew of whoever opens it, as if they had typed it; what they
cannot ask is left out, whether it is somebody else's or gone.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from flask import current_app, flash, request
from sqlalchemy import Select
from werkzeug.datastructures import MultiDict

from backoffice.access.lookup import NotFound, rows_of
from backoffice.access.permissions import VIEWS_SAVE
from backoffice.access.policy import can
from backoffice.access.seen import version
from backoffice.access.transaction import Transaction
from backoffice.console.grids.filters import Asked
from backoffice.console.listed import listed
from backoffice.console.paging import SORTABLE, count_up_to
from backoffice.fields.services import PREFIX
from backoffice.language.texts import gettext
from backoffice.saved_views import queries
from backoffice.saved_views.models import SavedView
from backoffice.schools.models import School

if TYPE_CHECKING:
    from backoffice.console.grid import Grid

# Of an address: which view it stands for, or that it stands for none though the list has a default.
VIEW, ALL = "view", "all"
# So many stand side by side; the others are behind a button.
MOST_TABS = 6
# No list asks for more at once.
MOST_PAIRS = 60
Pairs = Sequence[tuple[str, str]]


class ViewFit(NamedTuple):
    """What of a view somebody can ask of a list, what each filter means then, and what was left out."""

    pairs: Pairs
    asked: Mapping[str, Asked]
    left_out: Sequence[str]
    # Whether each filter is there, so that the rows are those that the view means.
    whole: bool


class Tab(NamedTuple):
    """One view above a list."""

    title: str
    url: str
    current: bool
    shared: bool


class PinnedNumber(NamedTuple):
    """How many rows a pinned view has, and where they are. `more`: counted no further than this.

    No value: its reader cannot ask all that it asks for, and other rows would stand under its name.
    """

    title: str
    list_title: str
    value: int | None
    more: bool
    url: str


# ------------------------------------------------------------------------------------- opening a view


def opened(grid: "Grid", tx: Transaction) -> str | None:
    """Where an address leads that asks for a view, or for nothing where a view is the default.

    Raises `NotFound` for a view that there is not.
    """
    asked = set(request.args)
    if asked - {VIEW} or request.args.get(VIEW) == ALL:
        return None
    if asked:
        view = named(grid, tx)
        if view is None and request.args[VIEW]:
            raise NotFound
    else:
        view = queries.default_of(views_at_hand(grid, tx), tx.principal)
    if view is None:
        return None
    found = fitting(grid, tx, parsed(view.state))
    if found.left_out:
        flash(
            gettext(
                "Left out of this view: %(names)s. It names what is gone, or not for you.",
                names=listed(found.left_out),
            ),
            "info",
        )
    return address(view, found.pairs)


def address(view: SavedView, pairs: Pairs) -> str:
    """The list as a view asks for it, with the view's name kept."""
    return f"./?{urlencode(_beside(list(pairs), view.public_id))}"


def kept(grid: "Grid", tx: Transaction, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """These pairs of an address with the view that the request is at."""
    if request.values.get(VIEW) == ALL:
        return _beside(pairs, ALL)
    view = named(grid, tx)
    return pairs if view is None else _beside(pairs, view.public_id)


def _beside(pairs: list[tuple[str, str]], view: str) -> list[tuple[str, str]]:
    # An address with the view alone would open it anew, and bring back what was taken away.
    return [*(pairs or [("columns", "")]), (VIEW, view)]


def written(pairs: Pairs) -> str:
    """These pairs as a state that is kept or sent."""
    return urlencode(list(pairs))


def fitting(grid: "Grid", tx: Transaction, stored: Pairs) -> ViewFit:
    """What of these pairs whoever is signed in can ask of the list."""
    pairs: list[tuple[str, str]] = []
    asked: dict[str, Asked] = {}
    left_out = []
    # Which fields a school has is looked up only where one is asked for.
    fields = any(PREFIX in text for pair in stored for text in pair)
    for each in grid.all_filters(tx, asked) if fields else grid.filters:
        own = [(name, value) for name, value in stored if name in each.names and value]
        try:
            found = each.read(tx, MultiDict(own))
        except NotFound:
            left_out.append(each.title)
            continue
        if found is not None:
            asked[each.name] = found
            pairs += dict.fromkeys(own)
    known = {"sort", "columns"}.union(*(each.names for each in grid.filters))
    known |= {name for each in asked.values() for name in each.filter.names}
    whole = not left_out and all(name in known for name, _value in stored)
    seen = grid.seen_columns(asked) if fields else grid.open_columns()
    sort = next((value for name, value in stored if name == "sort" and value), "")
    if any(each.key == sort.removeprefix("-") and each.sort is not None for each in seen):
        pairs.append(("sort", sort))
    elif sort:
        left_out.append(gettext("the order"))
    wanted = {key for name, value in stored if name == "columns" for key in value.split(",") if key}
    if wanted - {each.key for each in seen}:
        left_out.append(gettext("a column"))
    shown = [each.key for each in seen if not each.optional or each.key in wanted]
    if wanted and shown != [each.key for each in seen if not each.hidden]:
        pairs.append(("columns", ",".join(shown)))
    return ViewFit(pairs, asked, left_out, whole)


def parsed(state: str) -> Pairs:
    """The pairs of a state as it is kept or sent. Raises `NotFound` for what no list asks."""
    try:
        return parse_qsl(state, max_num_fields=MOST_PAIRS)
    except ValueError:
        raise NotFound from None


# -------------------------------------------------------------------------------------- above a list


def views_at_hand(grid: "Grid", tx: Transaction) -> list[SavedView]:
    """The views of a list that stand above it for whoever is signed in; looked up once."""
    known: dict[str, list[SavedView]] = tx.info.setdefault("views", {})
    if grid.address not in known:
        known[grid.address] = queries.views_of(tx, grid.address, school_id=_school(grid, tx))
    return known[grid.address]


def _school(grid: "Grid", tx: Transaction) -> int | None:
    """The school that the request narrows the list to, be it by something in it."""
    things = [each.thing for each in grid.asked_for(tx).values()]
    found = (each.id if isinstance(each, School) else getattr(each, "school_id", None) for each in things)
    return next((each for each in found if each is not None), None)


def named(grid: "Grid", tx: Transaction) -> SavedView | None:
    """The view of the list that the request is at; None if at none, or at one that there is not."""
    wanted = request.values.get(VIEW, "")
    if wanted in {"", ALL}:
        return None
    for view in views_at_hand(grid, tx):
        if view.public_id == wanted:
            return view
    known: dict[str, SavedView | None] = tx.info.setdefault("views by name", {})
    if grid.address not in known:
        known[grid.address] = queries.view_of(tx, grid.address, wanted)
    return known[grid.address]


def bar(grid: "Grid", tx: Transaction, state: Pairs) -> dict[str, Any] | None:
    """What stands above a list that asks for `state`: its views, which one is open, what can be saved."""
    there = views_at_hand(grid, tx)
    view = named(grid, tx)
    if view is not None and view not in there:
        # Asked for by its name alone, by somebody of many schools.
        there = [*there, view]
    if not can(tx.principal, VIEWS_SAVE):
        return None
    changed = view is not None and not _is_as(grid, tx, view, state)
    tabs = [
        Tab(each.name, f"./?{VIEW}={each.public_id}", each is view, each.school_id is not None)
        for each in there
    ]
    first, more = tabs[:MOST_TABS], tabs[MOST_TABS:]
    at = next((each for each in more if each.current), None)
    if at:
        first, more = [*first, at], [each for each in more if each is not at]
    own = f"/console/views/{view.public_id}" if view else None
    may_change = view is not None and queries.may_change(view, tx.principal)
    return {
        "tabs": first,
        "more": more,
        "at_all": view is None,
        # Without its name the list would open with its default.
        "all_url": all_url(grid, tx),
        "changed": changed,
        "open": view.name if view else None,
        "keep_url": f"{own}/keep" if changed and may_change else None,
        "seen": version(view.state) if view and changed else None,
        "back_url": f"./?{VIEW}={view.public_id}" if view and changed else None,
        "change_url": own if may_change else None,
        "saves": bool(state) and (view is None or changed),
        "grid": grid.address,
        "state": written(state),
    }


def all_url(grid: "Grid", tx: Transaction) -> str:
    """The list without any view."""
    return f"./?{VIEW}={ALL}" if views_at_hand(grid, tx) or named(grid, tx) else "./"


def _is_as(grid: "Grid", tx: Transaction, view: SavedView, state: Pairs) -> bool:
    """Whether a list asks for what the view says, as far as whoever is signed in can ask it."""
    stored = parsed(view.state)
    if sorted(stored) == sorted(state):
        return True
    return sorted(fitting(grid, tx, stored).pairs) == sorted(state)


# -------------------------------------------------------------------------------- on the first page


def grids() -> dict[str, "Grid"]:
    """The lists that open for whoever is signed in, by their address."""
    return {
        view.address: view
        for view in current_app.extensions["admin"][0]._views  # noqa: SLF001 - Flask-Admin keeps its views there
        if hasattr(view, "seen_columns") and view.opens("index") and view.switched_on
    }


def counted(grid: "Grid", tx: Transaction, asked: Mapping[str, Asked]) -> int | None:
    """How many rows of a list fit what is asked; None if more than are counted."""
    statement: Select[Any] = rows_of(tx.principal, grid.entity, grid.doors["index"])
    return count_up_to(tx, grid.fitting(tx, statement, asked))


def pinned_numbers(tx: Transaction) -> list[PinnedNumber]:
    """The numbers of the pinned views that are meant for whoever is signed in."""
    views = queries.pinned_views(tx)
    there = grids() if views else {}
    found = []
    for view in views:
        grid = there.get(view.grid)
        if grid is None:
            continue
        url, fits = f"{grid.url}/?{VIEW}={view.public_id}", fitting(grid, tx, parsed(view.state))
        if fits.whole:
            count = counted(grid, tx, fits.asked)
            value, more = (SORTABLE, True) if count is None else (count, False)
            found.append(PinnedNumber(view.name, grid.title, value, more, url))
        elif queries.may_change(view, tx.principal):
            # Who can mend it is told; on others' pages it would stand for good.
            found.append(PinnedNumber(view.name, grid.title, None, False, url))
    return found
