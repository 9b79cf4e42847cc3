"""What a class shows for each child."""

import pytest

from backoffice.schools.labels import Seat, in_words, shown
from backoffice.schools.models import NamesShown

SEATS = [
    Seat(1, "Ada", "Lovelace", None, "owl-plum"),
    Seat(2, "Ada", "Lark", None, "boat-rose"),
    Seat(3, "Grace", "Hopper", "Captain", "sun-sky"),
]


@pytest.mark.parametrize(
    ("how", "texts"),
    [
        (NamesShown.NAMES, ["Ada Lo.", "Ada La.", "Captain"]),
        (NamesShown.ALIASES, ["Purple owl", "Pink boat", "Captain"]),
        (NamesShown.AVATARS, ["Purple owl", "Pink boat", "Blue sun"]),
        (NamesShown.USERNAMES, ["Ada Lo.", "Ada La.", "Captain"]),
    ],
)
def test_each_way_shows_its_own(how: NamesShown, texts: list[str]) -> None:
    labels = shown(SEATS, how)
    assert [labels[seat.key].text for seat in SEATS] == texts


def test_a_label_knows_whether_it_only_says_what_the_picture_shows() -> None:
    assert [label.is_picture for _, label in sorted(shown(SEATS, NamesShown.ALIASES).items(), key=str)] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(("avatar", "words"), [("owl", "Owl"), ("", "Picture"), ("star-sand", "Brown star")])
def test_a_picture_has_words(avatar: str, words: str) -> None:
    assert in_words(avatar) == words
