"""From a file's bytes to the cells of its lines, in constant memory."""

import codecs
import csv
import io
from collections.abc import Callable, Iterator

from plugins.rosters.reading.package import PackageRefused

UTF_8 = "utf-8-sig"
# A line is shorter than two of these.
WINDOW = 16 * 1024
# A quoted cell may hold line ends; a record of more lines has a quotation mark without its partner.
MOST_LINES = 8

Complain = Callable[[int, str, str], None]

_UTF_16 = ("The file is in UTF-16.", "Save it as UTF-8.")
_ZERO_BYTES = ("There are zero bytes in the file.", "Save it as CSV in UTF-8.")
_LONG_LINES = (
    f"A line of the file is longer than {WINDOW:,} characters.",
    "End each record with a line end.",
)


_NO_CSV = ("The line is no CSV.", "Look at its quotation marks; double one within a cell.")
_UNCLOSED = (
    "A quotation mark is opened and not closed; nothing after it was read.",
    "Close it, or double it within a cell.",
)


class _NotClosed(csv.Error):
    pass


def encoding_of(stream: io.BufferedReader) -> str:
    """How the file's bytes spell text: UTF-8 if all of them do, else the Western European of Windows.

    Reads the file to its end, and so meets whatever is wrong with its bytes. Raises `PackageRefused` where
    it cannot be text, or is in UTF-16.
    """
    strict = codecs.getincrementaldecoder("utf-8")()
    windows = codecs.getincrementaldecoder("cp1252")()
    fitting = {UTF_8: strict, "cp1252": windows}
    window = stream.read(WINDOW)
    if window.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise PackageRefused(*_UTF_16)
    while window:
        if b"\0" in window:
            raise PackageRefused(*_ZERO_BYTES)
        if len(window) == WINDOW and b"\n" not in window and b"\r" not in window:
            raise PackageRefused(*_LONG_LINES)
        following = stream.read(WINDOW)
        for name, decoder in list(fitting.items()):
            try:
                decoder.decode(window, final=not following)
            except UnicodeDecodeError:
                del fitting[name]
        window = following
    return next(iter(fitting), "latin-1")


def rows(stream: io.BufferedReader, encoding: str, complain: Complain) -> Iterator[tuple[int, list[str]]]:
    """The lines with their cells; `line` is where a record begins. Empty lines are passed over.

    What is no CSV goes to `complain` (line, sentence, remedy).
    """
    lines = _Lines(io.TextIOWrapper(stream, encoding=encoding, newline=""))
    reader = lines.reader
    begins = 1
    while True:
        try:
            for row in reader:
                if row:
                    yield begins, row
                lines.begins = begins = reader.line_num + 1
        except csv.Error as error:
            complain(begins, *(_UNCLOSED if isinstance(error, _NotClosed) else _NO_CSV))
            lines.begins = begins = reader.line_num + 1
        else:
            return


class _Lines:
    """Lines for a csv reader, which may take only so many of them for one record."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self.begins = 1
        self.reader = csv.reader(self._bounded(text), strict=True)

    def _bounded(self, text: io.TextIOWrapper) -> Iterator[str]:
        for line in text:
            if self.reader.line_num - self.begins >= MOST_LINES:
                raise _NotClosed
            yield line
