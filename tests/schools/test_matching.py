"""Which written names may be one child's, and with how many each is compared."""

import itertools
import random

import pytest

from backoffice.schools import matching
from backoffice.schools.matching import (
    GIVEN_ONLY,
    INITIAL,
    MIDDLE_NAME,
    MOST_ALIKE,
    OTHER_ORDER,
    OTHER_SPELLING,
    SHORT_FORM,
    SLIP,
    Known,
    Matcher,
    Place,
    Words,
    difference,
    words_of,
)


def apart(one: str, other: str) -> str | None:
    """In what two names differ, each written as "given|family"; said alike whichever comes first."""
    words = [words_of(given, family) for given, _, family in (name.partition("|") for name in (one, other))]
    said = {difference(*each) for each in itertools.permutations(words)}
    assert len(said) == 1
    return said.pop()


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ("Ada|Lovelace", "Ada Augusta|Lovelace", MIDDLE_NAME),
        ("Ada|Lovelace", "Ada|King Lovelace", MIDDLE_NAME),
        ("Maria|Garcia", "Maria Jose|Garcia Lopez", MIDDLE_NAME),
        ("Ada|Lovelace", "Lovelace|Ada", OTHER_ORDER),
        ("Minh|Nguyen Van", "Nguyen|Van Minh", OTHER_ORDER),
        ("Mary Ann|Smith", "Mary|Ann Smith", OTHER_SPELLING),
        ("Anne-Marie|Blanc", "Anne Marie|Blanc", OTHER_SPELLING),
        ("Siobhan|O'Neill", "Siobhan|O\u2019Neill", OTHER_SPELLING),
        ("Søren|Müller", "Soren|Mueller", OTHER_SPELLING),
        ("Łukasz|Nowak", "Lukasz|Nowak", OTHER_SPELLING),
        ("Robert|Brown", "Bob|Brown", SHORT_FORM),
        ("Michael|Stone", "Mike|Stone", SHORT_FORM),
        ("Robert James|Brown", "Bobby|Brown", SHORT_FORM),
        ("Bob|", "Robert|", SHORT_FORM),
        ("Ada|Lovelace", "Ada|L.", INITIAL),
        ("Ada|Lovelace", "A.|Lovelace", INITIAL),
        ("Ada|", "Ada|Lovelace", GIVEN_ONLY),
        ("Katherine|Johnson", "Katherine|Jonson", SLIP),
        ("Grace|Hopper", "Garce|Hopper", SLIP),
        ("Grace|Hopper", "Grace|Hoppar", SLIP),
    ],
)
def test_one_child_written_in_two_ways(one: str, other: str, why: str) -> None:
    assert apart(one, other) == why


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada|Lovelace", "Grace|Lovelace"),
        ("Mia|Brown", "Mila|Brown"),
        ("Ben|Brown", "Ken|Brown"),
        ("Robert|Brown", "Bob|Browne"),
        ("Ada|Lovelace", "A.|L."),
        ("Ada|Lovelace", "B.|Lovelace"),
        ("Ada|", "Grace|Ada"),
        ("Jane|Bob", "Jane|Robert"),
        ("Anton1|Brown", "Anton2|Brown"),
        ("Anna|Brown", "Anna|Green"),
        ("Ada|Lovelace", "|"),
    ],
)
def test_two_children(one: str, other: str) -> None:
    assert apart(one, other) is None


def known(given: str, family: str | None, place: Place = Place.HERE) -> Known:
    return Known(f"{given} {family}", place, given, family, 1)


def test_the_likeliest_come_first_and_only_a_few() -> None:
    matcher = Matcher(known("Ada", f"Lovelac{letter}") for letter in "abcdfgh")
    matcher.add(known("Ada Augusta", "Lovelace", Place.ELSEWHERE))
    found = matcher.alike("Ada", "Lovelace")
    assert [each.why for each in found] == [MIDDLE_NAME, SLIP, SLIP]
    assert len(found) == MOST_ALIKE


def test_a_given_name_alone_is_looked_for_in_the_class_only() -> None:
    matcher = Matcher([known("Ada", "Lovelace", Place.ELSEWHERE), known("Kim", None, Place.ELSEWHERE)])
    assert (matcher.alike("Ada", None), matcher.alike("Kim", "Park")) == ([], [])
    matcher.add(known("Ada", "Byron"))
    assert [each.known.family for each in matcher.alike("Ada", None)] == ["Byron"]


def test_case_and_accents_make_no_other_name() -> None:
    matcher = Matcher([known("José", "Müller")])
    assert len(matcher.same("JOSE", "muller")) == 1
    assert matcher.alike("JOSE", "muller") == []


def test_a_line_is_compared_with_few_of_a_large_school(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(7)
    syllables = ["ka", "li", "mo", "ren", "sa", "tor", "vi", "wen"]
    given = ["".join(chance.choices(syllables, k=2)) for _ in range(200)]
    # As where a few families have a third of a town: each of these words is shared by many.
    family = ["".join(chance.choices(syllables, k=3)) for _ in range(300)] + ["nguyen"] * 60 + ["garcia"] * 40
    school = [known(chance.choice(given), chance.choice(family), Place.ELSEWHERE) for _ in range(5_000)]
    lines = [(chance.choice(given), chance.choice(family)) for _ in range(400)]
    compared: list[object] = []

    def counting(one: Words, other: Words) -> str | None:
        compared.append(one)
        return difference(one, other)

    monkeypatch.setattr(matching, "difference", counting)
    matcher = Matcher(school)
    found = [matcher.alike(*line) for line in lines]
    assert 0 < len(compared) < len(lines) * len(school) / 20
    assert any(found)
