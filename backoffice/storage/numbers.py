"""Many row numbers as one parameter: however many there are, the statement stays the same."""

from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    ColumnElement,
    Dialect,
    Text,
    TypeDecorator,
    any_,
    bindparam,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class Numbers(TypeDecorator[Collection[int]]):
    """`bigint[]`, sent in PostgreSQL's own notation.

    The driver looks at each element of a list to find out how to send it: half a millisecond for the
    schools of a large district, in each statement.
    """

    impl = ARRAY(BigInteger)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        """As PostgreSQL reads an array."""
        del dialect
        return _literal


class NumberList(TypeDecorator[list[int]]):
    """A column of many numbers in an order of their own, written as `Numbers` are sent."""

    impl = ARRAY(BigInteger)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str | None]:
        """As PostgreSQL reads an array."""
        del dialect
        return _in_order


class ManyNumbers(TypeDecorator[frozenset[int]]):
    """What is answered as the text of a `bigint[]`: mostly what the last transaction was answered as well.

    Whoever has the schools of a large district has a thousand numbers in each. The set is one and the same
    while they are, so that it is neither made nor compared anew.
    """

    impl = Text
    cache_ok = True

    def process_result_value(self, value: str | None, dialect: Dialect) -> frozenset[int] | None:
        """The numbers; None of nothing."""
        del dialect
        return None if value is None else _read(value)


# One for all: the library makes a class for each instance that is compared with something.
_NUMBERS = Numbers()


def one_of(column: Any, numbers: Collection[int], *, planned_once: bool = False) -> ColumnElement[bool]:
    """The condition that a column has one of these numbers; `planned_once` as in `array_of`."""
    # A single value lets an index of (column, key) give the rows in order; an array does not.
    if len(numbers) == 1:
        return column == next(iter(numbers))  # type: ignore[no-any-return]
    return column == any_(array_of(numbers, planned_once=planned_once))  # type: ignore[no-any-return]


def given(column: Any, name: str, *, one: bool, planned_once: bool = False) -> ColumnElement[bool]:
    """The same with numbers that are said when the statement runs, by this name: `one`, or a frozen set."""
    if one:
        single = bindparam(name, type_=BigInteger)
        return column == (_NotLookedAt(single) if planned_once else single)  # type: ignore[no-any-return]
    return column == any_(array_given(name, planned_once=planned_once))  # type: ignore[no-any-return]


def array_given(name: str, *, planned_once: bool = False) -> ColumnElement[Any]:
    """A frozen set of numbers that is said when the statement runs, by this name; as `array_of` else."""
    made = bindparam(name, type_=_NUMBERS)
    return _NotLookedAt(made) if planned_once else made


def array_of(numbers: Collection[int], *, planned_once: bool = False) -> ColumnElement[Any]:
    """These numbers as one parameter.

    With `planned_once` the database plans without looking at which and how many they are, and therefore once
    for all of them, if the statement is prepared: for statements that are best read the same way whatever
    they are.
    """
    made = bindparam(None, frozenset(numbers), type_=_NUMBERS, unique=True)
    return _NotLookedAt(made) if planned_once else made


class _NotLookedAt(FunctionElement[Any]):
    """Numbers of which the planner knows no more than that there are some; as in the tables' policies."""

    inherit_cache = True

    def __init__(self, made: BindParameter[Any]) -> None:
        super().__init__(made)
        self.type = made.type


@compiles(_NotLookedAt)
def _compiled(element: _NotLookedAt, compiler: SQLCompiler, **options: Any) -> str:
    many = "[]" if isinstance(element.type, Numbers) else ""
    return f"(SELECT {compiler.process(element.clauses, **options)})::BIGINT{many}"


@lru_cache(maxsize=64)
def _read(literal: str) -> frozenset[int]:
    return frozenset(map(int, filter(None, literal[1:-1].split(","))))


def _in_order(numbers: list[int | None] | None) -> str | None:
    if numbers is None:
        return None
    return f"{{{','.join(['null' if each is None else str(each) for each in numbers])}}}"


@lru_cache(maxsize=64)
def _literal(numbers: frozenset[int]) -> str:
    return f"{{{','.join(map(str, sorted(numbers)))}}}"
