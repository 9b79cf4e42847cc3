"""A receipt on one page of paper: all that the signed document says, and how to check it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from backoffice.language import moments
from backoffice.language.texts import gettext
from backoffice.printing.document import INK, LINE, MARGIN, QUIET, RULE, Document, Paper

QR = 34.0
# Facts stand side by side, and rows by table in as many columns as there have to be.
ACROSS, MOST_COLUMNS = 3, 3
STEP, TIGHT, PAIR = 4.4, 3.4, 5.6
# What the two last parts of the page take.
FOLLOWED, FOOT = 12.0, 46.0
GROUP = 8


@dataclass(frozen=True)
class Said:
    """What stands on a receipt, in the words of its reader."""

    number: str
    address: str
    what: str
    facts: Sequence[tuple[str, str]]
    method: str
    rows: Sequence[tuple[str, int]]
    followed: Sequence[tuple[str, str]]
    hash: str
    signature: str
    key: str


def printed(paper: Paper, said: Said) -> bytes:
    """The receipt as PDF. Its own data names its number and nobody."""
    document = Document(title=gettext("Receipt of an erasure"), paper=paper)
    document.add_page()
    page = _Page(document)
    page.head(said)
    page.facts(said.facts)
    page.rows(said.rows, said.method, below=len(said.followed) * PAIR + FOLLOWED if said.followed else 0)
    page.followed(said.followed)
    page.foot(said)
    return document.as_bytes()


class _Page:
    def __init__(self, document: Document) -> None:
        self.document, self.y = document, MARGIN + 4
        document.c_margin = 0
        self.width = document.w - 2 * MARGIN

    def head(self, said: Said) -> None:
        """What it is of, its number, and a picture by which a telephone finds the page that checks it."""
        document = self.document
        document.qr(said.address, x=document.w - MARGIN - QR, y=MARGIN, side=QR)
        beside = self.width - QR - 4
        self._say(f"{gettext('Receipt of an erasure')} · Classroom Back Office", 10, QUIET, beside)
        self.y += 7
        with self._bold():
            self._say(said.what, 22, INK, beside)
        self.y += 12
        self._say(said.number, 12, INK, beside)
        self.y += 7
        self._lines(gettext("It names nobody: only who has it knows whom it is about."), 9.5, QUIET, beside)
        self.y = max(self.y + 4, MARGIN + QR + 3)

    def facts(self, facts: Sequence[tuple[str, str]]) -> None:
        """Names over their values, side by side."""
        width, deep = self.width / ACROSS, 9.6
        for at, (name, value) in enumerate(facts):
            x, y = MARGIN + (at % ACROSS) * width, self.y + (at // ACROSS) * deep
            self._put(name, x, y, width - 2, 8, QUIET)
            self._put(value, x, y + 3.6, width - 2, 9.5, INK)
        self.y += -(-len(facts) // ACROSS) * deep + 3

    def rows(self, rows: Sequence[tuple[str, int]], method: str, *, below: float) -> None:
        """How many rows went and how, by table, side by side; `below` is kept free for what follows."""
        self._heading(gettext("What went"))
        self._lines(
            gettext(
                "Rows by table, deleted for good. Then every table was asked again, and nothing of it was"
                " there."
            ),
            9,
            QUIET,
        )
        self._lines(method, 9, QUIET)
        # What stands below needs its place too, however many tables there are.
        room = self.document.h - MARGIN - FOOT - self.y - below
        columns = next((n for n in range(2, MOST_COLUMNS) if -(-len(rows) // n) * STEP <= room), MOST_COLUMNS)
        deep = max(-(-len(rows) // columns), 1)
        step, gap = min(STEP, room / deep), 6.0
        size = 8 if step > TIGHT else 7
        width = (self.width - gap * (columns - 1)) / columns
        top = self.y + 1
        for at, (table, count) in enumerate(rows):
            x, y = MARGIN + (at // deep) * (width + gap), top + (at % deep) * step
            self._put(table, x, y, width * 0.77, size, QUIET)
            self._put(moments.amount(count), x + width * 0.77, y, width * 0.23, size, INK, "R")
        self.y = top + deep * step + 4

    def followed(self, followed: Sequence[tuple[str, str]]) -> None:
        """What has followed since, as it stands on the day of printing."""
        if not followed:
            return
        self._heading(gettext("What has followed since"))
        for name, value in followed:
            self._pair(name, value)
        self.y += 4

    def foot(self, said: Said) -> None:
        """How it is checked, at the end of the page or below what stands there."""
        self._heading(gettext("Check it without us"))
        self._lines(
            gettext(
                "The hash is the SHA-256 of the document. Its signature is one of Ed25519, under this key."
            ),
            9,
            QUIET,
        )
        self.y += 1
        for name, value in (
            (gettext("Hash"), said.hash),
            (gettext("Signature"), said.signature),
            (gettext("Public key"), said.key),
        ):
            self._put(name, MARGIN, self.y, 38, 8.5, QUIET)
            for part in _parts(value):
                self._put(part, MARGIN + 38, self.y, self.width - 38, 8.5, INK)
                self.y += 4.2
        self.y += 1.5
        self._lines(
            gettext(
                "Sealed remains can lie in the database's files until their space is used again, and in its"
                " log of changes until that is. Nobody opens them without the keys, which are kept elsewhere."
            ),
            8.5,
            QUIET,
        )

    def _pair(self, name: str, value: str) -> None:
        document = self.document
        self._put(name, MARGIN, self.y, self.width * 0.4, 10, QUIET)
        self._put(value, MARGIN + self.width * 0.4, self.y, self.width * 0.6, 10, INK)
        self.y += PAIR
        document.set_draw_color(*RULE)
        document.set_line_width(0.1)
        document.line(MARGIN, self.y - 0.2, MARGIN + self.width, self.y - 0.2)

    def _heading(self, text: str) -> None:
        with self._bold():
            self._say(text, 12, INK, self.width)
        self.y += 6.5

    def _bold(self) -> AbstractContextManager[None]:
        self.document.set_draw_color(*INK)
        self.document.set_text_color(*INK)
        return self.document.bold()

    def _say(self, text: str, size: float, colour: tuple[int, int, int], width: float) -> None:
        self._put(text, MARGIN, self.y, width, size, colour)

    def _lines(
        self, text: str, size: float, colour: tuple[int, int, int], width: float | None = None
    ) -> None:
        """A sentence over as many lines as it needs."""
        document = self.document
        document.set_text_color(*colour)
        document.set_font(size=size)
        document.set_xy(MARGIN, self.y)
        document.multi_cell(w=width or self.width, h=document.font_size * LINE, text=text, align="L")
        self.y = document.get_y()

    def _put(
        self,
        text: str,
        x: float,
        y: float,
        width: float,
        size: float,
        colour: tuple[int, int, int],
        align: str = "L",
    ) -> None:
        self.document.set_text_color(*colour)
        self.document.text_within(text, x=x, y=y, width=width, size=size, align=align)


def _parts(digits: str) -> list[str]:
    """Digits in groups as they are copied from paper, half a hundred a line."""
    groups = [digits[at : at + GROUP] for at in range(0, len(digits), GROUP)]
    return [" ".join(groups[at : at + GROUP]) for at in range(0, len(groups), GROUP)]
