"""Words by which a field would ask for what laws protect most."""

import pytest

from backoffice.fields.words import SENSITIVE, sensitive_in


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SSN", ["ssn"]),
        ("S.S.N.", ["ssn"]),
        ("Last digits of the ssn, please", ["ssn"]),
        ("Diagnosis", ["diagnosis"]),
        ("Diagnóstico médico", ["diagnostico", "medico"]),
        ("Religión o credo", ["religion", "credo"]),
        ("RELIGION", ["religion"]),
        ("Número de Seguro Social", ["seguro social", "numero de seguro social"]),
        ("Driver's license", ["driver license"]),
        ("Drivers licenses", ["driver license"]),
        ("Driver\u2019s S S N", ["ssn"]),
        ("S S N", ["ssn"]),
        ("S-S-N", ["ssn"]),
        ("SSNs", ["ssn"]),
        ("S.S.N.s of parents", ["ssn"]),
        ("Soc. Sec. No.", ["soc sec"]),
        ("Medicaid", ["medicaid"]),
        ("Meds", ["med"]),
        ("Handicap", ["handicap"]),
        ("504", ["504"]),
        ("I.E.P.", ["iep"]),
        ("Gafas y alergias", ["alergia"]),
        ("Ingresos", ["ingresos"]),
        ("Nivel de ingresos", ["ingresos"]),
        ("Nivel de ingreso", ["nivel de ingreso"]),
        ("Ingreso familiar", ["ingreso familiar"]),
        ("INGRESO (MENSUAL)", ["ingreso mensual"]),
        ("Familias de bajos ingresos", ["ingresos"]),
    ],
)
def test_a_word_is_found_in_both_languages_however_it_is_written(text: str, found: list[str]) -> None:
    assert sensitive_in([text]) == found


@pytest.mark.parametrize(
    "text",
    [
        "Bus line",
        "Missnoted",
        "Embraced by all",
        "Racecourse",
        "Sala de la clase",
        "Compassion",
        "Group A or B",
        "Fecha de ingreso",
        "Ingreso al colegio",
        "Año de ingreso",
        "Para saber cuándo ingresó",
    ],
)
def test_a_part_of_a_word_is_none(text: str) -> None:
    assert sensitive_in([text]) == []


def test_each_of_several_texts_is_looked_at() -> None:
    assert sensitive_in(["Lunch", "What they eat", "none", "Because of an allergy"]) == ["allergy"]


def test_the_list_is_as_words_are_compared() -> None:
    phrases = [each.strip() for line in SENSITIVE.strip().splitlines() for each in line.split("|")]
    assert all(each in sensitive_in([each]) for each in phrases)
