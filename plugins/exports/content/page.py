"""index.html: what the export holds, to be read in a browser without a network."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from sqlalchemy import DateTime, select

from backoffice.access.transaction import Transaction
from backoffice.language import moments
from backoffice.language.spoken import language
from backoffice.language.texts import gettext, lazy, speak_in
from backoffice.privacy.erasure.plan import MODELS
from backoffice.privacy.holdings import Subject
from plugins.exports.content import left_out as left_out_reasons
from plugins.exports.content.kinds import PUBLIC_ID, As, Field, Kind, LeftOut
from plugins.exports.content.scope import Scope
from plugins.exports.content.values import as_text

FILE = "index.html"
# Of kinds with more rows the page only has a link to the file.
SMALL = 500
_TEMPLATES = Path(__file__).parent / "templates"
_TOKENS = files("backoffice.web").joinpath("static", "css", "tokens.css")
_FIRST = (
    *("app.district", "app.school", "app.classroom", "app.student", "app.account"),
    *("app.enrollment", "app.point_entry", "app.action", "app.teaching_role", "app.membership"),
)
_NAMES = ("name", "given_name", "family_name", "label")
WHOSE: Mapping[Subject, str] = {
    Subject.STUDENT: lazy("Student"),
    Subject.CLASSROOM: lazy("Class"),
    Subject.ACCOUNT: lazy("Account"),
    Subject.SCHOOL: lazy("School"),
    Subject.DISTRICT: lazy("District"),
}


@dataclass(frozen=True)
class Shown:
    """A kind of which there are rows; the rows themselves if they are few."""

    kind: Kind
    count: int
    rows: Sequence[Sequence[Any]] | None


@dataclass(frozen=True)
class Page:
    """What the page says."""

    scope: Scope
    title: str
    made_at: datetime
    shown: Sequence[Shown]
    left_out: Sequence[LeftOut]
    with_roster: bool
    workbooks: bool


@dataclass(frozen=True)
class Cell:
    """A cell of a table, and how it looks: "id" is small, "when" on one line."""

    text: str
    look: str = ""


def title_of(tx: Transaction, scope: Scope) -> str:
    """What the subject is called, as whoever asks may read it."""
    model: Any = MODELS[scope.subject]
    named = [model.__table__.c[name] for name in _NAMES if name in model.__table__.columns]
    row = tx.execute(select(*named).where(model.id == scope.number)).one_or_none()
    return " ".join(filter(None, row or ()))


def written(page: Page) -> Iterator[str]:
    """The page, piece by piece."""
    known = _known(page.shown)
    template = _environment().get_template(FILE)
    # A document is made for where it is read: moments are in UTC, and say so.
    shown = sorted(page.shown, key=_place)
    stream = template.stream(
        page=page,
        whose=WHOSE[page.scope.subject],
        at=moments.moment(page.made_at),
        total=sum(each.count for each in shown),
        tables=[_table(each, known, _same_everywhere(page)) for each in shown],
        reasons=_by_reason(page.left_out),
        language=language(),
        tokens=_TOKENS.read_text("utf-8"),
    )
    stream.enable_buffering(64)
    yield from stream


def _known(shown: Sequence[Shown]) -> dict[str, str]:
    """What public identifiers stand for, as far as the page has the rows."""
    found = {}
    for each in shown:
        names = [number for number, field in enumerate(each.kind.fields) if field.name in _NAMES]
        marks = [number for number, field in enumerate(each.kind.fields) if field.name == PUBLIC_ID]
        for row in (each.rows or ()) if marks and names else ():
            found[row[marks[0]]] = " ".join(str(row[number]) for number in names if row[number])
    return found


def _table(
    shown: Shown, known: Mapping[str, str], one: frozenset[str]
) -> tuple[Shown, list[Field], list[list[Cell]]]:
    """A kind with the headings and cells of its table."""
    fields = shown.kind.fields
    places = _columns(shown, one)
    cells = [[_cell(fields[n], row[n], known) for n in places] for row in shown.rows or ()]
    return shown, [fields[n] for n in places], cells


def _place(shown: Shown) -> tuple[int, str]:
    """What everything else is about comes first."""
    table = str(shown.kind.table)
    return (_FIRST.index(table) if table in _FIRST else len(_FIRST)), shown.kind.name


def _columns(shown: Shown, one: frozenset[str]) -> list[int]:
    """The places of the fields that are shown: those that say something, what only marks a row last.

    What is the same wherever one looks is said by the title: the subject itself, and its only school.
    """
    fields, rows = shown.kind.fields, shown.rows or ()
    filled = [n for n in range(len(fields)) if any(row[n] not in (None, "", []) for row in rows)]
    saying = [n for n in filled if not _says_the_same(fields[n], [row[n] for row in rows], one)]
    return sorted(saying or filled, key=lambda n: _only_marks(fields[n]))


def _says_the_same(field: Field, values: Collection[Any], one: frozenset[str]) -> bool:
    return field.written is As.REFERENCE and all(each in one or each is None for each in values)


def _same_everywhere(page: Page) -> frozenset[str]:
    """The subject, and the school if there is only one."""
    found = {page.scope.public_id}
    for each in page.shown:
        if str(each.kind.table) == "app.school" and each.rows and len(each.rows) == 1:
            marks = [n for n, field in enumerate(each.kind.fields) if field.name == PUBLIC_ID]
            found.add(each.rows[0][marks[0]])
    return frozenset(found)


def _only_marks(field: Field) -> bool:
    return field.written is As.ALIAS or field.name == PUBLIC_ID


def _cell(field: Field, value: Any, known: Mapping[str, str]) -> Cell:
    if value is None:
        return Cell("")
    if field.written is As.REFERENCE and value in known:
        return Cell(known[value])
    if field.written is not As.VALUE or _only_marks(field):
        return Cell(str(value), "id")
    if isinstance(field.column.type, DateTime):
        return Cell(moments.moment(datetime.fromisoformat(value)), "when")
    return Cell(_said(value))


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, dict) and value.keys() == {"before", "after"}:
        return f"{as_text(value['before'])} → {as_text(value['after'])}"
    return as_text(value)


def _by_reason(left_out: Sequence[LeftOut]) -> list[tuple[str, list[tuple[str, str]]]]:
    """What is left out: under each reason the tables, each with which columns."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for each in left_out:
        found[str(each.why)][str(each.of)] += [str(each.what)] if each.what else []
    # What is about nobody at all, nobody misses.
    last = {str(each) for each in (left_out_reasons.OF_SERVICE, left_out_reasons.NUMBER)}
    return [
        (why, [(of, "; ".join(what)) for of, what in sorted(tables.items())])
        for why, tables in sorted(found.items(), key=lambda pair: (pair[0] in last, pair[0]))
    ]


@cache
def _environment() -> Environment:
    made = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True)
    made.lstrip_blocks = True
    speak_in(made)
    return made
