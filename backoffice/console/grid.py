"""The grid: one class for every list of the console. Every door to a row opens through `visible()`.

A grid is declared by its entity, its columns, its filters and its permissions; the base does paging, sorting,
counting, search, bulk actions with a preview, and export. What an address asks (filters, order, columns) goes
along with every link and form of the page. It stands on Flask-Admin's `BaseView`; docs/decisions.md says why
not on its `ModelView`.
"""

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Response, flash, make_response, redirect, request, stream_with_context
from flask_admin import expose
from sqlalchemy import Select
from sqlalchemy.orm import DeclarativeBase
from werkzeug.wrappers import Response as BaseResponse

from backoffice.access.lookup import NotFound, kept_rows_of, rows_of
from backoffice.access.permissions import Permission
from backoffice.access.policy import Denied, Narrowed, can, sees_school_by_school
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.services import proof
from backoffice.audit.services import record_export
from backoffice.console.batches import BATCH, batches
from backoffice.console.forms import ConfirmForm
from backoffice.console.grids import cells, large, one_row, own, views
from backoffice.console.grids.bulk import (
    BulkAction,
    Button,
    Chosen,
    all_that_fit,
    asks_for_count,
    most_at_once,
    ticked,
    why_not,
)
from backoffice.console.grids.columns import BY_NAME, By, Column, Order
from backoffice.console.grids.filters import (
    LOOKED_FOR,
    Asked,
    Filter,
    Input,
    LookedFor,
    Option,
    RelationFilter,
    Unreadable,
)
from backoffice.console.grids.row import Cell, Row, moment, number
from backoffice.console.grids.tools import GridFiles, GridForm, PanelFilter, is_the_same_for_others
from backoffice.console.grids.written import RowWords, written_rows
from backoffice.console.guard import GuardedView
from backoffice.console.paging import (
    SORTABLE,
    Columns,
    Page,
    all_by_name,
    comes_by_index,
    cursor,
    in_order,
    is_large,
    order_columns,
    page_by_key,
    page_by_name,
)
from backoffice.console.picker.asking import FIND, count_search, is_looking, look, looked_for, too_often
from backoffice.fields.models import FieldSubject
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected, Throttled
from backoffice.schools import finding
from backoffice.schools.models import School
from backoffice.schools.picking import may_pick
from backoffice.spreadsheets import csv_files, xlsx_files
from backoffice.web.errors import to_be_waited_for
from backoffice.web.identity import done_reading, reading, settings
from backoffice.web.offered import Link, Where
from backoffice.web.rejections import show_rejection

__all__ = (
    "BulkAction",
    "Cell",
    "Column",
    "Grid",
    "Row",
    "asked",
    "moment",
    "number",
    "searched",
    "searched_words",
)

# The files that a list can be taken out as: the ending, and what it is called.
FILES = (("csv", "CSV"), ("xlsx", "Excel"))
LONGEST_SEARCH = 60
# The doors that show a page of the list, and under which a transaction keeps what they cannot read.
SHOWING = frozenset({"index", "search", "narrow"})
UNREADABLE = "unreadable"
Inputs = Sequence[tuple[Filter, tuple[Input, ...]]]
OWN_COLUMNS = "own columns"


class Chip(NamedTuple):
    """One thing that narrows the list, in words, and the address of the list without it.

    `without` names what it stands for in the address, for forms.
    """

    words: str
    url: str
    without: Sequence[str] = ()


class Heading(NamedTuple):
    """The head of a column: its order (`aria-sort`), and what asks for the next one."""

    title: str
    numeric: bool
    order: str | None = None
    sort: str | None = None
    url: str | None = None


class Grid(GuardedView):
    """A list of one entity's rows. Subclasses declare; `rows` turns things into cells."""

    abstract = True
    fresh = frozenset({"export", "export_found"})
    entity: ClassVar[type[DeclarativeBase]]
    # What addresses call such a row (`web/converters.py`), where cells can be changed.
    kind: ClassVar[str] = ""
    columns: ClassVar[tuple[Column, ...]] = ()
    # The entity's columns that `rows` and `name_of` look at, its key among them; without these, all of it.
    reads: ClassVar[Columns] = ()
    noun: ClassVar[tuple[str, str]] = (lazy("row"), lazy("rows"))
    actions: ClassVar[tuple[BulkAction, ...]] = ()
    # What plugins offer for one of its things is offered for the one that is ticked.
    offers_of: ClassVar[Where | None] = None
    search_placeholder: ClassVar[str | None] = None
    # How many rows there must be before a search is offered.
    search_from: ClassVar[int] = 0
    filters: ClassVar[tuple[Filter, ...]] = ()
    newest_first: ClassVar[bool] = False
    # A list with more above it has a template of its own, which extends this one.
    template: ClassVar[str] = "console/grid.html"
    # Of what a school's own fields are whose columns and filters it has, too.
    own: ClassVar[FieldSubject | None] = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__dict__.get("abstract"):
            return
        if not (cls.columns and hasattr(cls, "entity")):
            raise TypeError(f"{cls.__name__} has no entity or no columns.")
        if cls.search_placeholder and "search" not in cls.doors:
            raise TypeError(f"{cls.__name__} offers a search without a door to it.")
        if any(isinstance(each, RelationFilter) and each.pick for each in cls.filters) and (
            "narrow" not in cls.doors
        ):
            raise TypeError(f"{cls.__name__} has something to pick without a door to it.")
        for column in cls.columns:
            if isinstance(column.sort, By) and column.sort.column.property.columns[0].nullable:
                raise TypeError(f"{cls.__name__} sorts by {column.key}, which may be empty.")
        cells.doors_of(cls)

    # ------------------------------------------------------------------ what a grid declares

    def rows(self, tx: Transaction, things: Sequence[Any]) -> list[Row]:
        """The things as rows; a fixed number of queries, however many things."""
        raise NotImplementedError

    def rows_of_file(self, tx: Transaction, things: Sequence[Any], permission: Permission) -> list[Row]:
        """The things as rows of a file; no cell tells of what somebody does not hold the permission on."""
        del permission
        return self.rows(tx, things)

    def narrowed(self, tx: Transaction, statement: Select[Any]) -> Select[Any]:
        """The statement under what always holds, and under the search."""
        del tx
        return statement

    def name_of(self, thing: Any) -> Any:
        """The sort key of a thing's name, where a column sorts by it."""
        raise NotImplementedError

    def extras(self, tx: Transaction) -> dict[str, Any]:
        """More for the template's `grid`: description, new_url, beside, pick, crumbs, empty, ..."""
        del tx
        return {}

    def question(
        self, tx: Transaction, action: BulkAction, chosen: Sequence[Any], *, count: int
    ) -> list[str]:
        """What is asked before an action is done to so many things, the first of them these; in sentences."""
        del tx, chosen
        return [action.question.format(count=self.counted(count))]

    def effects(self, tx: Transaction, action: BulkAction, numbers: Collection[int]) -> Sequence[str]:
        """What an action changes of the rows with these numbers, kind by kind; each a sentence."""
        del tx, action, numbers
        return ()

    def along(self, tx: Transaction, action: BulkAction) -> Sequence[Mapping[str, str]]:
        """Where the rows can be taken along before an action: `name` and `url` of each."""
        del tx, action
        return ()

    def confirm_form(self, action: BulkAction, **filled: Any) -> ConfirmForm:
        """The form that confirms an action, with what it has to be told besides."""
        del action
        return ConfirmForm(**filled)

    def button(self, action: BulkAction, count: int) -> Button:
        """What the button says that does an action to so many rows."""
        del count
        return Button(action.title)

    def schools_of(self, tx: Transaction, rows: Select[Any]) -> Select[Any] | None:
        """The numbers of the schools that such rows are of, whose trails an export is noted in."""
        del tx
        found = getattr(self.entity, "school_id", None)
        return None if found is None else rows.with_only_columns(found).order_by(None).distinct()

    # ------------------------------------------------------------------ the doors

    def visible_rows(self, tx: Transaction, permission: Permission) -> Select[Any]:
        """All rows on which the principal holds the permission, under the request's filters and search.

        Raises `NotFound` for a filter that there is not.
        """
        return self.fitting(tx, rows_of(tx.principal, self.entity, permission))

    def fitting(
        self, tx: Transaction, statement: Select[Any], asked_for: Mapping[str, Asked] | None = None
    ) -> Select[Any]:
        """The statement narrowed to the rows that fit what the request asks for, or a saved view."""
        asked_for = self.asked_for(tx) if asked_for is None else asked_for
        for found in asked_for.values():
            statement = statement.where(*found.conditions)
        for each in self.filters:
            if each.name not in asked_for and each.unasked is not None:
                statement = statement.where(each.unasked)
        return self.narrowed(tx, statement)

    def asked_for(self, tx: Transaction) -> Mapping[str, Asked]:
        """What the request asks of the filters, by their names; looked up once. Raises `NotFound`."""
        known: dict[str, Mapping[str, Asked]] = tx.info.setdefault("filters", {})
        if self.endpoint not in known:
            # Which fields a school has is known once it is known which school is meant.
            found: dict[str, Asked] = {}
            for each in self.all_filters(tx, found) if _asks() else ():
                try:
                    asked_of = each.read(tx, request.values)
                except Unreadable as wrong:
                    # A page says so and shows the list without; a file or an action would be of other rows.
                    if (request.endpoint or "").rpartition(".")[2] not in SHOWING:
                        raise
                    tx.info.setdefault(UNREADABLE, {})[each.name] = wrong
                    continue
                if asked_of:
                    found[each.name] = asked_of
            known[self.endpoint] = found
        return known[self.endpoint]

    def all_filters(self, tx: Transaction, asked_for: Mapping[str, Asked]) -> Iterator[Filter]:
        """The filters that the list declares, then those of the fields of the school that is asked for."""
        yield from self.filters
        if self.own is not None:
            yield from own.filters_of(own.fields_for(tx, self.own, asked_for))

    def unreadable(self, tx: Transaction) -> Mapping[str, Unreadable]:
        """What is mistyped of the filters, by their names; the list is shown without these."""
        self.asked_for(tx)
        found: Mapping[str, Unreadable] = tx.info.get(UNREADABLE, {})
        return found

    def filtered_by(self, tx: Transaction, name: str) -> Any:
        """The thing that the filter of this name asks for, or None."""
        found = self.asked_for(tx).get(name)
        return found.thing if found else None

    def order(self) -> Order:
        """In which order the request asks for the rows. Raises `NotFound`."""
        wanted = request.values.get("sort", "")
        if not wanted:
            named = next((each for each in self.columns if each.sort is BY_NAME), None)
            return Order(named) if named else Order(self._first_written(), self.newest_first)
        key = wanted.removeprefix("-")
        for column in self.seen_columns():
            if column.key == key and column.sort is not None:
                return Order(column, descending=wanted != key)
        raise NotFound

    def _first_written(self) -> Column | None:
        """The column that shows when a row came about, if one has the order of the key."""
        key = list(self.entity.__mapper__.primary_key)
        return next(
            (
                each
                for each in self.seen_columns()
                if isinstance(each.sort, By) and order_columns(self.entity, each.sort.column) == key
            ),
            None,
        )

    def open_columns(self) -> list[Column]:
        """The columns of the list that who is signed in may see."""
        return [each for each in self.columns if each.permission is None or can(self.who, each.permission)]

    def seen_columns(self, asked_for: Mapping[str, Asked] | None = None) -> list[Column]:
        """The same, and those of the fields of the school that is asked for."""
        seen = self.open_columns()
        if self.own is None:
            return seen
        tx = reading()
        asked_for = self.asked_for(tx) if asked_for is None else asked_for
        known: dict[Any, Sequence[Column]] = tx.info.setdefault((OWN_COLUMNS, self.endpoint), {})
        fields = own.fields_for(tx, self.own, asked_for)
        mine = tuple(each.id for each in fields)
        # The same ones each time, as columns are compared by what they are.
        return [*seen, *known.setdefault(mine, own.columns_of(fields))]

    def shown_columns(self) -> list[Column]:
        """The columns that the request asks for, the first one always. Raises `NotFound`."""
        seen = self.seen_columns()
        wanted = {key for text in request.values.getlist("columns") for key in text.split(",") if key}
        if not wanted:
            return [each for each in seen if not each.hidden]
        if wanted - {each.key for each in seen}:
            raise NotFound
        return [each for each in seen if not each.optional or each.key in wanted]

    @expose("/", methods=("GET",))
    def index(self) -> str | BaseResponse:
        """One page of the list, or the way to the view that it opens with."""
        if there := views.opened(self, reading()):
            return redirect(there, 303)
        return self._listed(self.doors["index"])

    @expose("/search", methods=("GET", "POST"))
    def search(self) -> str | BaseResponse:
        """One page of what the list holds of the words in the form.

        Words that somebody looks for are names, and travel in a form: addresses stay in histories and logs.
        """
        if not searched():
            return redirect(self._url(), 303)
        self._count()
        return self._listed(self.doors["search"])

    @expose("/narrow", methods=("GET", "POST"))
    def narrow(self) -> str | BaseResponse:
        """Show what somebody looks for in a filter that picks; else lead to the list as the form asks for it.

        The words are names, and travel in a form. What is picked is an identifier, and stands in an address.
        """
        # What cannot be chosen is not there, whatever the form is for.
        self.asked_for(reading())
        looked = [each for each in self.filters if each.name == request.form.get(FIND)]
        if request.method == "GET" or not (looked or searched() or self.unreadable(reading())):
            return redirect(self._url(), 303)
        self._count()
        refused: Throttled | None = None
        for each in looked:
            if isinstance(each, RelationFilter) and each.pick:
                refused = self._looked_for(reading(), each)
        if not (searched() or is_looking() or self.unreadable(reading())):
            return redirect(self._url(), 303)
        page = self._listed(self.doors["narrow"])
        return to_be_waited_for(page, refused) if refused else page

    def _looked_for(self, tx: Transaction, picker: RelationFilter) -> Throttled | None:
        """Keep what is found for the form of this page; why nothing was looked for, if so."""
        words = looked_for(picker.name)
        if not words or not may_pick(tx, picker.pick or ""):
            return None
        school = None if picker.entity is School else self.filtered_by(tx, "school")
        try:
            found = look(tx, picker.pick or "", words, within=school.id if school else None)
        except Throttled as throttled:
            tx.info[LOOKED_FOR] = {picker.name: LookedFor(words, (), too_often(throttled))}
            return throttled
        tx.info[LOOKED_FOR] = {picker.name: LookedFor(words, found.shown, found.said)}
        return None

    @expose("/", methods=("POST",))
    def act(self) -> str | BaseResponse:
        """Show what a bulk action would do; when confirmed, do it. Or lead to what is offered for one row."""
        return self._led() if one_row.WANTED in request.form else self._act()

    def _act(self) -> str | BaseResponse:
        action = next((a for a in self.allowed_actions() if a.name == request.form.get("action")), None)
        whole = bool(request.form.get("whole"))
        if action is None or (whole and not action.whole):
            raise Denied
        self._count()
        tx, here = reading(), request.full_path.rstrip("?")
        if action.fresh:
            proof.demand(tx)
        chosen = self.rows_chosen(tx, action, whole=whole)
        if chosen.problem:
            flash(chosen.problem, "info")
            return redirect(here, 303)
        form = self.confirm_form(action)
        problem = None
        if form.validate_on_submit():
            problem = why_not(action, chosen, request.form, settings().lists)
            if problem is None:
                done = self._done(action, chosen, form, here)
                if not isinstance(done, str):
                    return done
                problem = done
                # Asked again about the rows as they are by now: others may fit than did before it was tried.
                chosen = self.rows_chosen(tx, action, whole=whole)
                if chosen.problem:
                    flash(chosen.problem, "info")
                    return redirect(here, 303)
        return self.render(
            "console/confirm.html",
            heading=action.title,
            sentences=self.question(tx, action, chosen.named, count=chosen.count),
            effects=self.effects(tx, action, chosen.numbers),
            along=self.along(tx, action),
            by_worker=large.is_large(action, chosen, settings().lists),
            form=form if form.confirm.data else self.confirm_form(action, formdata=None, confirm="yes"),
            problem=problem,
            # Where it goes on to another page, nothing is done yet.
            danger=action.danger and not action.leads_on,
            submit_title=self.button(action, chosen.count).title,
            submit_chosen=self.button(action, chosen.count).chosen,
            cancel_url=here,
            rowids=chosen.rowids,
            seen=chosen.shown.seen if chosen.shown else None,
            whole={"words": searched()} if chosen.whole else None,
            typed=chosen.count if asks_for_count(action, chosen, settings().lists) else None,
            typed_so_far=request.form.get("typed", "")[:12] if is_looking() else "",
            action=action.name,
            crumbs=[{"title": self.title, "url": here}, {"title": action.title}],
        )

    def _done(self, action: BulkAction, chosen: Chosen, form: ConfirmForm, here: str) -> str | BaseResponse:
        """Do it, or have a worker do it, and lead to what says so; what stands against it, if anything."""
        try:
            if large.is_large(action, chosen, settings().lists):
                return redirect(large.hand_over(self, action, chosen, form, searched()), 303)
            done_reading()
            came = getattr(self, action.run)(chosen.which)
            if action.leads_on:
                return redirect(came, 303)
            flash(came, "success")
        except Rejected as rejected:
            return show_rejection(form, rejected) or ""
        return redirect(here, 303)

    def _led(self) -> BaseResponse:
        """Lead to the page that a plugin offers for the row that is ticked, or say why there is none."""
        self._count()
        tx = reading()
        rows = self.visible_rows(tx, self.doors["act"])
        try:
            return redirect(one_row.address(tx, self.offers_of, rows, self.entity, request.form), 303)
        except one_row.NotOne as not_one:
            flash(not_one.sentence, "info")
            return redirect(request.full_path.rstrip("?"), 303)

    def rows_chosen(self, tx: Transaction, action: BulkAction, *, whole: bool) -> Chosen:
        """The rows that the request's action is for: all that fit, or those that are ticked."""
        statement, lists = self.visible_rows(tx, action.permission), settings().lists
        if not whole:
            return ticked(tx, statement, self.entity, request.form, lists, action.beside)
        return all_that_fit(tx, statement, self.entity, self.fitting, lists, action.beside)

    @expose("/export.csv", methods=("GET",))
    @expose("/export.xlsx", methods=("GET",))
    def export(self) -> Response:
        """The list as a file."""
        return self._exported(self.doors["export"])

    @expose("/export.csv", methods=("POST",))
    @expose("/export.xlsx", methods=("POST",))
    def export_found(self) -> Response:
        """What a search has found, as a file."""
        self._count()
        return self._exported(self.doors["export_found"])

    # ------------------------------------------------------------------ helpers

    def _count(self) -> None:
        """Count the search that the request makes, if it makes one. Raises `Throttled`."""
        if searched():
            count_search(self.who)

    def _listed(self, permission: Permission) -> str | BaseResponse:
        tx, order = reading(), self.order()
        asked_for, by = self.asked_for(tx), None if order.by_name else order.by
        before, after = (cursor(request.values.get(name)) for name in ("before", "after"))
        # How it is read is said before: it is planned well without looking at whose rows they are.
        in_turn = sees_school_by_school(tx.principal, self.entity, permission)
        by_index = not asked_for and comes_by_index(self._list, before or after, by, school_by_school=in_turn)
        if searched():
            # Lists whose names have no tokens run the statement to search, before it is a page's.
            shown_of = Narrowed(self.visible_rows(tx, permission), {})
        else:
            kept = kept_rows_of(tx.principal, self.entity, permission, planned_once=by_index)
            shown_of = kept._replace(statement=self.fitting(tx, kept.statement))
        turn: dict[str, Any] = {
            "before": before,
            "after": after,
            "narrowed": bool(asked_for),
            "by_index": by_index,
            "reads": self.reads,
            "name": self._list,
        }
        if order.by_name:
            page = page_by_name(tx, *shown_of, sort_key=self.name_of, descending=order.descending, **turn)
        else:
            page = page_by_key(tx, *shown_of, by=by, descending=order.descending, **turn)
        context = self._context(tx, page, order)
        shown: str = self.render(self.template, grid=context, crumbs=context["crumbs"])
        return make_response(shown, 422) if self.unreadable(tx) else shown

    @property
    def _list(self) -> Hashable:
        """What tells this list from others, and whose it is; nothing while words are looked for."""
        narrowing = sorted(self.kept(without=("sort", "columns", views.VIEW)))
        return None if searched() else (self.who.account_id, self.endpoint, *narrowing)

    def _exported(self, permission: Permission) -> Response:
        """The rows streamed in a transaction of their own, in the format that the address ends with."""
        columns, order = self.shown_columns(), self.order()
        done_reading()
        who = self.who
        # Before the first line leaves: a wrong filter is still a 404 then, and a reader who hangs up in
        # the middle has read all the same.
        with transaction(who) as tx:
            rows = self.visible_rows(tx, permission)
            schools = self.schools_of(tx, rows)
        # In English, as programs read them.
        titles = [str.__str__(each.title) for each in columns]
        record_export(principal=who, rows=rows, schools=schools)

        def lines() -> Iterator[Sequence[Cell]]:
            with transaction(who) as tx:
                for things in self._whole(tx, self.visible_rows(tx, permission), order):
                    rows = self.rows_of_file(tx, things, permission)
                    for row in own.placed(tx, self.own, self.columns, columns, things, rows):
                        yield row.cells

        body: Iterator[str] | Iterator[bytes]
        if request.path.endswith(".xlsx"):
            kind, mimetype = "xlsx", xlsx_files.TYPE
            body = xlsx_files.written(
                titles, lines(), name=str.__str__(self.title), zone=ZoneInfo(who.time_zone)
            )
        else:
            kind, mimetype = "csv", "text/csv"
            body = csv_files.written(chain([titles], ([cell.in_file for cell in line] for line in lines())))
        return Response(
            stream_with_context(body),
            mimetype=mimetype,
            headers={"Content-Disposition": f'attachment; filename="{str.lower(self.title)}.{kind}"'},
        )

    def _whole(self, tx: Transaction, statement: Select[Any], order: Order) -> Iterator[Sequence[Any]]:
        """All rows in the order in which the pages of the list show them, some hundred at a time."""
        by, descending = order.by, order.descending
        if order.by_name:
            found = all_by_name(tx, statement, sort_key=self.name_of, descending=descending, reads=self.reads)
            if found is not None:
                yield from (found[at : at + BATCH] for at in range(0, len(found), BATCH))
                return
            by, descending = None, False
        yield from batches(
            tx, statement.order_by(*in_order(statement, by, descending=descending)), self.reads
        )

    def allowed_actions(self) -> list[BulkAction]:
        """The bulk actions that who is signed in may use somewhere."""
        return [action for action in self.actions if can(self.who, action.permission)]

    def counted(self, count: int | None) -> str:
        """A number of rows in words: "1 student", "28 students", "more than 5,000 students"."""
        if count is None:
            return gettext("more than %(count)s %(rows)s", count=amount(SORTABLE), rows=self.noun[1])
        return f"{amount(count)} {self.noun[0] if count == 1 else self.noun[1]}"

    def _context(self, tx: Transaction, page: Page, order: Order) -> Mapping[str, Any]:
        words, columns = searched(), self.shown_columns()
        rows = own.placed(tx, self.own, self.columns, columns, page.rows, self.rows(tx, page.rows))
        pencils = cells.pencils(self, tx, columns, page.rows)
        offers = self.search_placeholder and (words or page.count is None or page.count >= self.search_from)
        asked_for, url, school = self.asked_for(tx), self._url, self.filtered_by(tx, "school")
        within = school.public_id if school else ""
        filters = list(self.all_filters(tx, asked_for))
        inputs = [(each, self._inputs(tx, each)) for each in filters]
        form = self._form(columns, inputs, words, within, offers=bool(offers))
        extras = self.extras(tx)
        problems = [one for _, found in inputs for one in found if one.problem]
        chips = [
            Chip(each.words, url(without=each.filter.names), each.filter.names) for each in asked_for.values()
        ]
        return {
            "title": self.title,
            "headings": [self._heading(each, order if page.ordered else Order()) for each in columns],
            "rows": rows,
            # In the words of the template: what ticks a row, what names one without a name.
            "written": lambda *words: written_rows(rows, columns, RowWords(*words), pencils),
            "count_text": self.counted(page.count),
            "newer": page.before,
            "older": page.after,
            "newer_url": url(before=page.before) if page.before else None,
            "older_url": url(after=page.after) if page.after else None,
            "actions": self.allowed_actions(),
            "for_one": one_row.buttons(tx, self.offers_of),
            "act_url": url(),
            "whole_text": self._whole_text(page),
            "words": words,
            "form": form,
            "form_for_all": is_the_same_for_others(inputs, self.seen_columns(), words or asked_for),
            "problems": problems,
            "chips": [*([Chip(f"“{words}”", url())] if words else []), *chips],
            "narrowed": bool(words or asked_for),
            # Rows that only a filter brings to light: it is offered where there are no others, too.
            "hides": any(each.unasked is not None for each in filters),
            "crumbs": None,
            # What was asked for, for forms; addresses carry it by themselves.
            "kept": self.kept(),
            # Above the list, as parts/views.html shows it, and where all of it is shown.
            "views": views.bar(self, tx, self.kept(without=(views.VIEW,))),
            "all_url": views.all_url(self, tx),
            "new_url": None,
            "beside": (),
            "empty": None,
            "files": self._files(words, within, extras.get("offered", ())),
            **extras,
        }

    def _form(
        self, columns: Sequence[Column], inputs: Inputs, words: str, within: str, *, offers: bool
    ) -> GridForm:
        """What stands above the list to be typed and chosen."""
        choosable = tuple(self._choosable(columns))
        own_names = {name for each, found in inputs if found for name in each.names}
        without = {*own_names, "columns"} if own_names or choosable else ()
        return GridForm(
            title=self.title,
            placeholder=(self.search_placeholder or "") if offers else None,
            words=words,
            refocus=bool(words and request.form.get("from_field")),
            # A form in which words are looked for travels as one.
            picks=any(
                one.kind in {"pick", "text"} or isinstance(each, own.OwnFilter)
                for each, found in inputs
                for one in found
            ),
            kept=tuple(pair for pair in self.kept() if pair[0] not in without),
            at_hand=tuple(found for each, found in inputs if each.at_hand and found),
            panel=tuple(
                PanelFilter(each.help, found) for each, found in inputs if not each.at_hand and found
            ),
            choosable=choosable,
            first_column=columns[0].key,
            opened=any(
                (one.kind == "pick" and one.value) or one.problem
                for each, found in inputs
                if not each.at_hand
                for one in found
            ),
            within=within,
        )

    def _files(self, words: str, within: str, more: Sequence[Link]) -> GridFiles:
        """What the list goes out as, and the way in."""
        state = self._url()[2:]
        return GridFiles(
            exports=tuple((f"export.{kind}{state}", title) for kind, title in FILES)
            if self.opens("export") and not words
            else (),
            found=tuple((f"export.{kind}", title) for kind, title in FILES)
            if words and self.opens("export_found")
            else (),
            offered=tuple((each.url, each.title) for each in more),
            import_url=f"import{f'?school={within}' if within else ''}"
            if self.opens("import_rows")
            else None,
            kept=tuple(self.kept()),
        )

    def _inputs(self, tx: Transaction, each: Filter) -> tuple[Input, ...]:
        """What the form asks for a filter, and what is wrong with what was typed there."""
        wrong = self.unreadable(tx).get(each.name)
        return tuple(
            one._replace(
                options=tuple(one.options),
                problem=wrong.sentence if wrong and wrong.name == one.name else one.problem,
            )
            for one in each.inputs(tx, request.values, self.asked_for(tx).get(each.name))
        )

    def _whole_text(self, page: Page) -> str | None:
        """How many rows fit, where an action may be for all of them and this page does not show all."""
        most = most_at_once(self.who, settings().lists)
        if page.count is None:
            # How many they are is counted when it is asked for.
            within = most > SORTABLE and bool(searched() or self.asked_for(reading()))
        else:
            within = len(page.rows) < page.count <= most
        offers = within and any(action.whole for action in self.allowed_actions())
        return self.counted(page.count) if offers else None

    def _heading(self, column: Column, order: Order) -> Heading:
        """What a click asks for: the other direction of the order that holds, or this column's."""
        if column.sort is None or (column.sort is BY_NAME and is_large(self._list)):
            return Heading(column.title, column.numeric)
        here = order.column is column
        latest = isinstance(column.sort, By) and column.sort.latest_first
        wanted = f"{'-' if (latest if not here else not order.descending) else ''}{column.key}"
        return Heading(
            column.title,
            column.numeric,
            order=("descending" if order.descending else "ascending") if here else None,
            sort=wanted,
            url=self._url(without=("sort",), sort=wanted),
        )

    def _choosable(self, shown: Sequence[Column]) -> list[Option]:
        """The columns that may be left out."""
        return [Option(each.key, each.title, each in shown) for each in self.seen_columns() if each.optional]

    def kept(self, without: Sequence[str] = ()) -> Sequence[tuple[str, str]]:
        """What the request asks of the list (filters, order, columns) as pairs for an address or a form."""
        tx = reading()
        # Found out once: each link of a page asks.
        known: dict[Any, Sequence[tuple[str, str]]] = tx.info.setdefault("kept pairs", {})
        asked_for = self.endpoint, *without
        if asked_for not in known:
            found = [pair for pair in self._asked_pairs(tx) if pair[0] not in without]
            known[asked_for] = found if views.VIEW in without else views.kept(self, tx, found)
        return known[asked_for]

    def _asked_pairs(self, tx: Transaction) -> Sequence[tuple[str, str]]:
        """The same without the view that the list is at; found out once as well."""
        known: dict[str, Sequence[tuple[str, str]]] = tx.info.setdefault("asked pairs", {})
        if self.endpoint not in known:
            wrong = self.unreadable(tx)
            if not _asks():
                return known.setdefault(self.endpoint, ())
            asking = [each for each in self.all_filters(tx, self.asked_for(tx)) if each.name not in wrong]
            found = [pair for each in asking for pair in each.pairs(request.values)]
            found += [("sort", value) for value in dict.fromkeys(request.values.getlist("sort")) if value]
            columns = self.shown_columns()
            if columns != [each for each in self.seen_columns() if not each.hidden]:
                found.append(("columns", ",".join(each.key for each in columns)))
            known[self.endpoint] = found
        return known[self.endpoint]

    def _url(self, without: Sequence[str] = (), **more: str) -> str:
        """The address of the list as the request asks for it, without these words of it and with more."""
        pairs = [*self.kept(without), *more.items()]
        return f"./?{urlencode(pairs)}" if pairs else "./"

    def state(self) -> list[tuple[str, str]]:
        """What the request asks of the list, and for which page of it, as pairs for an address."""
        at = [(name, request.values[name]) for name in ("before", "after") if request.values.get(name)]
        return [*self.kept(), *at]


def _asks() -> bool:
    """Whether the request says anything at all of what it wants."""
    return bool(request.args or request.form)


def searched() -> str:
    """What the request searches for, as words that can be compared. Never from the address."""
    return request.form.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH]


def searched_words() -> list[str]:
    """The words of it, parted as those of names are, and no more than are looked for."""
    return finding.words_of(searched())


def asked(name: str) -> str:
    """A filter of the request, from the address or, with a search, from its form."""
    return str(request.values.get(name, ""))
