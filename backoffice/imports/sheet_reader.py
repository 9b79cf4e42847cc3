"""Reads one sheet from its standard input and writes its rows to its standard output as JSON.

A program of its own, run by `sheets`: it stands on nothing of ours, and may be killed by what it reads.
"""

import datetime as dt
import io
import json
import resource
import sys
from itertools import islice

MEMORY = 512 << 20


def main() -> None:
    """Bounded first, then reading."""
    bounds = json.loads(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (bounds["seconds"], bounds["seconds"]))
    from python_calamine import SheetVisibleEnum, load_workbook

    book = load_workbook(io.BytesIO(sys.stdin.buffer.read()))
    seen = [each.name for each in book.sheets_metadata if each.visible == SheetVisibleEnum.Visible]
    sheet = book.get_sheet_by_name((seen or book.sheet_names)[0])
    # From the first row of the sheet on, so that lines have the numbers that people see.
    rows, left = [], bounds["letters"]
    for row in islice(sheet.iter_rows(), bounds["rows"]):
        cells = [written(cell)[: bounds["cell"]] for cell in row[: bounds["columns"]]]
        rows.append(cells)
        left -= sum(map(len, cells))
        if left < 0:
            break
    sys.stdout.write(json.dumps(rows))


def written(cell: object) -> str:
    """A cell as people read it."""
    match cell:
        case bool():
            return "yes" if cell else "no"
        case float() if cell.is_integer():
            return str(int(cell))
        case dt.datetime():
            return cell.isoformat(" ", "minutes") if cell.time() != dt.time() else str(cell.date())
        case _:
            return str(cell)


if __name__ == "__main__":
    main()
