"""The rows of a list as they stand in its page: the hot spot of the console, so Python writes them.

A list of fifty rows has some thousand places in which something is said. A template that escapes each time
it writes, and looks each name up, took a third of the page's time for them. Here each text is escaped once,
where it is written, and what a column says in all of its cells once for all of them. Nothing else of the
console is written so; docs/decisions.md has the figures.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from backoffice.console.grids.columns import Column
from backoffice.console.grids.row import Cell, Row, safe


class RowWords(NamedTuple):
    """What is said in every row. `select`: what ticks one, before and after its name; None if none can be."""

    select: tuple[str, str] | None
    nameless: str


class Pencil(NamedTuple):
    """The way to change the cells of a column: of which rows, by their public identifiers; None for all.

    The address of such a cell is its row's identifier with `behind` after it.
    """

    rows: Collection[str] | None
    behind: str


def written_rows(
    rows: Sequence[Row], columns: Sequence[Column], words: RowWords, pencils: Mapping[str, Pencil]
) -> Markup:
    """The rows as `<tr>`s. The first cell names its row; `pencils` are by the keys of columns."""
    first, *others = (_ColumnWriter(each, pencils.get(each.key)) for each in columns)
    tick = _ticker(words.select)
    nameless = safe(words.nameless)
    written = []
    for row in rows:
        own, *more = row.cells
        which = safe(row.public_id)
        name = "" if own.text is None else safe(own.text)
        cells = "".join([column.cell(cell, which) for column, cell in zip(others, more, strict=True)])
        named = first.named(own.url or row.url, which, name, nameless)
        written.append(f"<tr>{tick(which, name)}{named}{cells}</tr>")
    # Each text in it went through `safe`, which tests try with hostile ones.
    return Markup("\n".join(written))  # noqa: S704


def _ticker(select: tuple[str, str] | None) -> Callable[[str, str], str]:
    if select is None:
        return lambda which, name: ""  # noqa: ARG005 - as the other takes them
    before, after = map(safe, select)

    def tick(which: str, name: str) -> str:
        return (
            '<td class="grid-check"><label><input class="form-check-input" type="checkbox" name="rowid"'
            f' value="{which}" aria-label="{before}{name}{after}"></label></td>'
        )

    return tick


class _ColumnWriter:
    """Writes the cells of one column. `which` row it is, and its name, are markup already."""

    def __init__(self, column: Column, pencil: Pencil | None) -> None:
        self._label = f' data-label="{safe(column.title)}"'
        rows = pencil.rows if pencil else ()
        self._changeable = None if rows is None else frozenset(map(safe, rows))
        self._pencil = ""
        # By what they are and not by what they say: a text is equal to markup, and is not written like it.
        self._known: dict[int, str] = {}
        if pencil and column.edit:
            title = safe(column.edit.title)
            # Its picture is the style sheet's: in fifty rows it was a sixth of the page.
            self._pencil = f'{safe(pencil.behind)}" title="{title}" aria-label="{title}"></a>'

    def named(self, url: str | None, which: str, name: str, nameless: str) -> str:
        """The cell that names its row, and leads to it."""
        if url:
            name = f'<a href="{safe(url)}">{name or nameless}</a>'
        return f'<th scope="row">{name}{self._edit(which)}</th>'

    def cell(self, cell: Cell, which: str) -> str:
        """Any other cell."""
        if self._can_change(which):
            said = f'<span class="cell-value">{cell.shown}</span>{self._edit(which)}'
            return f'<td class="is-{safe(cell.kind)}"{self._label}>{said}</td>'
        # Many rows are of one class or of one day, and have one cell for it. The rows outlive this writer.
        known = self._known.get(id(cell))
        if known is None:
            known = self._known[id(cell)] = self._written(cell)
        return known

    def _written(self, cell: Cell) -> str:
        if cell.text is None:
            return "<td></td>"
        match cell.kind:
            case "badge":
                # Its colour says what it is about: it needs no label where rows are stacked.
                return f'<td class="is-badge">{cell.shown}</td>'
            case "time" if cell.datetime:
                title = f' title="{safe(cell.exact)}"' if cell.exact else ""
                said = f'<time datetime="{safe(cell.datetime)}"{title}>{safe(cell.text)}</time>'
                return f'<td class="is-time"{self._label}>{said}</td>'
            case "mark" | "number" | "code" as kind:
                said = safe(cell.text) if kind == "number" else cell.shown
                return f'<td class="is-{kind}"{self._label}>{said}</td>'
        said = safe(cell.text)
        if cell.url:
            said = f'<a href="{safe(cell.url)}">{said}</a>'
        return f"<td{self._label}>{said}</td>"

    def _edit(self, which: str) -> str:
        return f'<a class="cell-edit" href="{which}{self._pencil}' if self._can_change(which) else ""

    def _can_change(self, which: str) -> bool:
        return self._changeable is None or which in self._changeable
