"""What classes are called a year later."""

import pytest

from backoffice.schools.year_names import raised


@pytest.mark.parametrize(
    ("name", "next_year"),
    [
        ("3B 2025/26", "4B 2026/27"),
        ("5B Science", "6B Science"),
        ("10-A", "11-A"),
        ("3", "4"),
        ("Grade 2 Owls", "Grade 3 Owls"),
        ("Year 9C", "Year 10C"),
        ("Klasse 7a", "Klasse 8a"),
        ("3rd grade, Ms Rivera", "4th grade, Ms Rivera"),
        ("1st Grade 2025-2026", "2nd Grade 2026-2027"),
        ("12th grade", "13th grade"),
        ("Maths 2026", "Maths 2027"),
        ("2099/00", "2100/01"),
        ("Art 2025 – 26", "Art 2026 – 27"),
    ],
)
def test_the_year_and_the_grade_are_raised(name: str, next_year: str) -> None:
    assert raised(name) == next_year


@pytest.mark.parametrize(
    "name",
    ["Ms Rivera, period 2", "Room 104", "Owls", "13 Cats", "3000 leagues", "2025/30 plan", "Top 40", "0B"],
)
def test_other_numbers_stay(name: str) -> None:
    # A span of years that is no school year is not half raised.
    assert raised(name) == name
