"""The grid: one class for every list of the console. Every door to a row opens through `visible()`.

A grid is declared by its entity, its columns and its permissions; the base does paging, counting, search,
bulk actions with a preview, and export. It stands on Flask-Admin's `BaseView`; docs/decisions.md says why
not on its `ModelView`.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlencode

from flask import Response, flash, redirect, request, stream_with_context
from flask_admin import expose
from sqlalchemy import Select
from sqlalchemy.orm import DeclarativeBase
from werkzeug.wrappers import Response as BaseResponse

from backoffice.access.lookup import rows_of
from backoffice.access.permissions import Permission
from backoffice.access.policy import Denied, can
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.services import proof
from backoffice.audit.services import record_export
from backoffice.console import csv_export
from backoffice.console.forms import ConfirmForm
from backoffice.console.guard import GuardedView
from backoffice.console.paging import SORTABLE, Columns, Page, page_by_key, page_by_name
from backoffice.problems import Rejected
from backoffice.web.identity import done_reading, reading
from backoffice.web.rejections import show_rejection

LONGEST_CURSOR = 16
LONGEST_SEARCH = 60
MOST_SELECTED = 500


class Cell(NamedTuple):
    """One cell. `kind`: text, number, time, badge, code; `tone` colours a badge."""

    text: str | None
    kind: str = "text"
    url: str | None = None
    tone: str | None = None
    datetime: str | None = None


class Row(NamedTuple):
    """One row, with the address of its own page if it has one."""

    public_id: str
    url: str | None
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Column:
    """A column's key and heading."""

    key: str
    title: str
    numeric: bool = False


@dataclass(frozen=True)
class BulkAction:
    """Something done to selected rows, after a preview. `run` is a method of the grid."""

    name: str
    title: str
    permission: Permission
    run: str
    question: str
    danger: bool = False
    # Reaches far: only for whoever has just proved to be it.
    fresh: bool = False


class Grid(GuardedView):
    """A list of one entity's rows. Subclasses declare; `rows` turns things into cells."""

    abstract = True
    fresh = frozenset({"export", "export_found"})
    entity: ClassVar[type[DeclarativeBase]]
    columns: ClassVar[tuple[Column, ...]] = ()
    # The entity's columns that `rows` and `name_of` look at, its key among them; without these, all of it.
    reads: ClassVar[Columns] = ()
    noun: ClassVar[tuple[str, str]] = ("row", "rows")
    actions: ClassVar[tuple[BulkAction, ...]] = ()
    search_placeholder: ClassVar[str | None] = None
    # How many rows there must be before a search is offered.
    search_from: ClassVar[int] = 0
    sorts_by_name: ClassVar[bool] = False
    newest_first: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__dict__.get("abstract"):
            return
        if not (cls.columns and hasattr(cls, "entity")):
            raise TypeError(f"{cls.__name__} has no entity or no columns.")
        if cls.search_placeholder and "search" not in cls.doors:
            raise TypeError(f"{cls.__name__} offers a search without a door to it.")

    # ------------------------------------------------------------------ what a grid declares

    def rows(self, tx: Transaction, things: Sequence[Any]) -> list[Row]:
        """The things as rows; a fixed number of queries, however many things."""
        raise NotImplementedError

    def narrowed(self, tx: Transaction, statement: Select[Any]) -> Select[Any]:
        """The statement under the request's filters and search. Raises `NotFound`."""
        del tx
        return statement

    def name_of(self, thing: Any) -> Any:
        """The sort key of a thing's name, where `sorts_by_name`."""
        raise NotImplementedError

    def extras(self, tx: Transaction) -> dict[str, Any]:
        """More for the template's `grid`: description, new_url, filters, only, crumbs, empty, ..."""
        del tx
        return {}

    def question(self, tx: Transaction, action: BulkAction, chosen: Sequence[Any]) -> list[str]:
        """What is asked before an action is done to these things, a sentence each."""
        del tx
        return [action.question.format(count=self.counted(len(chosen)))]

    def confirm_form(self, action: BulkAction, **filled: Any) -> ConfirmForm:
        """The form that confirms an action, with what it has to be told besides."""
        del action
        return ConfirmForm(**filled)

    # ------------------------------------------------------------------ the doors

    def visible_rows(self, tx: Transaction, permission: Permission) -> Select[Any]:
        """All rows on which the principal holds the permission, under the request's filters."""
        return self.narrowed(tx, rows_of(tx.principal, self.entity, permission))

    @expose("/", methods=("GET",))
    def index(self) -> str:
        """One page of the list."""
        return self._listed(self.doors["index"])

    @expose("/search", methods=("GET", "POST"))
    def search(self) -> str | BaseResponse:
        """One page of what the list holds of the words in the form.

        Words that somebody looks for are names, and travel in a form: addresses stay in histories and logs.
        """
        if not searched():
            return redirect(f"./{_query()}", 303)
        return self._listed(self.doors["search"])

    @expose("/", methods=("POST",))
    def act(self) -> str | BaseResponse:
        """Show what a bulk action would do; when confirmed, do it."""
        action = next((a for a in self.allowed_actions() if a.name == request.form.get("action")), None)
        chosen = list(dict.fromkeys(request.form.getlist("rowid")))[:MOST_SELECTED]
        if action is None:
            raise Denied
        tx = reading()
        if action.fresh:
            proof.demand(tx)
        statement = self.visible_rows(tx, action.permission)
        found = tx.scalars(statement.where(self.entity.public_id.in_(chosen))).all()  # type: ignore[attr-defined]
        if not found:
            flash("Nothing was selected. Tick the rows first.", "info")
            return redirect(request.full_path.rstrip("?"), 303)
        form = self.confirm_form(action)
        problem = None
        if form.validate_on_submit():
            done_reading()
            try:
                flash(getattr(self, action.run)([thing.public_id for thing in found]), "success")
            except Rejected as rejected:
                problem = show_rejection(form, rejected)
            else:
                return redirect(request.full_path.rstrip("?"), 303)
        return self.render(
            "console/confirm.html",
            heading=action.title,
            sentences=self.question(tx, action, found),
            form=form if form.confirm.data else self.confirm_form(action, formdata=None, confirm="yes"),
            problem=problem,
            danger=action.danger,
            submit_title=action.title,
            cancel_url=request.full_path.rstrip("?"),
            rowids=[thing.public_id for thing in found],
            action=action.name,
            crumbs=[
                {"title": self.title, "url": request.full_path.rstrip("?")},
                {"title": action.title},
            ],
        )

    @expose("/export.csv", methods=("GET",))
    def export(self) -> Response:
        """The list as CSV."""
        return self._exported(self.doors["export"])

    @expose("/export.csv", methods=("POST",))
    def export_found(self) -> Response:
        """What a search has found, as CSV."""
        return self._exported(self.doors["export_found"])

    # ------------------------------------------------------------------ helpers

    def _listed(self, permission: Permission) -> str:
        tx = reading()
        statement = self.visible_rows(tx, permission)
        before, after = (_cursor(request.values.get(name)) for name in ("before", "after"))
        if self.sorts_by_name:
            page = page_by_name(
                tx,
                statement,
                sort_key=self.name_of,
                before=before,
                after=after,
                reads=self.reads,
                name=self._list,
            )
        else:
            page = page_by_key(
                tx,
                statement,
                before=before,
                after=after,
                newest_first=self.newest_first,
                reads=self.reads,
                name=self._list,
            )
        context = self._context(tx, page)
        return self.render("console/grid.html", grid=context, crumbs=context["crumbs"])

    @property
    def _list(self) -> Hashable:
        """What tells this list from others, and whose it is; nothing while words are looked for."""
        return None if searched() else (self.who.account_id, self.endpoint, *sorted(_kept().items()))

    def _exported(self, permission: Permission) -> Response:
        """The rows streamed in a transaction of their own."""
        done_reading()
        who = self.who
        # Before the first line leaves: a wrong filter is still a 404 then, and a reader who hangs up in
        # the middle has read all the same.
        with transaction(who) as tx:
            rows = self.visible_rows(tx, permission)
        record_export(principal=who, rows=rows)

        def lines() -> Iterator[Sequence[str | None]]:
            yield [column.title for column in self.columns]
            with transaction(who) as tx:
                statement = self.visible_rows(tx, permission)
                for things in csv_export.batches(tx, statement, self.reads):
                    for row in self.rows(tx, things):
                        yield [cell.text for cell in row.cells]

        return Response(
            stream_with_context(csv_export.written(lines())),
            mimetype="text/csv",
            headers={"Content-Disposition": f'attachment; filename="{self.title.lower()}.csv"'},
        )

    def allowed_actions(self) -> list[BulkAction]:
        """The bulk actions that who is signed in may use somewhere."""
        return [action for action in self.actions if can(self.who, action.permission)]

    def counted(self, count: int | None) -> str:
        """A number of rows in words: "1 student", "28 students", "more than 5,000 students"."""
        if count is None:
            return f"more than {SORTABLE:,} {self.noun[1]}"
        return f"{count:,} {self.noun[0] if count == 1 else self.noun[1]}"

    def _context(self, tx: Transaction, page: Page) -> Mapping[str, Any]:
        words = searched()
        offers = self.search_placeholder and (words or page.count is None or page.count >= self.search_from)
        return {
            "title": self.title,
            "columns": self.columns,
            "rows": self.rows(tx, page.rows),
            "count_text": self.counted(page.count),
            "newer": page.before,
            "older": page.after,
            "newer_url": f"./{_query(before=page.before)}" if page.before else None,
            "older_url": f"./{_query(after=page.after)}" if page.after else None,
            "actions": self.allowed_actions(),
            "act_url": f"./{_query()}",
            "search": {"value": words, "placeholder": self.search_placeholder} if offers else None,
            "filters": [],
            # Whose rows these are, where the address narrows the list to somebody's.
            "only": [],
            "crumbs": None,
            # The filters, for forms; addresses carry them by themselves.
            "kept": _kept(),
            "export_url": f"export.csv{_query()}" if self.opens("export") and not words else None,
            "exports_found": bool(words) and self.opens("export_found"),
            "new_url": None,
            "empty": None,
            **self.extras(tx),
        }


def searched() -> str:
    """What the request searches for, as words that can be compared. Never from the address."""
    return request.form.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH]


def asked(name: str) -> str:
    """A filter of the request, from the address or, with a search, from its form."""
    return str(request.values.get(name, ""))


def _kept() -> dict[str, str]:
    mine = {"before", "after", "q", "csrf_token", "rowid", "action", "confirm"}
    return {name: value for name, value in request.values.items() if name not in mine}


def _query(**more: str) -> str:
    asked_for = _kept() | more
    return f"?{urlencode(asked_for)}" if asked_for else ""


def _cursor(text: str | None) -> str | None:
    return text if text and len(text) <= LONGEST_CURSOR and text.isalnum() else None
