"""A report is kept in English and said in the language of whoever reads it."""

from typing import Any

import pytest

from backoffice.language.spoken import speaking
from backoffice.language.texts import lazy
from plugins.rosters import said
from plugins.rosters.importing import stage
from plugins.rosters.importing.alone import queries as alone
from plugins.rosters.importing.checking import sayings
from plugins.rosters.importing.outcome import LEFT_ALONE, NOT_TAKEN, Outcome
from plugins.rosters.reading import package, text, values
from plugins.rosters.reading.report import Report


@pytest.mark.parametrize(
    "sentence",
    [
        values._LONG.sentence,
        values._NO_IDENTIFIER.sentence,
        text._LONG_LINES[0],
        text.too_empty(12_345)[0],
        package._too_many(package.UPLOADED).sentence,
        stage.CUT_OFF[0],
        sayings._saying(sayings.Question.POINTING_AT_NOTHING, 0).sentence,
    ],
)
def test_a_sentence_with_a_value_is_found_by_its_form(sentence: str) -> None:
    assert [text for text, form in said._FORMS.items() if form.fullmatch(sentence)] != []
    assert said.sentence(sentence) == sentence


def test_whatever_is_counted_has_a_name() -> None:
    assert {*LEFT_ALONE, *NOT_TAKEN, *alone.COUNTED.values()} <= set(said.COUNTED)


@pytest.fixture
def saved_in_spanish() -> dict[str, Any]:
    """A report that is written down while Spanish is spoken."""
    report = Report()
    with speaking("es"):
        report.error("users.csv", lazy("Cancel"), lazy("Sign out"))
        return Outcome(report).public()


def test_a_report_is_kept_in_english(saved_in_spanish: dict[str, Any]) -> None:
    (problem,) = saved_in_spanish["problems"]
    assert (problem["sentence"], problem["remedy"]) == ("Cancel", "Sign out")
    assert type(problem["sentence"]) is str


def test_a_report_is_said_in_the_language_of_its_reader(saved_in_spanish: dict[str, Any]) -> None:
    with speaking("es"):
        (problem,) = said.report(saved_in_spanish)["problems"]
    assert problem["remedy"] == "Cerrar sesión"
