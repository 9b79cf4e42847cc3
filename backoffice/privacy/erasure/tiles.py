"""The tile of deletions that are not over: those that wait for a word, are under way, or are held."""

from collections import Counter

from sqlalchemy import or_, select

from backoffice.access.permissions import CONSOLE_ENTER
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy
from backoffice.privacy.erasure.models import UNDER_WAY, Erasure, Stage
from backoffice.tiles import MOST_COUNTED, Number, Tile

# What somebody else has not confirmed yet is nobody's to wait for.
OWN = (Stage.LOOKING, Stage.PREVIEWED)


def _not_over(tx: Transaction) -> Number | None:
    """How many of the own, and of those where one leads."""
    mine = Erasure.asked_by == tx.principal.account_id
    not_over = or_(Erasure.stage.in_(UNDER_WAY), Erasure.stage.in_(OWN) & mine)
    stages = visible(tx.principal, select(Erasure.stage).where(not_over)).limit(MOST_COUNTED)
    found = Counter(map(Stage, tx.scalars(stages)))
    waiting, held = found[Stage.PREVIEWED], found[Stage.HELD]
    working = found.total() - waiting - held
    parts = (
        gettext("%(count)s to confirm", count=amount(waiting)) if waiting else "",
        gettext("%(count)s under way", count=amount(working)) if working else "",
        gettext("%(count)s held", count=amount(held)) if held else "",
    )
    note = ", ".join(filter(None, parts))
    if not note:
        return None
    return Number(found.total(), note, "warn" if waiting else "", more=found.total() >= MOST_COUNTED)


TILES: tuple[Tile, ...] = (
    Tile("deletions", lazy("Deletions"), CONSOLE_ENTER, _not_over, "/console/erasures/"),
)
