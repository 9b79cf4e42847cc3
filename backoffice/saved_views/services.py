"""Saving a view of a list, changing it, sharing it and taking it away."""

from urllib.parse import parse_qsl
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, insert, select, update

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import VIEWS_SAVE, VIEWS_SHARE
from backoffice.access.policy import require
from backoffice.access.principal import Principal
from backoffice.access.seen import is_to_be_written
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.models import Account
from backoffice.audit.trail import record
from backoffice.language.texts import gettext
from backoffice.problems import Rejected
from backoffice.saved_views.models import SavedView, SharedWith
from backoffice.saved_views.queries import MOST_PINNED, MOST_VIEWS, is_own, view_to_change
from backoffice.schools.models import School
from backoffice.storage import about, functions
from backoffice.storage.public_id import PublicId, is_public_id, new_public_id
from backoffice.wording import clean

LONGEST_NAME = 60
LONGEST_STATE = 2048


def save_view(*, principal: Principal, grid: str, name: str, state: str) -> PublicId:
    """Keep a list as it is shown, for oneself. Returns the public identifier of the view.

    `state` is what the list's address asks for, with known words alone. Raises `Rejected`, `Denied`.
    """
    require(principal, VIEWS_SAVE)
    name, state = _checked(name), _short(state)
    with transaction(principal) as tx:
        _one_at_a_time(tx)
        _leave_room(tx, _own(tx, grid))
        _keep_apart(tx, _own(tx, grid), name)
        number, public_id = tx.take_id(SavedView), new_public_id()
        tx.execute(
            insert(SavedView).values(
                id=number,
                public_id=public_id,
                account_id=tx.principal.account_id,
                grid=grid,
                name=name,
                state=state,
                about=_named_in(state),
                shared_with=SharedWith.NOBODY,
                is_default=False,
                pinned=False,
                created_at=clock.now(),
            )
        )
        record(tx, "views.save", view=number)
    return public_id


def keep_state(*, principal: Principal, view: str, state: str, seen: str | None = None) -> None:
    """Have a view ask for something else. `seen` is the `version` of what it asked for as it was shown.

    Raises `Rejected`, `Overtaken`, `NotFound`.
    """
    state = _short(state)
    with transaction(principal) as tx:
        row = view_to_change(tx, view, lock=True)
        if not is_to_be_written(seen, now=(row.state,), wanted=(state,)):
            return
        row.state, row.about = state, _named_in(state)
        record(tx, "views.change", school_id=row.school_id, view=row.id)


def change_view(
    *, principal: Principal, view: str, name: str, opens: bool, pinned: bool, seen: str | None = None
) -> None:
    """What a view is called and where it shows, all of it or nothing; a shared one for those who share it.

    `opens` has the list open with it, in the place of another, `pinned` its number stand on the first page.
    `seen` is the `version` of the three as they were shown. Raises `Rejected`, `Overtaken`, `NotFound`.
    """
    name = _checked(name)
    with transaction(principal) as tx:
        row = _taken(tx, view)
        now, wanted = (row.name, row.is_default, row.pinned), (name, opens, pinned)
        if not is_to_be_written(seen, now=now, wanted=wanted):
            return
        if name != row.name:
            _rename(tx, row, name)
        if pinned != row.pinned:
            _pin(tx, row, pinned=pinned)
        if opens != row.is_default:
            _open_with(tx, row, opens=opens)


def share_view(*, principal: Principal, view: str, school: str, shared_with: SharedWith) -> None:
    """Show a view to others of a school, whose it is from then on. Raises `Rejected`, `NotFound`.

    It neither opens by itself for them nor stands on their first page until somebody wants that. One that is
    a school's already stays there: what one school made is not another's to see.
    """
    if shared_with is SharedWith.NOBODY:
        raise Rejected(shared_with=gettext("Choose who is to see it."))
    with transaction(principal) as tx:
        place = find(tx, School, school, permission=VIEWS_SHARE)
        row = _taken(tx, view, school_id=place.id)
        if row.school_id is None:
            there = (SavedView.school_id == place.id, SavedView.grid == row.grid)
            _leave_room(tx, there)
            _keep_apart(tx, there, row.name)
        if (place.id, shared_with) != (row.school_id, row.shared_with):
            row.is_default = row.pinned = False
        row.school_id, row.shared_with = place.id, shared_with
        record(tx, "views.share", school_id=place.id, view=row.id, shared_with=shared_with)


def unshare_view(*, principal: Principal, view: str) -> None:
    """Take back a view that one has shared: it is nobody else's again. Raises `Rejected`, `NotFound`."""
    with transaction(principal) as tx:
        row = _taken(tx, view)
        if is_own(row, tx.principal):
            return
        if row.account_id != tx.principal.account_id:
            raise Rejected(
                shared_with=gettext("Somebody else shared it. Delete it, if the school needs it no more.")
            )
        _leave_room(tx, _own(tx, row.grid))
        _keep_apart(tx, _own(tx, row.grid), row.name)
        school, row.school_id, row.shared_with = row.school_id, None, SharedWith.NOBODY
        row.is_default = row.pinned = False
        record(tx, "views.unshare", school_id=school, view=row.id)


def delete_view(*, principal: Principal, view: str) -> None:
    """Take a view away, from everybody who sees it. Raises `NotFound`."""
    with transaction(principal) as tx:
        row = view_to_change(tx, view, lock=True)
        record(tx, "views.delete", school_id=row.school_id, view=row.id)
        functions.forget_saved_view(tx, view_id=row.id)


def _rename(tx: Transaction, row: SavedView, name: str) -> None:
    _keep_apart(tx, (*_beside(row), SavedView.id != row.id), name)
    row.name = name
    record(tx, "views.rename", school_id=row.school_id, view=row.id)


def _open_with(tx: Transaction, row: SavedView, *, opens: bool) -> None:
    if opens:
        same = (SavedView.shared_with == row.shared_with, SavedView.id != row.id)
        before = (*_beside(row), *same, SavedView.is_default)
        tx.execute(update(SavedView).where(*before).values(is_default=False))
    row.is_default = opens
    record(tx, "views.open-with" if opens else "views.open-without", school_id=row.school_id, view=row.id)


def _pin(tx: Transaction, row: SavedView, *, pinned: bool) -> None:
    whose = SavedView.school_id == row.school_id if row.school_id else _nobody_elses(tx)
    beside = select(func.count()).where(whose, SavedView.pinned, SavedView.id != row.id)
    if pinned and (tx.scalar(beside) or 0) >= MOST_PINNED:
        raise Rejected(
            pinned=gettext(
                "%(most)s views are on the first page already. Take one off first.", most=MOST_PINNED
            )
        )
    row.pinned = pinned
    record(tx, "views.pin" if pinned else "views.unpin", school_id=row.school_id, view=row.id)


def _nobody_elses(tx: Transaction) -> ColumnElement[bool]:
    return (SavedView.account_id == tx.principal.account_id) & SavedView.school_id.is_(None)


def _own(tx: Transaction, grid: str) -> tuple[ColumnElement[bool], ...]:
    return _nobody_elses(tx), SavedView.grid == grid


def _beside(row: SavedView) -> tuple[ColumnElement[bool], ...]:
    """The views of the same list that are whose this one is."""
    of_account = and_(SavedView.account_id == row.account_id, SavedView.school_id.is_(None))
    of_school = SavedView.school_id == row.school_id
    return of_account if row.school_id is None else of_school, SavedView.grid == row.grid


def _taken(tx: Transaction, view: str, *, school_id: int | None = None) -> SavedView:
    """The view, with all that is beside it held: the own ones, and those of its school or of the given one.

    Raises `NotFound`, and `Rejected` if it is another school's than the given one.
    """
    _one_at_a_time(tx)
    # Looked up before it is locked, so that everybody takes the school before a row of it.
    at = tx.scalar(select(SavedView.school_id).where(SavedView.public_id == view))
    if school_id is not None and at not in {None, school_id}:
        view_to_change(tx, view)
        raise Rejected(school=gettext("Stop sharing it first."))
    held = at or school_id
    if held is not None:
        functions.lock_saved_views(tx, school_id=held)
    row = view_to_change(tx, view, lock=True)
    if row.school_id != at:
        # Meanwhile its owner has put it elsewhere.
        raise NotFound
    return row


def _one_at_a_time(tx: Transaction) -> None:
    """So that somebody who does two things at once stays within the bounds."""
    tx.scalar(select(Account.id).where(Account.id == tx.principal.account_id).with_for_update())


def _leave_room(tx: Transaction, among: tuple[ColumnElement[bool], ...]) -> None:
    if (tx.scalar(select(func.count()).where(*among)) or 0) >= MOST_VIEWS:
        raise Rejected.whole(gettext("A list has at most %(most)s views. Delete one first.", most=MOST_VIEWS))


def _keep_apart(tx: Transaction, among: tuple[ColumnElement[bool], ...], name: str) -> None:
    """Names are sealed, so they are compared here."""
    names = tx.scalars(select(SavedView.name).where(*among))
    if name.casefold() in {each.casefold() for each in names}:
        raise Rejected(name=gettext("There is a view of this name. Choose another name."))


def _checked(name: str) -> str:
    name = clean(name)
    if not any(symbol.isalnum() for symbol in name):
        raise Rejected(name=gettext("Give the view a name."))
    if len(name) > LONGEST_NAME:
        raise Rejected(name=gettext("Shorten it to %(most)s letters.", most=LONGEST_NAME))
    return name


def _named_in(state: str) -> list[UUID]:
    """The marks of what it narrows a list to."""
    chosen = (value for _name, value in parse_qsl(state))
    return sorted({about.outside(value) for value in chosen if is_public_id(value)})


def _short(state: str) -> str:
    if len(state.encode()) > LONGEST_STATE:
        raise Rejected.whole(gettext("This asks for too much at once. Take a filter away, then save it."))
    return state
