"""The poster: what a camera reads from it, and that it names nobody."""

import pytest
import zxingcpp

from backoffice.printing.document import Paper
from backoffice.problems import Rejected
from backoffice.schools.poster import poster
from tests.factories.paper import picture, text_of

BASE = "https://classroom.example"


@pytest.mark.parametrize("paper", Paper)
def test_a_camera_reads_the_code_and_so_do_people(paper: Paper) -> None:
    made = poster(code="BCDFGHJK", base_url=BASE, paper=paper)
    assert [read.text for read in zxingcpp.read_barcodes(picture(made))] == [f"{BASE}/join/BCDF-GHJK"]
    said = text_of(made)
    assert ("BCDF-GHJK" in said, "classroom.example/join" in said) == (True, True)


def test_it_names_the_class_where_that_is_asked_for() -> None:
    assert "Ms Rivera" in text_of(poster(code="BCDFGHJK", base_url=BASE, paper=Paper.A4, name="Ms Rivera"))


def test_a_name_that_cannot_be_printed_is_said() -> None:
    with pytest.raises(Rejected) as raised:
        poster(code="BCDFGHJK", base_url=BASE, paper=Paper.A4, name="4A 李明")
    assert raised.value.fields == {
        "named": "These letters cannot be printed: 李明. Print the poster without the name."
    }
