"""Many values of rows as one parameter a column: however many rows they are, the statement is the same."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, Select, TableValuedAlias, Text, bindparam, cast, func, select
from sqlalchemy.types import TypeEngine


def side_by_side(name: str, lists: Mapping[str, tuple[TypeEngine[Any], Sequence[Any]]]) -> TableValuedAlias:
    """These lists, of one length each, as the columns of a table of that name. Sealed values are sealed."""
    columns = (
        bindparam(column, list(values), type_=ARRAY(kind), unique=True)
        for column, (kind, values) in lists.items()
    )
    return func.unnest(*columns).table_valued(*lists, name=name).render_derived()


def rows_of(lists: Mapping[str, tuple[TypeEngine[Any], Sequence[Any]]]) -> Select[Any]:
    """The same as rows to be inserted, in which a value may be a list of numbers or UUIDs itself."""
    # The database makes one list of a list of lists, and lets all of these be equally long.
    sent = {
        name: (Text(), [f"{{{','.join(map(str, each))}}}" for each in values])
        if isinstance(kind, ARRAY)
        else (kind, values)
        for name, (kind, values) in lists.items()
    }
    listed = side_by_side("listed", sent)
    return select(
        *(
            cast(listed.c[name], kind) if isinstance(kind, ARRAY) else listed.c[name]
            for name, (kind, _) in lists.items()
        )
    )
