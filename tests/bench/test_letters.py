"""A batch of letters on paper beside the floor: the same words by bare fpdf2 in a font of its own.

The floor shapes no text and reads no font; it cannot write names of other alphabets.
"""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from fpdf import FPDF

from plugins.notifications.letters.paper import Addressed, Sent, printed
from plugins.notifications.letters.services import MOST
from plugins.notifications.notices import wordings
from plugins.notifications.notices.models import Audience

ROUNDS = 3
SENTENCE = "Somebody could read lists of classes and change nothing. "
TEMPLATE = wordings.newest(Audience.LETTERS)
SAID = {"en": {field.name: SENTENCE * 4 for field in TEMPLATE.fields}}
SENT = Sent(TEMPLATE, SAID, "k7m2p9q4r8t3v6wx", is_drill=False, at=datetime(2026, 11, 28, tzinfo=UTC))
ADDRESS = ("12 Seaview Avenue", "San Rafael, CA 94901")


def letters(name: str) -> list[Addressed]:
    return [
        Addressed(f"{name} {number}", "Maple Street School", ADDRESS, "en", "US") for number in range(MOST)
    ]


def floor(some: list[Addressed]) -> bytes:
    pages = FPDF(format="letter")
    pages.set_font("Helvetica", size=10.5)
    for each in some:
        pages.add_page()
        for text in (*each.window, *SAID["en"].values()):
            pages.multi_cell(w=0, text=text, new_x="LMARGIN", new_y="NEXT")
    return bytes(pages.output())


def seconds(make: Callable[[], bytes]) -> float:
    began = time.perf_counter()
    assert make().startswith(b"%PDF")
    return time.perf_counter() - began


@pytest.mark.parametrize(("alphabet", "name"), [("Latin", "Ana Quillfeather"), ("Arabic", "محمد علي")])
def test_letters(alphabet: str, name: str) -> None:
    some, plain = letters(name), letters("Ana Quillfeather")
    rounds = [
        (seconds(lambda: printed(SENT, some)), seconds(lambda: floor(plain))) for _round in range(ROUNDS)
    ]
    ours, bare = (statistics.median(each) for each in zip(*rounds, strict=True))
    print(f"\n{MOST} letters, {alphabet} names: {ours:.2f} s, floor {bare:.2f} s: {ours / bare:.1f} times")
