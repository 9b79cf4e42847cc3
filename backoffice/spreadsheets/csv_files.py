"""Writing CSV row by row, in constant memory, safe to open in a spreadsheet."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

# Characters that are sent at a time.
PIECE = 16 * 1024
# What a spreadsheet would take for a formula (OWASP, "CSV Injection"). The wide forms are what East Asian
# keyboards send and some spreadsheets read as the narrow ones.
FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")


# Each cell in quotes: in countries where cells end with a semicolon, one in the middle of a name would else
# begin a new cell. A spreadsheet there takes a quote after a comma for none, so that what would begin like a
# formula gets its apostrophe in the middle of a cell too.
QUOTED: Final = csv.QUOTE_ALL
_SIGNS = re.escape("".join(FORMULA[:8]))
# With the apostrophes that were there before, so that each guard can be taken away again.
_BEHIND = re.compile(f"(?<=[;\t\r\n])(?='*[{_SIGNS}])")
# Where any of that may be; most texts have none of it, and are written as they are.
_SUSPECT = re.compile(f"['{_SIGNS}]|.*[;\t\r\n]", re.DOTALL)
_GUARD_BEHIND = re.compile(f"(?<=[;\t\r\n])'(?='*[{_SIGNS}])")


def written(lines: Iterable[Sequence[str | None]]) -> Iterator[str]:
    """The lines as CSV text, some at a time. A byte order mark makes Excel read UTF-8."""
    part = io.StringIO(newline="")
    write = csv.writer(part, quoting=QUOTED).writerow
    yield "\ufeff"
    for line in lines:
        write([safe(text) for text in line])
        # Each piece is sent by itself: line by line, sending takes as long as writing.
        if part.tell() >= PIECE:
            yield part.getvalue()
            part.seek(0)
            part.truncate()
    if part.tell():
        yield part.getvalue()


def safe(text: str | None) -> str:
    """The text, with an apostrophe before what any spreadsheet would run."""
    if not text:
        return ""
    if not _SUSPECT.match(text):
        return text
    text = _BEHIND.sub("'", text)
    return f"'{text}" if _is_run(text) else text


def unguarded(text: str) -> str:
    """What `safe` made the text from."""
    if text.startswith("'") and _is_run(text):
        text = text[1:]
    return _GUARD_BEHIND.sub("", text)


def _is_run(text: str) -> bool:
    """Whether it begins like a formula, but for apostrophes."""
    bare = text.lstrip("'")
    return bare.startswith(FORMULA) and not _is_number(bare)


def _is_number(text: str) -> bool:
    return text.lstrip("+-").replace(".", "", 1).isdigit()
