"""Changing the locks of a class: its code, and with it what opens the class without the code."""

from dataclasses import dataclass

from backoffice.access.lookup import find
from backoffice.access.permissions import CARDS_ISSUE, CLASSROOMS_EDIT
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.schools.models import Classroom
from backoffice.schools.services import codes
from backoffice.students import tablets as class_tablets
from backoffice.students.cards import services as class_cards


@dataclass(frozen=True)
class Renewed:
    """How many cards and tablets stopped with the old code."""

    cards: int
    tablets: int


def renew_ways_in(
    *, principal: Principal, classroom: str, sign_out: bool, cards: bool, tablets: bool
) -> Renewed:
    """Replace the class's standing code and, as chosen, void its cards and its tablets with it.

    With `sign_out`, children who came in with the old code are signed out; those of a voided card or
    tablet are in any case. Raises `NotFound`.
    """
    with transaction(principal) as tx:
        row = find(tx, Classroom, classroom, permission=CLASSROOMS_EDIT, lock=True)
        codes.renew(tx, row, sign_out=sign_out)
        voided_cards = 0
        if cards:
            room = find(tx, Classroom, classroom, permission=CARDS_ISSUE)
            voided_cards = class_cards.void_within(tx, room)
        return Renewed(voided_cards, class_tablets.void_within(tx, row) if tablets else 0)
