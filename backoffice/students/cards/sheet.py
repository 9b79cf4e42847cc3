"""The sheets of cards to cut out, as PDF. Nothing on a card says which school or class it opens."""

from collections.abc import Sequence
from dataclasses import dataclass

from backoffice.language.texts import gettext, lazy
from backoffice.printing.document import FONT, MARGIN, Document, Paper

ACROSS, DOWN = 2, 5
PADDING = 4.0
SMALL_NAME = 15.0
# What each card says, in a child's words.
HOW = lazy("Point the camera here.")
KEEP = lazy("Keep it safe. It is only for you.")


@dataclass(frozen=True)
class Card:
    """What is on one card: the name as the class's list shows it, and the address in the picture."""

    label: str
    address: str


def sheets(cards: Sequence[Card], *, paper: Paper) -> bytes:
    """Ten cards a sheet, with the lines to cut along."""
    document = Document(title=gettext("Cards"), paper=paper)
    width, height = (document.w - 2 * MARGIN) / ACROSS, (document.h - 2 * MARGIN) / DOWN
    for number, card in enumerate(cards):
        place = number % (ACROSS * DOWN)
        if place == 0:
            document.add_page()
            _cut_lines(document, width, height)
        down, across = divmod(place, ACROSS)
        _draw(document, card, MARGIN + across * width, MARGIN + down * height, width, height)
    return document.as_bytes()


def _draw(document: Document, card: Card, x: float, y: float, width: float, height: float) -> None:
    side = height - 2 * PADDING - 6
    document.qr(card.address, x=x + PADDING, y=y + (height - side) / 2, side=side)
    left, middle = x + PADDING + side + 1, y + height / 2
    beside = x + width - PADDING - left
    document.set_font(FONT, size=SMALL_NAME)
    fits = document.get_string_width(card.label) < beside
    lines = [card.label] if fits else card.label.rsplit(" ", 1)
    # Within a context: else what follows would be bold as well.
    with document.bold():
        for number, line in enumerate(lines):
            above = middle - 4 - 7 * (len(lines) - number)
            document.text_within(line, x=left, y=above, width=beside, size=18 if fits else SMALL_NAME)
    document.set_text_color(70)
    document.text_within(str(HOW), x=left, y=middle, width=beside, size=9)
    document.text_within(str(KEEP), x=left, y=middle + 5, width=beside, size=9)
    document.set_text_color(0)


def _cut_lines(document: Document, width: float, height: float) -> None:
    document.set_draw_color(170)
    document.set_line_width(0.2)
    document.set_dash_pattern(dash=1.5, gap=1.5)
    right, bottom = document.w - MARGIN, document.h - MARGIN
    for line in range(ACROSS + 1):
        document.line(MARGIN + line * width, MARGIN, MARGIN + line * width, bottom)
    for line in range(DOWN + 1):
        document.line(MARGIN, MARGIN + line * height, right, MARGIN + line * height)
    document.set_dash_pattern()
    document.set_draw_color(0)
