"""How easily texts are read: the order is right, and the numbers are those of the formulas."""

import pytest

from plugins.notifications.notices import readability

PLAIN = "We closed the gap. You need to do nothing."
HARD = (
    "Notwithstanding the aforementioned remediation, unauthorised individuals may conceivably have obtained"
    " personally identifiable information pertaining to organisational memberships."
)
LLANO = "Ya está bien. No tiene que hacer nada."
DURO = (
    "Independientemente de las mencionadas actuaciones, determinadas personas no autorizadas podrían haber"
    " obtenido informaciones identificativas correspondientes a organizaciones educativas."
)


def test_short_words_and_sentences_are_easier() -> None:
    for easy, hard, language in ((PLAIN, HARD, "en"), (LLANO, DURO, "es")):
        better, worse = readability.score(easy, language), readability.score(hard, language)
        assert better is not None
        assert worse is not None
        assert better >= readability.EASY > readability.PLAIN > worse
        assert readability.in_words(better)[1] == "good"
        assert readability.in_words(worse)[1] == "warn"


def test_the_formulas_are_the_known_ones() -> None:
    # Ten words of fourteen syllables in a sentence, and eight.
    english = "Teachers of the school can open their lists again today."
    assert readability.score(english, "en") == round(206.835 - 1.015 * 10 - 84.6 * 14 / 10)
    spanish = "Los docentes pueden abrir sus listas otra vez."
    assert readability.score(spanish, "es") == round(206.84 - 60 * 14 / 8 - 1.02 * 8)


@pytest.mark.parametrize(
    ("word", "syllables"),
    [("closed", 1), ("wanted", 2), ("made", 1), ("table", 2), ("houses", 2), ("the", 1), ("rhythm", 1)],
)
def test_english_syllables(word: str, syllables: int) -> None:
    assert readability._english(word) == syllables


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("escuela", 3),
        ("país", 2),
        ("guerra", 2),
        ("que", 1),
        ("vergüenza", 3),
        ("leer", 2),
        ("y", 1),
        ("rey", 1),
    ],
)
def test_spanish_syllables(word: str, syllables: int) -> None:
    assert readability._spanish(word) == syllables


def test_nothing_has_no_score() -> None:
    assert readability.score(" 12 – ", "en") is None
