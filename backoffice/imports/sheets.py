"""Reading workbooks (XLSX, ODS) that strangers bring.

A few bytes of a workbook can ask for any amount of memory: an archive unpacks to a thousand times its size,
and two cells in the corners of a sheet make a reader set up all between them, at which the library ends its
whole process. So the archive is measured while it is unpacked and packed anew from what was read, and the
sheet is read by a process of its own, with bounds on memory and time and without our environment.
"""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from threading import BoundedSemaphore

from backoffice.imports.archives import DAMAGE, METHODS, STEP
from backoffice.imports.limits import (
    LARGEST_UNPACKED,
    LONGEST_CELL,
    MOST_COLUMNS,
    MOST_LETTERS,
    MOST_PARTS,
    MOST_ROWS,
    Unreadable,
)
from backoffice.language.texts import lazy

_CHILD = Path(__file__).with_name("sheet_reader.py")
_SECONDS = 20
# So many are read at once by a process of the web: each may take as much memory as `sheet_reader` allows.
_READING = BoundedSemaphore(2)
# A thread of the web that waits here serves nobody.
_PATIENCE = 1
BUSY = lazy("Other workbooks are being read just now. Try again in a moment.")
NO_WORKBOOK = lazy("This workbook cannot be read. Save the sheet as CSV and bring that.")
TOO_LARGE = lazy("This workbook is too large. Copy the rows into a new one, or save the sheet as CSV.")


def rows_of(content: bytes) -> list[list[str]]:
    """The rows of the first sheet that is seen, from its first row on. Raises `Unreadable`.

    Of what is larger than a list may be, no more than shows that it is.
    """
    bounds = json.dumps(
        {
            "rows": MOST_ROWS + 2,
            "columns": MOST_COLUMNS + 1,
            "cell": LONGEST_CELL + 1,
            "letters": MOST_LETTERS,
            "seconds": _SECONDS,
        }
    )
    if not _READING.acquire(timeout=_PATIENCE):
        raise Unreadable(BUSY)
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(_CHILD), bounds],
            input=_packed_anew(content),
            capture_output=True,
            timeout=_SECONDS,
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unreadable(TOO_LARGE) from None
    finally:
        _READING.release()
    if done.returncode != 0:
        # What it says is not looked at: it may quote the sheet.
        raise Unreadable(NO_WORKBOOK)
    rows: list[list[str]] = json.loads(done.stdout)
    return rows


def _packed_anew(content: bytes) -> bytes:
    """The same archive, of what was read of it and nothing else. Raises `Unreadable`."""
    left, anew = LARGEST_UNPACKED, io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(anew, "w") as copy:
            parts = archive.infolist()
            if len(parts) > MOST_PARTS or len({part.filename for part in parts}) < len(parts):
                raise Unreadable(NO_WORKBOOK)
            if any(part.compress_type not in METHODS for part in parts):
                raise Unreadable(NO_WORKBOOK)
            for part in parts:
                data = bytearray()
                with archive.open(part) as stream:
                    # No more than asked for is unpacked, whatever the archive says of its size.
                    while piece := stream.read(STEP):
                        data += piece
                        left -= len(piece)
                        if left < 0:
                            raise Unreadable(TOO_LARGE)
                copy.writestr(part.filename, data)
    except (*DAMAGE, MemoryError):
        raise Unreadable(NO_WORKBOOK) from None
    return anew.getvalue()
