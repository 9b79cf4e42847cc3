"""Files that a school hands in, a purchase order or a certificate: what they are, by what they hold."""

from enum import StrEnum

from backoffice.language.texts import lazy
from backoffice.problems import Rejected

LARGEST = 2 << 20
# What else a form has beside its file.
ROOM = 64 << 10
NONE = lazy("Choose a file: a PDF, or a picture of the page as PNG or JPEG.")
TOO_LARGE = lazy("The file is larger than 2 MB. Save it smaller, then choose it again.")
UNKNOWN = lazy("This is no PDF, PNG or JPEG. Save the page as one of these, then choose it again.")


class FileKind(StrEnum):
    """What a file is."""

    PDF = "pdf"
    PNG = "png"
    JPEG = "jpeg"


TYPES = {FileKind.PDF: "application/pdf", FileKind.PNG: "image/png", FileKind.JPEG: "image/jpeg"}
_PNG_BEGINS, _PNG_ENDS = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", b"IEND\xaeB`\x82"
_JPEG_BEGINS, _JPEG_ENDS = b"\xff\xd8\xff", b"\xff\xd9"
# What programs put behind the end of a PDF is little.
_TAIL = 1024


def kind_of(content: bytes) -> FileKind:
    """What a file is, by its first and last bytes; what its name says counts for nothing.

    Raises `Rejected` for the input `file`.
    """
    if not content:
        raise Rejected(file=NONE)
    if len(content) > LARGEST:
        raise Rejected(file=TOO_LARGE)
    if content.startswith(b"%PDF-") and b"%%EOF" in content[-_TAIL:]:
        return FileKind.PDF
    if content.startswith(_PNG_BEGINS) and content.endswith(_PNG_ENDS):
        return FileKind.PNG
    if content.startswith(_JPEG_BEGINS) and content.rstrip(b"\x00").endswith(_JPEG_ENDS):
        return FileKind.JPEG
    raise Rejected(file=UNKNOWN)
