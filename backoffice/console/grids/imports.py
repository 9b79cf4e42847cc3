"""Importing into a list: a file or pasted rows, the columns they have, a preview, and then the import.

A grid that takes part inherits `ImportsRows`, says in `importing` what it takes, and opens its doors.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar, NamedTuple, Protocol

from flask import Response, flash, redirect, request, stream_with_context
from flask_admin import expose
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.services import record_export
from backoffice.console.batches import batches
from backoffice.console.forms import SchoolForm
from backoffice.console.grid import Grid
from backoffice.console.grids.bulk import most_at_once
from backoffice.console.picker.asking import is_looking
from backoffice.imports import carrying
from backoffice.imports.columns import ImportColumn, Row, matched
from backoffice.imports.limits import LARGEST_FILE, MOST_ROWS, Unreadable
from backoffice.imports.plan import ChangedMeanwhile, Plan, PlannedRow, RowState
from backoffice.imports.reading import Table, read_file, read_text
from backoffice.language.moments import amount, number_in
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected, Throttled
from backoffice.schools.models import School
from backoffice.spreadsheets import csv_files
from backoffice.throttles.tries import Claim, take
from backoffice.web.errors import to_be_waited_for
from backoffice.web.identity import done_reading, reading, settings

# A form with the list in it, and what stands around it.
LARGEST_BODY = carrying.LARGEST + (1 << 20)
# Whatever changes what is there is shown; of rows that nobody has to look at, so many.
MOST_SHOWN: Mapping[RowState, int] = {
    RowState.REFUSED: MOST_ROWS,
    RowState.CHANGED: MOST_ROWS,
    RowState.NEW: 1_000,
    RowState.SAME: 100,
}
NOTHING_CHOSEN = lazy("Choose a file, or paste rows.")
MEANWHILE = lazy(
    "Something has changed since you looked, so nothing was done. This is what would happen now."
)
LOOK_AGAIN = lazy("You have chosen otherwise since. Look at what would happen now.")
DONE_ALREADY = lazy("Nothing of this list is left to do: nothing was changed.")
TOO_OFTEN = lazy("You brought lists very often.")
CHOOSE_SCHOOL = lazy("Choose a school.")


@dataclass(frozen=True)
class Question:
    """What is asked once about all rows; the first option holds until somebody chooses another."""

    title: str
    options: tuple[tuple[str, str], ...]


class Looks(Protocol):
    """Says what an import would do."""

    def __call__(self, *, principal: Principal, school: str, rows: Sequence[Row], answer: str) -> Plan:
        """Changes nothing."""


class Does(Protocol):
    """Does what was shown, and says what has become of it."""

    def __call__(
        self,
        *,
        principal: Principal,
        school: str,
        rows: Sequence[Row],
        answer: str,
        seen: str,
        most: int,
    ) -> str:
        """Raises `ChangedMeanwhile`, `Rejected`, `NotFound`."""


@dataclass(frozen=True)
class Importing:
    """What a list takes. One of `needs` must be among the columns of a file.

    `current` makes the lines of our own file with the IDs, from which people can start.
    """

    columns: tuple[ImportColumn, ...]
    needs: frozenset[str]
    needed: str
    # Asks for the school.
    form: type[SchoolForm]
    preview: Looks
    run: Does
    question: Question | None = None
    headings: tuple[str, ...] = ()
    current: Callable[[Transaction, Sequence[Any]], Iterable[Sequence[str | None]]] | None = None
    # What a single column without a heading holds; what a row's `place` is, and what is to be known besides.
    alone: str = ""
    placed: str = lazy("Classes")
    besides: str = lazy("Nobody is taken out of a class, and no mail goes out.")


@dataclass(frozen=True)
class Mapped:
    """What somebody has said of a list: what its columns are, where it goes, what is asked besides."""

    columns: tuple[str, ...]
    heads: bool
    school: str
    answer: str

    def rows(self, table: Table) -> list[Row]:
        """The rows of the list by the keys of their columns."""
        lines = table.lines[1:] if self.heads else table.lines
        return [
            Row(line, {key: cell for key, cell in zip(self.columns, cells, strict=False) if key})
            for line, cells in lines
        ]


class Place(NamedTuple):
    """Into which school a list goes: its public identifier, and what asks for it where there are several."""

    form: SchoolForm
    school: str
    nowhere: bool = False


class ImportsRows(Grid):
    """A grid that rows can be imported into."""

    abstract = True
    importing: ClassVar[Importing]
    fresh = Grid.fresh | {"import_current"}
    uploads: ClassVar[Mapping[str, int]] = {
        "import_rows": LARGEST_BODY,
        "import_confirmed": LARGEST_BODY,
    }

    @expose("/import", methods=("GET", "POST"))
    def import_rows(self) -> str | BaseResponse | tuple[str, int]:
        """Ask for a list; then show what its columns are and what would happen."""
        if request.method == "GET" or (is_looking() and "carried" not in request.form):
            return self._ask()
        try:
            self._take()
            table = self._carried()["table"] if "carried" in request.form else self._read()
            place = self._place()
            return self._check(table, place, self._said(table, place))
        except Throttled as throttled:
            return to_be_waited_for(self._ask(f"{TOO_OFTEN} {throttled.sentence}"), throttled)
        except Unreadable as unreadable:
            return self._ask(unreadable.sentence), 422

    @expose("/import/confirm", methods=("POST",))
    def import_confirmed(self) -> str | BaseResponse | tuple[str, int]:
        """Do what was shown; or show it again, if it is another thing by now."""
        try:
            self._take()
            carried = self._carried()
            table, shown, seen = carried["table"], carried["asked"], carried["seen"]
            place = self._place()
            said = self._said(table, place)
            if said != shown or not seen:
                return self._check(table, place, said, problem=LOOK_AGAIN), 422
            return self._import_now(table, place, said, seen, carried["size"])
        except Throttled as throttled:
            return to_be_waited_for(self._ask(f"{TOO_OFTEN} {throttled.sentence}"), throttled)
        except Unreadable as unreadable:
            return self._ask(unreadable.sentence), 422

    @expose("/import/blank.csv", methods=("GET",))
    def import_blank(self) -> Response:
        """An empty list with the headings that are known."""
        return _csv([self._headings()], "empty")

    @expose("/import/current.csv", methods=("GET",))
    def import_current(self) -> Response:
        """The list as it is, with the IDs, to be changed and brought back."""
        done_reading()
        who, permission, current = self.who, self.doors["import_current"], self.importing.current
        with transaction(who) as tx:
            rows = self.visible_rows(tx, permission)
            schools = self.schools_of(tx, rows)
        record_export(principal=who, rows=rows, schools=schools)

        def lines() -> Iterator[Sequence[str | None]]:
            with transaction(who) as tx:
                statement = self.visible_rows(tx, permission)
                for things in batches(tx, statement, self.reads):
                    yield from current(tx, things) if current else ()

        return _csv(chain([self._headings()], lines()), "to-change")

    # ------------------------------------------------------------------ what was sent

    def _take(self) -> None:
        """Count a list before it is opened. Raises `Throttled`."""
        allowance = settings().throttles.import_account
        take(Claim("importing by account", allowance, str(self.who.account_id)))

    def _read(self) -> Table:
        """The list that was brought. Neither it nor its name is kept."""
        file, pasted = request.files.get("file"), request.form.get("pasted", "")
        content = file.read(LARGEST_FILE + 1) if file else b""
        if content:
            return read_file(content)
        if not pasted.strip():
            raise Unreadable(NOTHING_CHOSEN)
        return read_text(pasted)

    @property
    def _context_of_seal(self) -> str:
        return f"{self.endpoint} {self.who.account_id}"

    def _carried(self) -> dict[str, Any]:
        text = request.form.get("carried", "")
        found = carrying.opened(text, context=self._context_of_seal, at=clock.now())
        columns, *others = found["asked"]
        return {
            "table": Table([(line, cells) for line, cells in found["lines"]], found["text"]),
            "asked": Mapped(tuple(columns), *others),
            "seen": found["seen"],
            "size": found["size"],
        }

    def _said(self, table: Table, place: Place) -> Mapped:
        """What the form says of the list; where it says nothing yet, what the headings do."""
        form, known = request.form, {column.key for column in self.importing.columns}
        answers = (
            [key for key, _words in self.importing.question.options] if self.importing.question else [""]
        )
        answer = form.get("answer", "")
        if "col-0" in form:
            columns = tuple(_known(form, f"col-{at}", known) for at in range(table.width))
            heads = bool(form.get("heads"))
        else:
            columns = tuple(key or "" for key in matched(table.lines[0][1], self.importing.columns))
            columns += ("",) * (table.width - len(columns))
            heads = any(columns)
            if not heads and table.width == 1:
                columns = (self.importing.alone,)
        return Mapped(columns, heads, place.school, answer if answer in answers else answers[0])

    def _place(self) -> Place:
        """Into which school the list goes, as the form says; the only one where there is no other.

        Raises `NotFound` for one that somebody sends along and that is not the only one.
        """
        tx, form = reading(), self.importing.form(school=request.args.get("school"))
        if only := form.school.only_one(tx):
            if form.school.data not in {None, "", only}:
                raise NotFound
            del form.school
            return Place(form, only)
        form.school.fill(tx, gettext("Choose a school"))
        return Place(form, form.school.chosen, form.school.has_nothing)

    # ------------------------------------------------------------------ what is answered

    def _ask(self, problem: str | None = None) -> str:
        importing, place = self.importing, self._place()
        starts = importing.current is not None and self.opens("import_current")
        several = bool(place.form.school)
        where = f"?school={place.school}" if several and place.school else ""
        return self.render(
            "console/import.html",
            form=place.form,
            problem=problem,
            noun=self.noun,
            columns=importing.columns,
            pasted=request.form.get("pasted", ""),
            nowhere=place.nowhere,
            current_url=f"import/current.csv{where}" if starts and place.school else None,
            narrow_first=starts and not place.school,
            blank_url="import/blank.csv",
            most=MOST_ROWS,
            megabytes=LARGEST_FILE >> 20,
            crumbs=[*self._way(), {"title": gettext("Import")}],
        )

    def _check(self, table: Table, place: Place, said: Mapped, *, problem: str | None = None) -> str:
        plan = None
        if against := self._against(said):
            # Whoever is looking for the school need not be told to choose one.
            problem = None if is_looking() else against
        else:
            done_reading()
            plan = self.importing.preview(
                principal=self.who, school=said.school, rows=said.rows(_unguarded(table)), answer=said.answer
            )
        return self._shown(table, place, said, plan, problem)

    def _import_now(
        self, table: Table, place: Place, said: Mapped, seen: str, size: int
    ) -> str | BaseResponse | tuple[str, int]:
        if size >= settings().lists.typed_from and number_in(request.form.get("typed", "")) != size:
            many = gettext("Type %(size)s to confirm that you mean so many.", size=amount(size))
            return self._check(table, place, said, problem=many), 422
        most = self._most(said)
        done_reading()
        try:
            sentence = self.importing.run(
                principal=self.who,
                school=said.school,
                rows=said.rows(_unguarded(table)),
                answer=said.answer,
                seen=seen,
                most=most,
            )
        except ChangedMeanwhile as changed:
            problem = MEANWHILE if changed.plan.size else DONE_ALREADY
            return self._shown(table, place, said, changed.plan, problem), 409
        except Rejected as rejected:
            return self._check(table, place, said, problem=rejected.in_words), 422
        flash(sentence, "success")
        return redirect(f"/console/{self.address}/", 303)

    def _against(self, said: Mapped) -> str | None:
        """What is to be said before anything can be compared."""
        taken = [key for key in said.columns if key]
        if twice := next((key for key in taken if taken.count(key) > 1), None):
            title = next(each.title for each in self.importing.columns if each.key == twice)
            return gettext("Two columns are said to be “%(title)s”. Leave one of them out.", title=title)
        if not self.importing.needs.intersection(taken):
            return self.importing.needed
        return None if said.school else CHOOSE_SCHOOL

    def _most(self, said: Mapped) -> int:
        numbers = [find(reading(), School, said.school).id] if said.school else []
        return most_at_once(self.who, settings().lists, numbers)

    def _shown(self, table: Table, place: Place, said: Mapped, plan: Plan | None, problem: str | None) -> str:
        most = self._most(said)
        size = plan.size if plan else 0
        carried = carrying.sealed(
            {
                "lines": table.lines,
                "text": table.text,
                "asked": [said.columns, said.heads, said.school, said.answer],
                "seen": plan.digest if plan else None,
                "size": size,
            },
            context=self._context_of_seal,
            at=clock.now(),
        )
        first, second = table.lines[0][1], table.lines[1][1] if len(table.lines) > 1 else ()
        return self.render(
            "console/import_check.html",
            form=place.form,
            problem=problem,
            carried=carried,
            noun=self.noun,
            said=said,
            # Each column by its heading, with what stands below it.
            found=[
                (at, key, _cell(first, at) if said.heads else "", _cell(second if said.heads else first, at))
                for at, key in enumerate(said.columns)
            ],
            columns=self.importing.columns,
            question=self.importing.question,
            placed=self.importing.placed,
            besides=self.importing.besides,
            plan=plan,
            groups=shown_groups(plan) if plan else [],
            new_text=self.counted(plan.counts[RowState.NEW]) if plan else "",
            over=(plan.full if plan else None)
            or (
                gettext(
                    "You may bring in at most %(most)s rows at once. Bring the list in parts.",
                    most=amount(most),
                )
                if size > most
                else None
            ),
            typed=size if size >= settings().lists.typed_from else None,
            crumbs=[
                *self._way(),
                {"title": gettext("Import"), "url": f"/console/{self.address}/import"},
                {"title": gettext("Check the list")},
            ],
        )

    def _way(self) -> list[dict[str, str]]:
        return [{"title": self.title, "url": f"/console/{self.address}/"}]

    def _headings(self) -> Sequence[str]:
        return self.importing.headings


def shown_groups(plan: Plan) -> list[tuple[RowState, list[PlannedRow], int]]:
    """The rows by what becomes of them, those to look at first: as many as are shown, and how many."""
    return [
        (state, plan.of(state)[:most], plan.counts[state])
        for state, most in MOST_SHOWN.items()
        if plan.counts[state]
    ]


def _unguarded(table: Table) -> Table:
    """Without the apostrophes that our own files set before what looks like a formula."""
    if not table.text:
        return table
    return Table([(line, list(map(csv_files.unguarded, cells))) for line, cells in table.lines], table.text)


def _known(form: MultiDict[str, str], name: str, known: set[str]) -> str:
    return key if (key := form.get(name, "")) in known else ""


def _cell(cells: Sequence[str], at: int) -> str:
    return cells[at] if at < len(cells) else ""


def _csv(lines: Iterable[Sequence[str | None]], name: str) -> Response:
    return Response(
        stream_with_context(csv_files.written(lines)),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )
