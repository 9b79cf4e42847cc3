"""Filters of a list, declared as data: what an address may ask, and how that is shown and taken away.

One rule for all: what is left empty narrows nothing, and what cannot be chosen does not exist (404). An
identifier of somebody else's is such a thing. What somebody types can be mistyped: a list says so beside it.
Words of sealed names are no filter: they are searched for, and stand in no address.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import reduce
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute
from werkzeug.datastructures import MultiDict

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.transaction import Transaction
from backoffice.console.grids.spans import PRESETS, Span
from backoffice.console.paging import LARGE
from backoffice.language.moments import amount, day_of_year
from backoffice.language.texts import gettext, lazy
from backoffice.schools.picking import Picked, may_pick
from backoffice.storage.public_id import is_public_id

MOST_CHOICES = 200
# Under which a transaction keeps what was looked for in filters that pick, by their names.
LOOKED_FOR = "looked for"
LONGEST_VALUE = 32
# The day after is asked for, and at the ends of the calendar zones have none.
FIRST_YEAR, LAST_YEAR = 1900, 9000
GREATEST = 999_999_999
_NUMBER = re.compile(r"-?\d{1,9}", re.ASCII)
Values = MultiDict[str, str]


class Unreadable(NotFound):
    """What was typed into the input of this name is no day or no number; a sentence says what to type."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(name)
        self.name, self.sentence = name, sentence


class Few(NamedTuple):
    """Why a filter needs no index: what its list can hold at most."""

    because: str


class Choice(NamedTuple):
    """A word of an address, what it is called, and which rows it means."""

    value: str
    title: str
    condition: ColumnElement[bool]


class Option(NamedTuple):
    """One line of a select, or one box to tick."""

    value: str
    title: str
    selected: bool = False


class Input(NamedTuple):
    """One input of a filter in the form. `kind`: select, boxes, date, number, text, pick.

    `pick` is the relation that one of many is picked of, and `said` what came of looking. `least` and `most`
    bound what can be typed, and `problem` says what is wrong with what was.
    """

    name: str
    title: str
    kind: str
    options: Sequence[Option] = ()
    value: str = ""
    pick: str = ""
    said: str = ""
    least: str = ""
    most: str = ""
    problem: str = ""


class LookedFor(NamedTuple):
    """What somebody has looked for in a filter that picks: the words, what was found, and that in words."""

    words: str
    found: Sequence[Picked]
    said: str


@dataclass(frozen=True, eq=False)
class Asked:
    """What a request asks of one filter: which rows, in which words, by which words of the address."""

    filter: "Filter"
    conditions: tuple[ColumnElement[bool], ...]
    words: str
    # The thing that a relation names.
    thing: Any = None


@dataclass(frozen=True, eq=False)
class Filter(ABC):
    """One way to narrow a list. `carried_by` names the index that finds its rows, or says why none has to."""

    name: str
    title: str
    carried_by: str | Few = field(kw_only=True)
    # In sight at all times; others open with the panel.
    at_hand: bool = field(default=False, kw_only=True)
    help: str | None = field(default=None, kw_only=True)

    @property
    def names(self) -> tuple[str, ...]:
        """Its words in an address."""
        return (self.name,)

    @property
    def unasked(self) -> ColumnElement[bool] | None:
        """What holds as long as nothing is chosen."""
        return None

    def read(self, tx: Transaction, values: Values) -> Asked | None:
        """What these values ask for; None if nothing. Raises `NotFound`, `Unreadable`."""
        if not any(value for name in self.names for value in values.getlist(name)):
            return None
        if any(len(value) > LONGEST_VALUE for name in self.names for value in values.getlist(name)):
            raise NotFound
        return self._read(tx, values)

    def pairs(self, values: Values) -> list[tuple[str, str]]:
        """What of these values stands in an address."""
        return [
            (name, value) for name in self.names for value in dict.fromkeys(values.getlist(name)) if value
        ]

    @abstractmethod
    def _read(self, tx: Transaction, values: Values) -> Asked: ...

    @abstractmethod
    def inputs(self, tx: Transaction, values: Values, asked: Asked | None) -> list[Input]:
        """What the form asks; nothing where there is nothing to choose from."""


@dataclass(frozen=True, eq=False)
class ChoiceFilter(Filter):
    """One of a few words; with `several`, any of those that are ticked."""

    choices: tuple[Choice, ...] = field(kw_only=True)
    several: bool = field(default=False, kw_only=True)
    nothing: str = field(default=lazy("All"), kw_only=True)

    def _read(self, tx: Transaction, values: Values) -> Asked:
        del tx
        wanted = {value for value in values.getlist(self.name) if value}
        found = [each for each in self.choices if each.value in wanted]
        if len(found) < len(wanted) or (len(found) > 1 and not self.several):
            raise NotFound
        meant = or_(*(each.condition for each in found))
        return Asked(self, (meant,), f"{self.title}: {_either([each.title for each in found])}")

    def inputs(self, tx: Transaction, values: Values, asked: Asked | None) -> list[Input]:
        """A select, or boxes."""
        del tx, asked
        wanted = set(values.getlist(self.name))
        options = [Option(each.value, each.title, each.value in wanted) for each in self.choices]
        if self.several:
            return [Input(self.name, self.title, "boxes", options)]
        return [Input(self.name, self.title, "select", [Option("", self.nothing), *options])]


@dataclass(frozen=True, eq=False)
class EmptyFilter(ChoiceFilter):
    """Whether a column is empty, in the words of what that means; `unless_asked` is what holds unasked."""

    choices: tuple[Choice, ...] = field(default=(), kw_only=True)
    column: InstrumentedAttribute[Any] = field(kw_only=True)
    empty: tuple[str, str] = field(kw_only=True)
    filled: tuple[str, str] = field(kw_only=True)
    unless_asked: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        both = (
            Choice(*self.empty, self.column.is_(None)),
            Choice(*self.filled, self.column.is_not(None)),
        )
        # What holds unasked is no choice of its own: it is to ask for nothing.
        object.__setattr__(self, "choices", tuple(each for each in both if each.value != self.unless_asked))

    @property
    def unasked(self) -> ColumnElement[bool] | None:
        """The rows of `unless_asked`."""
        if self.unless_asked is None:
            return None
        return self.column.is_(None) if self.unless_asked == self.empty[0] else self.column.is_not(None)


@dataclass(frozen=True, eq=False)
class RelationFilter(Filter):
    """One thing of another kind, by its public identifier, among those that the reader may see.

    `choices` lists them for a select, at most so many as it is asked for. Without it, or where they are too
    many (None), one is looked for by its name among those of the relation `pick`.
    """

    entity: type[DeclarativeBase] = field(kw_only=True)
    condition: Callable[[Transaction, Any], ColumnElement[bool]] = field(kw_only=True)
    called: Callable[[Transaction, Any], str] = field(kw_only=True)
    choices: Callable[[Transaction, int], Sequence[Any] | None] | None = field(default=None, kw_only=True)
    pick: str | None = field(default=None, kw_only=True)
    nothing: str = field(default=lazy("All"), kw_only=True)

    def _read(self, tx: Transaction, values: Values) -> Asked:
        wanted = {value for value in values.getlist(self.name) if value}
        # What cannot be an identifier never reaches the database.
        if len(wanted) > 1 or not all(is_public_id(value) for value in wanted):
            raise NotFound
        thing = find(tx, self.entity, wanted.pop())
        return Asked(self, (self.condition(tx, thing),), f"{self.title}: {self.called(tx, thing)}", thing)

    def inputs(self, tx: Transaction, values: Values, asked: Asked | None) -> list[Input]:
        """A select, or of too many what one is picked by; nothing where there is nothing to choose from."""
        del values
        if self.choices is None:
            return self._picker(tx, asked)
        name = (tx.principal.account_id, "choices", self.entity.__name__)
        things = None if name in LARGE else self.choices(tx, MOST_CHOICES + 1)
        if things is None:
            return self._picker(tx, asked)
        if len(things) > MOST_CHOICES:
            LARGE.add(name)
            return self._picker(tx, asked)
        chosen = asked.thing.public_id if asked else None
        if not things and not chosen:
            return []
        options = [Option(each.public_id, self.called(tx, each), each.public_id == chosen) for each in things]
        if chosen and not any(option.selected for option in options):
            # One may see it and not choose it, such as a class that is archived.
            options.append(Option(chosen, self.called(tx, asked.thing), selected=True))  # type: ignore[union-attr]
        return [Input(self.name, self.title, "select", [Option("", self.nothing), *options])]

    def _picker(self, tx: Transaction, asked: Asked | None) -> list[Input]:
        if self.pick is None or not may_pick(tx, self.pick):
            return []
        looked: LookedFor = tx.info.get(LOOKED_FOR, {}).get(self.name, LookedFor("", (), ""))
        # The only one that is found is meant.
        only = looked.found[0].public_id if len(looked.found) == 1 else None
        before = asked.thing.public_id if asked else ""
        chosen = only or before
        options = [
            Option(each.public_id, ", ".join(filter(None, (each.name, each.hint))), each.public_id == chosen)
            for each in looked.found
        ]
        if asked and not any(option.value == before for option in options):
            options.append(Option(before, self.called(tx, asked.thing), before == chosen))
        options = [Option("", self.nothing), *options]
        return [Input(self.name, self.title, "pick", options, looked.words, self.pick, looked.said)]


@dataclass(frozen=True, eq=False)
class DateFilter(Filter):
    """Days: one of the spans that are often asked for, or from one day to another, as the reader counts days.

    `column` holds days, or moments if `moments`.
    """

    column: InstrumentedAttribute[Any] = field(kw_only=True)
    moments: bool = field(default=False, kw_only=True)
    presets: tuple[str, ...] = field(
        default=("today", "last-7-days", "last-30-days", "this-month", "this-school-year"), kw_only=True
    )

    @property
    def names(self) -> tuple[str, ...]:
        """The span's name, its first and its last day."""
        return (self.name, f"{self.name}_from", f"{self.name}_to")

    def _read(self, tx: Transaction, values: Values) -> Asked:
        zone = ZoneInfo(tx.principal.time_zone)
        preset, first, last = (_one(values, name) for name in self.names)
        words, spans = [], []
        if preset:
            if preset not in self.presets:
                raise NotFound
            spans.append(PRESETS[preset].of(clock.now().astimezone(zone).date()))
            words.append(PRESETS[preset].words.lower())
        if first:
            day = _day(self.names[1], first)
            spans.append(Span(first=day))
            words.append(gettext("from %(day)s", day=day_of_year(day)))
        if last:
            day = _day(self.names[2], last)
            spans.append(Span(until=day + timedelta(days=1)))
            words.append(gettext("to %(day)s", day=day_of_year(day)))
        conditions: list[ColumnElement[bool]] = []
        for span in spans:
            begin, end = span.at(zone) if self.moments else span
            conditions += [self.column >= begin] if begin is not None else []
            conditions += [self.column < end] if end is not None else []
        return Asked(self, tuple(conditions), f"{self.title}: {', '.join(words)}")

    def inputs(self, tx: Transaction, values: Values, asked: Asked | None) -> list[Input]:
        """A select of spans and two days."""
        del tx, asked
        preset, first, last = (values.get(name, "") for name in self.names)
        options = [Option(name, PRESETS[name].words, name == preset) for name in self.presets]
        blank = Input("", "", "date", least=f"{FIRST_YEAR}-01-01", most=f"{LAST_YEAR}-12-31")
        begins, ends = (
            gettext("%(title)s: from", title=self.title),
            gettext("%(title)s: to", title=self.title),
        )
        return [
            Input(self.name, self.title, "select", [Option("", gettext("Any day")), *options]),
            blank._replace(name=self.names[1], title=begins, value=first),
            blank._replace(name=self.names[2], title=ends, value=last),
        ]


@dataclass(frozen=True, eq=False)
class NumberFilter(Filter):
    """Whole numbers from one to another, both of them in."""

    column: InstrumentedAttribute[Any] = field(kw_only=True)

    @property
    def names(self) -> tuple[str, ...]:
        """The least and the greatest."""
        return (f"{self.name}_from", f"{self.name}_to")

    def _read(self, tx: Transaction, values: Values) -> Asked:
        del tx
        least, most = (_one(values, name) for name in self.names)
        conditions: list[ColumnElement[bool]] = []
        words = []
        if least:
            number = _number(self.names[0], least)
            conditions.append(self.column >= number)
            words.append(gettext("from %(number)s", number=amount(number)))
        if most:
            number = _number(self.names[1], most)
            conditions.append(self.column <= number)
            words.append(gettext("to %(number)s", number=amount(number)))
        return Asked(self, tuple(conditions), f"{self.title}: {' '.join(words)}")

    def inputs(self, tx: Transaction, values: Values, asked: Asked | None) -> list[Input]:
        """Two numbers."""
        del tx, asked
        least, most = (values.get(name, "") for name in self.names)
        blank = Input("", "", "number", least=str(-GREATEST), most=str(GREATEST))
        begins, ends = (
            gettext("%(title)s: from", title=self.title),
            gettext("%(title)s: to", title=self.title),
        )
        return [
            blank._replace(name=self.names[0], title=begins, value=least),
            blank._replace(name=self.names[1], title=ends, value=most),
        ]


def _either(titles: Sequence[str]) -> str:
    """What is one or another of these: "Waiting or Confirmed"."""
    return reduce(lambda said, more: gettext("%(said)s or %(more)s", said=said, more=more), titles)


def _one(values: Values, name: str) -> str:
    """The one value of a name; whoever sends two asks for what there is not."""
    found = {value for value in values.getlist(name) if value}
    if len(found) > 1:
        raise NotFound
    return next(iter(found), "")


def _day(name: str, text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or len(text) != len("2026-01-01") or not FIRST_YEAR <= day.year <= LAST_YEAR:
        sentence = gettext(
            "Choose a day of the years %(first)s to %(last)s.", first=FIRST_YEAR, last=LAST_YEAR
        )
        raise Unreadable(name, sentence)
    return day


def _number(name: str, text: str) -> int:
    if not _NUMBER.fullmatch(text):
        least, most = amount(-GREATEST), amount(GREATEST)
        raise Unreadable(
            name, gettext("Write a whole number from %(least)s to %(most)s.", least=least, most=most)
        )
    return int(text)
