"""Many values of rows as one parameter a column: however many rows they are, the statement is the same."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ARRAY, Table, TableValuedAlias, Text, Uuid, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.types import TypeEngine

from backoffice.storage.marks import Marks, written

# Before the names of parameters: those of columns say what is inserted.
_EACH = "each_"


def side_by_side(name: str, lists: Mapping[str, tuple[TypeEngine[Any], Sequence[Any]]]) -> TableValuedAlias:
    """These lists, of one length each, as the columns of a table of that name. Sealed values are sealed."""
    columns = (
        bindparam(column, list(values), type_=ARRAY(kind), unique=True)
        for column, (kind, values) in lists.items()
    )
    return func.unnest(*columns).table_valued(*lists, name=name).render_derived()


# Each service writes its entry of the trail: building the statement takes longer than running it.
@lru_cache(maxsize=64)
def insertion(table: Table, names: tuple[str, ...]) -> Insert:
    """What inserts rows with these columns, built once for all; `in_lists` has the rows when it runs.

    A value may be a list of numbers or UUIDs itself.
    """
    kinds = {name: table.c[name].type for name in names}
    # The database makes one list of a list of lists, and lets all of these be equally long.
    columns = (bindparam(_EACH + name, type_=_as_list(kind)) for name, kind in kinds.items())
    listed = func.unnest(*columns).table_valued(*names, name="listed").render_derived()
    rows = select(
        *(
            cast(listed.c[name], kind) if isinstance(kind, ARRAY) else listed.c[name]
            for name, kind in kinds.items()
        )
    )
    return insert(table).from_select(list(names), rows)


def in_lists(table: Table, names: Iterable[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Rows as parameters of the `insertion` with these columns."""
    return {
        _EACH + name: [
            written(row[name]) if isinstance(table.c[name].type, ARRAY) else row[name] for row in rows
        ]
        for name in names
    }


def _as_list(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    if isinstance(kind, Uuid):
        return Marks()
    return ARRAY(Text() if isinstance(kind, ARRAY) else kind)
