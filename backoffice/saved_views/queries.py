"""Which saved views somebody sees, and which of them are meant for them."""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import defer

from backoffice.access import principal as principals
from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import VIEWS_SAVE, VIEWS_SHARE
from backoffice.access.policy import can
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction
from backoffice.saved_views.models import SavedView, SharedWith
from backoffice.schools.names import sort_key
from backoffice.storage.numbers import one_of
from backoffice.storage.public_id import is_public_id

# Of one person in one list, and of one school in one list.
MOST_VIEWS = 50
# More numbers than so many are no overview any more, and each is counted anew.
MOST_PINNED = 6
# All that somebody of one school has in a list.
MOST_AT_HAND = 2 * MOST_VIEWS
# On the page of all lists.
MOST_LISTED = 500


# Each list asks for its views.
_WITHOUT_STATE = select(SavedView).options(defer(SavedView.state))


def views_of(
    tx: Transaction, grid: str | None = None, *, school_id: int | None = None, most: int | None = None
) -> list[SavedView]:
    """The views of a list, or of all, that the principal has at hand: the own ones first, each kind by name.

    Of all lists it is `most`, by default as many as their page shows. `school_id` is the school that the list
    is narrowed to. What each asks for is opened when it is looked at.
    """
    narrowed = school_id is not None and has_many_schools(tx.principal)
    if not (can(tx.principal, VIEWS_SAVE) and (tx.principal.has_views or narrowed)):
        return []
    statement = _WITHOUT_STATE.where(_at_hand(tx.principal, school_id))
    if grid is None:
        return _in_order(tx.scalars(_first(statement, most or MOST_LISTED)))
    return _in_order(tx.scalars(_first(statement.where(SavedView.grid == grid), MOST_AT_HAND)))


def view_of(tx: Transaction, grid: str, public_id: str) -> SavedView | None:
    """One view of a list, if the principal sees it."""
    if not (can(tx.principal, VIEWS_SAVE) and is_public_id(public_id)):
        return None
    which = (SavedView.public_id == public_id, SavedView.grid == grid)
    return tx.scalar(select(SavedView).where(*which, _seen(tx.principal)))


def pinned_views(tx: Transaction) -> list[SavedView]:
    """The pinned views that are meant for the principal, as many as the first page shows."""
    if not (can(tx.principal, VIEWS_SAVE) and tx.principal.has_views):
        return []
    meant = select(SavedView).where(_at_hand(tx.principal), _meant(tx.principal), SavedView.pinned)
    return _in_order(tx.scalars(_first(meant, MOST_PINNED)))


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


def has_many_schools(principal: Principal) -> bool:
    """Whether what schools share is shown only where a list is narrowed to one of them."""
    return len(_schools(principal)) > principals.FEW_SCHOOLS


def is_own(view: SavedView, principal: Principal) -> bool:
    """Whether it is somebody's own and nobody else's."""
    return view.school_id is None and view.account_id == principal.account_id


def _opens_for(view: SavedView, principal: Principal) -> bool:
    """Whether a default holds for somebody who sees it; a shared one for those of its school alone.

    What one school wants is nothing for the rows of others, which its filters may leave out.
    """
    if view.school_id is not None and _schools(principal) != {view.school_id}:
        return False
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
    meant = [each for each in views if each.is_default and _opens_for(each, principal)]
    return min(meant, key=lambda each: nearest.index(SharedWith(each.shared_with)), default=None)


def _seen(principal: Principal) -> ColumnElement[bool]:
    """The own ones, all of the schools led, and what others are shown; as row-level security has it too."""
    everywhere = _schools(principal)
    shared: Sequence[ColumnElement[bool]] = (
        one_of(SavedView.school_id, principal.led_schools),
        and_(
            one_of(SavedView.school_id, principal.taught_schools),
            SavedView.shared_with == SharedWith.TEACHERS,
        ),
        and_(one_of(SavedView.school_id, everywhere), SavedView.shared_with == SharedWith.SCHOOL),
    )
    return or_(_own(principal), *shared)


def _at_hand(principal: Principal, school_id: int | None = None) -> ColumnElement[bool]:
    """What is seen without being asked for by name: of many schools, what the one at hand shares."""
    if not has_many_schools(principal):
        return _seen(principal)
    if school_id is None:
        return _own(principal)
    return and_(or_(_own(principal), SavedView.school_id == school_id), _seen(principal))


def _meant(principal: Principal) -> ColumnElement[bool]:
    """Those whose pin is meant for the principal, of those it sees."""
    return or_(
        SavedView.shared_with.in_((SharedWith.NOBODY, SharedWith.SCHOOL)),
        and_(SavedView.shared_with == SharedWith.LEADERS, one_of(SavedView.school_id, principal.led_schools)),
        and_(
            SavedView.shared_with == SharedWith.TEACHERS,
            one_of(SavedView.school_id, principal.taught_schools),
        ),
    )


def _own(principal: Principal) -> ColumnElement[bool]:
    return and_(SavedView.school_id.is_(None), SavedView.account_id == principal.account_id)


def _schools(principal: Principal) -> frozenset[int]:
    return principal.led_schools | principal.taught_schools | principal.officer_schools


def _first(statement: Select[SavedView], most: int) -> Select[SavedView]:
    """The own ones, then those of schools, the oldest of each first."""
    return statement.order_by(SavedView.school_id.is_not(None), SavedView.id).limit(most)


def _in_order(views: Iterable[SavedView]) -> list[SavedView]:
    return sorted(views, key=lambda each: (each.school_id is not None, sort_key(each.name, None), each.id))
