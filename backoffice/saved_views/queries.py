"""Which saved views somebody sees, and which of them are meant for them."""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Select, and_, or_, select

from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import VIEWS_SAVE, VIEWS_SHARE
from backoffice.access.policy import can
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction
from backoffice.saved_views.models import SavedView, SharedWith
from backoffice.schools.names import sort_key
from backoffice.storage.numbers import one_of

# Each opens two seals, and each number is counted anew; a district's leader sees those of all its schools.
MOST_SEEN = 200
MOST_NUMBERS = 12


def views_of(tx: Transaction, grid: str | None = None) -> list[SavedView]:
    """The views of a list, or of all, that the principal sees: the own ones first, each kind by name."""
    if not can(tx.principal, VIEWS_SAVE):
        return []
    statement = select(SavedView).where(_seen(tx.principal))
    if grid is not None:
        statement = statement.where(SavedView.grid == grid)
    return _in_order(tx.scalars(_own_first(statement)))


def pinned_views(tx: Transaction) -> list[SavedView]:
    """The pinned views that are meant for the principal."""
    if not can(tx.principal, VIEWS_SAVE):
        return []
    statement = select(SavedView).where(_seen(tx.principal), SavedView.pinned)
    found = tx.scalars(_own_first(statement))
    return _in_order(each for each in found if is_meant_for(each, tx.principal))[:MOST_NUMBERS]


def view_to_change(tx: Transaction, public_id: str, *, lock: bool = False) -> SavedView:
    """The view, for whoever may change it. Raises `NotFound`."""
    try:
        view = find(tx, SavedView, public_id, permission=VIEWS_SHARE, lock=lock)
    except NotFound:
        view = find(tx, SavedView, public_id, lock=lock)
    if not may_change(view, tx.principal):
        raise NotFound
    return view


def may_change(view: SavedView, principal: Principal) -> bool:
    """Whether somebody may change a view that they see: their own, or one of a school that they lead."""
    if view.school_id is None:
        return is_own(view, principal)
    return can(principal, VIEWS_SHARE, view)


def is_own(view: SavedView, principal: Principal) -> bool:
    """Whether it is somebody's own and nobody else's."""
    return view.school_id is None and view.account_id == principal.account_id


def is_meant_for(view: SavedView, principal: Principal) -> bool:
    """Whether what a view says of itself (opens by itself, is pinned) holds for somebody who sees it."""
    match SharedWith(view.shared_with):
        case SharedWith.LEADERS:
            return view.school_id in principal.led_schools
        case SharedWith.TEACHERS:
            return view.school_id in principal.taught_schools
        case _:
            return True


def default_of(views: Iterable[SavedView], principal: Principal) -> SavedView | None:
    """With which of these views a list opens: the person's own, else the role's, else the school's."""
    nearest = (SharedWith.NOBODY, SharedWith.LEADERS, SharedWith.TEACHERS, SharedWith.SCHOOL)
    meant = [each for each in views if each.is_default and is_meant_for(each, principal)]
    # Somebody of several schools has the same one each time.
    return min(meant, key=lambda each: (nearest.index(SharedWith(each.shared_with)), each.id), default=None)


def _seen(principal: Principal) -> ColumnElement[bool]:
    """The own ones, all of the schools led, and what others are shown; as row-level security has it too."""
    everywhere = principal.led_schools | principal.taught_schools | principal.officer_schools
    shared: Sequence[ColumnElement[bool]] = (
        one_of(SavedView.school_id, principal.led_schools),
        and_(
            one_of(SavedView.school_id, principal.taught_schools),
            SavedView.shared_with == SharedWith.TEACHERS,
        ),
        and_(one_of(SavedView.school_id, everywhere), SavedView.shared_with == SharedWith.SCHOOL),
    )
    own = and_(SavedView.school_id.is_(None), SavedView.account_id == principal.account_id)
    return or_(own, *shared)


def _own_first(statement: Select[SavedView]) -> Select[SavedView]:
    return statement.order_by(SavedView.school_id.asc().nulls_first(), SavedView.id).limit(MOST_SEEN)


def _in_order(views: Iterable[SavedView]) -> list[SavedView]:
    return sorted(views, key=lambda each: (each.school_id is not None, sort_key(each.name, None), each.id))
