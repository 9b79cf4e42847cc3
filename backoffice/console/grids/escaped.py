"""What `parts/rows.html` writes, escaped beforehand: it escapes nothing itself.

Jinja escapes whatever stands in a page each time that it stands there, labels of columns once for each row.
A list has a thousand such places, and they took a quarter of the time of its page.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup, escape

from backoffice.console.grids.columns import Column

if TYPE_CHECKING:
    from backoffice.console.grid import Cell, Row


class ColumnWords(NamedTuple):
    """What is said of a column in each of its cells: its title, and how a cell of it is changed."""

    title: Markup
    edit: Markup | None


def escaped_columns(columns: Sequence[Column]) -> list[ColumnWords]:
    """The words of these columns."""
    return [
        ColumnWords(escape(each.title), escape(each.edit.title) if each.edit else None) for each in columns
    ]


def escaped_rows(rows: Sequence["Row"]) -> list["Row"]:
    """The same rows, each text of them and of their cells escaped."""
    return [
        row._replace(
            public_id=escape(row.public_id),
            url=row.url and escape(row.url),
            cells=[_escaped(cell) for cell in row.cells],
        )
        for row in rows
    ]


def _escaped(cell: "Cell") -> "Cell":
    text, kind, url, tone, at, exact, edit = cell
    return cell.__class__(
        text and escape(text),
        escape(kind),
        url and escape(url),
        tone and escape(tone),
        at and escape(at),
        exact and escape(exact),
        edit and escape(edit),
    )
