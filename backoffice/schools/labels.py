"""What a class shows for each child: name and initial, an alias, or only what the picture shows."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from backoffice.language.texts import gettext, lazy
from backoffice.schools import names
from backoffice.schools.models import NamesShown
from backoffice.schools.names import Named

# As children say them.
_COLOURS = {
    "sky": lazy("blue"),
    "mint": lazy("green"),
    "coral": lazy("red"),
    "sun": lazy("yellow"),
    "plum": lazy("purple"),
    "sea": lazy("teal"),
    "rose": lazy("pink"),
    "sand": lazy("brown"),
}

_FIGURES = {
    "star": lazy("star"),
    "sun": lazy("sun"),
    "moon": lazy("moon"),
    "cloud": lazy("cloud"),
    "leaf": lazy("leaf"),
    "fish": lazy("fish"),
    "bird": lazy("bird"),
    "cat": lazy("cat"),
    "bear": lazy("bear"),
    "owl": lazy("owl"),
    "flower": lazy("flower"),
    "boat": lazy("boat"),
}


@dataclass(frozen=True)
class Seat:
    """A child in a class, as far as the class's lists need it. What a class does not show may be missing."""

    key: Hashable
    given: str
    family: str | None
    alias: str | None
    avatar: str


@dataclass(frozen=True)
class Label:
    """The text for a child. `is_picture` says that it names nobody, but says what the picture shows."""

    text: str
    is_picture: bool = False


def shown(seats: Sequence[Seat], how: str) -> Mapping[Hashable, Label]:
    """The label of each child of a class that shows them in this way (`NamesShown`).

    A child without an alias, where only those are shown, is its picture and never its name. Where a class
    shows no list, a child that has come in is name and initial.
    """
    pictured = {
        seat.key: Label(in_words(seat.avatar), is_picture=True)
        for seat in seats
        if how == NamesShown.AVATARS or (how == NamesShown.ALIASES and not seat.alias)
    }
    named = names.shown(
        [
            Named(seat.key, seat.alias or seat.given, None if seat.alias else seat.family, seat.avatar)
            for seat in seats
            if seat.key not in pictured
        ]
    )
    return {**{key: Label(text) for key, text in named.items()}, **pictured}


def in_words(avatar: str) -> str:
    """What a picture shows: "Purple owl"."""
    figure, _, colour = avatar.partition("-")
    shape = _FIGURES.get(figure, figure) or gettext("picture")
    tint = _COLOURS.get(colour)
    said = gettext("%(colour)s %(figure)s", colour=tint, figure=shape) if tint else str(shape)
    return said.capitalize()
