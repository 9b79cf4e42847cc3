"""Printed pages: what a camera reads from them, and what they say of themselves."""

import pypdfium2
import pytest

from backoffice.printing.document import FONT, Document, Paper, paper_of, unprintable
from tests.factories.paper import picture, scanned, text_of


@pytest.mark.parametrize(("paper", "inches"), [(Paper.A4, (8.27, 11.69)), (Paper.LETTER, (8.5, 11.0))])
def test_a_camera_reads_the_picture_from_either_paper(paper: Paper, inches: tuple[float, float]) -> None:
    document = Document(title="Poster", paper=paper)
    document.add_page()
    document.qr("https://classroom.example/join/BCDF-GHJK", x=40, y=40, side=30)
    made = document.as_bytes()
    page = picture(made)
    assert scanned(made) == ["https://classroom.example/join/BCDF-GHJK"]
    assert (page.width / 150, page.height / 150) == pytest.approx(inches, abs=0.02)


@pytest.mark.parametrize("name", ["Zoë Łukasz", "Иван", "Ελένη", "محمد", "राम", "สมชาย", "O’Brien-Núñez"])
def test_names_of_many_alphabets_can_be_printed(name: str) -> None:
    assert unprintable(name) == ""


def test_what_no_font_has_is_said() -> None:
    assert unprintable("Li 李明李") == "李明"


@pytest.mark.parametrize("name", ["محمد", "राम", "Ana"])
def test_what_follows_a_name_of_another_alphabet_keeps_its_size(name: str) -> None:
    document = Document(title="Letters", paper=Paper.A4)
    document.add_page()
    for line, size in (("Above", 8), (name, 11), ("Home Hollow School", 11)):
        document.set_font(FONT, size=size)
        document.set_text_color(22, 33, 28)
        document.multi_cell(w=100, h=6, text=line, new_x="LMARGIN", new_y="NEXT")
    page = pypdfium2.PdfDocument(document.as_bytes())[0].get_textpage()
    left, _bottom, right, _top = zip(
        *(page.get_charbox(index) for index in range(page.count_chars())), strict=True
    )
    # In points: as wide as without the name.
    assert max(right) - min(left) == pytest.approx(105.8, abs=1.0)


def test_a_long_name_keeps_to_its_width() -> None:
    document = Document(title="Cards", paper=Paper.A4)
    document.add_page()
    document.text_within("Maximiliana " * 12, x=20, y=20, width=50, size=16)
    page = picture(document.as_bytes()).convert("L")
    millimetre = 150 / 25.4
    right = page.crop((round(70.5 * millimetre), 0, page.width, page.height))
    assert right.getextrema() == (255, 255)
    assert page.getextrema() != (255, 255)
    assert text_of(document.as_bytes()).rstrip().endswith("…")


def test_a_document_says_nothing_of_who_made_it() -> None:
    document = Document(title="Cards", paper=Paper.A4)
    document.add_page()
    said = pypdfium2.PdfDocument(document.as_bytes()).get_metadata_dict()
    assert said["Title"] == "Cards"
    assert not said["Author"]


@pytest.mark.parametrize(("country", "paper"), [("US", Paper.LETTER), ("gb", Paper.A4), ("DE", Paper.A4)])
def test_the_paper_is_the_countrys(country: str, paper: Paper) -> None:
    assert paper_of(country) is paper
