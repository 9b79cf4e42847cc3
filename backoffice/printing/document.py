"""Pages to print, as PDF: paper, fonts for names in many alphabets, QR pictures.

What is printed leaves the software: a document's own data (title, author, file name) name no child and no
class.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from itertools import groupby

import fontpkg
import segno
from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.enums import TextEmphasis, TextMode, XPos, YPos
from fpdf.fonts import TTFFont

from backoffice import clock

FONT = "Noto Sans"
# Taken, in this order, where the first one has not the letter.
OTHERS = ("Noto Sans Arabic", "Noto Sans Devanagari", "Noto Sans Thai")
MARGIN = 12.0
SMALLEST = 7.0
# Colours of what is read first, of what stands beside it, and of the lines between.
INK, QUIET, RULE = (22, 33, 28), (92, 105, 98), (205, 209, 199)
# How high a line is, in parts of its size.
LINE = 1.35
# A line around each letter, in parts of its size: the fonts are variable ones, and cutting their bold out of
# them takes seconds.
_BOLD = 0.012
_LETTER_COUNTRIES = frozenset({"US", "CA", "MX", "CL", "CO", "CR", "DO", "GT", "PA", "PH", "PR", "SV", "VE"})


class Paper(StrEnum):
    """The size of a sheet."""

    A4 = "a4"
    LETTER = "letter"


def paper_of(country: str) -> Paper:
    """What lies in the printers of a country (ISO 3166, two letters)."""
    return Paper.LETTER if country.upper() in _LETTER_COUNTRIES else Paper.A4


def unprintable(text: str) -> str:
    """The letters of a text that no font here has, each once; empty where all of it can be printed."""
    known = [_letters(name) for name in (FONT, *OTHERS)]
    return "".join(
        dict.fromkeys(
            each for each in text if not each.isspace() and not any(ord(each) in letters for letters in known)
        )
    )


@cache
def _letters(name: str) -> frozenset[int]:
    with TTFont(fontpkg.path(name), lazy=True) as font:
        return frozenset(font.getBestCmap() or {})


class Document(FPDF):
    """A document in millimetres, with margins that every printer keeps free. It breaks pages where told."""

    def __init__(self, *, title: str, paper: Paper) -> None:
        """`title` is what a reader's window shows: a word for the kind of document, no name."""
        super().__init__(unit="mm", format=paper.value)
        self.set_auto_page_break(False)
        self.set_margin(MARGIN)
        self.add_font(FONT, fname=fontpkg.path(FONT))
        self._taken: list[str] = []
        self.set_text_shaping(True)
        self.set_font(FONT, size=11)
        self.set_title(title)
        self.set_creation_date(clock.now())

    def normalize_text(self, text: str) -> str:
        """Every text passes here. A font more is read once a letter needs it: reading one takes long."""
        missing = {ord(each) for each in text} - _letters(FONT)
        for name in OTHERS:
            if name not in self._taken and missing & _letters(name):
                self.add_font(name, fname=fontpkg.path(name))
                self._taken.append(name)
                self.set_fallback_fonts(self._taken, exact_match=False)
        return super().normalize_text(text)

    def set_font(self, family: str | None = None, style: str | TextEmphasis = "", size: float = 0) -> None:
        """As fpdf2 has it, and written to the page anew.

        What begins with a letter of another font is written within a saved state of the page, and takes the
        font of before with it: fpdf2 holds that as set, and the next line would be of the size before.
        """
        super().set_font(family, style, size)
        self.current_font_is_set_on_page = False

    @contextmanager
    def bold(self) -> Iterator[None]:
        """Write what is within in bold, in the colour and size of the moment."""
        colour = self.text_color
        with self.local_context(
            text_mode=TextMode.FILL_STROKE, line_width=self.font_size * _BOLD * 2, draw_color=colour
        ):
            yield

    def put(
        self,
        text: str,
        size: float,
        colour: tuple[int, int, int],
        *,
        left: float | None = None,
        width: float | None = None,
    ) -> None:
        """Text over as many lines as it needs, from `left` and `width` wide, in millimetres."""
        begins = self.l_margin if left is None else left
        self.set_font(FONT, size=size)
        self.set_text_color(*colour)
        self.set_x(begins)
        self.multi_cell(
            w=width or self.w - self.r_margin - begins,
            h=self.font_size * LINE,
            text=text,
            align="L",
            new_x=XPos.LMARGIN,
            new_y=YPos.NEXT,
        )

    def put_bold(self, text: str, size: float, *, left: float | None = None) -> None:
        """Such text in bold. Its line is of the colour of before, so that is set first."""
        self.set_text_color(*INK)
        with self.bold():
            self.put(text, size, INK, left=left)

    def text_within(
        self, text: str, *, x: float, y: float, width: float, size: float, align: str = "L"
    ) -> None:
        """One line that keeps to its width: written smaller, and at last cut, rather than run over."""
        self.set_font(FONT, size=size)
        while size > SMALLEST and self.get_string_width(text) > width - 2 * self.c_margin:
            size -= 0.5
            self.set_font_size(size)
        if self.get_string_width(text) > width - 2 * self.c_margin:
            while text and self.get_string_width(f"{text}…") > width - 2 * self.c_margin:
                text = text[:-1]
            text = f"{text.rstrip()}…"
        self.set_xy(x, y)
        self.cell(w=width, h=self.font_size * LINE, text=text, align=align)

    def qr(self, text: str, *, x: float, y: float, side: float) -> None:
        """A QR picture as vectors, with the quiet border that readers need inside its side."""
        rows = list(segno.make_qr(text, error="m").matrix_iter(border=4))
        module = side / len(rows)
        colour = self.fill_color
        self.set_fill_color(255)
        self.rect(x, y, side, side, style="F")
        self.set_fill_color(0)
        for down, row in enumerate(rows):
            along = 0
            for dark, run in groupby(row):
                length = len(list(run))
                if dark:
                    # A hair taller than a row, so that no white lines stand between.
                    bar = (x + along * module, y + down * module, length * module, module * 1.02)
                    self.rect(*bar, style="F")
                along += length
        self.fill_color = colour

    def as_bytes(self) -> bytes:
        """The finished file. Nothing can be added afterwards."""
        try:
            return bytes(self.output())
        finally:
            for font in self.fonts.values():
                if isinstance(font, TTFFont):
                    font.close()
