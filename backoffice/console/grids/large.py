"""Handing a change of many rows to a worker, and making it there as the request would have.

The worker makes a request of its own from what was confirmed, comes in as whoever confirmed it, and goes
through the same list, filters and verb. What somebody may and which rows fit is so looked up anew, one way.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask import Flask, g
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict

from backoffice.access.policy import Denied
from backoffice.access.principal import SessionEnded
from backoffice.access.selection import OTHERS_FIT
from backoffice.accounts.views import SignedInUser
from backoffice.console.grids import views
from backoffice.console.grids.bulk import BulkAction, Chosen
from backoffice.large_changes import services
from backoffice.large_changes.services import Confirmed, TakenUp
from backoffice.problems import Rejected
from backoffice.settings import Lists
from backoffice.web.identity import done_reading, enter, reading

if TYPE_CHECKING:
    from backoffice.console.grid import Grid

HERE = "/console/large-changes/"
# What a form says besides what is done to the rows.
FRAME = {"csrf_token", "confirm"}


def is_large(action: BulkAction, chosen: Chosen, lists: Lists) -> bool:
    """Whether a worker makes it. What needs a proof of who it is is done while that proof holds."""
    many = chosen.whole is not None and chosen.count >= lists.worker_from
    return many and not (action.fresh or action.leads_on)


def hand_over(grid: "Grid", action: BulkAction, chosen: Chosen, form: FlaskForm, words: str) -> str:
    """Have a worker do it; the address of the page that tells how far it is. Raises `Rejected`."""
    assert chosen.whole is not None
    values = [*grid.kept(without=("sort", "columns", views.VIEW))]
    values += [("q", words)] if words else []
    values += [(field.name, field.data) for field in form if field.name not in FRAME and field.data]
    confirmed = Confirmed(grid.endpoint or "", action.name, values, chosen.whole.seen, chosen.count)
    change = services.ask_for_change(principal=grid.who, confirmed=confirmed)
    return f"{HERE}{change}"


def make(app: Flask, change: TakenUp) -> Mapping[str, Any]:
    """Make a change as whoever confirmed it; what is said of it.

    Raises `Rejected`, `Denied`, `NotFound`, `SessionEnded` where it cannot be made any more.
    """
    if change.credential is None:
        raise SessionEnded
    found = [view for view in app.extensions["admin"][0]._views if view.endpoint == change.confirmed.grid]  # noqa: SLF001
    if not found:
        raise Denied
    grid: Grid = found[0]
    sent = MultiDict(change.confirmed.values)
    with app.test_request_context(f"{grid.url}/", method="POST", data=sent):
        who = enter(change.credential)
        if who is None or who.factor_missing:
            raise SessionEnded
        g._login_user = SignedInUser(who)  # noqa: SLF001 - where Flask-Login keeps who is signed in
        said = _made(grid, change)
    return {"sentence": said} if isinstance(said, str) else dict(said)


def _made(grid: "Grid", change: TakenUp) -> Any:
    if not (grid.opens("act") and grid.switched_on):
        raise Denied
    action = next((each for each in grid.allowed_actions() if each.name == change.confirmed.action), None)
    if action is None or not action.whole:
        raise Denied
    chosen = grid.rows_chosen(reading(), action, whole=True)
    if chosen.problem:
        raise Rejected.whole(chosen.problem)
    if chosen.whole is None or chosen.whole.seen != change.confirmed.seen:
        raise Rejected.whole(OTHERS_FIT)
    done_reading()
    return getattr(grid, action.run)(replace(chosen.whole, begins=services.noting(change.id)))
