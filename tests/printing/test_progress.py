"""A progress report: one page, whatever stands on it."""

from datetime import date, timedelta

import pypdfium2
import pytest

from backoffice.printing.document import Paper
from backoffice.printing.progress import LONGEST_LIST, Line, Progress, WeekOfPoints, printed
from tests.factories.paper import picture, text_of

MONDAY = date(2026, 9, 7)


def progress(**more: object) -> Progress:
    """A child with points, a week without any and one with nothing but deductions."""
    weeks = [WeekOfPoints(MONDAY + timedelta(weeks=n), given, -n) for n, given in enumerate((12, 0, 0, 7))]
    usual: dict[str, object] = {
        "name": "Wilhelmina Quartermaine",
        "classroom": "4A Science",
        "school": "Maple Street",
        "day": date(2026, 11, 26),
        "points": 57,
        "goal": 60,
        "weeks": weeks,
        "actions": [Line("Helped a friend", "8 times", 16), Line("Shouted out", "once", -4)],
        "awards": [Line("Read aloud", "26 Nov 2026", 2)],
    }
    return Progress(**{**usual, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("paper", Paper)
def test_it_says_what_was_given_and_fits_the_paper(paper: Paper) -> None:
    document = printed(paper, progress())
    said = text_of(document)
    for words in (
        *("Wilhelmina Quartermaine", "4A Science", "57", "+19", "\u22126", "60", "is the goal"),
        *("7 Sep", "28 Sep", "Helped a friend", "8 times", "+16", "\u22124", "Read aloud", "26 Nov 2026"),
    ):
        assert words in said
    page = picture(document).convert("L")
    margin = round(10 * 150 / 25.4)
    inner = page.crop((margin, margin, page.width - margin, page.height - margin))
    page.paste(255, (margin, margin, page.width - margin, page.height - margin))
    assert page.getextrema() == (255, 255)
    assert inner.getextrema() != (255, 255)


def test_long_lists_and_names_stay_on_one_page() -> None:
    many = [Line("Maximiliana " * 6, "1,000 times", 10)] * 40
    document = printed(
        Paper.LETTER, progress(name="Maximiliana " * 12, classroom="Class " * 30, actions=many, awards=many)
    )
    assert len(pypdfium2.PdfDocument(document)) == 1
    assert text_of(document).count(f"and {40 - LONGEST_LIST} more") == 2


def test_what_no_font_has_leaves_a_line_to_write_on() -> None:
    document = printed(Paper.A4, progress(name="李明", actions=[Line("Sang 🎵", "once", 1)], awards=[]))
    said = text_of(document)
    assert "李" not in said
    assert "Sang" in said
    assert "Nothing yet." in said


def test_a_class_without_points_has_a_report_too() -> None:
    none = [WeekOfPoints(MONDAY, 0, 0)]
    said = text_of(printed(Paper.A4, progress(points=0, goal=None, weeks=none, actions=[], awards=[])))
    assert "Nothing in these weeks." in said
    assert "goal" not in said


def test_bold_letters_have_the_ink_of_the_others() -> None:
    """The lines between are light, and the stroke that makes letters bold is not."""
    page = picture(printed(Paper.A4, progress())).convert("L")
    figures = page.crop((round(page.width * 0.85), round(page.height * 0.42), page.width, page.height))
    shades = figures.histogram()
    assert sum(shades[:60]) > sum(shades[:200]) / 2


def test_each_child_has_a_page_and_nothing_of_anothers() -> None:
    document = printed(Paper.A4, *(progress(name=name, points=0) for name in ("Ada", "Zoë")))
    pages = pypdfium2.PdfDocument(document)
    texts = [pages[number].get_textpage().get_text_range() for number in range(len(pages))]
    assert [("Ada" in text, "Zoë" in text) for text in texts] == [(True, False), (False, True)]
