"""The poster of a class: its code, large, and the same as a picture that a camera reads.

It hangs where everybody passes: it names the class only where the teacher asks for that, and nobody else.
"""

from urllib.parse import urlsplit

from backoffice.language.texts import gettext
from backoffice.printing.document import MARGIN, Document, Paper, unprintable
from backoffice.problems import Rejected
from backoffice.schools import codes

_PICTURE = 120.0


def poster(*, code: str, base_url: str, paper: Paper, name: str | None = None) -> bytes:
    """One page as PDF. `base_url` is where children come in. Raises `Rejected` for a name it cannot print."""
    if name and (missing := unprintable(name)):
        raise Rejected(
            named=gettext(
                "These letters cannot be printed: %(letters)s. Print the poster without the name.",
                letters=missing,
            )
        )
    document = Document(title=gettext("Class poster"), paper=paper)
    document.add_page()
    width = document.w - 2 * MARGIN

    def line(text: str, y: float, size: float) -> None:
        document.text_within(text, x=MARGIN, y=y, width=width, size=size, align="C")

    with document.bold():
        line(name or gettext("Come in to your class"), 22, 34)
    line(gettext("Point a camera at the picture"), 44, 20)
    document.qr(f"{base_url}/join/{codes.spaced(code)}", x=(document.w - _PICTURE) / 2, y=56, side=_PICTURE)
    below = 56 + _PICTURE
    address = f"{urlsplit(base_url).netloc}/join"
    line(gettext("or go to %(address)s", address=address), below + 6, 20)
    line(gettext("and type this code:"), below + 18, 20)
    with document.bold():
        line(codes.spaced(code), below + 34, 64)
    return document.as_bytes()
