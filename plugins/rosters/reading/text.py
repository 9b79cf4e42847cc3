"""From a file's bytes to the cells of its lines, in constant memory."""

import codecs
import csv
import io
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, compress, islice

from backoffice.language.texts import lazy
from plugins.rosters.reading.package import PackageRefused

UTF_8 = "utf-8-sig"
# A line is shorter than two of these.
WINDOW = 16 * 1024
# A quoted cell may hold line ends; a record of more lines has a quotation mark without its partner.
MOST_LINES = 8
# So many lines are read at once, and checked column by column: three times as quick as one after the other.
TOGETHER = 256

Complain = Callable[[int, str, str], None]

_UTF_16 = (lazy("The file is in UTF-16."), lazy("Save it as UTF-8."))
_ZERO_BYTES = (lazy("There are zero bytes in the file."), lazy("Save it as CSV in UTF-8."))
_LONG_LINES = (
    f"A line of the file is longer than {WINDOW:,} characters.",
    lazy("End each record with a line end."),
)


_NO_CSV = (lazy("The line is no CSV."), lazy("Look at its quotation marks; double one within a cell."))
_UNCLOSED = (
    lazy("A quotation mark is opened and not closed; nothing after it was read."),
    lazy("Close it, or double it within a cell."),
)


def too_empty(most: int) -> tuple[str, str]:
    """What is said of a file with more empty lines than that."""
    return f"There are more than {most:,} empty lines.", lazy("Take them out.")


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


def blocks(
    stream: io.BufferedReader, encoding: str, complain: Complain, *, most_empty: int
) -> Iterator[tuple[Sequence[int], list[list[str]]]]:
    """Some records at a time: the lines on which they begin, and their cells. Empty lines are passed over.

    What is no CSV goes to `complain` (line, sentence, remedy). Raises `PackageRefused` for more empty lines
    than that.
    """
    text = io.TextIOWrapper(stream, encoding=encoding, newline="")
    before = empty = 0
    while lines := list(islice(text, TOGETHER)):
        rows = _records_of_one_line(lines)
        if rows is None:
            careful = _Careful(chain(lines, text), len(lines), before, complain)
            begins, rows = careful.all()
            before += careful.reader.line_num
            unclosed = careful.unclosed
        else:
            begins, unclosed = range(before + 1, before + 1 + len(rows)), False
            before += len(rows)
        empty += rows.count([])
        if empty > most_empty:
            raise PackageRefused(*too_empty(most_empty))
        if any(rows):
            yield list(compress(begins, rows)), list(filter(None, rows))
        if unclosed:
            return


def rows(
    stream: io.BufferedReader, encoding: str, complain: Complain, *, most_empty: int
) -> Iterator[tuple[int, list[str]]]:
    """The same, record by record."""
    for numbers, cells in blocks(stream, encoding, complain, most_empty=most_empty):
        yield from zip(numbers, cells, strict=True)


def _records_of_one_line(lines: list[str]) -> list[list[str]] | None:
    """The cells of lines each of which is a record; None if one of them is not."""
    try:
        found = list(csv.reader(lines, strict=True))
    except csv.Error:
        return None
    return found if len(found) == len(lines) else None


class _Careful:
    """Records that may run over several lines, but not over too many; `count` lines are read, or more."""

    def __init__(self, lines: Iterator[str], count: int, before: int, complain: Complain) -> None:
        self.reader = csv.reader(self._bounded(lines), strict=True)
        # Whether a quotation mark was opened and not closed: there are no records after that.
        self.unclosed = False
        self._count, self._before, self._complain = count, before, complain
        self._begins = 1

    def all(self) -> tuple[Sequence[int], list[list[str]]]:
        """The lines on which the records begin, and their cells."""
        begins, rows = [], []
        while self.reader.line_num < self._count and not self.unclosed:
            self._begins = self.reader.line_num + 1
            try:
                rows.append(next(self.reader))
                begins.append(self._before + self._begins)
            except csv.Error as error:
                self.unclosed = isinstance(error, _NotClosed)
                self._complain(self._before + self._begins, *(_UNCLOSED if self.unclosed else _NO_CSV))
        return begins, rows

    def _bounded(self, lines: Iterator[str]) -> Iterator[str]:
        for line in lines:
            if self.reader.line_num - self._begins >= MOST_LINES:
                raise _NotClosed
            yield line
