"""Children's names: what may be one, finding, and showing no more than is needed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st

from backoffice.schools import names
from backoffice.schools.names import AVATARS, LONGEST, Named, shown, sort_key
from backoffice.storage import keyring
from backoffice.storage.keyring import Keyring
from backoffice.wording import clean

Pair = tuple[str, str | None]
SCHOOL = 7
ADA = ("Ada", "Lovelace")
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=120)


@pytest.fixture(autouse=True)
def ring(keyring_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "_installed", Keyring.read(keyring_file))


# -- what may be a name


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (ADA, None),
        (("", "Lovelace"), "Write a given name."),
        (("12", None), "Write a name with letters."),
        (("4", "Ever"), None),
        (("x" * LONGEST, None), None),
        (("x" * (LONGEST + 1), None), "Shorten the name to 80 letters."),
        (("Ada", "x" * (LONGEST + 1)), "Shorten the name to 80 letters."),
        (("ada@school.example", None), "This looks like an e-mail address. Write the name only."),
        (("<b>Ada", None), "Leave out < >, which no name has."),
        (("Ada", "{Lovelace}"), "Leave out { }, which no name has."),
        (("=1", "Ada"), "Leave out =, which no name has."),
        (("O'Brien-Smith", "d’Arc (Jo) St. John/Lee"), None),
    ],
)
def test_what_is_no_name_says_why(name: Pair, problem: str | None) -> None:
    assert names.problem_with(*name) == problem


@pytest.mark.parametrize(
    ("text", "name"),
    [("🦄 Luna ⭐️", "Luna"), ("Lu👩🏽‍🏫na", "Luna"), ("\u3164", ""), ("\u2800Ada\u3164", "Ada"), ("1️⃣", "1")],
)
def test_a_name_is_kept_without_pictures(text: str, name: str) -> None:
    assert names.written(text) == name


# -- text as it is kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (" a \t b ", "a b"),
        ("a\u200bb\u202ec\x00d", "abcd"),
        ("e\u0301", "é"),
        ("\ufeff", ""),
        ("\ud800a", "a"),
        ("👩‍🏫", "👩🏫"),
        ("\u3164\u2800\u115f", ""),
        ("a\u3164b", "a b"),
    ],
)
def test_text_is_kept_without_what_cannot_be_seen(text: str, kept: str) -> None:
    assert clean(text) == kept


def test_what_is_clean_stays_as_it_is() -> None:
    once = clean("e\u200b\u0301")
    assert clean(once) == once


# -- what a list shows


def labels(*people: Pair) -> list[str]:
    named = [Named(n, given, family, AVATARS[n]) for n, (given, family) in enumerate(people)]
    found = shown(named)
    return [found[n] for n in range(len(people))]


def test_a_child_is_shown_by_given_name_and_initial() -> None:
    assert labels(ADA, ("Grace", "Hopper"), ("Ada", "Byron")) == ["Ada L.", "Grace H.", "Ada B."]


def test_a_child_of_one_name_is_shown_by_it() -> None:
    assert labels(("Plato", None), ("Plotinus", "")) == ["Plato", "Plotinus"]


@pytest.mark.parametrize(
    ("one", "other", "shown_as"),
    [
        ("Lovelace", "Lind", ["Ada Lo.", "Ada Li."]),
        ("Lovelace", "Lovett", ["Ada Lov.", "Ada Lov."]),
        ("Lovelace", "Lowe", ["Ada Lov.", "Ada Low."]),
        ("Lovelace", "Lovelace", ["Ada Lov.", "Ada Lov."]),
        ("Li", "Lind", ["Ada L.", "Ada Li."]),
        ("Li", "Li", ["Ada L.", "Ada L."]),
        ("Lee", "Lee", ["Ada Le.", "Ada Le."]),
        ("Li", "Lovelace", ["Ada L.", "Ada Lo."]),
        ("de Vries", "de Wit", ["Ada de.", "Ada de."]),
    ],
)
def test_twins_get_more_letters_and_never_the_whole_name(one: str, other: str, shown_as: list[str]) -> None:
    assert labels(("Ada", one), ("Ada", other)) == shown_as


def test_only_twins_get_more_letters() -> None:
    assert labels(ADA, ("Ada", "Lind"), ("Alan", "Turing"))[2] == "Alan T."


FAMILY = st.text(st.characters(categories=["L"]), min_size=2, max_size=12) | st.sampled_from(
    ["Li", "Lee", "Lind", "de Wit", "de Vries", "王小", "Ng", "Nguyen"]
)
CHILD = st.tuples(st.sampled_from(["Ada", "Bo", "王"]), st.none() | FAMILY)


@run(max_examples=200)
@given(st.lists(CHILD, max_size=8))
def test_no_list_shows_a_whole_family_name(people: list[Pair]) -> None:
    for (given_name, family), label in zip(people, labels(*people), strict=True):
        if family is None:
            assert label == given_name
        else:
            part = label.removeprefix(f"{given_name} ").removesuffix(".")
            assert (family.startswith(part), len(part) < len(family), len(part) <= 3) == (True, True, True)


@given(st.lists(st.tuples(ANY_TEXT, st.none() | ANY_TEXT), max_size=5))
def test_no_name_is_an_error(people: list[Pair]) -> None:
    assert len(labels(*people)) == len(people)


def test_there_are_pictures_enough_for_a_class() -> None:
    assert len(set(AVATARS)) == len(AVATARS) == 96


# -- order and search


@pytest.mark.parametrize(
    ("people", "order"),
    [
        ([("Bo", "Zed"), ("Zoe", "Abel")], ["Zoe", "Bo"]),
        ([("Bo", "Abel"), ("Ada", "Abel")], ["Ada", "Bo"]),
        ([("Bo", "Étienne"), ("Ada", "Evans"), ("Cy", "Eaton")], ["Cy", "Bo", "Ada"]),
        ([("Plato", None), ("Bo", "Quine"), ("Ada", "Ockham")], ["Ada", "Plato", "Bo"]),
    ],
)
def test_a_class_is_ordered_by_family_name(people: list[Pair], order: list[str]) -> None:
    assert [given_name for given_name, _ in sorted(people, key=lambda p: sort_key(*p))] == order


def finds(word: str, *name: str | None) -> bool:
    return names.token(word, school_id=SCHOOL) in names.tokens(*name, school_id=SCHOOL)


@pytest.mark.parametrize("word", ["A", "ad", "ADA", "Love", "lovelace", "zoë", "zoe", "ZOE", "Ｌove", "byr"])
def test_the_beginning_of_each_word_finds_a_name(word: str) -> None:
    assert finds(word, "Ada Zoë", "Byron Lovelace") is True


@pytest.mark.parametrize("word", ["da", "lace", "Adam", "x", "ada lovelace"])
def test_anything_else_does_not(word: str) -> None:
    assert finds(word, "Ada", "Lovelace") is False


@pytest.mark.parametrize("word", ["wolfeschlegelsteinhausenbergerdorff", "wolfeschlege", "wolfeschlegXYZ"])
def test_only_the_first_twelve_letters_count(word: str) -> None:
    expected = word != "wolfeschlegXYZ"
    assert finds(word, "Hubert", "Wolfeschlegelsteinhausenbergerdorff") is expected


def test_a_token_is_a_schools_own() -> None:
    assert names.token("ada", school_id=7) != names.token("ada", school_id=8)


def test_a_token_is_keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    before = names.token("ada", school_id=SCHOOL)
    monkeypatch.setattr(keyring, "_installed", Keyring.generate())
    assert names.token("ada", school_id=SCHOOL) != before


def test_tokens_stand_in_no_telling_order() -> None:
    made = names.tokens("Ada", "Lovelace", school_id=SCHOOL)
    assert (made, {len(token) for token in made}) == (sorted(set(made)), {8})


def test_a_missing_name_has_no_tokens() -> None:
    assert names.tokens(None, "", school_id=SCHOOL) == []


def test_a_family_name_of_one_letter_is_not_shown_at_all() -> None:
    people = [Named("a", "小明", "王", "owl"), Named("b", "Jo", "O", "fox")]
    assert shown(people) == {"a": "小明", "b": "Jo"}
