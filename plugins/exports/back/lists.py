"""Reading a list of JSON row by row, however long it is."""

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

# In letters: a row with a name and a comment has some hundred.
LONGEST_ROW = 1 << 16
_STEP = 1 << 16
_SPACE = re.compile(r"[ \t\r\n]*")
# Between two signs, in letters. We write one line end.
_MOST_SPACE = 1 << 10


class NoList(ValueError):
    """It is not a list of JSON objects, or one of them or what is between them is longer than we write it."""

    def __init__(self) -> None:
        super().__init__("This is no list of rows.")


def rows_in(read: Callable[[int], bytes]) -> Iterator[dict[str, Any]]:
    """The objects of a list in UTF-8, which `read` gives some bytes of at a time. Raises `NoList`."""
    text = _Text(read)
    if text.sign() != "[":
        raise NoList
    if text.peek() == "]":
        text.sign()
    else:
        after = ","
        while after == ",":
            yield text.row()
            after = text.sign()
        if after != "]":
            raise NoList
    if text.sign():
        raise NoList


class _Text:
    """Letters of which only some are there at a time."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._parse = json.JSONDecoder().raw_decode
        self._some, self._at, self._ended = "", 0, False

    def peek(self) -> str:
        """The next letter that is no space, or "" at the end."""
        left = _MOST_SPACE
        while True:
            space = _SPACE.match(self._some, self._at)
            after = space.end() if space else self._at
            left -= after - self._at
            self._at = after
            if left < 0:
                raise NoList
            if self._at < len(self._some):
                return self._some[self._at]
            if not self._more():
                return ""

    def sign(self) -> str:
        """The same, and go past it."""
        found = self.peek()
        self._at += len(found)
        return found

    def row(self) -> dict[str, Any]:
        """The object that begins here."""
        if self.peek() != "{":
            raise NoList
        while True:
            try:
                value, end = self._parse(self._some, self._at)
            except RecursionError:
                raise NoList from None
            except ValueError:
                # It may be that the rest is not there yet.
                if len(self._some) - self._at > LONGEST_ROW or not self._more():
                    raise NoList from None
            else:
                if end - self._at > LONGEST_ROW:
                    raise NoList
                self._at = end
                found: dict[str, Any] = value
                return found

    def _more(self) -> bool:
        if self._ended:
            return False
        piece = self._read(_STEP)
        self._ended = not piece
        try:
            letters = self._decoder.decode(piece, final=self._ended)
        except UnicodeDecodeError:
            raise NoList from None
        self._some = self._some[self._at :] + letters
        self._at = 0
        return True
