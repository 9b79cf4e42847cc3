"""Changing one cell of a list: a small page with the cell's form, or with scripts the same form in place.

The way back is the list as it was: its filters, order, columns and page travel in the address. What is
written in a cell travels in the form alone.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import flash, redirect, render_template, request
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice.access.lookup import NotFound, find, held_on, is_held_on_all, reread
from backoffice.access.policy import can
from backoffice.access.transaction import Transaction
from backoffice.console.grids.columns import Column
from backoffice.console.grids.edits import TAKEN, Edit
from backoffice.console.grids.written import Pencil
from backoffice.language.texts import gettext
from backoffice.problems import Overtaken, Rejected
from backoffice.web.identity import done_reading, reading
from backoffice.web.rejections import show_rejection
from backoffice.web.resend import shows_what_was_typed

if TYPE_CHECKING:
    from backoffice.console.grid import Grid

Answer = str | Response | tuple[str, int]


def doors_of(cls: type["Grid"]) -> None:
    """Give a list a page, and a door to it, for each column whose cells can be changed."""
    asked = {name for each in cls.filters for name in each.names} | TAKEN
    for column in cls.columns:
        if column.edit is None:
            continue
        if not cls.kind:
            raise TypeError(f"{cls.__name__} has cells to change: say of which kind its rows are.")
        if clash := asked & column.edit.names:
            raise TypeError(
                f"{cls.__name__} asks for {', '.join(clash)} in its address as well as in a cell."
            )
        door = f"cell_{column.key}"
        setattr(cls, door, _page(door, cls.kind, column, column.edit))
        cls.doors = {**cls.doors, door: column.edit.permission}


def _page(door: str, kind: str, column: Column, edit: Edit) -> Callable[..., Answer]:
    @expose(f"/<{kind}:public_id>/cell/{column.key}", methods=("GET", "POST"))
    @shows_what_was_typed
    def cell(self: "Grid", public_id: str) -> Answer:
        return _answered(self, column, edit, public_id)

    # The guard knows a door by the name of what is behind it.
    cell.__name__ = door
    cell.__doc__ = f"{str.__str__(edit.title)} in the list."
    page: Callable[..., Answer] = cell
    return page


def _answered(grid: "Grid", column: Column, edit: Edit, public_id: str) -> Answer:
    tx = reading()
    if column not in grid.seen_columns():
        raise NotFound
    grid.asked_for(tx)  # A wrong filter is none here either, and what does it may ask for the right one.
    thing = find(tx, grid.entity, public_id, permission=edit.permission)
    form, problem = edit.form(obj=thing), None
    if not form.is_submitted():
        form["seen"].data = edit.version_of(thing)
    if form.validate_on_submit():
        done_reading()
        try:
            getattr(grid, edit.run)(public_id, edit.written(form), form["seen"].data)
        except Overtaken:
            # Shown as it is now, and sent again it is written over this.
            tx = reading()
            thing = reread(tx, grid.entity, public_id, edit.permission)
            form["seen"].data = edit.version_of(thing)
            by = getattr(grid, edit.by)(tx, thing) if edit.by else None
            return _asked(grid, column, edit, form, thing, overtaken=True, by=by), 409
        except Rejected as rejected:
            problem = show_rejection(form, rejected)
        else:
            return _saved(grid, column, public_id)
    page = _asked(grid, column, edit, form, thing, problem=problem)
    return (page, 422) if form.errors or problem else page


def _asked(grid: "Grid", column: Column, edit: Edit, form: FlaskForm, thing: Any, **more: Any) -> str:
    """The form, and beside it what the cell shows now."""
    row = grid.rows(reading(), [thing])[0]
    shown = {
        "form": form,
        "column": column,
        "cell": row.cells[grid.columns.index(column)],
        "row_name": row.cells[0].text,
        "back_url": back_url(grid),
        **more,
    }
    if _in_place():
        return render_template("console/parts/cell_form.html", **shown)
    crumbs = [{"title": grid.title, "url": shown["back_url"]}, {"title": edit.title}]
    return grid.render("console/cell.html", crumbs=crumbs, **shown)


def _saved(grid: "Grid", column: Column, public_id: str) -> Answer:
    if not _in_place():
        flash(gettext("Saved."), "success")
        return redirect(back_url(grid), 303)
    tx = reading()
    try:
        row = grid.rows(tx, [reread(tx, grid.entity, public_id, grid.doors["index"])])[0]
    except NotFound:
        # Saved all the same, and not in the list any more.
        return render_template("console/parts/cell_saved.html", cell=None)
    return render_template("console/parts/cell_saved.html", cell=row.cells[grid.columns.index(column)])


def _in_place() -> bool:
    """Whether a page asks for the form alone, as it has its frame already."""
    return "part" in request.args


def back_url(grid: "Grid") -> str:
    """The list in the state that the address keeps."""
    state = grid.state()
    return f"{grid.url}/?{urlencode(state)}" if state else f"{grid.url}/"


def pencils(
    grid: "Grid", tx: Transaction, shown: Sequence[Column], things: Sequence[Any]
) -> dict[str, Pencil]:
    """Of each column whose cells may be changed by who looks at it: on which of the things, and where.

    At most one query for each permission.
    """
    editable = [
        (each, each.edit.permission)
        for each in shown
        if each.edit and can(tx.principal, each.edit.permission)
    ]
    if not editable or not things:
        return {}
    held = {
        permission: None
        if is_held_on_all(tx, grid.entity, permission, things)
        else held_on(tx, grid.entity, permission, things)
        for permission in dict.fromkeys(permission for _column, permission in editable)
    }
    state = urlencode(grid.state())
    tail = f"?{state}" if state else ""
    return {
        column.key: Pencil(held[permission], f"/cell/{column.key}{tail}") for column, permission in editable
    }
