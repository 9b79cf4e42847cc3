"""Printed pages as others have them: as paper, as words, as a camera reads them."""

import pypdfium2
import zxingcpp
from PIL import Image


def picture(document: bytes, page: int = 0) -> Image.Image:
    """A page as a printer would put it on paper, at 150 dots an inch."""
    with pypdfium2.PdfDocument(document) as opened:
        rendered: Image.Image = opened[page].render(scale=150 / 72).to_pil()
    return rendered


def text_of(document: bytes) -> str:
    """All words of a document."""
    with pypdfium2.PdfDocument(document) as opened:
        return "\n".join(page.get_textpage().get_text_bounded() for page in opened)


def scanned(document: bytes) -> list[str]:
    """What a camera reads from the pictures on all pages."""
    with pypdfium2.PdfDocument(document) as opened:
        pages = [page.render(scale=150 / 72).to_pil() for page in opened]
    return [each.text for page in pages for each in zxingcpp.read_barcodes(page)]
