"""The tile of what waits for an answer: what children told, what parents ask, who wants to follow a child."""

from backoffice.access.permissions import GUARDIANS_APPROVE, REQUESTS_ANSWER
from backoffice.access.policy import can
from backoffice.access.transaction import Transaction
from backoffice.families.requests import queries
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy
from backoffice.students.worries import queries as worries
from backoffice.tiles import Number, Tile


def _to_answer(tx: Transaction) -> Number | None:
    told, asked = worries.count_waiting(tx), queries.count_waiting(tx)
    parents = queries.count_parents_waiting(tx) if can(tx.principal, GUARDIANS_APPROVE) else 0
    parts = (
        gettext("%(count)s from children", count=amount(told)) if told else "",
        gettext("%(count)s from parents", count=amount(asked)) if asked else "",
        gettext("%(count)s to confirm", count=amount(parents)) if parents else "",
    )
    note = ", ".join(filter(None, parts))
    return Number(told + asked + parents, note, "warn") if note else None


TILES: tuple[Tile, ...] = (
    Tile("to-answer", lazy("To answer"), REQUESTS_ANSWER, _to_answer, "/console/inbox/"),
)
