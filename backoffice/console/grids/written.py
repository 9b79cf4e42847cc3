"""The rows of a list as they stand in its page: the hot spot of the console, so Python writes them.

A list of fifty rows has some thousand places in which something is said. A template that escapes each time
it writes, and looks each name up, took a third of the page's time for them. Here each text is escaped once,
where it is written, and what a column says in all of its cells once for all of them. Nothing else of the
console is written so; docs/decisions.md has the figures.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from markupsafe import Markup

from backoffice.console.grids.columns import Column
from backoffice.console.grids.row import Cell, Row, safe


class RowWords(NamedTuple):
    """What is said in every row. `select` is what ticks one, before and after its name; None if none can be.

    `pencil` is markup.
    """

    select: tuple[str, str] | None
    nameless: str
    pencil: str


def written_rows(rows: Sequence[Row], columns: Sequence[Column], words: RowWords) -> Markup:
    """The rows as `<tr>`s. The first cell names its row."""
    first, *others = (_ColumnWriter(each, words.pencil) for each in columns)
    tick = _ticker(words.select)
    nameless = safe(words.nameless)
    written = []
    for row in rows:
        own, *more = row.cells
        name = "" if own.text is None else safe(own.text)
        cells = "".join([column.cell(cell) for column, cell in zip(others, more, strict=True)])
        written.append(f"<tr>{tick(row, name)}{first.named(row, name, nameless)}{cells}</tr>")
    # Each text in it went through `safe`, which tests try with hostile ones.
    return Markup("\n".join(written))  # noqa: S704


def _ticker(select: tuple[str, str] | None) -> Callable[[Row, str], str]:
    if select is None:
        return lambda row, name: ""  # noqa: ARG005 - as the other takes them
    before, after = map(safe, select)

    def tick(row: Row, name: str) -> str:
        return (
            '<td class="grid-check"><label><input class="form-check-input" type="checkbox" name="rowid"'
            f' value="{safe(row.public_id)}" aria-label="{before}{name}{after}"></label></td>'
        )

    return tick


class _ColumnWriter:
    """Writes the cells of one column."""

    def __init__(self, column: Column, pencil: str) -> None:
        self._label = f' data-label="{safe(column.title)}"'
        self._pencil = ""
        if column.edit:
            title = safe(column.edit.title)
            self._pencil = f'" title="{title}" aria-label="{title}">{pencil}</a>'

    def named(self, row: Row, name: str, nameless: str) -> str:
        """The cell that names its row, by markup, and leads to it."""
        cell = row.cells[0]
        if url := cell.url or row.url:
            name = f'<a href="{safe(url)}">{name or nameless}</a>'
        return f'<th scope="row">{name}{self._edit(cell)}</th>'

    def cell(self, cell: Cell) -> str:
        """Any other cell."""
        if cell.edit:
            said = f'<span class="cell-value">{cell.shown}</span>{self._edit(cell)}'
            return f'<td class="is-{safe(cell.kind)}"{self._label}>{said}</td>'
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

    def _edit(self, cell: Cell) -> str:
        return f'<a class="cell-edit" href="{safe(cell.edit)}{self._pencil}' if cell.edit else ""
