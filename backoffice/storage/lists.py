"""Many values of rows as one parameter a column: however many rows they are, the statement is the same."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, TableValuedAlias, bindparam, func
from sqlalchemy.types import TypeEngine


def side_by_side(name: str, lists: Mapping[str, tuple[TypeEngine[Any], Sequence[Any]]]) -> TableValuedAlias:
    """These lists, of one length each, as the columns of a table of that name. Sealed values are sealed."""
    columns = (
        bindparam(column, list(values), type_=ARRAY(kind), unique=True)
        for column, (kind, values) in lists.items()
    )
    return func.unnest(*columns).table_valued(*lists, name=name).render_derived()
