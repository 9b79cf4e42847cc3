"""What the scope of an incident follows from, in words."""

from collections.abc import Mapping
from typing import Any

from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy
from plugins.notifications.scope.models import Extent, SourceKind

KINDS: Mapping[SourceKind, str] = {
    SourceKind.ACCOUNT: lazy("A misused account"),
    SourceKind.SESSION: lazy("A session of an account"),
    SourceKind.EXPORT: lazy("An export"),
    SourceKind.PLACE: lazy("A school or class"),
}
EXTENTS: Mapping[Extent, str] = {
    Extent.ACCOUNT: lazy("Everybody whom the account reached"),
    Extent.ROOMS: lazy("Everybody in the classes of the account"),
    Extent.OWN: lazy("Everybody in the classes of the account's own school"),
    Extent.DISTRICT: lazy("Everybody of a district"),
    Extent.SCHOOL: lazy("Everybody of a school"),
    Extent.CLASSROOM: lazy("Everybody of a class"),
    Extent.STUDENT: lazy("One child, with its parents"),
    Extent.FAMILY: lazy("One child, with one parent"),
}
SAYS: Mapping[SourceKind, str] = {
    SourceKind.ACCOUNT: lazy(
        "Whom the account reached in that time: students who were in its classes or at its school, their"
        " parents and its colleagues. Who teaches which class counts as of now."
    ),
    SourceKind.SESSION: lazy(
        "What a session saw is not kept, so this is its account in the time of the session. Account and times"
        " are taken from it."
    ),
    SourceKind.EXPORT: lazy(
        "Who was at the school or in the class when the file was made, and the parents of these"
        " children then."
    ),
    SourceKind.PLACE: lazy(
        "Everybody who was there at any moment of that time: for a stolen laptop or a copied list. Who"
        " teaches there counts as of now."
    ),
}
COMPUTED = lazy("It is computed. What changed stands in the timeline.")


def said(source: Any) -> dict[str, str]:
    """A source in a line of the timeline: its number and what it is, and nobody's name."""
    what = gettext(
        "%(kind)s (%(whose)s)",
        kind=KINDS[SourceKind(source.kind)],
        whose=EXTENTS[Extent(source.extent)],
    )
    return {"number": amount(source.number), "what": what}
