"""Columns and filters of a list for the fields that a school has of its own.

They are those of one school: the one that the list is narrowed to, or else the only one of whoever reads it.
A filter finds one value by its keyed digest. Only that stands in an address: what is typed travels in a form.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement

from backoffice.access.lookup import NotFound
from backoffice.access.transaction import Transaction
from backoffice.console.grids.columns import Column
from backoffice.console.grids.filters import Asked, Filter, Input, Option, Unreadable, Values
from backoffice.console.grids.row import Cell, Row
from backoffice.console.own_fields import key, said
from backoffice.fields import queries, values
from backoffice.fields.models import CustomField, FieldKind, FieldSubject
from backoffice.language.texts import gettext
from backoffice.wording import clean

# Nobody types that: 32 digits alone may be the number of something.
_MARK = "digest-"
_DIGEST = re.compile(rf"{_MARK}([0-9a-f]{{32}})")
_FIELDS = "own fields"
CARRIED_BY = {
    FieldSubject.STUDENT: "ix_student_value_school_id_field_id_value_index",
    FieldSubject.CLASSROOM: "ix_classroom_value_school_id_field_id_value_index",
}


@dataclass(frozen=True, eq=False)
class OwnColumn(Column):
    """The column of one field."""

    of: CustomField = field(kw_only=True)

    def cell(self, value: str | None) -> Cell:
        """A value in a cell."""
        shown = said(self.of, value)
        if shown is None or value is None:
            return Cell(None)
        match FieldKind(self.of.kind):
            case FieldKind.NUMBER:
                return Cell(shown, "number")
            case FieldKind.DATE:
                return Cell(shown, "time", datetime=date.fromisoformat(value).isoformat())
            case _:
                return Cell(shown)


@dataclass(frozen=True, eq=False)
class OwnFilter(Filter):
    """Those with one value in a field."""

    of: CustomField = field(kw_only=True)

    def read(self, tx: Transaction, values: Values) -> Asked | None:
        """What is asked for: a digest in an address, or what somebody types or chooses in a form."""
        return self._read(tx, values) if self._written(values) else None

    def pairs(self, values: Values) -> list[tuple[str, str]]:
        """The digest in the place of what is typed."""
        return [(self.name, _in_address(self._digest(each))) for each in self._written(values)]

    def _written(self, values: Values) -> list[str]:
        """What is asked for, each once; what is blank asks for nothing."""
        return [each for each in dict.fromkeys(values.getlist(self.name)) if clean(each)]

    def _read(self, tx: Transaction, values: Values) -> Asked:
        wanted = {self._digest(each) for each in self._written(values)}
        if len(wanted) > 1:
            raise NotFound
        digest = wanted.pop()
        value = self._value(tx, digest)
        words = gettext("a value that is nowhere") if value is None else said(self.of, value)
        condition: ColumnElement[bool] = queries.has_value(self.of, digest)
        return Asked(self, (condition,), f"{self.title}: {words}", value)

    def inputs(self, tx: Transaction, values: Values, asked: Asked | None) -> list[Input]:
        """A select, or an input of one value; of what is typed wrong nothing is shown again."""
        del tx, values
        now = asked.thing if asked else None
        match FieldKind(self.of.kind):
            case FieldKind.CHOICE:
                return self._select([(each, each) for each in self.of.choices or ()], now)
            case FieldKind.YES_NO:
                return self._select([(each, str(word)) for each, word in _answers()], now)
            case FieldKind.DATE:
                return [Input(self.name, self.title, "date", value=now or "")]
            case _:
                return [Input(self.name, self.title, "text", value=now or "")]

    def _select(self, choices: Sequence[tuple[str, str]], now: str | None) -> list[Input]:
        options = [
            Option(_in_address(values.digest(self.of, value)), title, value == now)
            for value, title in choices
        ]
        return [Input(self.name, self.title, "select", [Option("", gettext("All")), *options])]

    def _digest(self, text: str) -> bytes:
        if digest := _DIGEST.fullmatch(text):
            return bytes.fromhex(digest[1])
        try:
            value = values.written(FieldKind(self.of.kind), self.of.choices or (), text)
        except values.Unfit as unfit:
            raise Unreadable(self.name, unfit.sentence) from None
        if value is None:
            raise NotFound
        return values.digest(self.of, value)

    def _value(self, tx: Transaction, digest: bytes) -> str | None:
        """The value of a digest: one that can be chosen, or one that somebody has."""
        fixed = self.of.choices or [each for each, _ in _answers()]
        if self.of.kind in {FieldKind.CHOICE, FieldKind.YES_NO}:
            return next((each for each in fixed if values.digest(self.of, each) == digest), None)
        return queries.value_of(tx, self.of, digest)


def _in_address(digest: bytes) -> str:
    return f"{_MARK}{digest.hex()}"


def _answers() -> Sequence[tuple[str, str]]:
    return list(values.SAID.items())


def fields_for(tx: Transaction, subject: FieldSubject, asked: Mapping[str, Asked]) -> Sequence[CustomField]:
    """The fields whose columns a list has; looked up once for a school."""
    school = _school(tx, asked)
    if school is None:
        return ()
    known: dict[int, Sequence[CustomField]] = tx.info.setdefault((_FIELDS, subject), {})
    if school not in known:
        known[school] = queries.fields_of(tx, school, subject)
    return known[school]


def _school(tx: Transaction, asked: Mapping[str, Asked]) -> int | None:
    if "school" in asked:
        return int(asked["school"].thing.id)
    if "classroom" in asked:
        return int(asked["classroom"].thing.school_id)
    only = tx.principal.member_schools
    return next(iter(only)) if len(only) == 1 else None


def columns_of(fields: Sequence[CustomField]) -> list[OwnColumn]:
    """Their columns, which nobody sees who does not ask for them."""
    return [
        OwnColumn(
            key(each),
            each.name or "",
            numeric=each.kind == FieldKind.NUMBER,
            optional=True,
            hidden=True,
            of=each,
        )
        for each in fields
    ]


def filters_of(fields: Sequence[CustomField]) -> list[OwnFilter]:
    """A filter for each."""
    return [
        OwnFilter(key(each), each.name or "", carried_by=CARRIED_BY[FieldSubject(each.subject)], of=each)
        for each in fields
    ]


def placed(
    tx: Transaction,
    subject: FieldSubject | None,
    declared: Sequence[Column],
    columns: Sequence[Column],
    things: Sequence[Any],
    rows: Sequence[Row],
) -> list[Row]:
    """The things' rows with the cells of these columns: those that the list declared, and those of fields."""
    if list(columns) == list(declared):
        return list(rows)
    own = [each for each in columns if isinstance(each, OwnColumn)]
    written = queries.values_of(tx, subject, things) if own and subject else {}
    places = {each: declared.index(each) for each in columns if not isinstance(each, OwnColumn)}
    found = []
    for thing, row in zip(things, rows, strict=True):
        there = queries.written_in(written, thing.id) if own else {}
        cells = [
            each.cell(there.get(each.of.id)) if isinstance(each, OwnColumn) else row.cells[places[each]]
            for each in columns
        ]
        found.append(row._replace(cells=cells))
    return found
